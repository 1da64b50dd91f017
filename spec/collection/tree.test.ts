// Maps and sets of many records: that they stay in order while they grow and shrink, and write no more than they must.
import { statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import {
  open,
  PersistentMap,
  PersistentSet,
  plain,
  type Connection,
  type Key,
  type KeyPrefix,
} from '../../lib/index.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { faultsOf, shapeOf } from './check.js'
import { shelf, thing, type Shelf } from './store.js'

const text = (random: Random, most: number): string => 'x'.repeat(random.int(most))
/** A key that takes up to 300 bytes: large values stand apart, and keys make high trees. */
const longKey = (n: number): string => String(n).padStart(4, '0') + '-'.repeat((n * 37) % 300)

t.test('a map grows into a tree and shrinks back into one record, in order all the way', async t => {
  const random = seeded(t)
  const { db, rival } = shelf(t)
  const native = new Map<string, string>()
  let highest = 0
  const compare = (): void => {
    const sorted = [...native].sort(([a], [b]) => (a < b ? -1 : 1))
    t.same(faultsOf(db.root.map as never), [])
    t.same([...db.root.map], sorted)
    rival.refresh()
    t.same([...rival.root.map], sorted)
    t.equal(rival.root.map.size, native.size)
  }
  for (const [rounds, grow] of [
    [40, 0.97],
    [30, 0.8],
    [60, 0.4],
  ] as const) {
    // prettier-ignore
    for (let round = 0; round < rounds; round++) {
      const most = random.pick([10, 1000, 2000])
      for (let i = random.int(200); i > 0; i--) {
        const key = longKey(random.int(4000))
        if (random.chance(grow)) {
          const value = text(random, most)
          db.root.map.set(key, value)
          native.set(key, value)
        } else {
          const near = [...db.root.map.keys({ gte: key, limit: 5 })] as string[]
          for (const one of near) t.equal(db.root.map.delete(one), native.delete(one))
        }
      }
      db.commit()
      highest = Math.max(highest, shapeOf(db.root.map as never).height)
      if (round % 10 === 0) compare()
      else t.same(faultsOf(db.root.map as never), [])
    }
  }
  t.ok(highest >= 2, `a tree of height ${highest}`)
  compare()
  for (const key of [...db.root.map.keys()]) {
    db.root.map.delete(key)
    native.delete(key as string)
    if (!random.chance(0.02)) continue
    db.commit()
    t.same(faultsOf(db.root.map as never), [])
  }
  db.commit()
  compare()
  t.same(shapeOf(db.root.map as never), { height: 0, nodes: 0 })
})

t.test(
  'whatever stretch is deleted at once, no node is left too empty, also where it loses its last neighbour',
  async t => {
    const { db } = shelf(t)
    const set = db.root.set as PersistentSet<string>
    // So long that four of them fill a node, whatever its level.
    const keys = Array.from({ length: 32 }, (_, n) => `${n}`.padStart(2, '0').padEnd(800, '.'))
    for (const key of keys) set.add(key)
    db.commit()
    t.ok(shapeOf(set as never).height >= 2)
    const faults: string[] = []
    for (let from = 0; from < keys.length; from++) {
      for (let to = from + 2; to <= keys.length; to++) {
        const left = keys.filter((_, n) => n < from || n >= to || n === from + ((to - from) >> 1))
        for (const key of keys) if (!left.includes(key)) set.delete(key)
        db.commit()
        for (const fault of faultsOf(set as never)) faults.push(`${from} to ${to}: ${fault}`)
        if (left.join() !== [...set].join()) faults.push(`${from} to ${to}: ${[...set].join()}`)
        for (const key of keys) set.add(key)
        db.commit()
        for (const fault of faultsOf(set as never)) faults.push(`${from} to ${to} back again: ${fault}`)
      }
    }
    t.same(faults.slice(0, 5), [])
  },
)

t.test('keys of very different lengths, many of them at once, leave every node full enough', async t => {
  const random = seeded(t)
  const { db } = shelf(t)
  const set = db.root.set as PersistentSet<string>
  const keys = Array.from({ length: 400 }, (_, n) =>
    `${n}`.padStart(3, '0').padEnd(random.pick([3, 3, 60, 300, 900]), '.'),
  )
  const native = new Set<string>()
  const faults: string[] = []
  let highest = 0
  for (let round = 0; round < 1000; round++) {
    const grows = random.chance(round % 100 < 50 ? 0.8 : 0.2)
    for (let stretches = 1 + random.int(3); stretches > 0; stretches--) {
      const from = random.int(keys.length)
      for (const key of keys.slice(from, from + random.pick([1, 2, 10, 100]))) {
        if (grows) set.add(key)
        else set.delete(key)
        if (grows) native.add(key)
        else native.delete(key)
      }
    }
    db.commit()
    highest = Math.max(highest, shapeOf(set as never).height)
    for (const fault of faultsOf(set as never)) faults.push(`round ${round}: ${fault}`)
  }
  t.same(faults.slice(0, 5), [])
  t.same([...set], [...native].sort())
  t.ok(highest >= 3, `a tree of height ${highest}`)
})

t.test('large parts go out of high trees, and what is left is in order', async t => {
  const random = seeded(t)
  const { db } = shelf(t)
  const ENTRIES = 30_000
  for (let round = 0; round < 6; round++) {
    db.root.map.clear()
    db.root.list.clear()
    db.root.map.bulkLoad(Array.from({ length: ENTRIES }, (_, i) => [i, i]))
    db.root.list.bulkLoad(Array.from({ length: ENTRIES }, (_, i) => i))
    db.commit()
    t.equal(shapeOf(db.root.list as never).height, 2)
    const left = Array.from({ length: ENTRIES }, (_, i) => i)
    // All of one inner node but a little of its first or last leaf.
    const [rest, few] = [round % 2 === 0, 1 + random.int(30)]
    const whole = 96 * 128
    const [begin, end] = rest ? [whole + few, 2 * whole] : [whole, 2 * whole - few]
    left.splice(begin, end - begin)
    t.equal(db.root.map.deleteRange({ gte: begin, lt: end }), end - begin)
    t.equal(db.root.list.splice(begin, end - begin).length, end - begin)
    db.commit()
    t.same([...faultsOf(db.root.map as never), ...faultsOf(db.root.list as never)], [], `without ${begin} to ${end}`)
    for (let n = 0; n < 12 && left.length > 0; n++) {
      for (let ranges = 1 + random.int(3); ranges > 0 && left.length > 0; ranges--) {
        const from = random.int(left.length)
        const gone = left.splice(from, Math.min(random.pick([5, 200, 9000]), left.length - from))
        t.equal(db.root.map.deleteRange({ gte: gone[0]!, lte: gone.at(-1)! }), gone.length)
        t.equal(db.root.list.splice(from, gone.length).length, gone.length)
      }
      db.commit()
      const faults = [...faultsOf(db.root.map as never), ...faultsOf(db.root.list as never)]
      if (faults.length > 0) t.same(faults, [])
    }
    t.same([...db.root.map.keys()], left)
    t.same([...db.root.list], left)
  }
})

t.test('ranges are what a sorted array says they are, with changes pending and without', async t => {
  const random = seeded(t)
  const { db } = shelf(t)
  const keys = (): number[] => [...db.root.set] as number[]
  for (let i = 0; i < 3000; i++) db.root.set.add(random.int(10_000))
  db.commit()
  t.equal(shapeOf(db.root.set as never).height, 1)
  for (let round = 0; round < 200; round++) {
    for (let i = random.int(20); i > 0; i--) {
      const key = random.int(10_000)
      if (random.chance(0.5)) db.root.set.add(key)
      else db.root.set.delete(key)
    }
    const all = keys()
    const [a, b] = [random.int(10_000), random.int(10_000)]
    const [low, high] = [Math.min(a, b), Math.max(a, b)]
    const limit = random.pick([0, 1, 7, Infinity])
    const reverse = random.chance(0.5)
    const open = random.chance(0.5)
    const range = open ? { gt: low, lt: high } : { gte: low, lte: high }
    const inside = all.filter(key => (open ? key > low && key < high : key >= low && key <= high))
    const expected = (reverse ? inside.toReversed() : inside).slice(0, limit)
    t.same([...db.root.set.range({ ...range, reverse, limit })], expected)
    t.equal(db.root.set.count(range), inside.length)
    t.equal(db.root.set.first(), all[0])
    t.equal(db.root.set.last(), all.at(-1))
    if (round % 40 === 39) {
      t.equal(db.root.set.deleteRange(range), inside.length)
      t.same(keys(), all.filter(key => !inside.includes(key))) // prettier-ignore
      db.commit()
      t.same(faultsOf(db.root.set as never), [])
    }
  }
})

t.test('a prefix is one of strings, byte arrays or tuples', async t => {
  const { db } = shelf(t)
  const friend = thing('friend')
  const keys: Key[] = ['a', 'ab', 'ab\uffff', 'ab\uffff\uffff', 'ac', '\uffff', '\uffff\uffff', Uint8Array.of(1), Uint8Array.of(1, 255), Uint8Array.of(2), ['u'], ['u', 1], ['u', 'x', 2], ['u', friend], ['v']] // prettier-ignore
  for (const stored of [false, true]) {
    if (stored) db.commit()
    else for (const key of keys) db.root.set.add(key)
    const having = (prefix: KeyPrefix<Key>): Key[] => [...db.root.set.range({ prefix })]
    t.same(having('ab'), ['ab', 'ab\uffff', 'ab\uffff\uffff'])
    t.same(having('\uffff'), ['\uffff', '\uffff\uffff'])
    t.same(having(Uint8Array.of(1)), [Uint8Array.of(1), Uint8Array.of(1, 255)])
    t.equal(having(['u']).length, 4)
    t.same(having(['u', 'x']), [['u', 'x', 2]])
    t.same([...db.root.set.range({ prefix: 'ab', gt: 'ab', reverse: true, limit: 1 })], ['ab\uffff\uffff'])
  }
  t.throws(() => db.root.set.range({ prefix: 1 as never }), { code: 'VALUE' })
  t.throws(() => db.root.set.range({ limit: -1 }), RangeError)
})

t.test('one insert into many entries appends little, and a bulk load packs the leaves', async t => {
  const { db } = shelf(t)
  const map = db.root.map as PersistentMap<number, string>
  const appended = (change: () => void): number => {
    const before = statSync(db.path).size
    change()
    db.commit()
    return statSync(db.path).size - before
  }
  const all = appended(() => map.bulkLoad(Array.from({ length: 100_000 }, (_, i) => [2 * i, `value ${i}`])))
  t.same(faultsOf(map as never), [])
  t.ok(all < 100_000 * 20, `${all} bytes`)
  const { nodes } = shapeOf(map as never)
  t.ok(nodes < 1070, `${nodes} nodes`)
  for (const key of [1, 100_001, 199_999]) {
    const bytes = appended(() => map.set(key, 'a new one'))
    t.ok(bytes < 5000, `${bytes} bytes for an insert`)
  }
  const bytes = appended(() => map.delete(7_000))
  t.ok(bytes < 3000, `${bytes} bytes for a delete`)
  t.equal(map.size, 100_002)
  t.same(faultsOf(map as never), [])
  t.throws(() => map.bulkLoad([]), { code: 'STATE' })
  t.throws(() => new PersistentSet<number>().bulkLoad([1, 2, 2]), RangeError)
})

t.test('objects that are no keys any more are not kept by the tree', async t => {
  const { db } = shelf(t)
  const things = Array.from({ length: 500 }, (_, i) => thing(`thing ${i}`))
  for (const one of things) db.root.set.add(one)
  db.commit()
  t.equal(shapeOf(db.root.set as never).height, 1)
  for (const one of things.slice(0, 480)) db.root.set.delete(one)
  db.commit()
  t.same(faultsOf(db.root.set as never), [])
  const { dropped } = await db.pack()
  t.ok(dropped >= 480, `${dropped} dropped`)
})

t.test('a large map that was taken out and packed away can be put back', async t => {
  const { db, other } = shelf(t)
  const map = new PersistentMap<Key, unknown>()
  for (let i = 0; i < 1000; i++) map.set(i, { n: i })
  db.root.map.set('large', map)
  db.commit()
  const five = map.get(5) as { n: number }
  db.root.map.delete('large')
  db.commit()
  await db.pack()
  t.equal(map.size, 1000)
  t.equal(map.get(5), five)
  five.n = 50
  map.delete(6)
  db.root.map.set('again', map)
  db.commit()
  t.same(faultsOf(map as never), [])
  other.refresh()
  const found = other.root.map.get('again') as PersistentMap<Key, { n: number }>
  t.equal(found.size, 999)
  t.same([found.get(5), found.get(6), found.get(999)], [{ n: 50 }, undefined, { n: 999 }])
})

t.test('a scan of records that are not loaded gives every entry, each once and in order, either way', async t => {
  const { db } = shelf(t)
  const ENTRIES = 20_000
  const content = Array.from({ length: ENTRIES }, (_, n) => ({ n, text: 'x'.repeat(n % 250) }))
  db.root.map.bulkLoad(content.map((one, i) => [2 * i, one]))
  db.root.set.bulkLoad(content.map((_, i) => `${i}`.padStart(9, '0')))
  db.root.list.bulkLoad(content)
  db.commit()
  const scanned = (what: (root: Shelf) => Iterable<unknown>, expected: (i: number) => unknown): void => {
    const again: Connection<Shelf> = open(db.path, { root: db.root.constructor as never, durability: 'os' })
    let i = 0
    for (const found of what(again.root)) {
      if (!isDeepStrictEqual(plain(found), expected(i))) t.same(plain(found), expected(i), `number ${i}`)
      i++
    }
    t.equal(i, ENTRIES, String(what))
    again.close()
  }
  scanned(({ map }) => map, i => [2 * i, content[i]]) // prettier-ignore
  scanned(({ map }) => map.range({ reverse: true }), i => [2 * (ENTRIES - 1 - i), content.at(-1 - i)]) // prettier-ignore
  scanned(({ map }) => map.values(), i => content[i]) // prettier-ignore
  scanned(({ set }) => set, i => `${i}`.padStart(9, '0')) // prettier-ignore
  scanned(({ list }) => list, i => content[i]) // prettier-ignore
  scanned(({ list }) => list.entries(), i => [i, content[i]]) // prettier-ignore
})
