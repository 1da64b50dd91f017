// Counting a range goes leaf by leaf: it must give as many as going from entry to entry does, whatever is pending, and depend on the same.
import assert from 'node:assert/strict'
import t from 'tap'
import type { Connection, Key, KeyRange, PersistentMap, PersistentSet } from '../../lib/index.js'
import { Cursor } from '../../lib/collection/tree/tree.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { shapeOf } from './check.js'
import { keysInOrder, LONG, randomKey } from './keys.js'
import { meet } from './meet.js'
import { shelf, thing, type Shelf } from './store.js'

type Keyed = PersistentMap<Key, unknown> | PersistentSet<Key>
type Pool = (random: Random, root: Shelf) => Key

const POOLS: Readonly<Record<string, Pool>> = {
  numbers: random => random.int(4000) / 2,
  strings: random => random.int(3000).toString(7),
  'long strings': random => random.int(3000).toString(7).padEnd(400, '.'),
  'very long strings': random => (random.chance(0.5) ? LONG : '') + random.int(40).toString(7),
  'keys of all kinds': random => (random.chance(0.5) ? random.pick(keysInOrder()) : randomKey(random)),
  tuples: random => [random.pick(['a', 'b', 'c']), random.int(10), new Date(random.int(60))],
  objects: (random, { things }) => random.pick(things),
}
const KINDS = ['map', 'set'] as const

function put(to: Keyed, key: Key, value: unknown): void {
  if ('add' in to) to.add(key)
  else to.set(key, value)
}

/** What a bound may be: a key, or the first elements of one. */
function boundIn(random: Random, key: Key): Key {
  return Array.isArray(key) && random.chance(0.4) ? key.slice(0, random.int(key.length + 1)) : key
}

function rangeIn(random: Random, root: Shelf, pool: Pool): KeyRange {
  const range: Partial<Record<keyof KeyRange, Key>> = {}
  const bound = (): Key => boundIn(random, pool(random, root))
  if (random.chance(0.5)) range[random.pick(['gt', 'gte'] as const)] = bound()
  if (random.chance(0.5)) range[random.pick(['lt', 'lte'] as const)] = bound()
  if (random.chance(0.1)) range[random.pick(['gte', 'lt'] as const)] = bound()
  if (random.chance(0.2)) {
    const start = pool(random, root)
    if (Array.isArray(start)) range.prefix = boundIn(random, start)
    else if (typeof start === 'string') range.prefix = start.slice(0, random.int(3))
    else if (start instanceof Uint8Array) range.prefix = start.subarray(0, random.int(2))
  }
  return range as KeyRange
}

function check(random: Random, root: Shelf, pool: Pool): void {
  for (const kind of KINDS) {
    const keyed: Keyed = root[kind]
    for (let n = 0; n < 12; n++) {
      const range = rangeIn(random, root, pool)
      // First: what has been gone through is known to have gaps.
      const counted = keyed.count(range)
      assert.equal(counted, [...keyed.keys(range)].length, kind)
      assert.equal(counted, [...keyed.keys({ ...range, reverse: true })].length, kind)
      assert.equal(keyed.count(range), counted, kind)
    }
    assert.equal(keyed.count({}), keyed.size)
  }
}

function step(random: Random, root: Shelf, pool: Pool): void {
  const keyed: Keyed = root[random.pick(KINDS)]
  switch (random.int(20)) {
    case 0:
      return void keyed.deleteRange(rangeIn(random, root, pool))
    case 1:
      return random.chance(0.1) ? keyed.clear() : undefined
    case 2:
      return void [...root.map.values({ limit: 5 })] // plain data is handed out
    case 3:
      if (!random.chance(0.2)) return
      root.things.push(thing('new'))
      return put(keyed, root.things.at(-1) as Key, 1)
    default: {
      const key = pool(random, root)
      if (random.chance(0.5)) keyed.delete(key)
      else put(keyed, key, random.pick([1, { n: 1 }, 'stands apart '.repeat(9)]))
    }
  }
}

function fill({ root }: Connection<Shelf>, random: Random, pool: Pool, many: number): void {
  root.things.push(...Array.from({ length: 300 }, (_, n) => thing(`thing ${n}`)))
  for (let n = 0; n < many; n++) for (const kind of KINDS) put(root[kind], pool(random, root), { n })
}

for (const [name, pool] of Object.entries(POOLS))
  for (const many of [0, 30, 4000])
    t.test(`of ${many} ${name}, as many are counted in a range as are met there`, t => {
      const random = seeded(t)
      const { db, rival } = shelf(t)
      fill(db, random, pool, many)
      check(random, db.root, pool) // where nothing is stored
      db.commit()
      if (many === 4000 && name === 'long strings') t.ok(shapeOf(db.root.map as never).height > 1, 'of several levels')
      for (let round = 0; round < 12; round++) {
        check(random, db.root, pool)
        const work = (root: Shelf): void => {
          for (let n = random.pick([1, 10, 100]); n > 0; n--) step(random, root, pool)
          check(random, root, pool)
        }
        const end = random.int(4)
        if (end === 0) db.transact(work)
        else if (end === 1) meet({ db, rival }, work, root => step(random, root, pool))
        else {
          work(db.root)
          if (end === 2) db.commit()
          else db.abort()
        }
        rival.refresh()
        check(random, rival.root, pool)
      }
      t.pass('the same')
      t.end()
    })

for (const name of ['numbers', 'strings', 'keys of all kinds', 'tuples'])
  t.test(`who counts ${name} depends on what those depend on who go through them`, t => {
    const random = seeded(t)
    const both = shelf(t)
    const pool = POOLS[name] as Pool
    fill(both.db, random, pool, 1000)
    both.db.commit()
    const met = { conflicts: 0, merges: 0 }
    for (let round = 0; round < 100; round++) {
      const range = rangeIn(random, both.db.root, pool)
      const kind = random.pick(KINDS)
      const key = pool(random, both.db.root)
      const toggle = (root: Shelf): void => {
        if (!root[kind].delete(key)) put(root[kind], key, round)
      }
      const counting = meet(both, root => root[kind].count(range), toggle)
      const going = meet(both, root => [...root[kind].keys(range)], toggle)
      assert.deepEqual(counting, going)
      met[going ? 'conflicts' : 'merges']++
    }
    t.ok(met.conflicts > 5 && met.merges > 5, JSON.stringify(met))
    t.end()
  })

t.test('what is counted is not gone through', t => {
  const { db } = shelf(t)
  db.root.set.bulkLoad(Array.from({ length: 20_000 }, (_, n) => n))
  db.commit()
  const { set } = db.root
  let asked = 0
  const original = Object.getOwnPropertyDescriptor(Cursor.prototype, 'key')
  Object.defineProperty(Cursor.prototype, 'key', {
    get(this: Cursor) {
      asked++
      return original?.get?.call(this) as unknown
    },
    configurable: true,
  })
  t.teardown(() => Object.defineProperty(Cursor.prototype, 'key', original as PropertyDescriptor))
  t.equal(set.count({ gt: 5, lte: 15_000 }), 14_995)
  t.equal(asked, 0)
  t.end()
})
