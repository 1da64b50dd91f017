// A commit puts a changed leaf together from the bytes of the stored one, and keeps in memory what it wrote, without reading it
// back: that must be what reading gives, what was asked for, a tree in order, and refer to nothing else.
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { oidOf, plain, type Connection, type Key, type PersistentList } from '../../lib/index.js'
import { hasReference, type StoredKey } from '../../lib/collection/key.js'
import { compareKeys } from '../../lib/collection/key-order.js'
import { innerOf, leafOf, rootOf } from '../../lib/collection/tree/node.js'
import { headerOf } from '../../lib/object/header.js'
import type { RecordView } from '../../lib/object/record-view.js'
import type { Session } from '../../lib/object/session.js'
import type { Oid } from '../../lib/store/types.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { faultsOf, formOf } from './check.js'
import { shelf, Thing, thing, type Shelf } from './store.js'

type Make = (random: Random, n: number, things: readonly Thing[]) => unknown

const text = (value: unknown): string => inspect(value, { depth: 9, maxArrayLength: null })

/** With objects by their names. */
function shown(value: unknown): string {
  const named = (part: unknown): unknown => {
    if (part instanceof Thing) return `the thing ${part.name}`
    if (Array.isArray(part)) return part.map(named)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, named(value)]))
  }
  return text(named(value))
}

/** Keys, half of which are there at first. */
const MANY = 1000

const small: Make = (random, n) => ({ n, text: 'é'.repeat(random.int(12)) })
const referring: Make = (random, n, things) => ({
  n,
  of: random.pick(things.slice(0, 30)),
  at: [random.pick(things), n],
})

const makers: Readonly<Record<string, Make>> = {
  'numbers and text': (random, n) =>
    random.pick<unknown>([n, -n, n / 3, `${n}`, 'é'.repeat(n % 90), null, n % 2 === 0]),
  'plain data': (random, n) => ({ n, list: [n, `${n}`], more: { [`k${n % 5}`]: 'x'.repeat(random.int(60)) } }),
  'large data': (_, n) => ({ n, list: [n, 'x'.repeat(80)] }),
  'small data': small,
  objects: (_, n) => thing(`${n}`),
  'few objects': (random, _, things) => random.pick(things.slice(0, 30)),
  'objects, few of them twice': (random, n, things) =>
    random.chance(0.03) ? random.pick(things.slice(0, 5)) : thing(`${n}`),
  'plain data with objects in it': (random, n) => (random.int(3) > 0 ? { n } : { n, of: thing(`${n}`) }),
  'data that refers to few objects': referring,
  'arrays that begin with an object': (random, n, things) => [random.pick(things.slice(0, 30)), n],
  'data with many references': (random, _, things) => ({
    all: Array.from({ length: random.int(9) }, () => random.pick(things)),
  }),
  anything: (random, n, things) => {
    const name = random.pick(['small data', 'few objects', 'objects', 'large data', 'data that refers to few objects'])
    return makers[name]!(random, n, things)
  },
}

const keys: Readonly<Record<string, (n: number, things: readonly Thing[]) => Key>> = {
  numbers: n => n,
  dates: n => new Date(1.6e12 + n),
  bytes: n => Uint8Array.of(n >> 8, n),
  tuples: n => [n % 10, `${n}`, new Date(n)],
  objects: (n, things) => things[n % things.length]!,
  'tuples with objects': (n, things) => [things[n % 20]!, n],
}

/** References of a record that nothing in it uses, or that it names twice. */
function needless(view: RecordView, oid: Oid): readonly Oid[] {
  const state = view.unpack(view.recordAt(view.locate(oid)))
  const used = new Set<number>()
  const look = (raw: unknown): void => {
    if (typeof raw !== 'object' || raw === null || raw instanceof Uint8Array) return
    const index = (raw as Record<string, unknown>)['']
    if (typeof index === 'number' && Object.keys(raw).length === 1) used.add(index)
    for (const part of Object.values(raw)) look(part)
  }
  const isByOrder = state.keys.includes('apart') && state.raw.includes(null)
  look(state.raw)
  return state.refs.filter((to, i) => !(used.has(i) || isByOrder) || state.refs.indexOf(to) < i)
}

/** All of a tree's nodes, in a connection that has read nothing yet. */
function needlessOf(collection: object): readonly Oid[] {
  const { view } = headerOf(collection)!.scope as Session
  const own = oidOf(collection) as Oid
  const root = rootOf(view.read(own), formOf(collection))
  const firstKey = (oid: Oid, level: number): StoredKey | undefined =>
    level === 0 ? leafOf(view, oid).keys[0] : firstKey(innerOf(view, oid).children[0]!, level - 1)
  const below = (oid: Oid, level: number): readonly Oid[] => {
    if (level === 0) return needless(view, oid)
    const { separators, children } = innerOf(view, oid)
    // Of a key that is gone a separator may stay, but not if that would keep an object in the file.
    const kept = separators.flatMap((separator, i) => {
      const key = firstKey(children[i + 1]!, level - 1)
      return hasReference(separator) && (key === undefined || compareKeys(separator, key) !== 0) ? [oid] : []
    })
    return [...needless(view, oid), ...kept, ...children.flatMap(child => below(child, level - 1))]
  }
  return [...needless(view, own), ...(root.leaf ? [] : below(root.root, root.height))]
}

/** What is in the file is what the connection has, in order, and refers to nothing that is not used. */
function check(t: Test, db: Connection<Shelf>, collection: object, when: string): void {
  const fresh = db.connect()
  const same = fresh.get(oidOf(collection) ?? 0) as never
  t.same(needlessOf(same), [], `no needless references, ${when}`)
  t.same(faultsOf(same), [], `in order, ${when}`)
  t.ok(text(plain(collection)) === text(plain(same)), `the file says the same, ${when}`)
  fresh.close()
}

/** Has many entries at first, then a few change with each commit. */
function testMap(name: string, make: Make, keyOf: (n: number, things: readonly Thing[]) => Key): void {
  t.test(`a map with ${name}`, async t => {
    const random = seeded(t)
    const { db } = shelf(t)
    const { map } = db.root
    const things = (db.root.things = Array.from({ length: MANY }, (_, n) => thing(`thing ${n}`)))
    db.commit()
    const wanted = new Map<number, string>()
    const set = (n: number, value: unknown): void => {
      map.set(keyOf(n, things), value)
      wanted.set(n, shown(value))
    }
    for (let n = 0; n < MANY; n += 2) set(n, make(random, n, things))
    db.commit()
    for (let round = 0; round < 42; round++) {
      for (let count = 0; count < 5; count++) {
        const n = random.int(MANY)
        const known = map.get(keyOf(n, things))
        if (random.chance(0.15)) {
          map.delete(keyOf(n, things))
          wanted.delete(n)
        } else if (isGrowing(known) && random.chance(0.5)) {
          grow(known, random, things)
          wanted.set(n, shown(known))
        } else {
          set(n, make(random, round, things))
        }
      }
      db.commit()
      if (round % 6 > 0) continue
      check(t, db, map, `after round ${round}`)
      t.equal(map.size, wanted.size)
      const wrong = [...wanted].filter(([n, is]) => shown(map.get(keyOf(n, things))) !== is)
      t.same(wrong, [], 'each value is what was put there')
    }
  })
}

/** Sorts a list, and what is wanted of it, so that a few items come to stand elsewhere. */
function moveSome(random: Random, list: PersistentList<unknown>, wanted: unknown[]): void {
  const items = [...list]
  const rank = new Map(items.map((item, i) => [item, i]))
  for (let count = 0; count < 3; count++) {
    const from = random.int(items.length)
    rank.set(items[from], from + random.pick([-300, -1.5, 1.5, 20.5]))
  }
  const compare = (a: unknown, b: unknown): number => rank.get(a)! - rank.get(b)!
  const order = items.map((item, i) => ({ item, is: wanted[i] })).sort((a, b) => compare(a.item, b.item))
  list.sort(compare)
  wanted.splice(0, wanted.length, ...order.map(({ is }) => is))
}

type Growing = { n: number; list?: unknown[]; of?: Thing }

function isGrowing(value: unknown): value is Growing {
  return typeof value === 'object' && value !== null && 'n' in value
}

/** Changes data in place. */
function grow(data: Growing, random: Random, things: readonly Thing[]): void {
  data.n++
  if (data.list) data.list.push(data.n)
  if (data.of) data.of = random.pick(things)
}

for (const [name, make] of Object.entries(makers)) testMap(name, make, n => n)
for (const [name, keyOf] of Object.entries(keys)) {
  testMap(`${name} as keys, and numbers and text`, makers['numbers and text']!, keyOf)
  testMap(`${name} as keys, and anything`, makers.anything!, keyOf)
  testMap(`${name} as keys, and objects`, makers['few objects']!, keyOf)

  t.test(`a set of ${name}`, async t => {
    const random = seeded(t)
    const { db } = shelf(t)
    const { set } = db.root
    const things = (db.root.things = Array.from({ length: MANY }, (_, n) => thing(`thing ${n}`)))
    db.commit()
    const wanted = new Set<number>()
    const add = (n: number): void => {
      set.add(keyOf(n, things))
      wanted.add(n)
    }
    for (let n = 0; n < MANY; n += 2) add(n)
    db.commit()
    for (let round = 0; round < 42; round++) {
      for (let count = 0; count < 5; count++) {
        const n = random.int(MANY)
        if (set.delete(keyOf(n, things))) wanted.delete(n)
        else add(n)
      }
      db.commit()
      if (round % 6 > 0) continue
      check(t, db, set, `after round ${round}`)
      t.equal(set.size, wanted.size)
      t.ok([...wanted].every(n => set.has(keyOf(n, things))))
    }
  })
}

for (const [name, make] of Object.entries(makers)) {
  t.test(`a list of ${name}`, async t => {
    const random = seeded(t)
    const { db } = shelf(t)
    const { list } = db.root
    const things = (db.root.things = Array.from({ length: MANY }, (_, n) => thing(`thing ${n}`)))
    db.commit()
    const made = (): unknown => make(random, random.int(1000), things)
    const cell = (value: unknown): { text: string } => ({ text: shown(value) })
    const first = Array.from({ length: MANY / 2 }, made)
    const wanted = first.map(cell)
    list.push(...first)
    db.commit()
    const held = new Map<Growing, { text: string }>()
    for (let round = 0; round < 42; round++) {
      for (let count = 0; count < 4; count++) {
        const at = random.int(list.length)
        const known = list.at(at)
        const items = Array.from({ length: list.length < 100 ? 300 : random.int(4) }, made)
        const texts = items.map(cell)
        switch (random.int(6)) {
          case 0:
            list.push(...items)
            wanted.push(...texts)
            break
          case 1: {
            const value = made()
            wanted[at] = cell(value)
            list.set(at, value)
            break
          }
          case 2:
            if (isGrowing(known)) held.set(known, wanted[at]!)
            break
          case 3:
            // Wherever it stands by now.
            for (const [item, its] of held) {
              if (!random.chance(0.3) || !wanted.includes(its)) continue
              grow(item, random, things)
              its.text = shown(item)
            }
            break
          default: {
            const removed = random.int(random.chance(0.1) ? 80 : 4)
            list.splice(at, removed, ...items)
            wanted.splice(at, removed, ...texts)
          }
        }
      }
      if (random.chance(0.2)) {
        list.reverse()
        wanted.reverse()
      }
      if (random.chance(0.5)) moveSome(random, list, wanted)
      db.commit()
      // What is undone leaves everything where it was.
      list.splice(random.int(list.length), 50)
      if (random.chance(0.5)) list.unshift(made())
      db.abort()
      if (round % 6 > 0) continue
      check(t, db, list, `after round ${round}`)
      t.ok(Array.from(list, shown).join() === wanted.map(({ text }) => text).join(), 'each item is what was put there')
    }
  })
}

t.test('an object that comes twice into a leaf of references, in one commit, is named once', async t => {
  const { db } = shelf(t)
  const { map, list } = db.root
  for (let n = 0; n < 300; n += 2) {
    map.set(n, thing(`${n}`))
    list.push(thing(`item ${n}`))
  }
  db.commit()
  // So that the leaf has room for more.
  for (const n of [0, 2, 4, 6]) map.delete(n)
  list.splice(20, 4)
  db.commit()
  const twice = thing('twice')
  map.set(11, twice).set(13, twice)
  list.splice(5, 0, twice, twice)
  db.commit()
  check(t, db, map, 'of the map')
  check(t, db, list, 'of the list')
  t.same([map.get(11), map.get(13), list.at(5), list.at(6)].map(shown), Array(4).fill(shown(twice)))
})
