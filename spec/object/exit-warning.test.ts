import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { open } from '../../lib/index.js'
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

t.test(
  'a process that ends before its transactions are committed, and on disk, says so; one that waited does not',
  async t => {
    const lost = /before transactAsync\(\) has committed what it was given for .*exit\.db: that is lost/
    const unsynced = /before the disk has what transactAsync\(\) has committed to .*exit\.db/
    const add = 'db.transactAsync(root => void root.n++)'
    const fails = 'db.transactAsync(() => { throw new Error() })'
    const programs: readonly [durability: 'fsync' | 'os', work: string, said: RegExp | undefined, added: number][] = [
      ['fsync', `${add}; process.exit()`, lost, 0],
      ['os', `db.connect().transactAsync(root => void root.n++); process.exit()`, lost, 0],
      ['fsync', `${add}; db.abort(); ${add}; process.exit()`, lost, 1],
      ['fsync', `${add}; await null; process.exit()`, unsynced, 1],
      ['os', `${add}; await null; process.exit()`, undefined, 1],
      ['fsync', `${add}; db.flush(); process.exit()`, undefined, 1],
      ['fsync', `${add}; db.close(); process.exit()`, undefined, 1],
      ['fsync', `const own = db.connect(); own.${add.slice(3)}; own.close(); process.exit()`, unsynced, 1],
      ['fsync', `await Promise.allSettled([${add}, ${fails}, ${add}]); process.exit()`, undefined, 2],
      ['fsync', `await ${add}; await ${add}; process.exit()`, undefined, 2],
      ['fsync', add, undefined, 1],
      ['os', `${add}; db.close()`, undefined, 1],
    ]
    for (const [durability, work, said, added] of programs) {
      const path = join(tempDir(t), 'exit.db')
      const program = `import { open } from ${JSON.stringify(lib)}
      const db = open(${JSON.stringify(path)}, { root: { n: 0 }, durability: '${durability}' })
      ${work}`
      const { stderr } = await promisify(execFile)(...plainNode('--input-type=module', '--eval', program))
      if (said) t.match(stderr, said, work)
      else t.equal(stderr, '', work)
      const after = open(path, { root: { n: 0 } })
      t.equal(after.root.n, added, work)
      after.close()
    }
  },
)

t.test('many copies of the package in one process say so by one listener', async t => {
  const program = `const before = process.listenerCount('exit')
    for (let n = 0; n < 12; n++) {
      const { watchPending } = await import(${JSON.stringify(warning)} + '?' + n)
      watchPending({ store: { path: n + '.db', closed: false } }, true)
    }
    console.log(process.listenerCount('exit') - before)`
  const { stdout, stderr } = await promisify(execFile)(...plainNode('--input-type=module', '--eval', program))
  t.equal(stdout, '1\n')
  t.equal(stderr.match(/db that were not committed/g)?.length, 12)
  t.notMatch(stderr, /MaxListeners/)
})
