import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { plainNode } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'

const lib = new URL('../../lib/index.js', import.meta.url).href
const warning = new URL('../../lib/object/exit-warning.js', import.meta.url).href

t.test('a process that ends with changes pending says so, and one that committed does not', async t => {
  const path = join(tempDir(t), 'exit.db')
  for (const end of ['', 'db.commit()', 'db.abort()']) {
    const program = `import { open } from ${JSON.stringify(lib)}
      const db = open(${JSON.stringify(path)})
      db.root.n = 1
      ${end}`
    const { stderr } = await promisify(execFile)(...plainNode('--input-type=module', '--eval', program))
    if (end === '') t.match(stderr, /not committed/)
    else t.equal(stderr, '')
  }
})

t.test('of several connections those are named that have changes left', async t => {
  const folder = tempDir(t)
  for (const [ends, left] of [
    ['', 'abc'],
    ['b.abort()', 'ac'],
    ['a.commit(); c.commit()', 'b'],
    ['c.abort(); b.commit(); a.root.n = 2', 'a'],
    ['b.commit(); b.root.n = 2; a.abort()', 'bc'],
    ['a.abort(); b.abort(); c.abort()', ''],
  ] as const) {
    const program = `import { open } from ${JSON.stringify(lib)}
      const [a, b, c] = ['a', 'b', 'c'].map(name => open(${JSON.stringify(folder)} + '/' + name + '.db'))
      for (const db of [a, b, c]) db.root.n = Math.random()
      ${ends}`
    const { stderr } = await promisify(execFile)(...plainNode('--input-type=module', '--eval', program))
    t.same(Array.from(stderr.matchAll(/([abc])\.db that were not committed/g), ([, name]) => name).sort(), [...left])
  }
})

t.test('many copies of the package in one process say so by one listener', async t => {
  const program = `const before = process.listenerCount('exit')
    for (let n = 0; n < 12; n++) {
      const { watchPending } = await import(${JSON.stringify(warning)} + '?' + n)
      watchPending({ store: { path: n + '.db' } }, true)
    }
    console.log(process.listenerCount('exit') - before)`
  const { stdout, stderr } = await promisify(execFile)(...plainNode('--input-type=module', '--eval', program))
  t.equal(stdout, '1\n')
  t.equal(stderr.match(/db that were not committed/g)?.length, 12)
  t.notMatch(stderr, /MaxListeners/)
})
