// Of a large record that is written again, what has not changed is taken over as bytes. Whatever has been done to it before, what is
// stored must be what is there.
import t, { type Test } from 'tap'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { open, Persistent, type Connection } from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import { nodeOf } from '../../lib/object/plain-node.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'
import { whereTheStackIsFull } from './helpers/full-stack.js'

class Thing extends Persistent {
  static type = 'Thing'
  n: number
  constructor(n: number) {
    super()
    this.n = n
  }
}

interface Root extends Persistent {
  data: Container
  count: number
  things: Thing[]
}
type Container = unknown[] | Record<string, unknown>
interface Pair {
  readonly tracked: Container
  readonly native: Container
}

const isContainer = (value: unknown): value is Container =>
  typeof value === 'object' &&
  value !== null &&
  !(value instanceof Date) &&
  !ArrayBuffer.isView(value) &&
  headerOf(value) === undefined

const KEYS = ['a', 'b', 'c', 'long name of a field', '7', 'constructor', 'ü']

/** A value for the store; the model has `Thing 3` in place of an object. */
function fresh(random: Random, things: readonly Thing[], depth = 0): [stored: unknown, model: unknown] {
  const same = (value: unknown): [unknown, unknown] => [value, value]
  const parts = (): [unknown, unknown][] =>
    Array.from({ length: random.chance(0.1) ? 30 : random.int(5) }, () => fresh(random, things, depth + 1))
  switch (random.int(depth > 3 ? 10 : 15)) {
    case 0:
      return same(random.pick([0, -0, NaN, undefined, null, true, 12n, 1.5, -1]))
    case 1:
      return same(new Date(random.int(1e9)))
    case 2:
      return same('x'.repeat(random.int(700)))
    case 3:
      return same(random.bytes(3))
    case 4: {
      const n = random.int(things.length)
      return [things[n], `Thing ${n}`]
    }
    case 5:
    case 6:
    case 7:
      return same(random.int(1000))
    case 8:
    case 9:
      return same(`text ${random.int(1000)}`)
    case 10:
    case 11:
    case 12: {
      const made = parts()
      return [made.map(([stored]) => stored), made.map(([, model]) => model)]
    }
    default: {
      const made = parts().map(([stored, model], i) => [KEYS[i] ?? `k${i}`, stored, model] as const)
      const without = random.chance(0.1)
      const of = (entries: (readonly [string, unknown])[]): unknown =>
        without
          ? Object.assign(Object.create(null) as object, Object.fromEntries(entries))
          : Object.fromEntries(entries)
      return [of(made.map(([key, stored]) => [key, stored])), of(made.map(([key, , model]) => [key, model]))]
    }
  }
}

function containersIn(pair: Pair, found: Pair[] = []): Pair[] {
  found.push(pair)
  for (const [key, native] of Object.entries(pair.native)) {
    if (isContainer(native))
      containersIn({ tracked: (pair.tracked as Record<string, Container>)[key] as Container, native }, found)
  }
  return found
}

const holds = (outer: Container, inner: Container): boolean =>
  outer === inner || Object.values(outer).some(part => isContainer(part) && holds(part, inner))

type Change = (target: never, value: unknown) => void

/** One change of both. */
function step(random: Random, root: Root, model: Container, held: Pair[] = []): void {
  const all = [{ tracked: root.data, native: model }, ...held].flatMap(pair => containersIn(pair))
  if (random.chance(0.2)) return move(random, all)
  if (random.chance(0.1)) return takeOut(random, random.pick(all), held)
  if (held.length > 0 && random.chance(0.1)) return putBack(random, random.pick(all), held)
  const { tracked, native } = random.pick(all)
  const [stored, modelled] = fresh(random, root.things, 1)
  const change = Array.isArray(native) ? changeArray(random, native.length) : changeObject(random, Object.keys(native))
  change(tracked as never, stored)
  change(native as never, modelled)
}

function changeArray(random: Random, length: number): Change {
  const at = random.int(length + 1)
  const count = random.int(4)
  const rank = (value: unknown): number => (typeof value === 'number' ? value : 0)
  return random.pick<(list: unknown[], value: unknown) => unknown>([
    (list, value) => list.push(value),
    (list, value) => list.push(value),
    list => list.pop(),
    list => list.shift(),
    (list, value) => list.unshift(value),
    list => list.splice(at, count),
    (list, value) => list.splice(at, count, value),
    (list, value) => list.splice(at, 0, value),
    list => list.reverse(),
    list => list.sort((a, b) => rank(a) - rank(b)),
    (list, value) => (list[at] = value),
    (list, value) => (list[at] = value),
    list => (list.length = at),
  ])
}

function changeObject(random: Random, keys: readonly string[]): Change {
  const key = keys.length > 0 && random.chance(0.7) ? random.pick(keys) : random.pick(KEYS)
  return random.pick<(target: Record<string, unknown>, value: unknown) => unknown>([
    (target, value) => (target[key] = value),
    (target, value) => (target[key] = value),
    target => Reflect.deleteProperty(target, key),
    (target, value) => {
      Reflect.deleteProperty(target, key)
      target[key] = value
    },
  ])
}

/** A container goes out of the store, and is kept. */
function takeOut(random: Random, from: Pair, held: Pair[]): void {
  const keys = Object.keys(from.native).filter(key => isContainer((from.native as Record<string, unknown>)[key]))
  if (keys.length === 0) return
  const key = random.pick(keys)
  const [tracked, native] = [from.tracked, from.native].map(container => {
    const taken = (container as Record<string, Container>)[key] as Container
    if (Array.isArray(container)) container.splice(Number(key), 1)
    else Reflect.deleteProperty(container, key)
    return taken
  })
  if (tracked && native) held.push({ tracked, native })
}

function putBack(random: Random, to: Pair, held: Pair[]): void {
  const [pair] = held.splice(random.int(held.length), 1)
  if (!pair || holds(pair.native, to.native)) return
  const key = random.pick(KEYS)
  for (const side of ['tracked', 'native'] as const) {
    const target = to[side]
    if (Array.isArray(target)) target.unshift(pair[side])
    else target[key] = pair[side]
  }
}

/** A container goes elsewhere, by which it stands in two places for a moment, or is nowhere. */
function move(random: Random, all: readonly Pair[]): void {
  const from = random.pick(all)
  const keys = Object.keys(from.native).filter(key => isContainer((from.native as Record<string, unknown>)[key]))
  if (keys.length === 0) return
  const key = random.pick(keys)
  const moved = (from.native as Record<string, Container>)[key] as Container
  const to = random.pick(all)
  if (holds(moved, to.native)) return
  const outFirst = random.chance(0.5)
  const at = random.pick(KEYS)
  for (const side of ['tracked', 'native'] as const) {
    const [source, target] = [from[side] as Record<string, unknown>, to[side]]
    const value = source[key]
    const takeOut = (): unknown =>
      Array.isArray(source) ? source.splice(Number(key), 1) : Reflect.deleteProperty(source, key)
    if (outFirst || source === target) takeOut()
    if (Array.isArray(target)) target.push(value)
    else target[at] = value
    if (outFirst || source === target) continue
    if (Array.isArray(source)) source.splice(source.indexOf(value), 1)
    else takeOut()
  }
}

/** As the model has it. */
function modelOf(value: unknown): unknown {
  const header = headerOf(value)
  if (header) return `Thing ${(value as Thing).n}`
  if (Array.isArray(value)) return value.map(modelOf)
  if (!isContainer(value)) return value
  const made = Object.getPrototypeOf(value) === null ? (Object.create(null) as Record<string, unknown>) : {}
  for (const [key, part] of Object.entries(value)) Object.assign(made, { [key]: modelOf(part) })
  return made
}

const classes = [Thing]

t.test('whatever is done to large plain data, what is stored is what is there', async t => {
  const random = seeded(t)
  const path = join(tempDir(t), 'large.db')
  const things = Array.from({ length: 4 }, (_, n) => new Thing(n))
  const db = open(path, {
    root: { data: [], count: 0, things },
    classes,
    durability: 'os',
  }) as unknown as Connection<Root>
  const other = elsewhere<Root>(path, { classes })
  let model: Container = []
  let stored: Container = []
  let taken = 0
  let held: Pair[] = []
  for (let round = 0; round < 400; round++) {
    if (round % 40 === 0) {
      const [data, modelled] = fresh(
        { ...random, int: below => (below === 15 ? 12 : random.int(below)) },
        db.root.things,
      )
      db.root.data = [data, 'y'.repeat(600)]
      model = [modelled, 'y'.repeat(600)]
      held = []
    }
    for (let n = random.int(4); n >= 0; n--) step(random, db.root, model, held)
    const end = random.int(12)
    if (end < 2) held = [] // some of it is in the store again
    switch (end) {
      case 0:
        db.abort()
        model = modelOf(stored) as Container
        break
      case 1:
        db.abort()
        model = modelOf(stored) as Container
        other.refresh()
        step(random, other.root, model)
        other.commit()
        break
      default:
        db.root.count++
        db.commit()
    }
    db.refresh()
    other.refresh()
    if (nodeOf(db.root.data)?.layout) taken++
    stored = modelOf(model) as Container
    assert.deepStrictEqual(modelOf(other.root.data), model, `elsewhere, round ${round}`)
    if (random.chance(0.3)) assert.deepStrictEqual(modelOf(db.root.data), model, `here, round ${round}`)
  }
  t.ok(taken > 100, `${taken} rounds with a layout`)
  other.close()
  db.close()
})

function openWith(t: Test, data: unknown): Connection<Root> {
  const db = open(join(tempDir(t), 'large.db'), { root: { data, count: 0, things: [] }, classes, durability: 'os' })
  t.teardown(() => {
    db.close()
  })
  const known = db as unknown as Connection<Root>
  lay(t, known)
  return known
}

/** Of a record that was written by others, or not yet again, nobody knows where what stands in it. */
function lay(t: Test, db: Connection<Root>): void {
  db.transact(root => {
    modelOf(root.data) // asks for every part
    root.count++
  })
  t.ok(nodeOf(db.root.data)?.layout, 'it is known')
}

const text = (n: number): string => `${n} `.repeat(200)

t.test('what stands in two places is refused, also if one of them is in what has not changed', t => {
  type Data = Record<'first' | 'second', [[string, { n: number }], string]>
  const db = openWith(t, { first: [[text(1), { n: 1 }], text(2)], second: [[text(3), { n: 2 }], text(4)] })
  const twice: [string, (data: Data) => void][] = [
    ['root.data.second.2', ({ first, second }) => (second as unknown[]).push(first[0])],
    ['root.data.second.0', ({ first, second }) => (first as unknown[]).push(second[0])],
    ['root.data.second.0.2', ({ first, second }) => (second[0] as unknown[]).push(first[0][1])],
    ['root.data.second.0.1', ({ first, second }) => (first as unknown[]).unshift(second[0][1])],
  ]
  for (const [path, put] of twice) {
    put(db.root.data as unknown as Data)
    t.throws(
      () => {
        db.commit()
      },
      { name: 'ValueError', path },
    )
    db.abort()
    lay(t, db)
  }
  t.end()
})

t.test('what was taken out, and comes back when parts of it have been stored elsewhere, is written as it is', t => {
  const many = (n: number): string[] => Array.from({ length: n }, (_, i) => `item ${i}`)
  const stored = (db: Connection<Root>): unknown => {
    const other = elsewhere<Root>(db.path, { classes })
    const found = modelOf(other.root.data)
    other.close()
    return found
  }
  type Todo = { title: string; done: boolean; notes: string[] }
  const db = openWith(
    t,
    Array.from({ length: 6 }, (_, n) => ({ title: `todo ${n}`, done: n === 0, notes: many(60) })),
  )
  const all = db.root.data as Todo[]
  db.transact(root => {
    root.data = (root.data as Todo[]).filter(({ done }) => !done)
  })
  db.transact(({ data }) => {
    const [first, second] = data as Todo[]
    if (first) first.title = 'TODO 1'
    second?.notes.unshift('first of all')
  })
  db.transact(root => {
    root.data = all
  })
  t.strictSame(stored(db), modelOf(db.root.data), 'its parts were kept by another array')

  type Doc = { in: { list: string[]; n: number }; pad: string[] }
  const long = (n: number): string[] => many(n).map(item => item.repeat(5))
  const other = openWith(t, { in: { list: long(30), n: 1 }, pad: long(30) })
  const root = other.root as unknown as { data: Doc | null; things: Doc['in'] | null }
  const doc = root.data as Doc
  const inner = doc.in
  other.transact(() => {
    root.things = inner
    root.data = null
  })
  other.transact(() => {
    inner.n = 2
    inner.list.unshift('changed')
  })
  const rival = elsewhere<{ things: Doc['in'] }>(other.path, { classes })
  rival.root.things.list.unshift('changed by another')
  rival.commit()
  rival.close()
  other.transact(() => {
    root.things = null
    root.data = doc
  })
  t.strictSame(stored(other), modelOf(root.data), 'a part of it was elsewhere in the same object')
  t.same((stored(other) as Doc).in.list.slice(0, 2), ['changed by another', 'changed'])
  t.end()
})

t.test('a change is stored that was refused at first as the stack was full', t => {
  type Nested = { in?: Nested; n?: number; pad?: string }
  const nested = (depth: number): Nested => (depth === 0 ? { n: 0, pad: text(1) + text(2) } : { in: nested(depth - 1) })
  const db = openWith(t, nested(20))
  let leaf = db.root.data as Nested
  while (leaf.in) leaf = leaf.in
  for (let n = 1; n < 40; n++) {
    db.root.count++
    whereTheStackIsFull(() => {
      leaf.n = n
    })
    db.commit()
    const other = elsewhere<Root>(db.path, { classes })
    let stored = other.root.data as Nested
    while (stored.in) stored = stored.in
    t.equal(stored.n, n)
    other.close()
  }
  t.end()
})

t.test('what comes to stand too deep is refused, though nothing in it has changed', t => {
  const nested = (depth: number): unknown => (depth === 0 ? text(0) : [nested(depth - 1), text(depth)])
  const db = openWith(t, { deep: nested(200), other: nested(150) })
  let { other } = db.root.data as Record<string, unknown[]>
  while (Array.isArray(other?.[0])) other = other[0] as unknown[]
  const data = db.root.data as Record<string, unknown>
  const { deep } = data
  delete data.deep
  other?.push(deep)
  t.throws(
    () => {
      db.commit()
    },
    { name: 'ValueError', message: /levels deep/ },
  )
  db.abort()
  t.end()
})

t.test('bytes are written as they are, also where nobody sees them change', t => {
  const db = openWith(t, { list: [{ bytes: new Uint8Array(600), text: text(1) }], text: text(2) })
  const path = db.path
  db.transact(root => {
    const [first] = (root.data as { list: { bytes: Uint8Array }[] }).list
    first?.bytes.fill(7)
    root.count++
  })
  const other = elsewhere<Root>(path, { classes })
  const [first] = (other.root.data as { list: { bytes: Uint8Array }[] }).list
  t.equal(first?.bytes[599], 7)
  other.close()
  t.end()
})

t.test('what looks equal and is not is written', t => {
  const db = openWith(t, [text(1) + text(2), 0, undefined])
  const data = db.root.data as unknown[]
  data[1] = -0
  db.commit()
  const other = elsewhere<Root>(db.path, { classes })
  t.ok(Object.is((other.root.data as unknown[])[1], -0))
  other.close()
  Reflect.deleteProperty(data, 2)
  t.throws(
    () => {
      db.commit()
    },
    { name: 'ValueError', path: 'root.data.2', message: /a hole in an array/ },
  )
  db.abort()
  t.end()
})

t.test('references lead where they led, whatever else the record refers to by then', t => {
  const things = [new Thing(0), new Thing(1)]
  const db = openWith(t, {
    before: [],
    list: [
      { thing: things[0], text: text(1) },
      { text: text(2), n: [text(3)] },
    ],
  })
  db.transact(root => {
    const data = root.data as { before: unknown[]; list: { thing: Thing }[] }
    data.before.push(things[1])
  })
  const other = elsewhere<Root>(db.path, { classes })
  const { before, list } = other.root.data as { before: Thing[]; list: { thing: Thing }[] }
  t.same([before[0]?.n, list[0]?.thing.n], [1, 0])
  other.close()
  t.end()
})

class Doc extends Persistent {
  static type = 'Doc'
  views = 0
  body: unknown = []
  more: unknown = []
  name = text(5)
}

for (const refers of [true, false])
  t.test(`fields that nobody asks for stay what they are, ${refers ? 'beside references' : 'alone'}`, t => {
    const path = join(tempDir(t), 'doc.db')
    const options = { classes: [Doc, Thing], durability: 'os' } as const
    const seen = (): unknown => {
      const other = elsewhere<{ doc: Doc }>(path, options)
      const { views, body, more, name } = other.root.doc
      const found = modelOf([views, body, more, name])
      other.close()
      return found
    }
    const body = [{ of: text(1) + text(2), at: new Date(5) }, [1, -0, undefined, 7n]]
    const more = (): unknown[] => [text(3) + text(4), refers ? new Thing(1) : 1, new Uint8Array([1, 2])]
    const modelled = [text(3) + text(4), refers ? 'Thing 1' : 1, new Uint8Array([1, 2])]
    let db = open(path, { root: { doc: undefined as unknown as Doc }, ...options })
    db.transact(root => {
      root.doc = Object.assign(new Doc(), { body, more: more() })
    })
    for (const opened of ['by who made it', 'by who reads it']) {
      const { doc } = db.root
      const before = doc.views
      for (let n = 1; n < 4; n++) {
        doc.views++
        db.commit()
        t.strictSame(seen(), [before + n, body, modelled, text(5)], opened)
      }
      doc.name = 'another'
      ;(doc.more as unknown[]).unshift(0)
      db.commit()
      t.strictSame(seen(), [before + 3, body, [0, ...modelled], 'another'], `${opened}, the others changed`)
      ;(doc.body as unknown[]).push(1)
      db.commit()
      t.strictSame(seen(), [before + 3, [...body, 1], [0, ...modelled], 'another'], `${opened}, and itself`)
      ;(doc.body as unknown[]).pop()
      ;(doc.more as unknown[]).shift()
      doc.name = text(5)
      db.commit()
      db.close()
      db = open(path, { root: { doc: undefined as unknown as Doc }, ...options })
    }
    db.close()
    t.end()
  })
