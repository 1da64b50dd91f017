// Keys that refer to objects beside keys that do not, in one leaf: its references are those of its keys and of its values.
import t, { type Test } from 'tap'
import { PersistentMap, PersistentSet, type Connection, type Key } from '../../lib/index.js'
import { seeded } from '../helpers/seeded.js'
import { faultsOf } from './check.js'
import { shelf, Thing, thing, type Shelf } from './store.js'

const nameOf = (value: unknown): unknown => {
  if (value instanceof Thing) return `thing ${value.name}`
  return Array.isArray(value) ? value.map(nameOf) : value
}

/** Keys and values, objects by their names. */
const shown = (map: PersistentMap<Key, unknown>): unknown[] =>
  Array.from(map.entries({ plain: true }), ([key, value]) => [nameOf(key), JSON.stringify(value)])

/** What another program reads in the file is what this one has. */
function isStored(t: Test, { db, rival }: { db: Connection<Shelf>; rival: Connection<Shelf> }): void {
  rival.refresh()
  const named = (value: unknown): unknown => (value instanceof Thing ? nameOf(value) : JSON.stringify(value))
  const entries = ({ map }: Shelf): unknown[] => Array.from(map, ([key, value]) => [nameOf(key), named(value)])
  t.same(entries(rival.root), entries(db.root))
  t.same(Array.from(rival.root.set, nameOf), Array.from(db.root.set, nameOf))
  t.same([faultsOf(rival.root.map as never), faultsOf(rival.root.set as never)], [[], []])
}

const VALUES: Readonly<Record<string, (n: number) => unknown>> = {
  numbers: n => n,
  'small data': n => ({ n }),
  'large data': n => ({ n, text: 'x'.repeat(100) }),
  objects: n => thing(`value ${n}`),
}

for (const [name, valueOf] of Object.entries(VALUES)) {
  for (const [form, keyOf] of [
    ['an object', (key: Thing): Key => key],
    ['a tuple with an object', (key: Thing): Key => [key, 1]],
  ] as const) {
    t.test(`the first key that is ${form}, in a leaf of ${name} at keys that refer to nothing`, t => {
      const both = shelf(t)
      const { db } = both
      db.transact(({ map, set }) => {
        for (let n = 0; n < 150; n++) {
          map.set(n, valueOf(n))
          set.add(n)
        }
      })
      const put = (key: Key, inSet: Key, n: number): void => {
        db.transact(({ map, set }) => {
          map.set(key, valueOf(n))
          set.add(inSet)
        })
      }
      put(keyOf(thing('the key')), keyOf(thing('in the set')), 150)
      isStored(t, both)
      put('another', 'another', 151)
      isStored(t, both)
      db.transact(({ map, set }) => map.delete(149) && set.delete(149))
      isStored(t, both)
      t.equal(shown(db.root.map).length, 151)
      t.end()
    })
  }
}

t.test('keys of all kinds come and go', t => {
  const random = seeded(t)
  const both = shelf(t)
  const { db } = both
  const things = Array.from({ length: 40 }, (_, n) => thing(String(n)))
  db.transact(root => void root.things.push(...things.slice(20)))
  // Mostly leaves have no key that refers to anything, and some time get one.
  const key = (): Key =>
    random.pick<() => Key>([
      () => random.int(900),
      () => `k${random.int(100)}`,
      () => random.pick<Key>(random.int(4) === 0 ? things : [7, 'x']),
      () => [random.pick<Key>(['a', 1, random.int(10) === 0 ? random.pick(things) : 'b']), random.int(200)],
    ])()
  const values = Object.values(VALUES)
  db.transact(({ map, set }) => {
    for (let n = 0; n < 900; n++) {
      const at = n % 3 === 0 ? ['b', n % 200] : n
      map.set(at, n)
      set.add(at)
    }
  })
  for (let round = 0; round < 150; round++) {
    const value = random.pick(values)
    db.transact(({ map, set }) => {
      for (let n = random.pick([1, 2, 5, 10]); n > 0; n--) {
        const at = key()
        if (random.int(4) === 0) {
          map.delete(at)
          set.delete(at)
        } else {
          map.set(at, random.int(10) === 0 ? random.pick(things) : value(n))
          set.add(at)
        }
      }
    })
    if (random.int(3) === 0) isStored(t, both)
  }
  isStored(t, both)
  t.end()
})

t.test('new objects in a set or map that is new itself get their order from the commit that stores them', t => {
  const { db } = shelf(t)
  const [first, second, third] = [thing('a'), thing('b'), thing('c')]
  const set = new PersistentSet<Key>().bulkLoad([0, first, second, third])
  const one = new PersistentSet<Key>().add(first).add(second).add(third)
  const map = new PersistentMap<Key, number>().bulkLoad([[first, 1], [second, 2], [third, 3]] as const) // prettier-ignore
  db.root.things.push(third)
  db.commit()
  t.same(Array.from(set, nameOf), [0, 'thing c', 'thing a', 'thing b'])
  t.same(Array.from(one, nameOf), ['thing c', 'thing a', 'thing b'])
  t.same([...map.values()], [3, 1, 2])
  t.ok([first, second, third].every(each => set.has(each) && one.has(each) && map.has(each)))
  db.root.map.set('set', set)
  db.commit()
  t.same(Array.from(set, nameOf), [0, 'thing c', 'thing a', 'thing b'])
  t.end()
})
