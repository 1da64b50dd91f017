// A large map and a large list made, changed, reopened, scanned and emptied: 10^5 entries every day, a million with
// PERDURE_SOAK=1.
import { join } from 'node:path'
import t from 'tap'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open, Persistent, PersistentList, PersistentMap, type Connection } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'
import { shapeOf } from './check.js'

class Store extends Persistent {
  static type = 'Store'
  map = new PersistentMap<number, number>()
  list = new PersistentList<number>()
}

const ENTRIES = process.env.PERDURE_SOAK ? 1_000_000 : 100_000

t.setTimeout(600_000)
t.test(`a map of ${ENTRIES} entries is made, reopened, scanned and emptied`, async t => {
  t.setTimeout(600_000)
  const path = join(tempDir(t), 'store.db')
  const connect = (): Connection<Store> => open(path, { root: Store, durability: 'os' })
  const sound = (): void => {
    t.equal(
      verifyCollections(systemDisk, path, finding => t.fail(finding.message)),
      0,
    )
  }
  let db = connect()
  db.root.map.bulkLoad(Array.from({ length: ENTRIES / 2 }, (_, i) => [2 * i, i]))
  db.commit()
  for (let i = 0; i < ENTRIES / 2; i++) {
    // Odd keys, in no order: the step has no factor in common with how many there are.
    db.root.map.set(2 * ((i * 7919) % (ENTRIES / 2)) + 1, i)
    if (i % 5000 === 4999) db.commit()
  }
  db.commit()
  t.equal(db.root.map.size, ENTRIES)
  sound()
  db.close()

  db = connect()
  t.ok(shapeOf(db.root.map as never).height >= 2)
  let expected = 0
  for (const [key] of db.root.map) if (key === expected) expected++
  t.equal(expected, ENTRIES)
  t.equal(db.root.map.count({ gte: 1000, lt: 2000 }), 1000)
  for (let key = 0; key < ENTRIES; key += 20_000) {
    t.equal(db.root.map.deleteRange({ gte: key, lt: key + 19_000 }), 19_000)
    db.commit()
  }
  t.equal(db.root.map.size, ENTRIES / 20)
  sound()
  t.ok(shapeOf(db.root.map as never).nodes < ENTRIES / 20 / 24, 'leaves have been joined')
  db.transact(({ map }) => map.clear())
  t.same(shapeOf(db.root.map as never), { height: 0, nodes: 0 })
  await db.pack()
  sound()
  db.close()
  t.equal(connect().root.map.size, 0)
})

t.test(`a list of ${ENTRIES} items is made, changed in the middle, reopened, scanned and emptied`, async t => {
  t.setTimeout(600_000)
  const path = join(tempDir(t), 'store.db')
  const connect = (): Connection<Store> => open(path, { root: Store, durability: 'os' })
  const sound = (): void => {
    t.equal(
      verifyCollections(systemDisk, path, finding => t.fail(finding.message)),
      0,
    )
  }
  const scan = (expected: (at: number) => number): void => {
    let at = 0
    for (const item of db.root.list) {
      if (item !== expected(at)) t.fail(`item ${at} is ${item}, not ${expected(at)}`)
      at++
    }
    t.equal(at, db.root.list.length)
  }
  let db = connect()
  const half = ENTRIES / 2
  db.root.list.bulkLoad(Array.from({ length: half }, (_, i) => 2 * i))
  db.commit()
  // Each odd number into its place, from several beginnings at once: so the places are far from each other.
  const parts = 50
  const part = half / parts
  for (let n = 0; n < part; n++) {
    // In parts before this one there are n + 1 odd numbers more already, in those behind it n.
    for (let p = 0; p < parts; p++) db.root.list.insert(2 * n + 1 + p * (part + n + 1), 2 * (p * part + n) + 1)
    if (n % 100 === 99) db.commit()
  }
  db.commit()
  t.equal(db.root.list.length, ENTRIES)
  sound()
  db.close()

  db = connect()
  t.ok(shapeOf(db.root.list as never).height >= 2)
  scan(at => at)
  t.equal(db.root.list.indexOf(ENTRIES - 3), ENTRIES - 3)
  const model = Array.from({ length: ENTRIES }, (_, i) => i)
  for (let n = 0; model.length > ENTRIES / 20; n++) {
    const at = (n * 7919) % model.length
    const count = Math.min(19_000, model.length - ENTRIES / 20)
    t.same(db.root.list.splice(at, count).length, model.splice(at, count).length)
    db.commit()
  }
  scan(at => model[at] ?? NaN)
  sound()
  const { length } = model
  t.ok(shapeOf(db.root.list as never).nodes < length / 24, 'leaves have been joined')
  for (let i = 0; i < 2000; i++) {
    db.root.list.push(-1)
    db.root.list.unshift(-1)
    if (i % 50 === 0) db.commit()
  }
  while (db.root.list.length > length) {
    if (db.root.list.pop() !== -1 || db.root.list.shift() !== -1) t.fail('the ends are what was put there')
  }
  db.commit()
  sound()
  db.transact(({ list }) => list.clear())
  t.same(shapeOf(db.root.list as never), { height: 0, nodes: 0 })
  await db.pack()
  sound()
  db.close()
  t.equal(connect().root.list.length, 0)
})
