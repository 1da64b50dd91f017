import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/project-root.js'
import { tempDir } from '../helpers/temp-dir.js'
import { runExample } from './run-example.js'

t.test('the next version makes objects of what was plain data, once, and the first one stops', async t => {
  const folder = tempDir(t)
  t.equal(await runExample(folder, 'schema/version-1', 'book.db', 'ada', 'Dean Street'), '1\n')
  t.equal(await runExample(folder, 'schema/version-1', 'book.db', 'bob', 'Long Lane'), '2\n')
  const people = 'ada Dean Street 1000 en\nbob Long Lane 1000 en\n'
  t.equal(await runExample(folder, 'schema/version-2'), people)
  t.match(await runExample(folder, 'schema/version-1', 'book.db', 'cid', 'Main Road'), /^Error: a newer program/)
  t.equal(await runExample(folder, 'schema/version-2'), people)
})

t.test('README.md shows it as it is', async t => {
  const example = readFileSync(join(projectRoot, 'examples/schema/version-2.ts'), 'utf8')
  const [, shown = ''] = /^```typescript\n(.*?)^```/ms.exec(readFileSync(join(projectRoot, 'README.md'), 'utf8')) ?? []
  t.not(shown, '')
  for (const part of shown.trimEnd().split('\n\n')) t.ok(example.includes(part), part)
})
