// What a transaction went through of a map: that one answer for many questions is that of all of them, and how little is kept
// and compared for it.
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { oidOf, type Connection, type PersistentMap, type RangeOptions } from '../../lib/index.js'
import { compareKeys } from '../../lib/collection/key-order.js'
import type { StoredKey } from '../../lib/collection/key.js'
import { rootOf } from '../../lib/collection/tree/node.js'
import { passSameLeaf, Reads, sameValue } from '../../lib/collection/tree/reads.js'
import { united, type Interval } from '../../lib/collection/tree/interval.js'
import { Cursor, isAbove, isBelow, Tree, type Bound } from '../../lib/collection/tree/tree.js'
import { headerOf } from '../../lib/object/header.js'
import type { RecordView } from '../../lib/object/record-view.js'
import type { Session } from '../../lib/object/session.js'
import type { Oid } from '../../lib/store/types.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { meet } from './meet.js'
import { shelf, thing, type Shelf } from './store.js'

type Numbers = PersistentMap<number, unknown>
const numbers = ({ root }: { root: Shelf }): Numbers => root.map as unknown as Numbers

function bound(random: Random, most: number): Bound | undefined {
  return random.chance(0.1) ? undefined : { key: random.int(most), open: random.chance(0.5) }
}

function interval(random: Random, most: number, width: number): Interval {
  const low = bound(random, most)
  const high = random.chance(0.7) && low ? { key: (low.key as number) + random.int(width), open: random.chance(0.5) } : bound(random, most) // prettier-ignore
  return { low, high, values: random.chance(0.5), empty: random.chance(0.1), settled: false }
}

function holds({ low, high, empty }: Interval, key: StoredKey): boolean {
  return !empty && !isBelow(key, low) && !isAbove(key, high)
}

// ---- intervals ----

t.test('united intervals hold the keys that these held, with values or without, and do not overlap', async t => {
  const random = seeded(t)
  for (let round = 0; round < 3000; round++) {
    const most = random.pick([4, 20, 1000])
    const all = Array.from({ length: random.int(40) }, () => interval(random, most, random.pick([2, 20])))
    const few = united(all)
    for (const values of [true, false]) {
      const [before, now] = [all, few].map(intervals => intervals.filter(one => one.values === values)) as [Interval[], Interval[]] // prettier-ignore
      for (let key = -1; key <= most + 20; key += most > 20 ? random.pick([0.5, 1, 7]) : 0.5) {
        const holding = now.filter(one => holds(one, key)).length
        if (holding !== Number(before.some(one => holds(one, key))))
          t.same(now, before, `${key} is held by ${holding} of these`)
      }
      const ends = now.flatMap(({ low, high }) => [low?.key ?? -Infinity, high?.key ?? Infinity]) as number[]
      if (ends.some((end, i) => i > 0 && end < (ends[i - 1] as number))) t.same(now, [], 'in the order of their keys')
    }
    if (!isDeepStrictEqual(united(few), few)) t.same(united(few), few, 'there is nothing more to unite')
  }
  t.pass('all the same')
})

t.test('an interval that ends at an object that is not stored is left alone', async t => {
  const { db } = shelf(t)
  const [stored, other] = [thing('stored'), thing('other')]
  db.root.things.push(stored)
  db.commit()
  const at = (key: object): Bound => ({ key, open: false })
  const ending = (high: Bound): Interval => ({ low: undefined, high, values: true, empty: false, settled: false })
  const loose = [ending(at(other)), ending(at([1, other]))]
  const both = [ending(at(stored)), ...loose, ending(at(stored))]
  const [first, second, third, ...more] = united(both)
  t.same([first === loose[0], second === loose[1]], [true, true])
  t.equal(compareKeys(third?.high?.key as StoredKey, at(stored).key), 0)
  t.same(more, [])
})

// ---- what they answer ----

/** Of the map as it is now, and counts where it is asked for the place of a record. */
function treeOf({ root }: Connection<Shelf>): { tree: Tree; located: () => number } {
  const session = headerOf(root.map)?.scope as Session
  const view = session.viewOf(session.snapshot)
  let located = 0
  Object.defineProperty(view, 'locate', {
    value(this: RecordView, oid: Oid) {
      located++
      return this.snapshot.generation.find(oid, this.snapshot.offset)
    },
  })
  return { tree: new Tree(rootOf(view.read(oidOf(root.map) as Oid), ['keys', 'values']), view), located: () => located }
}

/** Each interval by itself. */
function* oneByOne(before: Tree, now: Tree, intervals: readonly Interval[]): Generator<StoredKey, undefined> {
  for (const { low, high, values, empty } of intervals) {
    if (empty) continue
    const [a, b] = [before, now].map(tree => {
      const cursor = new Cursor(tree)
      return low ? cursor.toFrom(low.key, low.open) : cursor.toFirst()
    }) as [Cursor, Cursor]
    while (!a.ended || !b.ended) {
      if (passSameLeaf(a, before, b, now, values)) continue
      const order = a.ended ? 1 : b.ended ? -1 : compareKeys(a.key, b.key)
      const key = order <= 0 ? a.key : b.key
      if (isAbove(key, high)) break
      if (order !== 0 || (values && !sameValue(before, a, now, b))) yield key
      if (order <= 0) a.next()
      if (order >= 0) b.next()
    }
  }
}

function inOrder(keys: Iterable<unknown>): number[] {
  return [...new Set(keys as Iterable<number>)].sort((a, b) => a - b)
}

t.test('what differs in what was gone through is what differs in each part of it', async t => {
  const random = seeded(t)
  const { db } = shelf(t)
  const map = numbers(db)
  let found = 0
  for (const many of [20, 300, 4000]) {
    map.clear()
    map.bulkLoad(Array.from({ length: many }, (_, i) => [2 * i, 'old'.padEnd(random.int(100))]))
    db.commit()
    for (let round = 0; round < 40; round++) {
      const before = treeOf(db).tree
      const near = random.int(2 * many)
      for (let changes = random.pick([1, 3, 50]); changes > 0; changes--) {
        const key = random.chance(0.5) ? random.int(2 * many) : near + random.int(10)
        if (random.chance(0.3)) map.delete(key)
        else map.set(key, `new ${round}`.padEnd(random.int(100)))
      }
      db.commit()
      const now = treeOf(db).tree
      const reads = new Reads()
      const asked: Interval[] = []
      // Some of them go on while others begin and end, as iterations do: up to a key, and from there on.
      const going: { kept: Interval; asked: Interval }[] = []
      for (let n = random.pick([3, 100, 300]); n > 0; n--) {
        const one = interval(random, 2 * many, random.pick([2, 10, 10, many / 10]))
        const kept = reads.begin(one.low, one.high, one.values)
        asked.push(one)
        kept.empty = one.empty
        const isOpen = one.high && (!one.low || compareKeys(one.low.key, one.high.key) < 0)
        if (isOpen && random.chance(0.2)) going.push({ kept, asked: one })
        for (const each of going) {
          if (random.chance(0.9)) continue
          const { low, high, values, empty } = each.asked
          const passed = empty ? low : { key: high?.key as StoredKey, open: true }
          if (each.kept.settled) each.kept = reads.begin(passed, undefined, values)
          const to = { key: (high?.key as number) + 1 + random.int(5), open: false }
          each.kept.high = each.asked.high = to
          each.kept.empty = each.asked.empty = false
        }
      }
      const [is, should] = [inOrder(reads.differences(before, now)), inOrder(oneByOne(before, now, asked))]
      found += should.length
      if (!isDeepStrictEqual(is, should)) t.same(is, should, `${many} keys, round ${round}`)
    }
  }
  t.ok(found > 100, `${found} differences`)
})

t.test('the same asked again and again is kept and compared once', async t => {
  const { db } = shelf(t)
  numbers(db).bulkLoad(Array.from({ length: 2000 }, (_, i) => [i, i]))
  db.commit()
  const before = treeOf(db)
  numbers(db).set(1500, 'new')
  db.commit()
  const now = treeOf(db)
  const MANY = 10_000
  const reads = new Reads()
  const kept = Array.from({ length: MANY }, (_, n) => {
    const one = reads.begin({ key: n % 100, open: false }, { key: 1000 + (n % 7), open: true }, n % 2 === 0)
    one.empty = false
    return one
  })
  t.same([...reads.differences(before.tree, now.tree)], [])
  t.ok(before.located() + now.located() < 1000, `${before.located() + now.located()} records looked up`)
  const alive = kept.filter(({ settled }) => !settled).length
  t.ok(alive < 200, `${alive} kept by themselves`)
})

t.test('what stays apart is seldom put in order', async t => {
  const MANY = 10_000
  let sorted = 0
  const { sort } = Array.prototype as unknown as { sort: (this: unknown[], compare: never) => unknown[] }
  const put = (value: unknown): void => {
    Object.defineProperty(Array.prototype, 'sort', { value, configurable: true, writable: true })
  }
  put(function (this: unknown[], compare: never) {
    sorted += this.length
    return sort.call(this, compare)
  })
  try {
    const reads = new Reads()
    for (let n = 0; n < MANY; n++) {
      const key = 2 * ((n * 7919) % MANY)
      reads.begin({ key, open: false }, { key, open: false }, true).empty = false
    }
  } finally {
    put(sort)
  }
  t.ok(sorted < MANY, `${sorted} of ${MANY} sorted`)
})

t.test('a small interval is not compared beyond its end', async t => {
  const { db } = shelf(t)
  numbers(db).bulkLoad(Array.from({ length: 50_000 }, (_, i) => [i, i]))
  db.commit()
  const before = treeOf(db)
  numbers(db).set(49_999, 'new')
  db.commit()
  const now = treeOf(db)
  const reads = new Reads()
  const leaf = before.tree.find(25_000)?.leaf.keys as number[]
  const last = leaf.at(-1) as number
  const one = reads.begin({ key: last, open: false }, { key: last + 1, open: false }, true)
  one.empty = false
  t.same([...reads.differences(before.tree, now.tree)], [])
  t.ok(before.located() + now.located() < 30, `${before.located() + now.located()} records looked up`)
})

t.test('a leaf that only one of two states has is compared, whatever comes behind it', async t => {
  const { db } = shelf(t)
  numbers(db).bulkLoad(Array.from({ length: 50_000 }, (_, i) => [i, i]))
  db.commit()
  const before = treeOf(db).tree
  const keysFrom = (key: number): number[] => before.find(key)?.leaf.keys as number[]
  const first = keysFrom(25_000)
  const second = keysFrom((first.at(-1) as number) + 1)
  numbers(db).deleteRange({ gte: second[0] as number, lte: second.at(-1) as number })
  db.commit()
  const now = treeOf(db).tree
  for (const [a, b] of [
    [before, now],
    [now, before],
  ] as const) {
    const reads = new Reads()
    reads.begin({ key: first[0] as number, open: false }, { key: second.at(-1) as number, open: false }, false).empty =
      false
    t.same([...reads.differences(a, b)], second)
  }
})

// ---- through the map ----

interface Asking {
  readonly iterator: Iterator<number | [number, unknown], undefined>
  readonly range: RangeOptions<number>
  readonly values: boolean
  begun: boolean
  ended: boolean
  last: number
}

/** Has the answer to do with this key (`value`: with its value)? */
function dependsOn({ range, values, begun, ended, last }: Asking, key: number, value: boolean): boolean {
  const { gte = -Infinity, gt = -Infinity, lte = Infinity, lt = Infinity, reverse = false } = range
  if (!begun || (value && !values) || key < gte || key <= gt || key > lte || key >= lt) return false
  return ended || (reverse ? key >= last : key <= last)
}

/** A range, seldom one near a key. */
function ask(random: Random, map: Numbers, most: number, near: number): Asking {
  const from = random.chance(0.01) ? Math.max(0, near - random.int(5)) : random.int(most)
  const range: RangeOptions<number> = {
    ...(random.chance(0.7) && { [random.pick(['gte', 'gt'])]: from }),
    ...(random.chance(0.7) && { [random.pick(['lte', 'lt'])]: from + random.int(random.pick([3, 30])) }),
    reverse: random.chance(0.4),
  }
  const values = random.chance(0.5)
  const iterator = values ? map.range(range) : map.keys(range)
  return { iterator, range, values, begun: false, ended: false, last: NaN }
}

function goOn(asking: Asking): void {
  const { value, done } = asking.iterator.next()
  asking.begun = true
  asking.ended ||= done === true
  if (value !== undefined) asking.last = typeof value === 'number' ? value : value[0]
}

for (const many of [30, 1500]) {
  t.test(`just what was gone through of ${many} keys is in the way, however many questions there were`, async t => {
    const random = seeded(t)
    const both = shelf(t)
    const { db } = both
    numbers(db).bulkLoad(Array.from({ length: many }, (_, i) => [2 * i, 'old']))
    db.commit()
    const counts = { conflicts: 0, merges: 0 }
    for (let round = 0; round < 120; round++) {
      const own = 2 * random.int(many) + 1
      let there = random.int(2 * many)
      if (there === own) there++
      const asked: Asking[] = []
      const mine = (root: Shelf): void => {
        const map = numbers({ root })
        if (random.chance(0.5)) map.set(own, 'mine')
        for (let n = random.pick([1, 5, 150, 400]); n > 0; n--) {
          asked.push(ask(random, map, 2 * many, there))
          for (let steps = random.int(4); steps > 0; steps--) goOn(asked.at(-1) as Asking)
          if (random.chance(0.3)) goOn(random.pick(asked))
        }
      }
      let isValue = false
      const theirs = (root: Shelf): void => {
        const map = numbers({ root })
        isValue = map.has(there) && random.chance(0.5)
        if (map.has(there) && !isValue) map.delete(there)
        else map.set(there, `theirs ${round}`)
      }
      const is = meet(both, mine, theirs)
      const should = asked.some(one => dependsOn(one, there, isValue)) ? [String(there)] : undefined
      counts[should ? 'conflicts' : 'merges']++
      if (!isDeepStrictEqual(is, should)) t.same(is, should, `round ${round}: ${there} was changed`)
    }
    t.ok(counts.conflicts > 10 && counts.merges > 10, `${counts.conflicts} conflicts, ${counts.merges} merges`)
  })
}

t.test('an iteration that goes on while thousands of others begin depends on all that it meets', async (t: Test) => {
  const both = shelf(t)
  numbers(both.db).bulkLoad(Array.from({ length: 1000 }, (_, i) => [i, 'old']))
  both.db.commit()
  for (const reverse of [false, true])
    for (const changed of [0, 1, 250, 499, 500, 501, 999]) {
      const conflicts = meet(
        both,
        root => {
          let met = 0
          for (const [key] of numbers({ root }).range({ reverse })) {
            for (let n = 0; n < 5; n++)
              numbers({ root })
                .keys({ gte: 2000 + n })
                .next()
            if (key === 500 && ++met === 1) break
          }
        },
        root => numbers({ root }).set(changed, `new ${String(reverse)}`),
      )
      const isMet = reverse ? changed >= 500 : changed <= 500
      t.same(conflicts, isMet ? [String(changed)] : undefined, `${changed}, ${reverse ? 'backward' : 'forward'}`)
    }
})
