import { inspect } from 'node:util'
import t from 'tap'
import {
  oidOf,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  PersistentSet,
  plain,
  StaleDataError,
  typeOf,
  type Key,
} from '../../lib/index.js'
import { faultsOf } from './check.js'
import { isKnown, shelf, Thing, thing } from './store.js'

t.test('it has the interface of Map, and iterates in the order of keys', async t => {
  const map: Map<string, number> = new PersistentMap([
    ['b', 2],
    ['a', 1],
    ['b', 3],
  ])
  t.same([...map], [['a', 1], ['b', 3]]) // prettier-ignore
  t.same([...map.keys()], ['a', 'b'])
  t.same([...map.values()], [1, 3])
  t.same([...map.entries()], [...map])
  t.equal(map.size, 2)
  t.equal(map.set('0', 0), map)
  t.equal(map.get('0'), 0)
  t.equal(map.get('none'), undefined)
  t.same([map.has('a'), map.has('c'), map.delete('a'), map.delete('a')], [true, false, true, false])
  const seen: unknown[] = []
  map.forEach(function (this: unknown, value, key, of) {
    seen.push([key, value, of === map, this])
  }, 'this')
  t.same(seen, [['0', 0, true, 'this'], ['b', 3, true, 'this']]) // prettier-ignore
  map.clear()
  t.equal(map.size, 0)
  t.equal(Object.prototype.toString.call(map), '[object PersistentMap]')
  t.same([...new PersistentMap(null)], [])
  t.same([...new PersistentMap(undefined)], [])
  t.same([...new PersistentMap(new Map([[1, 2]]))], [[1, 2]])
  t.throws(() => new PersistentMap([1] as never), { name: 'TypeError', message: '1 is not a [key, value] entry' })
  t.throws(() => map.forEach(undefined as never), { name: 'TypeError', message: 'undefined is not a function' })
})

t.test('getOrInsert gives what is there, or puts it there', async t => {
  const map = new PersistentMap<string, number[]>()
  map.getOrInsert('a', []).push(1)
  map.getOrInsert('a', [9]).push(2)
  t.same(map.get('a'), [1, 2])
  const computed = (key: string): number[] => [key.length]
  t.same(map.getOrInsertComputed('abc', computed), [3])
  t.equal(
    map.getOrInsertComputed('abc', () => []),
    map.get('abc'),
  )
  t.throws(() => map.getOrInsertComputed('a', 1 as never), TypeError('1 is not a function'))
  map.getOrInsertComputed('x', key => {
    map.set(key, [1])
    return [2]
  })
  t.same(map.get('x'), [2], 'what is computed last stays, as with Map')
  t.throws(() =>
    map.getOrInsertComputed('y', () => {
      throw new Error('mine')
    }),
  )
  t.equal(map.has('y'), false)
})

t.test('toJSON gives entries, whatever the keys are', async t => {
  const map = new PersistentMap<Key, unknown>([['a', { b: [1] }], [1, 'one']]) // prettier-ignore
  t.equal(JSON.stringify({ map }), '{"map":[[1,"one"],["a",{"b":[1]}]]}')
  t.same([...new PersistentMap(JSON.parse(JSON.stringify(map)) as [Key, unknown][])], [[1, 'one'], ['a', { b: [1] }]]) // prettier-ignore
})

t.test('it is sealed: no fields, no derived classes, no other `this`', async t => {
  const map = new PersistentMap<string, number>()
  t.throws(() => Object.assign(map, { name: 'x' }), { name: 'TypeError' })
  class Derived extends PersistentMap<string, number> {}
  t.throws(() => new Derived(), {
    message: 'PersistentMap cannot be extended: keep one in a field of a class that extends Persistent',
  })
  const foreign = {
    message: 'a method of PersistentMap was called on something that is no PersistentMap',
    name: 'TypeError',
  }
  const prototype = PersistentMap.prototype as unknown as Record<string | symbol, unknown>
  for (const other of [new Map(), new PersistentList(), Object.create(map), {}, undefined, thing('a')]) {
    for (const name of Reflect.ownKeys(prototype)) {
      if (typeof name === 'symbol' && name !== Symbol.iterator) continue
      if (name === 'constructor' || name === 'size' || name === 'toString') continue
      t.throws(() => (prototype[name] as () => void).call(other), foreign, String(name))
    }
    t.throws(() => Reflect.get(prototype, 'size', other), foreign)
  }
})

t.test('a change during an iteration counts ahead of it, and not behind it', async t => {
  const map = new PersistentMap<number, string>([10, 20, 30, 40].map(key => [key, 'old']))
  const seen: number[] = []
  for (const [key] of map) {
    seen.push(key)
    if (key === 20) {
      map.set(15, 'behind').set(25, 'ahead').delete(20)
      map.delete(30)
      map.delete(10)
    }
    if (key === 40) map.set(50, 'at the end')
  }
  t.same(seen, [10, 20, 25, 40, 50])
  t.same([...map.keys()], [15, 25, 40, 50])

  const iterator = map.keys()
  iterator.next()
  map.clear()
  map.set(1, 'behind').set(99, 'ahead')
  t.same([...iterator], [99])
  map.set(100, 'after the end')
  t.same(iterator.next(), { value: undefined, done: true })
})

t.test('an iteration goes on where it was after an abort and in the next transaction', async t => {
  const { db, other } = shelf(t)
  db.transact(root => [1, 2, 3, 4].forEach(key => root.map.set(key, 'stored')))
  const iterator = db.root.map.keys()
  t.equal(iterator.next().value, 1)
  db.root.map.set(1.5, 'undone')
  t.equal(iterator.next().value, 1.5)
  db.abort()
  other.root.map.delete(2)
  other.root.map.set(2.5, 'by another')
  other.commit()
  t.same([...iterator], [2.5, 3, 4])
})

t.test(
  'a plain value belongs to the map: it is copied in, and changing it in place is a change of the map',
  async t => {
    const { db, other } = shelf(t)
    const given = { tags: ['a'] }
    db.root.map.set('x', given)
    given.tags.push('not stored')
    db.commit()
    t.equal(db.changed, false)
    const held = db.root.map.get('x') as typeof given
    held.tags.push('b')
    t.equal(db.changed, true)
    db.commit()
    t.same(other.root.map.get('x'), { tags: ['a', 'b'] })
    t.equal(db.root.map.get('x'), held)
  },
)

t.test('a plain value that was handed out is found again by its key', async t => {
  const { db, other } = shelf(t)
  const date = new Date(5)
  const friend = thing('friend')
  const keys: Key[] = ['x', 1n, date, [1, Buffer.from('a')], friend, [friend]]
  for (const key of keys) db.root.map.set(key, { key: { n: 1 } })
  db.commit()
  const held = keys.map(key => db.root.map.get(key) as { key: { n: number } })
  const inner = held.map(value => value.key)
  const counts = (): number[] => inner.map(value => value.n)

  for (const value of inner) value.n = 2
  db.root.map.set(0, { in: 'front' })
  db.abort()
  t.same(counts(), [1, 1, 1, 1, 1, 1], 'after an abort')

  for (const [, value] of other.root.map) (value as { key: { n: number } }).key.n = 3
  other.root.map.set(-1, { in: 'front' })
  other.commit()
  db.refresh()
  t.same(counts(), [3, 3, 3, 3, 3, 3], 'after a reload')
  t.ok(keys.every((key, i) => db.root.map.get(key) === held[i]))
  for (const value of inner) value.n++
  db.commit()
  t.same([...other.connect().root.map.values()].slice(1).map(value => (value as { key: { n: number } }).key.n), [4, 4, 4, 4, 4, 4]) // prettier-ignore
})

t.test('a plain value whose key is gone or leads to something else is stale', async t => {
  const { db, other } = shelf(t)
  for (const key of ['gone', 'number', 'array', 'moved']) db.root.map.set(key, { key })
  db.commit()
  const held = ['gone', 'number', 'array', 'moved'].map(key => db.root.map.get(key) as { key: string })
  other.root.map.delete('gone')
  other.root.map.set('number', 1).set('array', ['array'])
  other.root.map.set('elsewhere', other.root.map.get('moved'))
  other.root.map.delete('moved')
  other.commit()
  db.refresh()
  for (const value of held) t.throws(() => value.key, StaleDataError)
  t.same(db.root.map.get('elsewhere'), { key: 'moved' })
})

t.test('what was taken out is ordinary data, and can go in elsewhere', async t => {
  const { db } = shelf(t)
  db.root.map.set('a', { n: 1 })
  db.commit()
  const a = db.root.map.get('a') as { n: number }
  db.root.map.delete('a')
  db.commit()
  a.n = 2
  t.equal(db.changed, false)
  db.root.map.set('b', a)
  t.equal(db.root.map.get('b'), a, 'moved, not copied')
  db.root.map.set('b', db.root.map.get('b'))
  a.n = 3
  db.commit()
  t.same(db.root.map.get('b'), { n: 3 })
  const replaced = db.root.map.get('b') as { n: number }
  db.root.map.set('b', 'other')
  replaced.n = 4
  db.root.map.clear()
  db.commit()
  t.same([replaced, db.root.map.size], [{ n: 4 }, 0])
})

t.test('what cannot be stored is refused with its path, and changes nothing', async t => {
  const { db } = shelf(t)
  const { map } = db.root
  map.set('a', 1)
  db.commit()
  const refused = (key: Key, value: unknown, message: string): void => {
    t.throws(() => map.set(key, value), { name: 'ValueError', code: 'VALUE', message: new RegExp(`^${message}`) })
    t.throws(() => new PersistentMap([[key, value]]), { name: 'ValueError' })
  }
  refused('a', () => 1, 'PersistentMap.a: a function cannot be stored')
  refused('b', { deep: [new Map()] }, 'PersistentMap.b.deep.0: a native Map cannot be stored: use PersistentMap')
  refused(1n, Symbol('x'), 'PersistentMap.1n: a symbol')
  refused(new Date(0), Symbol('x'), 'PersistentMap.1970-01-01T00:00:00.000Z: a symbol')
  refused(Buffer.from('ab'), Symbol('x'), 'PersistentMap.<6162>: a symbol')
  refused([1, ['x']], Symbol('x'), 'PersistentMap.\\[1, \\[x\\]\\]: a symbol')
  refused(thing('a'), Symbol('x'), 'PersistentMap.Thing \\(new\\): a symbol')
  refused(map, Symbol('x'), `PersistentMap.PersistentMap ${oidOf(map)}: a symbol`)
  t.equal(db.changed, false)
  t.same([...map], [['a', 1]])

  map.set('one', { n: 1 })
  map.set('two', { inner: map.get('one') })
  t.throws(() => db.commit(), {
    code: 'VALUE',
    path: 'PersistentMap.two.inner',
    message: /stands at PersistentMap\.one too/,
  })
})

t.test('references keep identity, and only the object that is asked for is loaded', async t => {
  const { db, other } = shelf(t)
  const [a, b] = [thing('a'), thing('b')]
  a.friend = b
  db.transact(root => root.map.set('a', a).set('b', b).set('self', root.map))
  t.equal(db.root.map.get('a'), a)
  const loaded = other.root.map.get('a') as Thing
  t.same([isKnown(other.root, a), isKnown(other.root, b)], [true, false])
  t.equal(loaded.friend, other.root.map.get('b'))
  t.equal(other.root.map.get('self'), other.root.map)
  t.equal([...other.root.map.values()][0], loaded)
})

t.test('what changes nothing is no change', async t => {
  const { db } = shelf(t)
  const { map } = db.root
  map.delete('a')
  map.clear()
  t.equal(db.changed, false)
  map.set('a', 1)
  db.commit()
  map.delete('b')
  map.getOrInsert('a', 2)
  t.equal(db.changed, false)
})

t.test('a paused connection changes no map, and looks at it', async t => {
  const { db } = shelf(t)
  const { map } = db.root
  db.transact(() => map.set('a', [1]))
  const pause = db.pause()
  t.throws(() => map.set('b', 1), {
    code: 'STATE',
    message: /^PersistentMap \d+ cannot be changed while the connection is paused/,
  })
  t.throws(() => map.delete('a'), { code: 'STATE' })
  t.throws(() => map.clear(), { code: 'STATE' })
  t.throws(() => (map.get('a') as number[]).push(2), { code: 'STATE' })
  t.same([...map], [['a', [1]]])
  pause.continue()
})

t.test('it prints its entries, and loads nothing for that', async t => {
  const { db } = shelf(t)
  const [one, two] = [thing('one'), thing('two')]
  db.transact(root => root.map.set('a', { n: 1 }).set(one, two))
  const { map } = db.root
  const name = (object: object): string => `${typeOf(object)} ${oidOf(object)}`
  t.equal(inspect(map), `${name(map)} Map(2) { 'a' => { n: 1 }, [${name(one)}] => [${name(two)}] }`)
  t.equal(inspect(new PersistentMap([[1, 2]])), 'PersistentMap Map(1) { 1 => 2 }')
})

t.test('plain() makes a native Map of it', async t => {
  const map = new PersistentMap<Key, unknown>([
    ['a', { n: [1] }],
    [[1, Buffer.from('b')], thing('t')],
  ])
  const copy = plain(map, { depth: 1 }) as Map<unknown, unknown>
  t.same([...copy], [['a', { n: [1] }], [[1, Buffer.from('b')], { name: 't', friend: undefined }]]) // prettier-ignore
  t.type(copy, Map)
  t.doesNotThrow(() => structuredClone(copy))
})

t.test('large maps and sets with keys of every kind', t => {
  const bytes = (n: number): Uint8Array => Uint8Array.of(n >> 8, n)
  const kinds: Readonly<Record<string, (n: number) => Key>> = {
    bytes,
    buffers: n => Buffer.from(bytes(n)),
    dates: n => new Date(n),
    bigints: n => BigInt(n) - 150n,
    fractions: n => n / 7,
    texts: n => `key ${n}`,
    tuples: n => [n % 3, bytes(n), [new Date(n), 'x']],
  }
  for (const [name, keyOf] of Object.entries(kinds)) {
    const { db, rival } = shelf(t)
    const left = new Set(Array.from({ length: 300 }, (_, n) => n))
    const check = (): void => {
      rival.refresh()
      const { map, set } = rival.root
      t.same([map.size, set.size], [left.size, left.size], name)
      for (let n = 0; n < 300; n++) {
        if (map.get(keyOf(n)) !== (left.has(n) ? n : undefined)) t.fail(`${name}: ${n} in the map`)
        if (set.has(keyOf(n)) !== left.has(n)) t.fail(`${name}: ${n} in the set`)
      }
      t.same([faultsOf(map as never), faultsOf(set as never)], [[], []])
    }
    for (const n of left) {
      db.root.map.set(keyOf(n), n)
      db.root.set.add(keyOf(n))
      if (n % 90 === 0) db.commit()
    }
    db.commit()
    check()
    for (let n = 0; n < 300; n += 2) {
      db.root.map.delete(keyOf(n))
      db.root.set.delete(keyOf(n))
      left.delete(n)
      if (n % 30 === 0) db.commit()
    }
    db.commit()
    check()
  }
  t.end()
})

t.test('what constructors cannot go through is refused, and is no empty collection', t => {
  const given = (value: unknown): never => value as never
  for (const value of [{ a: 1 }, { length: 2 }, 5, Symbol.iterator]) {
    const refused = (make: () => unknown, message: RegExp): void => {
      t.throws(make, { name: 'TypeError', message })
    }
    refused(
      () => new PersistentMap(given(value)),
      /^new PersistentMap\(\) expects pairs of a key and a value, in an array/,
    )
    refused(() => new PersistentSet(given(value)), /^new PersistentSet\(\) expects values, in an array/)
    refused(() => new PersistentList(given(value)), /^new PersistentList\(\) expects items, in an array/)
    refused(() => new PersistentQueue(given(value)), /^new PersistentQueue\(\) expects items, in an array/)
  }
  t.throws(() => new PersistentMap(given({ a: 1 })), { message: /not \{ a: 1 \}$/ })
  for (const none of [undefined, null]) {
    t.equal(new PersistentMap(none).size, 0)
    t.equal(new PersistentSet(none).size, 0)
    t.equal(new PersistentList(none).length, 0)
    t.equal(new PersistentQueue(none).size, 0)
  }
  t.end()
})

t.test('options of ranges that there are not are refused: they would give, or delete, everything', async t => {
  const { db } = shelf(t)
  const { map, set, list } = db.root
  for (const n of [1, 2, 3]) {
    map.set(n, n)
    set.add(n)
    list.push(n)
  }
  const refused = (call: () => unknown, message: RegExp): void => {
    t.throws(call, { name: 'TypeError', message })
  }
  const odd = (options: unknown): never => options as never
  refused(
    () => map.deleteRange(odd({ from: 2 })),
    /^PersistentMap: there is no option from; there are gte, gt, lte, lt, prefix$/,
  )
  refused(() => map.deleteRange(odd({ gte: 2, limit: 1 })), /no option limit/)
  refused(() => map.deleteRange(odd({ gte: undefined, lt: 1 })), /a gte that is undefined/)
  refused(() => map.deleteRange(odd(undefined)), /deleteRange\(\) needs a range; to remove everything, call clear\(\)$/)
  refused(() => set.deleteRange(odd({ prefix: undefined })), /^PersistentSet: .* a prefix that is undefined/)
  refused(() => map.deleteRange(odd(Object.create({ gte: undefined }))), /a gte that is undefined/)
  class Unbounded {
    get lt() {
      return undefined
    }
  }
  refused(() => map.deleteRange(odd(new Unbounded())), /a lt that is undefined/)
  class Misspelt {
    get lessThan() {
      return 2
    }
  }
  refused(() => set.deleteRange(odd(new Misspelt())), /^PersistentSet: .* an object of a class without any of gte, gt/)
  refused(() => map.count(odd({ GT: 2 })), /did you mean gt\?/)
  refused(() => map.keys(odd({ plain: true })), /no option plain/)
  refused(() => map.keys(odd(2)), /expects an object of options, not 2/)
  refused(() => map.keys(odd({ reverse: 'no' })), /^PersistentMap: reverse must be true or false, not 'no'/)
  refused(() => map.values(odd({ start: 2 })), /no option start; there are gte, .*, limit, plain$/)
  refused(() => map.entries(odd({ revers: true })), /no option revers/)
  refused(() => set.deleteRange(odd({ from: 2 })), /^PersistentSet: there is no option from/)
  refused(() => set.values(odd({ end: 2 })), /no option end/)
  refused(() => list.values(odd({ from: 2 })), /^PersistentList: there is no option from; there are plain$/)
  t.same([map.size, set.size, list.length], [3, 3, 3])
  t.same([...map.values(odd({ gte: 2, plain: true, reverse: true, limit: 1 }))], [3])
  let asked = 0
  class FromThree {
    get gte() {
      return ++asked === 1 ? 3 : 1
    }
  }
  t.equal(map.deleteRange(new FromThree()), 1, 'a bound may be inherited, and is asked once')
  t.equal(map.deleteRange(odd(Object.assign(Object.create(null), { lt: 2 }))), 1)
  t.equal(set.deleteRange({}), 3, 'a literal can be looked through')
})
