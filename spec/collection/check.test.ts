// The structural check finds what is wrong with a collection, and nothing else.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import {
  COLLECTION,
  craftTree,
  FAULTY,
  list,
  listApart,
  map,
  mapAllApart,
  mapApart,
  OTHERWISE_FILLED,
  type CraftedTree,
} from '../damage/crafted-tree.js'
import { open, PersistentMap } from '../../lib/index.js'
import { limitMaps } from '../helpers/limited-maps.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

/** A map with so many values that stand in records of their own. */
function storeOf(t: Test, values: number): string {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, { root: { map: new PersistentMap<number, object>() }, durability: 'os' })
  db.transact(({ map }) => {
    for (let n = 0; n < values; n++) map.set(n, { n, text: 'a value '.repeat(10) })
  })
  db.close()
  return path
}

t.test('the check of collections', async t => {
  const path = join(tempDir(t), 'app.db')
  const findings = (tree: CraftedTree): string[] => {
    writeFileSync(path, craftTree(tree))
    const found: string[] = []
    verifyCollections(systemDisk, path, ({ kind, oid, message }) => {
      if (kind === 'collection') t.equal(oid, COLLECTION)
      found.push(message)
    })
    return found
  }
  for (const tree of [list(), map(), mapApart(), mapAllApart(), listApart(), ...OTHERWISE_FILLED])
    t.same(findings(tree), [], 'finds nothing where nothing is wrong')
  for (const [name, [tree, fault]] of Object.entries(FAULTY)) t.match(findings(tree).join('\n'), fault, name)
})

t.test('there may be more parts than a Map takes', async t => {
  const path = storeOf(t, 3000)
  limitMaps(t, 1000)
  t.equal(
    verifyCollections(systemDisk, path, ({ message }) => t.fail(message)),
    0,
  )
})

t.test('what says nothing of a collection is no finding', async t => {
  const path = storeOf(t, 2000)
  let reads = 0
  let failing = Infinity
  const disk = wrapDisk(systemDisk, (name, _n, go) => {
    if (name === 'read' && ++reads >= failing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    return go()
  })
  const check = (): number => verifyCollections(disk, path, ({ message }) => t.fail(message))
  t.equal(check(), 0)
  const all = reads
  t.ok(all > 10, `${all} reads`)
  for (failing = 1; failing <= all; failing += Math.ceil(all / 20)) {
    reads = 0
    t.throws(check, { code: 'DISK', message: /EIO/ }, `the read ${failing} of ${all} fails`)
  }
})
