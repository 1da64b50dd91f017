// What collections take in memory that are there in great numbers.
import { join } from 'node:path'
import t from 'tap'
import { open, PersistentList, PersistentMap, PersistentQueue, PersistentSet } from '../../lib/index.js'
import { RecordCache, type StoredState } from '../../lib/object/record-view.js'
import type { Oid } from '../../lib/store/types.js'
import { collectGarbage, usedHeap } from '../helpers/heap.js'
import { tempDir } from '../helpers/temp-dir.js'

const MANY = 5000
/** Bytes of one that a program holds and has not looked into: it was 2,850 with all that it may need some time. */
const MOST = 1000

for (const [name, make] of [
  ['maps', () => new PersistentMap([['a', 1]])],
  ['sets', () => new PersistentSet(['a'])],
  ['lists', () => new PersistentList([1])],
  ['queues', () => new PersistentQueue([1])],
] as const) {
  t.test(`${name} that nobody has looked into are small`, async t => {
    const path = join(tempDir(t), 'many.db')
    const writer = open(path, { root: { all: [] as unknown[] }, durability: 'os' })
    writer.transact(({ all }) => {
      for (let n = 0; n < MANY; n++) all.push(make())
    })
    writer.close()
    const db = open(path, { root: { all: [] as unknown[] }, durability: 'os' })
    t.ok('all' in db.root)
    const before = await usedHeap()
    const held = [...db.root.all]
    const each = ((await usedHeap()) - before) / MANY
    t.ok(each < MOST, `${Math.round(each)} bytes each`)
    t.equal(held.length, MANY)
    db.close()
  })
}

t.test('what was handed out and let go leaves no keys behind', async t => {
  const path = join(tempDir(t), 'keys.db')
  const options = {
    root: { map: new PersistentMap<string, { n: number }>() },
    durability: 'os',
    cacheBytes: 0,
  } as const
  const writer = open(path, options)
  writer.transact(({ map }) => {
    for (let n = 0; n < MANY; n++) map.set(`${n}`.padEnd(4000, '.'), { n })
  })
  writer.close()
  const db = open(path, options)
  const { map } = db.root
  t.equal(map.size, MANY)
  const before = await usedHeap()
  let sum = 0
  for (const { n } of map.values()) sum += n
  const bytes = (await usedHeap()) - before
  t.ok(bytes < MANY * 1000, `${Math.round(bytes / MANY)} bytes each`)
  t.equal(sum, (MANY * (MANY - 1)) / 2)
  db.close()
})

for (const [count, length] of [
  [500, 12_000],
  [MANY, 4000],
] as const) {
  for (const [title, isWriter] of [
    ['in a collection that is changed', true],
    ['in a collection that others change', false],
  ] as const) {
    t.test(`of ${count} values that were let go ${title} no keys are kept, and held ones stay the same`, async t => {
      const path = join(tempDir(t), 'changed.db')
      const options = {
        root: { map: new PersistentMap<string, { n: number }>() },
        durability: 'os',
        cacheBytes: 0,
      } as const
      const key = (n: number): string => `${n}`.padEnd(length, '.')
      const writer = open(path, options)
      writer.transact(({ map }) => {
        for (let n = 0; n < count; n++) map.set(key(n), { n })
      })
      const db = open(path, options)
      const changer = isWriter ? db : writer
      const change = (): void => {
        changer.transact(({ map }) => map.set('!', { n: -1 }))
        db.refresh()
        db.root.map.get('!')
      }
      const { map } = db.root
      change()
      const before = await usedHeap()
      const held = Array.from(map.values()).filter((_, at) => at % 100 === 99)
      change() // it goes through all that was handed out
      await collectGarbage()
      for (let times = 0; times < 40; times++) change()
      const bytes = (await usedHeap()) - before
      t.ok(bytes < (count * length) / 4, `${Math.round(bytes / count)} bytes each`)
      const found = held.filter(value => map.get(key(value.n)) === value)
      t.equal(found.length, count / 100)
      db.close()
      writer.close()
    })
  }
}

t.test('of records only so many are kept as take the room that there is, however small they are', t => {
  const cache = new RecordCache(100_000)
  const states = Array.from({ length: 10_000 }, (_, oid) => ({ oid: oid as Oid, length: 10 }) as StoredState)
  for (const state of states) cache.put(state)
  const kept = states.filter(({ oid }) => cache.get(oid) !== undefined).length
  t.ok(kept > 300 && kept < 1000, `${kept} records`)
  t.equal(cache.get(9999 as Oid), states[9999], 'the last ones')
  t.end()
})

t.test('a record that is written again and again takes the place of one', t => {
  const cache = new RecordCache(100_000)
  const other = { oid: 1 as Oid, length: 10 } as StoredState
  cache.put(other)
  for (let n = 0; n < 10_000; n++) cache.put({ oid: 2 as Oid, length: 10 } as StoredState)
  t.equal(cache.get(1 as Oid), other)
  t.end()
})
