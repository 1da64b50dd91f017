// A large map made, changed, reopened, scanned and emptied: 10^5 entries every day, a million with PERDURE_SOAK=1.
import { join } from 'node:path'
import t from 'tap'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open, Persistent, PersistentMap, type Connection } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'
import { shapeOf } from './check.js'

class Store extends Persistent {
  static type = 'Store'
  map = new PersistentMap<number, number>()
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
