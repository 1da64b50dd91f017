// Lists of many records, in lockstep with native arrays: that they stay in order while they grow and shrink, are read
// through positions near and far, and write no more than they must.
import { statSync } from 'node:fs'
import { inspect, isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { oidOf, Persistent, PersistentList, plain, type Connection } from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import { MergingHeader } from '../../lib/object/merging.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { faultsOf, shapeOf } from './check.js'
import { shelf, thing, type Shelf } from './store.js'

type Item = number | string | { n: number }

const filler = (random: Random, most: number): string => 'x'.repeat(random.int(most))

function item(random: Random, most: number): Item {
  return random.chance(0.1) ? { n: random.int(9) } : random.chance(0.5) ? random.int(1000) : filler(random, most)
}

/** One change to both. */
function step(random: Random, list: PersistentList<Item>, native: Item[], grow: boolean, most: number): unknown[] {
  const items = Array.from({ length: random.pick([1, 1, 3, 40]) }, () => item(random, most))
  const same = structuredClone(items)
  const at = random.int(native.length + 1)
  const index = at < native.length && random.chance(0.3) ? at - native.length : at
  switch (random.int(grow ? 10 : 14)) {
    case 0:
    case 1:
    case 2:
      return [list.push(...items), void native.push(...same)]
    case 3:
      return [list.unshift(...items), void native.unshift(...same)]
    case 4:
    case 5:
      native.splice(at, 0, ...same)
      return [list.insert(index, ...items), undefined]
    case 6:
      if (at === native.length) return []
      native[at] = same[0] as Item
      return [list.set(index, items[0] as Item).at(at), native[at]]
    case 7: {
      const [is, should] = [list.at(index), native.at(index)]
      if (typeof should === 'object' && should && typeof is === 'object') is.n = should.n += 100
      return [is, should]
    }
    case 8: {
      const end = random.pick([undefined, at + 5, -2, 10_000])
      return [list.slice(index, end), native.slice(index, end)]
    }
    case 9: {
      const sought = random.pick([...native.slice(-3), 1, 'x'])
      if (typeof sought === 'object') return []
      const from = random.int(native.length + 1)
      return [
        [list.indexOf(sought), list.indexOf(sought, from), list.lastIndexOf(sought), list.includes(sought, -from)],
        [
          native.indexOf(sought),
          native.indexOf(sought, from),
          native.lastIndexOf(sought),
          native.includes(sought, -from),
        ],
      ]
    }
    case 10:
      return random.chance(0.5) ? [list.pop(), native.pop()] : [list.shift(), native.shift()]
    case 11: {
      // Within the list, an item is moved.
      if (native.length === 0) return []
      const [moved] = native.splice(at, 1)
      if (moved !== undefined) native.splice(at >> 1, 0, moved)
      const [taken] = list.splice(at, 1)
      if (taken !== undefined) list.insert(at >> 1, taken)
      return []
    }
    default: {
      const count = random.int(random.pick([3, 300]))
      return [list.splice(index, count, ...items), native.splice(index, count, ...same)]
    }
  }
}

t.test('a list grows into a tree and shrinks back into one record, in order all the way', async t => {
  const random = seeded(t)
  const { db, rival } = shelf(t)
  const listOf = (connection: Connection<Shelf>): PersistentList<Item> => connection.root.list as PersistentList<Item>
  const list = listOf(db)
  let native: Item[] = []
  let committed: Item[] = []
  let highest = 0
  const same = (is: unknown, should: unknown, what: string): void => {
    if (!isDeepStrictEqual(is, should)) t.fail(`${what}: ${text(is)}, not ${text(should)}`)
  }
  const text = (value: unknown): string => inspect(value, { maxStringLength: 9, maxArrayLength: 9 })
  const compare = (what: string): void => {
    same(plain(list), native, what)
    rival.refresh()
    same(plain(listOf(rival)), committed, `${what}, in another process`)
    t.equal(listOf(rival).length, committed.length)
  }
  for (const [rounds, grow] of [
    [60, true],
    [60, false],
  ] as const) {
    for (let round = 0; round < rounds; round++) {
      const most = random.pick([10, 300, 2000])
      for (let i = random.int(60); i > 0; i--) {
        const [is, should] = step(random, list, native, grow, most)
        same(plain(is), should ?? undefined, `step ${i} of round ${round}`)
      }
      if (round % 7 === 0) same(plain(list), native, 'before it is committed')
      if (random.chance(0.1)) {
        db.abort()
        native = structuredClone(committed)
      } else {
        db.commit()
        committed = structuredClone(native)
      }
      const faults = faultsOf(list as never)
      if (faults.length > 0) t.same(faults, [])
      highest = Math.max(highest, shapeOf(list as never).height)
      if (round % 10 === 0) compare(`round ${round}`)
    }
  }
  t.ok(highest >= 1, `a tree of height ${highest}, ${native.length} items`)
  compare('at the end')
  while (native.length > 0) {
    const at = random.int(native.length)
    const count = random.int(40)
    same(plain(list.splice(at, count)), native.splice(at, count), 'taken out')
    if (!random.chance(0.2)) continue
    db.commit()
    committed = structuredClone(native)
    t.same(faultsOf(list as never), [])
  }
  db.commit()
  committed = []
  compare('empty')
  t.same(shapeOf(list as never), { height: 0, nodes: 0 })
})

t.test('a large list is sorted, reversed and filtered as an array is', async t => {
  const random = seeded(t)
  const { db, rival } = shelf(t)
  const native: Item[] = Array.from({ length: 3000 }, () => item(random, 20))
  const list = db.root.list as PersistentList<Item>
  list.bulkLoad(native)
  db.commit()
  const number = (one: Item): number => (typeof one === 'object' ? one.n : Number(one) || 0)
  const check = (what: string): void => {
    t.same(plain(list), native, what)
    db.commit()
    t.same(faultsOf(list as never), [])
    rival.refresh()
    t.same(plain(rival.root.list), native, what)
  }
  const held = list.find(one => typeof one === 'object')
  list.reverse()
  native.reverse()
  check('reversed')
  list.sort((a, b) => number(a) - number(b))
  native.sort((a, b) => number(a) - number(b))
  check('sorted')
  t.ok(list.some(one => one === held), 'what was handed out has moved with its item') // prettier-ignore
  list.push(7)
  list.unshift(8)
  list.reverse()
  list.set(5, 'five')
  list.sort()
  native.push(7)
  native.unshift(8)
  native.reverse()
  native[5] = 'five'
  native.sort()
  check('after other changes')
  list.splice(0, Infinity, ...list.filter((_, i) => i % 3 === 0))
  native.splice(0, Infinity, ...native.filter((_, i) => i % 3 === 0))
  check('filtered')
})

for (const [name, which] of Object.entries({
  'from the end': (_: Random, length: number, n: number) => Math.max(0, length - 1 - n),
  'from the front': (_: Random, length: number, n: number) => Math.min(n, length - 1),
  'at both ends in turns': (_: Random, length: number, n: number) =>
    n % 2 === 0 ? Math.min(n, length - 1) : Math.max(0, length - n),
  anywhere: (random: Random, length: number) => random.int(length),
})) {
  t.test(`thousands of changes of a list in one transaction do what they do to an array: ${name}`, async t => {
    const random = seeded(t)
    const { db, rival } = shelf(t)
    const native: Item[] = Array.from({ length: 6000 }, (_, i) => (i % 10 === 0 ? { n: i } : i))
    const list = db.root.list as PersistentList<Item>
    list.bulkLoad(native)
    db.commit()
    rival.refresh()
    for (let n = 0; n < 5000; n++) {
      const at = which(random, native.length, n)
      const index = random.chance(0.2) && native.length > 0 ? at - native.length : at
      const [items, same] = [[n], [n]]
      const count = random.int(3)
      if (random.chance(0.2)) items.length = same.length = 0
      const [is, should] = [list.splice(index, count, ...items), native.splice(index, count, ...same)]
      if (!isDeepStrictEqual(plain(is), should)) t.same(plain(is), should, `change ${n}`)
      const asked = random.int(native.length)
      if (!isDeepStrictEqual(plain(list.at(asked)), native[asked])) t.fail(`at ${asked} after change ${n}`)
    }
    t.same(plain(list), native)
    t.equal(list.length, native.length)
    db.commit()
    t.same(faultsOf(list as never), [])
    rival.refresh()
    t.same(plain(rival.root.list), native)
  })
}

t.test('thousands of changes at either end merge with what others put there', async t => {
  const { db, rival } = shelf(t)
  const native: Item[] = Array.from({ length: 8000 }, (_, i) => i)
  const list = db.root.list as PersistentList<Item>
  list.bulkLoad(native)
  db.commit()
  for (let at = 3000; at > 0; at -= 2) list.splice(at, 1)
  for (let at = -3000; at < 0; at++) list.set(at, -at)
  for (let at = 3000; at > 0; at -= 2) native.splice(at, 1)
  for (let at = 3000; at > 0; at--) native[native.length - at] = at
  list.push('mine')
  rival.root.list.splice(4000, 500, 'theirs')
  rival.commit()
  db.commit()
  native.splice(2500, 500, 'theirs')
  native.push('mine')
  t.same(faultsOf(list as never), [])
  t.same(plain(list), native)
})

t.test('one change of many items appends little, and a bulk load packs the leaves', async t => {
  const { db } = shelf(t)
  const list = db.root.list as PersistentList<string>
  const appended = (change: () => unknown): number => {
    const before = statSync(db.path).size
    change()
    db.commit()
    return statSync(db.path).size - before
  }
  const all = appended(() => list.bulkLoad(Array.from({ length: 100_000 }, (_, i) => `value ${i}`)))
  t.same(faultsOf(list as never), [])
  t.ok(all < 100_000 * 14, `${all} bytes`)
  const { nodes, height } = shapeOf(list as never)
  t.ok(nodes < 1070 && height === 2, `${nodes} nodes, height ${height}`)
  const changes: (() => unknown)[] = [
    () => list.push('one'),
    () => list.unshift('one'),
    () => list.insert(50_000, 'one'),
    () => list.set(70_000, 'one'),
    () => list.pop(),
    () => list.shift(),
    () => list.splice(20_000, 1),
  ]
  for (const change of changes) {
    const bytes = appended(change)
    t.ok(bytes < 5000, `${bytes} bytes for ${String(change)}`)
  }
  // The nodes above the item count the same as before.
  const [fewer, same] = [appended(() => list.splice(70_000, 1)), appended(() => list.set(70_000, 'one'))]
  t.ok(same < fewer - 300, `${same} bytes for an item in place of another, ${fewer} for one that goes`)
  list.insert(70_000, 'one')
  const bytes = appended(() => list.splice(10_000, 80_000))
  t.ok(bytes < 10_000, `${bytes} bytes for taking most of it out`)
  t.equal(list.length, 20_000)
  t.same([list.at(9_999), list.at(10_000), list.at(-1)], ['value 9999', 'value 90000', 'value 99999'])
  t.same(faultsOf(list as never), [])
  t.throws(() => list.bulkLoad([]), { code: 'STATE' })
})

t.test('what is refused is named by its position, wherever in a large list it stands', async t => {
  const { db } = shelf(t)
  db.root.list.bulkLoad(Array.from({ length: 30_000 }, (_, i) => i))
  db.commit()
  const zeros = Array.from({ length: 60 }, () => 0)
  class Unnamed extends Persistent {}
  for (const at of [0, 28_000, 29_990]) {
    db.root.list.insert(at, ...zeros, new Unnamed(), ...zeros)
    t.throws(() => db.commit(), new RegExp(`^PersistentList\\.${at + 60}:`))
    db.abort()
  }
})

t.test('what a commit removes as a whole is not read for it', async t => {
  const { db, rival } = shelf(t)
  db.root.list.bulkLoad(Array.from({ length: 50_000 }, (_, i) => i))
  db.commit()
  const { list } = rival.root
  t.equal(list.length, 50_000)
  const { generation } = (headerOf(list)!.scope as Session).snapshot
  let reads = 0
  const read = generation.read.bind(generation)
  generation.read = (...args) => {
    reads++
    return read(...args)
  }
  list.splice(10, 49_000)
  const taken = reads
  t.ok(taken > 400, 'what is given must be read')
  rival.abort()
  list.clear()
  rival.commit()
  t.ok(reads - taken < 10, `${reads - taken} records`)
  db.refresh()
  t.same(shapeOf(db.root.list as never), { height: 0, nodes: 0 })
  t.same([...db.root.list], [])
})

t.test('references in a large list keep identity, and searching for one loads no other', async t => {
  const { db, other } = shelf(t)
  const things = Array.from({ length: 500 }, (_, i) => thing(`thing ${i}`))
  db.root.list.push(...things)
  db.root.things.push(things[300]!)
  db.commit()
  t.equal(shapeOf(db.root.list as never).height, 1)
  const sought = other.root.things[0]
  t.equal(other.root.list.indexOf(sought), 300)
  t.equal(other.root.list.at(300), sought)
  const session = headerOf(other.root)!.scope as unknown as { known(oid: number): object | undefined }
  t.equal(session.known(oidOf(things[299]!) ?? 0), undefined)
  db.root.list.splice(0, 480)
  db.root.things.length = 0
  db.commit()
  t.same(faultsOf(db.root.list as never), [])
  const { dropped } = await db.pack()
  t.ok(dropped >= 480, `${dropped} dropped`)
})

t.test('a large list that was taken out and packed away can be put back', async t => {
  const { db, other } = shelf(t)
  const list = new PersistentList<{ n: number } | string>()
  for (let i = 0; i < 1000; i++) list.push({ n: i })
  db.root.map.set('large', list)
  db.commit()
  const five = list.at(5) as { n: number }
  db.root.map.delete('large')
  db.commit()
  await db.pack()
  t.equal(list.length, 1000)
  t.equal(list.at(5), five)
  five.n = 50
  list.splice(6, 1)
  list.unshift('first')
  db.root.map.set('again', list)
  db.commit()
  t.same(faultsOf(list as never), [])
  other.refresh()
  const found = other.root.map.get('again') as typeof list
  t.equal(found.length, 1000)
  t.same(plain([found.at(0), found.at(6), found.at(7), found.at(-1)]), ['first', { n: 50 }, { n: 7 }, { n: 999 }])
})

t.test('an iteration goes on over changes of others and its own', async t => {
  const { db, other } = shelf(t)
  db.root.list.bulkLoad(Array.from({ length: 1000 }, (_, i) => i))
  db.commit()
  const seen: unknown[] = []
  for (const one of db.root.list) {
    seen.push(one)
    if (one === 500) {
      other.refresh()
      other.root.list.push('late')
      other.commit()
      db.commit()
    }
    if (one === 700) db.root.list.push('own')
  }
  t.same(seen, [...Array.from({ length: 1000 }, (_, i) => i), 'late', 'own'])
  t.ok(headerOf(db.root.list) instanceof MergingHeader)
})
