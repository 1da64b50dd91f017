// Filling what is empty: the way in that keeps nothing beside the entries, and when it must not be taken.
import { join } from 'node:path'
import t from 'tap'
import { open, PersistentList, PersistentMap, PersistentSet, plain, type Key } from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import { tempDir } from '../helpers/temp-dir.js'
import { faultsOf, shapeOf } from './check.js'
import { shelf } from './store.js'

type Data = Record<string, unknown>

t.test('what the program puts in while it is asked for entries stays', t => {
  const { db } = shelf(t)
  const { map } = db.root
  map.bulkLoad(
    (function* () {
      yield [1, 'one']
      map.set(5, 'mine')
      yield [2, 'two']
    })(),
  )
  t.same([...map], [[1, 'one'], [2, 'two'], [5, 'mine']]) // prettier-ignore
  db.commit()
  t.same([map.size, map.get(5)], [3, 'mine'])
  db.root.map.clear()
  map.bulkLoad(
    (function* () {
      map.set(1, 'mine')
      yield [1, 'one']
      yield [2, 'two']
    })(),
  )
  t.same([...map.values()], ['one', 'two'])
  t.equal(map.get(1), 'one')
  db.commit()
  t.same([map.size, map.get(1)], [2, 'one'])
  t.end()
})

t.test('data that the program holds is moved in, and stays what it is', t => {
  const { db } = shelf(t)
  const map = db.root.map as PersistentMap<number, Data>
  map.set(1, { n: 1 })
  db.commit()
  const held = map.get(1)!
  map.clear()
  map.bulkLoad([
    [5, held],
    [6, { n: 6 }],
  ])
  db.commit()
  held.later = 2
  t.equal(map.get(5), held)
  db.commit()
  t.same(plain([...map]), [[5, { n: 1, later: 2 }], [6, { n: 6 }]]) // prettier-ignore
  t.end()
})

t.test('it goes with an abort, and can be asked and changed before the commit', t => {
  const { db, rival } = shelf(t)
  const map = db.root.map as PersistentMap<number, Data>
  const entries = Array.from({ length: 500 }, (_, n) => [n, { n, text: 'x'.repeat(n % 100) }] as const)
  map.bulkLoad(entries)
  t.equal(map.size, 500)
  db.abort()
  t.same([map.size, [...map]], [0, []])
  map.bulkLoad(entries)
  map.get(3)!.more = 1
  map.set(4, { other: true })
  map.delete(5)
  t.same([map.size, map.first()?.[0], map.last()?.[0], [...map.keys({ gt: 3, lt: 8 })]], [499, 0, 499, [4, 6, 7]])
  db.commit()
  const read = rival.root.map as PersistentMap<number, Data>
  t.same(plain([read.get(3), read.get(4), read.get(5), read.get(6)]), [
    { n: 3, text: 'xxx', more: 1 },
    { other: true },
    undefined,
    { n: 6, text: 'xxxxxx' },
  ])
  t.same(faultsOf(map as never), [])
  t.end()
})

t.test('what was deleted in the same transaction is gone, and what others did is in the way', t => {
  const { db, other } = shelf(t)
  const { map } = db.root
  map.set(1, 'before').set(3, 'before')
  db.commit()
  map.delete(1)
  map.delete(3)
  map.bulkLoad([[1, 'after'], [2, 'after']] as const) // prettier-ignore
  t.same([...map], [[1, 'after'], [2, 'after']]) // prettier-ignore
  other.root.map.set(2, 'theirs')
  other.commit()
  t.throws(() => db.commit(), { code: 'CONFLICT' })
  db.abort()
  t.same([...map.keys()], [1, 2, 3])
  t.end()
})

t.test('leaves are what setting one key after another in order makes, packed full', t => {
  const { db } = shelf(t)
  const { map } = db.root
  const value = (n: number): string => 'v'.repeat(n % 50)
  for (const size of [0, 1, 96, 97, 120, 168, 169, 192, 193, 500, 3000]) {
    map.clear()
    db.commit()
    map.bulkLoad(Array.from({ length: size }, (_, n) => [n, n] as const))
    db.commit()
    t.same(faultsOf(map as never), [], `${size} entries`)
    const leaves = shapeOf(map as never).nodes - 1
    if (size > 200) t.ok(leaves <= Math.ceil(size / 96) + 1, `${leaves} leaves of ${size} entries`)
    // More is likely to follow, so the last leaf has room for it.
    if (size === 120) t.ok(leaves === 2 && firstLeafOf(map) > 70, `${firstLeafOf(map)} in the first`)
  }
  for (const size of [50, 150, 1000]) {
    const list = db.root.list
    list.clear()
    db.commit()
    list.push(...Array.from({ length: size }, (_, n) => value(n)))
    db.commit()
    t.same(
      [...list],
      Array.from({ length: size }, (_, n) => value(n)),
    )
    t.same(faultsOf(list as never), [])
  }
  t.end()
})

/** Entries in the first leaf of a tree of two levels. */
function firstLeafOf(map: PersistentMap<Key, unknown>): number {
  const { stored } = headerOf(map) as unknown as {
    stored: { root: { root: number }; inner(oid: number): { children: number[] }; leaf(oid: number): { size: number } }
  }
  return stored.leaf(stored.inner(stored.root.root).children[0]!).size
}

t.test('a first leaf has nothing before it that separates it', t => {
  const path = join(tempDir(t), 'first.db')
  const root = { map: new PersistentMap<number, number>(), set: new PersistentSet<Key>(), list: new PersistentList() }
  const db = open(path, { root, durability: 'os' })
  db.root.map.bulkLoad(Array.from({ length: 1000 }, (_, n) => [n + 1000, n] as const))
  db.root.set.bulkLoad([...Array.from({ length: 500 }, (_, n) => n), 'x'])
  db.commit()
  db.root.map.set(-1, 0)
  db.root.set.add(-1)
  for (let n = 1000; n < 1200; n++) db.root.map.delete(n)
  db.commit()
  t.same([db.root.map.first(), db.root.set.first()], [[-1, 0], -1])
  t.same([faultsOf(db.root.map as never), faultsOf(db.root.set as never)], [[], []])
  db.close()
  t.end()
})
