import { inspect } from 'node:util'
import t from 'tap'
import { oidOf, PersistentMap, PersistentSet, plain, type Key, type SetLike } from '../../lib/index.js'
import { seeded } from '../helpers/seeded.js'
import { isKnown, shelf, Thing, thing } from './store.js'

t.test('it has the interface of Set, and iterates in the order of keys', async t => {
  const set: Set<number> = new PersistentSet([3, 1, 3, 2])
  t.same([...set], [1, 2, 3])
  t.same([...set.values()], [1, 2, 3])
  t.same([...set.keys()], [1, 2, 3])
  t.same([...set.entries()], [[1, 1], [2, 2], [3, 3]]) // prettier-ignore
  t.equal(set.size, 3)
  t.equal(set.add(0), set)
  t.same([set.has(0), set.has(9), set.delete(0), set.delete(0)], [true, false, true, false])
  const seen: unknown[] = []
  set.forEach(function (this: unknown, value, same, of) {
    seen.push([value, same, of === set, this])
  }, 'this')
  t.same(seen[0], [1, 1, true, 'this'])
  t.equal(seen.length, 3)
  set.clear()
  t.equal(set.size, 0)
  t.equal(Object.prototype.toString.call(set), '[object PersistentSet]')
  t.same([...new PersistentSet(null)], [])
  t.equal(JSON.stringify(new PersistentSet<Key>(['b', 1])), '[1,"b"]')
})

// What the language says of native sets, for runtimes that do not have it.
const native = {
  union: (a: Set<Key>, b: Set<Key>) => [...new Set([...a, ...b])],
  intersection: (a: Set<Key>, b: Set<Key>) => [...a].filter(value => b.has(value)),
  difference: (a: Set<Key>, b: Set<Key>) => [...a].filter(value => !b.has(value)),
  symmetricDifference: (a: Set<Key>, b: Set<Key>) => [
    ...[...a].filter(value => !b.has(value)),
    ...[...b].filter(value => !a.has(value)),
  ],
  isSubsetOf: (a: Set<Key>, b: Set<Key>) => [...a].every(value => b.has(value)),
  isSupersetOf: (a: Set<Key>, b: Set<Key>) => [...b].every(value => a.has(value)),
  isDisjointFrom: (a: Set<Key>, b: Set<Key>) => [...a].every(value => !b.has(value)),
}
type Operation = keyof typeof native
const operations = Object.keys(native) as Operation[]

t.test('the operations of two sets are those of the language', async t => {
  const random = seeded(t)
  const differences: unknown[] = []
  for (let run = 0; run < 200; run++) {
    const some = (): Key[] => Array.from({ length: random.int(6) }, () => random.int(5))
    const set = new PersistentSet(some())
    const other = new Set(some())
    const others: SetLike<Key>[] = [other, new PersistentSet(other), new PersistentMap([...other].map(key => [key, 0]))]
    for (const operation of operations) {
      const expected = native[operation](new Set(set), other)
      for (const one of others) {
        const result = set[operation](one)
        const is = typeof result === 'boolean' ? result : [...result].sort()
        const should = typeof expected === 'boolean' ? expected : [...expected].sort()
        if (JSON.stringify(is) !== JSON.stringify(should))
          differences.push([operation, [...set], [...other], is, should])
      }
    }
  }
  t.same(differences, [])
})

t.test('objects of another connection are refused, whichever of two sets is the larger', t => {
  const { db } = shelf(t)
  const [one, other] = [thing('one'), thing('other')]
  db.transact(root => void root.set.add(one).add(1))
  const own = db.connect()
  t.throws(() => db.root.set.intersection(own.root.set), { code: 'VALUE' })
  db.transact(root => void root.set.add(other).add(2).add(3))
  t.throws(() => db.root.set.intersection(own.root.set), { code: 'VALUE' })
  own.close()
  t.end()
})

t.test('a new set is a native one: first what this set has, in its order, then the rest', async t => {
  const set = new PersistentSet([3, 1, 2])
  for (const operation of ['union', 'intersection', 'difference', 'symmetricDifference'] as const) {
    t.equal(Object.getPrototypeOf(set[operation](new Set([1]))), Set.prototype)
  }
  t.same([...set.union(new Set([9, 0, 2]))], [1, 2, 3, 9, 0])
  t.same([...set.symmetricDifference(new Set([9, 0, 2]))], [1, 3, 9, 0])
  t.same([...set.intersection(new Set([3, 2, 7]))], [2, 3])
})

t.test('the other set is compared by keys, too, whichever set is larger', async t => {
  const values = (): Key[] => [new Date(0), Buffer.from('a'), ['x', new Date(1)]]
  const set = new PersistentSet<Key>(values())
  for (const more of [[], [1, 2, 3, 4]]) {
    const other = new Set<Key>([...values(), ...more])
    t.equal(set.isSubsetOf(other), true)
    t.same(set.difference(other), new Set())
    t.equal(set.intersection(other).size, 3)
    t.equal(set.union(other).size, 3 + more.length)
    t.equal(set.symmetricDifference(other).size, more.length)
    t.equal(set.isSupersetOf(other), more.length === 0)
    t.equal(set.isDisjointFrom(other), false)
  }
  t.equal(set.isSubsetOf(new Set<Key>([new Date(0), new Date(1), new Date(2)])), false)
})

t.test('what cannot be a key is in the other set only', async t => {
  const set = new PersistentSet<number>([1])
  const other = new Set([1, null, NaN, undefined, true, {}])
  t.equal(set.isSupersetOf(other), false)
  t.equal(set.isSubsetOf(other), true)
  t.same([...set.intersection(other)], [1])
  t.equal(set.union(other).size, 6)
  t.equal(set.symmetricDifference(other).size, 5)
  t.equal(set.isDisjointFrom(new Set([null])), true)
})

t.test('an operation takes whatever has size, has() and keys(), and nothing else', async t => {
  const set = new PersistentSet([1, 2])
  let closed = 0
  const other: SetLike<number> = {
    size: 2,
    has: value => value === 1,
    keys: () => ({
      next: () => ({ value: 3, done: false }),
      return: () => (closed++, { value: undefined, done: true }),
    }),
  }
  t.same([...set.intersection(other)], [1])
  t.equal(set.isSupersetOf(other), false)
  t.equal(closed, 1, 'an iterator that is left is closed')
  for (const bad of [
    undefined,
    null,
    1,
    [1],
    {},
    { ...other, size: NaN },
    { ...other, has: 1 },
    { ...other, keys: 1 },
  ]) {
    for (const operation of operations) {
      t.throws(() => set[operation](bad as never), { name: 'TypeError', message: /expects a set/ }, operation)
    }
  }
  t.throws(() => set.union({ ...other, size: -1 }), { name: 'RangeError' })
})

t.test('of two sets, what is in both is looked for by going through the smaller one', async t => {
  const set = new PersistentSet<Key>([...Array(100).keys(), Buffer.from('a'), new Date(5), ['b', 1]])
  const asked: string[] = []
  const like = (size: number, keys: Key[]): SetLike<Key> => ({
    size,
    has: value => (asked.push('has'), keys.includes(value)),
    keys: () => (asked.push('keys'), keys.values()),
  })
  t.same([...set.intersection(like(3, [70, -1, 20]))], [20, 70], 'in the order of this set')
  t.equal(set.isDisjointFrom(like(3, [70, -1, 20])), false)
  t.equal(set.isDisjointFrom(like(2, [-1, -2])), true)
  t.same(asked.splice(0), ['keys', 'keys', 'keys'])
  const few = new PersistentSet<Key>([20, 70])
  t.same([...few.intersection(like(100, [70, -1]))], [70])
  t.equal(few.isDisjointFrom(like(100, [70, -1])), false)
  t.equal(few.isDisjointFrom(like(100, [-1])), true)
  t.same(new Set(asked), new Set(['has']))
  const common = [...set.intersection(new Set<Key>([Uint8Array.of(97), new Date(5), new Date(5), ['b', 1]]))]
  t.same(common, [new Date(5), Buffer.from('a'), ['b', 1]], 'each once')
  t.ok(Buffer.isBuffer(common[1]), 'as it is in this set')
})

t.test('it is sealed: no fields, no derived classes, no other `this`', async t => {
  t.throws(() => Object.assign(new PersistentSet(), { name: 'x' }), { name: 'TypeError' })
  class Derived extends PersistentSet<string> {}
  t.throws(() => new Derived(), { message: /^PersistentSet cannot be extended/ })
  const foreign = {
    message: 'a method of PersistentSet was called on something that is no PersistentSet',
    name: 'TypeError',
  }
  const prototype = PersistentSet.prototype as unknown as Record<string | symbol, unknown>
  for (const name of [...Object.getOwnPropertyNames(prototype), Symbol.iterator]) {
    if (name === 'constructor' || name === 'size' || name === 'toString') continue
    for (const other of [new Set(), new PersistentMap(), undefined]) {
      t.throws(() => (prototype[name] as (other: Set<number>) => void).call(other, new Set()), foreign, String(name))
    }
  }
})

t.test('a change during an iteration counts ahead of it, and not behind it', async t => {
  const set = new PersistentSet<number>([10, 20, 30])
  const seen: number[] = []
  for (const value of set) {
    seen.push(value)
    if (value === 20) set.add(15).add(25).delete(30)
  }
  t.same(seen, [10, 20, 25])
  const visited: number[] = []
  set.forEach(value => {
    visited.push(value)
    set.delete(value)
  })
  t.same(visited, [10, 15, 20, 25])
  t.equal(set.size, 0)
})

t.test('it holds references, which keep identity and are followed when they are asked for', async t => {
  const { db, other } = shelf(t)
  const things = ['a', 'b', 'c'].map(thing)
  db.transact(root => {
    for (const one of things) root.set.add(one)
    root.things.push(things[1] as Thing)
  })
  t.ok(other.root.set.has(other.root.things[0] as Thing))
  t.same(
    things.map(one => isKnown(other.root, one)),
    [false, true, false],
  )
  const loaded = [...other.root.set] as Thing[]
  t.same(
    loaded.map(({ name }) => name),
    ['a', 'b', 'c'],
  )
  t.equal(loaded[1], other.root.things[0])
  t.same(loaded.map(oidOf), things.map(oidOf))
  t.ok(other.root.set.delete(loaded[0] as Thing))
  other.commit()
  db.refresh()
  t.same([db.root.set.has(things[0] as Thing), db.root.set.size], [false, 2])
})

t.test('what changes nothing is no change', async t => {
  const { db } = shelf(t)
  db.root.set.add('a')
  db.commit()
  db.root.set.add('a')
  db.root.set.delete('b')
  t.equal(db.changed, false)
  db.root.set.clear()
  t.equal(db.changed, true)
  db.abort()
  t.same([...db.root.set], ['a'])
})

t.test('it prints its values, and plain() makes a native Set of it', async t => {
  const set = new PersistentSet<Key>(['a', 1, thing('t')])
  t.equal(inspect(set), "PersistentSet Set(3) { 1, 'a', [Thing] }")
  t.same(plain(set, { depth: 1 }), new Set([1, 'a', { name: 't', friend: undefined }]))
})
