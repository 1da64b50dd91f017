import t from 'tap'
import { compareKeys } from '../../lib/collection/key-order.js'
import { keyIn, type StoredKey } from '../../lib/collection/key.js'
import { headerOf } from '../../lib/object/header.js'
import { oidOf, plain, PersistentList, PersistentMap, PersistentSet, ValueError, type Key } from '../../lib/index.js'
import { seeded } from '../helpers/seeded.js'
import { keysInOrder, keyText, randomKey } from './keys.js'
import { shelf, Thing, thing } from './store.js'

const owner = headerOf(new PersistentSet())!
const stored = (key: unknown): StoredKey => keyIn(key, owner, 'key')
const sign = (a: unknown, b: unknown): number => Math.sign(compareKeys(stored(a), stored(b)))

t.test('numbers, dates, strings, byte arrays, tuples: each kind before the next, each in its own order', async t => {
  const keys = keysInOrder()
  const wrong = keys.flatMap((a, i) => keys.filter((b, j) => sign(a, b) !== Math.sign(i - j)).map(b => [a, b]))
  t.same(wrong, [])
  const random = seeded(t)
  t.same([...new PersistentSet(random.shuffle(keys))], keys)
  const set = new PersistentSet<Key>()
  for (const key of random.shuffle(keys)) set.add(key)
  t.same([...set], keys)
})

t.test('byte arrays: as Buffer.compare has it, wherever they differ, and however long they are', async t => {
  const random = seeded(t)
  const wrong: string[] = []
  for (let i = 0; i < 20_000; i++) {
    const a = random.bytes(random.int(70))
    const b = Uint8Array.from(random.chance(0.7) ? a : random.bytes(random.int(70)))
    if (b.length > 0 && random.chance(0.7)) b[random.int(b.length)] = random.int(256)
    const other = b.subarray(0, random.chance(0.5) ? b.length : random.int(b.length + 1))
    if (sign(a, other) !== Buffer.compare(a, other)) wrong.push(`${keyText(a)}, ${keyText(other)}`)
  }
  t.same(wrong, [])
})

t.test('any keys: the order is total, and only the same keys are equal in it', async t => {
  const random = seeded(t)
  const keys = Array.from({ length: 150 }, () => randomKey(random))
  const wrong: string[] = []
  for (const a of keys) {
    for (const b of keys) {
      if (sign(a, b) + sign(b, a) !== 0) wrong.push(`not antisymmetric: ${keyText(a)}, ${keyText(b)}`)
      if ((sign(a, b) === 0) !== (keyText(a) === keyText(b)))
        wrong.push(`not as equality: ${keyText(a)}, ${keyText(b)}`)
    }
  }
  for (let i = 0; i < 50_000; i++) {
    const [a, b, c] = [random.pick(keys), random.pick(keys), random.pick(keys)]
    if (sign(a, b) <= 0 && sign(b, c) <= 0 && sign(a, c) > 0)
      wrong.push(`not transitive: ${[a, b, c].map(keyText).join(', ')}`)
  }
  t.same(wrong, [])
})

t.test('keys come back from the store the same, of the same classes, in the same order', async t => {
  const { db, other } = shelf(t)
  const random = seeded(t)
  const keys = new Map(
    [...keysInOrder(), ...Array.from({ length: 300 }, () => randomKey(random))].map(key => [keyText(key), key]),
  )
  db.transact(root => {
    for (const [text, key] of keys) {
      if (!root.map.has(key)) root.map.set(key, text)
      root.set.add(key)
    }
  })
  const { map, set } = other.root
  t.equal(map.size, keys.size)
  t.same([...map.keys()].map(keyText), [...db.root.map.keys()].map(keyText))
  t.same([...set].map(keyText), [...map.keys()].map(keyText))
  const again = [...map.keys()]
  t.ok(again.every((key, i) => i === 0 || sign(again[i - 1], key) < 0))
  t.same(
    [...keys].filter(([text, key]) => map.get(key) !== text || !set.has(key)),
    [],
  )
  t.same(
    again.map(key => Buffer.isBuffer(key)),
    [...db.root.map.keys()].map(key => Buffer.isBuffer(key)),
  )
})

t.test(
  '-0 is 0, and a Buffer is the key of the Uint8Array with the same bytes: the first of equal keys stays',
  async t => {
    const map = new PersistentMap<Key, string>([[-0, 'zero']])
    t.ok(Object.is([...map.keys()][0], 0))
    map.clear()
    map.set(Buffer.from('a'), 'first').set(Uint8Array.of(0x61), 'second')
    t.equal(map.size, 1)
    t.equal(map.get(Uint8Array.of(0x61)), 'second')
    t.ok(Buffer.isBuffer([...map.keys()][0]))
  },
)

t.test('a number and a bigint of the same value are two keys', async t => {
  const map = new PersistentMap<Key, string>([
    [1n, 'bigint'],
    [1, 'number'],
  ])
  t.same([...map], [[1, 'number'], [1n, 'bigint']]) // prettier-ignore
})

t.test('what cannot be a key is refused, also in a question, and the message says what can be', async t => {
  const cyclic: unknown[] = []
  cyclic.push(cyclic)
  const bad: [value: unknown, named: RegExp][] = [
    [
      NaN,
      /^PersistentMap key: NaN cannot be a key: keys are numbers \(not NaN\), bigints, strings, valid dates, byte arrays/,
    ],
    [new Date(NaN), /an invalid date cannot/],
    [true, /true cannot/],
    [null, /null cannot/],
    [undefined, /undefined cannot/],
    [{ a: 1 }, /a plain object cannot/],
    [Object.create(null), /a plain object cannot/],
    [new Uint16Array(1), /an instance of Uint16Array cannot/],
    [new Uint8ClampedArray(1), /an instance of Uint8ClampedArray cannot/],
    [new (class Odd extends Uint8Array {})(1), /an instance of Odd cannot/],
    [new ArrayBuffer(1), /an instance of ArrayBuffer cannot/],
    [new Map(), /an instance of Map cannot/],
    [/a/, /an instance of RegExp cannot/],
    [Symbol('a'), /a symbol cannot/],
    [() => 1, /a function cannot/],
    [[1, [2, NaN]], /^PersistentMap key\.1\.1: NaN cannot/],
    [Object.assign([1], { name: 'x' }), /an array with holes, named fields or a class of its own/],
    [[1, , 2], /an array with holes/], // eslint-disable-line no-sparse-arrays
    [new (class Odd extends Array<number> {})(), /or a class of its own/],
    [cyclic, /more than 32 levels deep/],
  ]
  const map = new PersistentMap<Key, unknown>([[1, 1]])
  const set = new PersistentSet<Key>([1])
  for (const [value, message] of bad) {
    const key = value as Key
    const refusal = { name: 'ValueError', code: 'VALUE', message }
    t.throws(() => map.set(key, 1), refusal)
    t.throws(() => map.get(key), refusal)
    t.throws(() => map.has(key), refusal)
    t.throws(() => map.delete(key), refusal)
    t.throws(() => map.getOrInsert(key, 1), refusal)
    t.throws(() => new PersistentMap([[key, 1]]), refusal)
    t.throws(() => set.add(key), ValueError)
    t.throws(() => set.has(key), ValueError)
    t.throws(() => new PersistentSet([key]), ValueError)
  }
  t.same([[...map], [...set]], [[[1, 1]], [1]])
})

t.test('keys are values: nobody changes a collection through a key that he gave or got', async t => {
  const keys = (): [Date, Buffer, Key[]] => [new Date(5), Buffer.from('abc'), [1, new Date(6), Buffer.from('x')]]
  const [date, bytes, tuple] = keys()
  const set = new PersistentSet<Key>([date, bytes, tuple])
  const check = (): void => {
    t.same([...set], keys())
    for (const key of keys()) t.ok(set.has(key))
  }
  date.setTime(0)
  bytes[0] = 0
  ;(tuple[2] as Buffer)[0] = 0
  tuple.push(2)
  check()
  for (const key of set) {
    if (key instanceof Date) t.throws(() => key.setTime(0), TypeError)
    if (key instanceof Uint8Array) key[0] = 0
    if (Array.isArray(key)) {
      t.throws(() => (key as Key[]).push(1), TypeError)
      const [, , inner] = key as [number, Date, Buffer]
      inner[0] = 0
    }
  }
  check()
})

t.test('a date that comes out of a map or set, whichever way, changes nothing there', async t => {
  const { db, other } = shelf(t)
  const keys = (): Key[] => [new Date(5), [1, new Date(6)]]
  db.transact(root => {
    for (const key of keys()) {
      root.map.set(key, 'value')
      root.set.add(key)
    }
  })
  const { map, set } = other.root
  set.add(new Date(7)) // one that is not stored yet
  const out: unknown[] = [
    map.keys(),
    map.entries(),
    map.range({}),
    map.first(),
    map.last(),
    map.toJSON(),
    plain(map as object),
  ]
  map.forEach((_, key) => out.push(key))
  set.forEach((value, same) => out.push(value, same))
  out.push(
    set.values(),
    set.entries(),
    set.union(new Set()),
    set.difference(new Set()),
    set.toJSON(),
    plain(set as object),
  )
  let dates = 0
  const change = (value: unknown): void => {
    if (value instanceof Date) {
      dates++
      try {
        value.setTime(99)
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
      }
    } else if (typeof value === 'object' && value !== null)
      for (const part of value as Iterable<unknown>) if (typeof part === 'object') change(part)
  }
  change(out)
  t.equal(dates, 12 + 2 + 6 + 21)
  t.same([[...map.keys()], [...set]], [keys(), [new Date(5), new Date(7), [1, new Date(6)]]])
  t.ok(keys().every(key => map.has(key) && set.has(key)))
  other.abort()
})

t.test('tracked arrays make tuples, which do not change with them', async t => {
  const list = new PersistentList<number[]>([[1, 2]])
  const set = new PersistentSet<Key>([list.at(0)!])
  list.at(0)!.push(3)
  t.same([...set], [[1, 2]])
  t.ok(set.has([1, 2]))
})

// ---- references -------------------------------------------------------------------------------------------------

const names = (keys: Iterable<Key>): string[] =>
  Array.from(keys, key => {
    if (key instanceof Thing) return key.name
    return Array.isArray(key) ? `(${names(key as Key[]).join()})` : typeof key === 'object' ? 'collection' : String(key)
  })

t.test(
  'objects stand behind all values: the stored ones as they were stored, then the others as they were created',
  async t => {
    const { db, other } = shelf(t)
    const [a, b, c, d] = [thing('a'), thing('b'), thing('c'), thing('d')]
    db.root.things.push(c)
    db.commit()
    const { set } = db.root
    for (const key of [d, a, [a], b, c, 'text', [c], [[]], set, 1]) set.add(key)
    const order = ['1', 'text', '(())', '(c)', '(a)', 'collection', 'c', 'a', 'b', 'd']
    t.same(names(set), order)
    db.commit()
    t.same(names(set), order, 'a commit changes nothing in the order')
    t.ok(oidOf(a)! < oidOf(b)! && oidOf(b)! < oidOf(d)!)
    const loaded = [...other.root.set]
    t.same(names(loaded), order)
    t.ok(loaded.every(key => other.root.set.has(key)))
    t.equal((loaded[3] as Thing[])[0], loaded[6], 'identity is kept in tuples, too')
  },
)

t.test('a new collection whose keys are stored before it follows their order', async t => {
  const { db, other } = shelf(t)
  const [a, b, c] = [thing('a'), thing('b'), thing('c')]
  const map = new PersistentMap<Key, unknown>([
    [a, { is: 'a' }],
    [b, 'b'],
    [[a], 'in a tuple'],
    [[b], 'too'],
  ])
  map.set(c, 'c')
  t.same([...map.values()], ['in a tuple', 'too', { is: 'a' }, 'b', 'c'])
  db.root.things.push(b)
  db.commit()
  t.equal(map.get(b), 'b')
  t.same([...map.values()], ['too', 'in a tuple', 'b', { is: 'a' }, 'c'])
  db.root.things.push(c)
  db.commit()
  db.root.map.set('inner', map)
  db.commit()
  t.same([...map.values()], ['too', 'in a tuple', 'b', 'c', { is: 'a' }])
  const inner = other.root.map.get('inner') as typeof map
  t.same([...inner.values()], [...map.values()])
  for (const key of inner.keys()) t.ok(inner.has(key))
})

t.test('objects of two connections do not mix as keys', async t => {
  const { db, other } = shelf(t)
  db.root.things.push(thing('a'))
  db.root.set.add(db.root.things[0]!)
  db.commit()
  const [mine, theirs] = [db.root.things[0]!, other.root.things[0]!]
  t.throws(() => db.root.set.has(theirs), {
    code: 'VALUE',
    message: /belongs to another connection.*get\(\d+\).*plain\(it\)/,
  })
  t.equal(db.get(oidOf(theirs)!), mine, 'which is what the message advises')
  t.throws(() => db.root.set.add([theirs]), { code: 'VALUE', message: /belongs to another connection/ })
  t.throws(() => new PersistentSet([mine, theirs]), { code: 'VALUE', message: /two connections/ })
  t.equal(db.root.set.isDisjointFrom(new Set([theirs])), true)
})
