// Keys that a native Map cannot tell apart without comparing them: text of 2^14 characters or more, which has the hash of its length, and
// integers that end in the same 64 bits. They cost what others cost, as none is ever put into one.
import t from 'tap'
import type { Key, PersistentMap } from '../../lib/index.js'
import { LONG } from './keys.js'
import { meet } from './meet.js'
import { shelf, type Shelf } from './store.js'

const MANY = 300
const kinds: Readonly<Record<string, (n: number) => Key>> = {
  'long text': n => LONG + String(n).padStart(3, '0'),
  'large integers': n => BigInt(n + 1) << 64n,
  'integers that are as small': n => BigInt(-n - 1) << 64n,
}

const isAlike = (key: unknown): boolean =>
  (typeof key === 'string' && key.length >= LONG.length) || (typeof key === 'bigint' && BigInt.asIntN(64, key) === 0n)

type Method = (this: unknown, key: unknown, ...more: unknown[]) => unknown

/** How often `act` puts a key of that kind into a native Map or Set. */
function putNatively(act: () => void): number {
  let count = 0
  const watched = [
    [Map.prototype, 'set'],
    [Set.prototype, 'add'],
  ] as unknown as readonly (readonly [Record<string, Method>, string])[]
  const originals = watched.map(([prototype, name]) => {
    const original = prototype[name] as Method
    prototype[name] = function (key, ...more) {
      count += Number(isAlike(key))
      return original.call(this, key, ...more)
    }
    return () => (prototype[name] = original)
  })
  try {
    act()
  } finally {
    for (const restore of originals) restore()
  }
  return count
}

for (const [name, keyOf] of Object.entries(kinds)) {
  t.test(`${name} is put into no native Map or Set`, async t => {
    const three = shelf(t)
    const { db } = three
    const count = putNatively(() => {
      db.transact(({ map, set }) => {
        for (let n = 0; n < MANY; n++) {
          map.set('short', n)
          map.set(keyOf(n), { n })
          set.add(keyOf(n))
        }
      })
      const { map, set } = db.root
      const held: unknown[] = []
      for (let round = 0; round < 3; round++)
        for (let n = 0; n < MANY; n++) {
          held.push(map.get(keyOf(n)))
          if (!map.has(keyOf(n)) || !set.has(keyOf(n))) t.fail(`${n} is not there`)
        }
      for (let n = 0; n < MANY; n += 2) {
        ;(map.get(keyOf(n)) as { n: number }).n++
        set.delete(keyOf(n))
      }
      db.commit()
      meet(
        three,
        ({ map }) => void [map.get(keyOf(1)), map.set(keyOf(2), 'mine')],
        ({ map }) => void map.set(keyOf(3), 'theirs'),
      )
      if (held.length !== 3 * MANY) t.fail('something is missing')
    })
    t.equal(count, 0)
  })

  t.test(`${name}: what is asked, changed, undone and met is each its own, among short keys`, async t => {
    const three = shelf(t)
    const { db, other } = three
    const entries = (map: PersistentMap<Key, unknown>): unknown[] => [...map.values()]
    const keys = Array.from({ length: 20 }, (_, n) => keyOf(n))
    db.transact(({ map }) => {
      for (const [n, key] of keys.entries()) map.set(n, `short ${n}`).set(key, n)
    })
    const { map } = other.root
    const inOrder = entries(map)
    t.equal(inOrder.length, 40)
    t.same(
      keys.map(key => map.get(key)),
      [...keys.keys()],
    )
    map.set(keyOf(30), 30).set('a', 'short').set(keyOf(3), 'changed')
    map.delete(keyOf(4))
    t.same(
      [2, 3, 4, 5, 30].map(n => [map.get(keyOf(n)), map.has(keyOf(n))]),
      [[2, true], ['changed', true], [undefined, false], [5, true], [30, true]], // prettier-ignore
    )
    const [low, high] = [keyOf(2), keyOf(5)].sort((a, b) => (a < b ? -1 : 1)) as [Key, Key]
    t.same([...map.values({ gte: low, lte: high })].sort(), [2, 5, 'changed'])
    t.equal(map.count({ gt: low, lt: high }), 1)
    other.abort()
    t.same(entries(map), inOrder)
    const set = (n: number) => (root: Shelf) => void root.map.set(keyOf(n), {})
    t.equal(meet(three, set(6), set(7)), undefined)
    t.equal(meet(three, set(8), set(8))?.length, 1)
    t.equal(meet(three, root => root.map.get(keyOf(9)), set(9))?.length, 1)
    t.equal(
      meet(three, root => root.map.get(keyOf(9)), set(10)),
      undefined,
    )
    t.equal(
      meet(three, root => root.map.has(keyOf(9)), set(9)),
      undefined,
    )
    t.same([db.root.map.get(keyOf(11)), db.root.map.size], [11, 40])
  })
}
