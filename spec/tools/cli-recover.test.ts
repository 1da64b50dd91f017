import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { oidOf, open, Persistent, PersistentMap } from '../../lib/index.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { tempDir } from '../helpers/temp-dir.js'
import { damage, perdure, start } from './cli-tool.js'

class Thing extends Persistent {
  static type = 'Thing'
  text = ''
}
class Root extends Persistent {
  static type = 'Root'
  things = new PersistentMap<string, Thing>()
}

/** Ten commits, each of one thing. */
function makeStore(dir: string): string {
  const path = join(dir, 'app.db')
  const db = open(path, { root: Root, classes: [Thing] })
  for (let n = 0; n < 10; n++) {
    db.transact(root => {
      const thing = new Thing()
      thing.text = `the text of thing ${n}`
      root.things.set(`thing ${n}`, thing)
    })
  }
  db.close()
  return path
}

t.test('an undamaged store is saved whole, with exit code 0', async t => {
  const dir = tempDir(t)
  const path = makeStore(dir)
  const run = await perdure('recover', path, '-o', join(dir, 'new.db'))
  t.match(run, { code: 0, stderr: '', stdout: /12 objects saved in .*new\.db, up to commit 11/ })
})

t.test('a damaged one is saved as far as it is sound, with exit code 4 and a report', async t => {
  const dir = tempDir(t)
  const path = makeStore(dir)
  const bytes = readFileSync(path)
  bytes.write('XXXX', bytes.indexOf('the text of thing 5'))
  writeFileSync(path, bytes)
  const target = join(dir, 'new.db')
  t.match(await perdure('inspect', path), { code: 1, stderr: /perdure verify/ })
  const run = await perdure('recover', path, '-o', target)
  t.match(run, { code: 4, stderr: '' })
  t.match(run.stdout, /missing: commit 7\n/)
  t.match(run.stdout, /lost: 1 object that others refer to/)
  t.ok(readFileSync(path).equals(bytes), 'the damaged file is not touched')
  const db = open(target, { root: Root, classes: [Thing] })
  t.equal(db.root.things.get('thing 4')?.text, 'the text of thing 4')
  t.throws(() => db.root.things.get('thing 5')?.text, { code: 'GONE' })
  t.equal(db.root.things.size, 10)
  db.transact(root => root.things.delete('thing 5'))
  await db.pack()
  t.equal(db.root.things.get('thing 9')?.text, 'the text of thing 9')
  db.close()
  t.match(await perdure('verify', target), { code: 0 })
  const json = await perdure('recover', path, '-o', `${target}2`, '--json')
  t.match(JSON.parse(json.stdout), { saved: 11, lost: [Number], missingCommits: [{ from: 7, to: 7 }], rootLost: false })
})

t.test('a damaged header that the rest proves costs nothing, and is told', async t => {
  const dir = tempDir(t)
  const path = makeStore(dir)
  const bytes = readFileSync(path)
  const offset = bytes.lastIndexOf('PFRM', bytes.indexOf('the text of thing 5'))
  damage(path, offset + 20)
  const target = join(dir, 'new.db')
  t.match(await perdure('verify', path), { code: 1 })
  const run = await perdure('recover', path, '-o', target)
  t.match(run, { code: 0, stderr: '' })
  t.match(
    run.stdout,
    new RegExp(`12 objects saved in .*new\\.db, up to commit 11\nput right: the header of .* at offset ${offset},`),
  )
  const json = await perdure('recover', path, '-o', `${target}2`, '--json')
  t.match(JSON.parse(json.stdout), { saved: 12, rebuilt: [{ offset, bytes: Number }], skipped: [], missingCommits: [] })
  t.match(await perdure('verify', target), { code: 0 })
})

t.test('collections whose parts are from different commits are named, and can be put right', async t => {
  const dir = tempDir(t)
  const [path, target, text] = [join(dir, 'app.db'), join(dir, 'new.db'), join(dir, 'dump')]
  const openNumbers = (path: string) => open(path, { root: { map: new PersistentMap<number, number>() } })
  const db = openNumbers(path)
  db.transact(({ map }) => {
    for (let n = 0; n < 400; n++) map.set(n * 10, n)
  })
  db.transact(({ map }) => void map.set(5, -1).set(3995, -2))
  const map = oidOf(db.root.map) as Oid
  db.close()
  // The newest version of what says how many there are.
  const store = Store.open(systemDisk, path, { readonly: true })
  const at = store.latest().generation.newest(map)
  store.close()
  damage(path, at + 8)
  const run = await perdure('recover', path, '-o', target)
  t.match(run, { code: 4, stderr: '' })
  t.match(
    run.stdout,
    /damaged: PersistentMap \d+: the size says 400, and there are 402 entries\n.* a new one in its place/,
  )
  t.match(JSON.parse((await perdure('recover', path, '-o', `${target}2`, '--json')).stdout), {
    lost: [],
    damaged: [`PersistentMap ${map}: the size says 400, and there are 402 entries`],
  })
  const saved = openNumbers(target)
  saved.transact(root => (root.map = new PersistentMap(root.map.entries({ plain: true }))))
  t.equal(saved.root.map.size, 402)
  await saved.pack()
  saved.close()
  t.match(await perdure('verify', target), { code: 0 })
  t.match(await perdure('dump', target, '-o', text), { code: 0 })
  t.match(await perdure('load', text, '-o', `${target}3`), { code: 0 })
})

t.test('it never overwrites, and needs a name to write to', async t => {
  const dir = tempDir(t)
  const path = makeStore(dir)
  t.match(await perdure('recover', path, '-o', path), { code: 3, stderr: /exists/ })
  t.match(await perdure('recover', path), { code: 2 })
  const foreign = join(dir, 'foreign')
  writeFileSync(foreign, 'no store at all')
  t.match(await perdure('recover', foreign, '-o', join(dir, 'x.db')), { code: 1, stderr: /belongs to a store/ })
  t.match(await perdure('recover', join(dir, 'missing'), '-o', join(dir, 'x.db')), { code: 1 })
  t.notOk(existsSync(join(dir, 'x.db')))
})

/** Behind the link by which the new file has its name, nothing can be read. */
const NO_READS = `
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  const { linkSync } = fs
  fs.linkSync = (...args) => {
    linkSync(...args)
    fs.readSync = () => { throw Object.assign(new Error('EIO'), { code: 'EIO', errno: -5, syscall: 'read' }) }
    syncBuiltinESMExports()
  }
  syncBuiltinESMExports()
`

t.test('where collections cannot be checked, that is told, and the new file is there', async t => {
  const dir = tempDir(t)
  const target = join(dir, 'new.db')
  const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(NO_READS)}`]
  const run = await start(['recover', makeStore(dir), '-o', target], { nodeArgs }).ended
  t.match(run, { code: 3, stderr: /what was sound is in .*new\.db, and its collections have not been checked/ })
  t.match(run.stdout, /12 objects saved/)
  t.match(await perdure('verify', target), { code: 0 })
})
