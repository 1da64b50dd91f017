import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/project-root.js'

const files = ['lib', 'spec', 'examples', 'tools'].flatMap(folder =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !name.includes('node_modules'))
    .map(name => join(folder, name)),
)
const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8')

t.test('whoever silences the linter or the compiler says why', async t => {
  const silence = /eslint-disable|@ts-(expect-error|ignore|nocheck)/
  const reason = /eslint-disable[\w-]*( [@\w/, -]+?)? -- \w{2}|@ts-expect-error:?( --)? \w/
  const bare = files.flatMap(file =>
    read(file)
      .split('\n')
      .flatMap((line, i) =>
        /^\s*(\/\/|\/\*)/.test(line) && silence.test(line) && !reason.test(line) ? [`${file}:${i + 1}`] : [],
      ),
  )
  t.same(bare, [])
})

t.test('the lock file names no registry', async t => {
  t.notMatch(read('package-lock.json'), /"resolved"|https?:\/\/[^"]*\.tgz/)
})
