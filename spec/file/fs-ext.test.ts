import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { open } from '../../lib/index.js'
import { plainNode } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'

const script = fileURLToPath(new URL('./descriptors.child.js', import.meta.url))

/** What the first commit of a process gives that may have so many descriptors, and the next one when it may have them. */
function commits(path: string, left: number): unknown {
  const [command, args] = plainNode(script, path, String(left))
  const shell = ['-c', 'ulimit -S -n 100 && exec "$0" "$@"', command, ...args]
  const { stdout, stderr } = spawnSync('bash', shell, { encoding: 'utf8' })
  if (stdout === '') throw new Error(`the child did not report: ${stderr}`)
  return JSON.parse(stdout) as unknown
}

t.test('a process that is out of descriptors when it needs the add-on is told so, and writes later', async t => {
  const path = join(tempDir(t), 'app.db')
  open(path, { root: { n: 0 } }).close()
  let n = 0
  for (const left of [0, 1]) t.same(commits(path, left), ['COMMIT_FAILED EMFILE', String(++n)], `${left} left`)
  t.same(commits(path, 5), [String(++n), String(++n)])
})

/** What becomes of opening the store, and of a commit, in a process that Node allows less. */
function triedWith(flags: string[], path: string): unknown {
  const { stdout, stderr } = spawnSync(
    ...plainNode(...flags, fileURLToPath(new URL('./allowed.child.js', import.meta.url)), path),
    {
      encoding: 'utf8',
    },
  )
  if (stdout === '') throw new Error(`the child did not report: ${stderr}`)
  return JSON.parse(stdout) as unknown
}

t.test('under the permission model of Node, which refuses every fsync, a store is only read', async t => {
  const path = join(tempDir(t), 'app.db')
  open(path, { root: { n: 7 } }).close()
  const name = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission'
  const all = [name, '--allow-addons', '--allow-fs-read=*', '--allow-fs-write=*']
  for (const flags of [all, [name, '--allow-fs-read=*']]) {
    t.match(triedWith(flags, path), { writing: /^UNSUPPORTED .*refuses fsync.*readonly/, reading: 7 })
  }
  const db = open(path, { root: { n: 0 } })
  t.teardown(() => db.close())
  t.equal(
    db.transact(root => ++root.n),
    8,
    'nobody is kept from committing',
  )
})

t.test('where Node must not load add-ons, that is what the error says', async t => {
  const path = join(tempDir(t), 'app.db')
  open(path, { root: { n: 7 } }).close()
  t.match(triedWith(['--no-addons'], path), { writing: /^UNSUPPORTED .*told not to load.*--no-addons/, reading: 7 })
})

t.test('whatever else keeps the add-on from being loaded is told as it is', async t => {
  const path = join(tempDir(t), 'app.db')
  open(path, { root: { n: 7 } }).close()
  const preload = `${path}.cjs`
  writeFileSync(
    preload,
    `const Module = require('node:module'), load = Module._load
     Module._load = (name, ...rest) => { if (name === 'fs-ext') throw new Error('out of luck'); return load(name, ...rest) }`,
  )
  t.match(triedWith(['--require', preload], path), { writing: /^UNSUPPORTED .*fs-ext.*: out of luck\. /, reading: 7 })
})

t.test(
  'it is found by programs that have no file of their own, and where a global variable names another one',
  async t => {
    const path = join(tempDir(t), 'app.db')
    const library = new URL('../../lib/index.js', import.meta.url).href
    const program = `import(${JSON.stringify(library)}).then(({ open }) => {
    const db = open(${JSON.stringify(path)}, { root: { n: 0 } })
    console.log(db.transact(root => ++root.n))
    db.close()
  })`
    const ways: [what: string, args: string[], input: string][] = [
      ['-e', ['-e', program], ''],
      ['stdin', ['-'], program],
      ['another file', ['-e', `globalThis.__filename = '/no/such/bundle.js'\n${program}`], ''],
      ['no path', ['-e', `globalThis.__filename = 'bundle.js'\n${program}`], ''],
      ['a module', ['--input-type=module', '-e', `globalThis.__filename = '/no/such/bundle.js'\n${program}`], ''],
    ]
    ways.forEach(([what, args, input], n) => {
      const { stdout, stderr } = spawnSync(...plainNode(...args), { encoding: 'utf8', input })
      t.equal(stdout, `${n + 1}\n`, `${what} ${stderr}`)
    })
  },
)
