// Taking one entry after another out of a map, set or queue in one transaction: who asks for the next one does not go past all
// that are gone, each time anew. Counted are the steps, in what is stored and in what the transaction did.
import t from 'tap'
import { PersistentMap, PersistentQueue, type Key } from '../../lib/index.js'
import { KeyTable } from '../../lib/collection/key-table.js'
import { Cursor } from '../../lib/collection/tree/tree.js'
import { meet } from './meet.js'
import { shelf, thing, type Shelf } from './store.js'

const MANY = 2000
/** So many steps are for each entry that is taken out. */
const MOST = 50

type Method = (this: unknown, ...given: never[]) => unknown

/** How many steps `act` takes. */
function stepsOf(act: () => void): number {
  let steps = 0
  const originals: (() => void)[] = []
  const count = (prototype: object, names: readonly string[]): void => {
    const methods = prototype as Record<string, Method>
    for (const name of names) {
      const method = methods[name]!
      originals.push(() => (methods[name] = method))
      methods[name] = function (...given) {
        steps++
        return method.apply(this, given)
      }
    }
  }
  count(Cursor.prototype, ['next', 'previous', 'toFirst', 'toLast', 'toFrom', 'toUpTo', 'passLeaf'])
  count(KeyTable.prototype, ['from', 'upTo'])
  try {
    act()
  } finally {
    for (const restore of originals) restore()
  }
  return steps
}

/** Asks for the key to be taken out next; undefined: all are out. */
type Next = (map: PersistentMap<Key, unknown>, n: number) => Key | undefined

const half = MANY / 2
const above = (map: PersistentMap<Key, unknown>): Key | undefined => map.keys({ gte: half, limit: 1 }).next().value
const below = (map: PersistentMap<Key, unknown>): Key | undefined =>
  map.keys({ lt: half, limit: 1, reverse: true }).next().value

const ways: Record<string, Next> = {
  'from the front': map => map.first()?.[0],
  'from the back': map => map.last()?.[0],
  'from the front, with a loop that is left': map => {
    for (const key of map.keys()) return key
    return undefined
  },
  'from both ends in turn': (map, n) => (n % 2 === 0 ? map.first() : map.last())?.[0],
  'from the middle on': map => above(map) ?? map.first()?.[0],
  'from the middle back': map => below(map) ?? map.last()?.[0],
  'from the middle to both sides': (map, n) => (n % 2 === 0 ? (above(map) ?? below(map)) : (below(map) ?? above(map))),
  'with ranges that begin anywhere among the gone ones': (map, n) =>
    map.keys({ gte: (n * 7919) % (n + 1), limit: 1 }).next().value,
}

function drain(map: PersistentMap<Key, unknown>, next: Next): number {
  let count = 0
  for (let key = next(map, 0); key !== undefined; key = next(map, count)) {
    if (!map.delete(key)) throw new Error(`an entry that is not there: number ${count}`)
    count++
  }
  return count
}

function fill(map: PersistentMap<Key, unknown>): void {
  for (let n = 0; n < MANY; n++) map.set(n, n)
}

for (const [name, next] of Object.entries(ways)) {
  for (const stored of [true, false]) {
    t.test(`a map ${stored ? '' : 'that is not stored yet '}is emptied ${name}`, async t => {
      const { db } = shelf(t)
      const map = stored ? db.root.map : new PersistentMap<Key, unknown>()
      fill(map)
      if (stored) db.commit()
      let count = 0
      const steps = stepsOf(() => (count = drain(map, next)))
      t.equal(count, MANY)
      t.same([...map], [])
      t.ok(steps < MOST * MANY, `${steps} steps`)
    })
  }
}

t.test('a set and a queue are emptied from the front', async t => {
  const { db } = shelf(t)
  const { set, list } = db.root
  const queue = new PersistentQueue<number>()
  list.push(queue)
  for (let n = 0; n < MANY; n++) {
    set.add(n)
    queue.push(n)
  }
  db.commit()
  const steps = stepsOf(() => {
    for (let n = 0; n < MANY; n++) {
      if (!set.delete(set.first()!)) t.fail('was not there')
      if (queue.shift() !== n) t.fail('another item')
      if (queue.values().next().value === n) t.fail('it is still there')
    }
  })
  t.same([set.size, queue.size], [0, 0])
  t.ok(steps < 2 * MOST * MANY, `${steps} steps`)
})

t.test('what is put where all was gone is met, again and again, and all else is passed at once', async t => {
  const { db } = shelf(t)
  const { map } = db.root
  fill(map)
  db.commit()
  map.deleteRange({ lt: MANY - 1 })
  t.same(map.first(), [MANY - 1, MANY - 1])
  const steps = stepsOf(() => {
    for (let n = 0; n < MANY; n++) {
      const key = (n * 7919) % (MANY - 1) // some are keys that were there ...
      for (const each of [key, key + 0.5]) {
        // ... and some were not
        map.set(each, 'again')
        if (map.first()?.[0] !== each) t.fail(`${each} is not found from the front`)
        if (map.keys({ lt: MANY - 1, reverse: true }).next().value !== each) t.fail(`${each} is not found from behind`)
        map.delete(each)
      }
    }
  })
  t.same([...map], [[MANY - 1, MANY - 1]])
  t.ok(steps < 2 * MOST * MANY, `${steps} steps`)
})

t.test('a transaction that has emptied a stretch depends on all of it', async t => {
  const three = shelf(t)
  three.db.transact(({ map }) => fill(map))
  const takeSome = (next: Next) => (root: Shelf) => {
    for (let n = 0; n < 100; n++) root.map.delete(next(root.map, n)!)
  }
  const set = (key: Key) => (root: Shelf) => void root.map.set(key, 'theirs')
  for (const [name, next, inside, outside, spared] of [
    ['from the front', ways['from the front']!, 50.5, -1, 100.5],
    ['from the back', ways['from the back']!, MANY - 50.5, MANY + 1, MANY - 101.5],
    ['from the middle on', ways['from the middle on']!, half + 50.5, half, half - 0.5],
  ] as const) {
    t.same(meet(three, takeSome(next), set(inside)), [String(inside)], `${name}: put among what was taken`)
    three.db.transact(({ map }) => map.delete(inside))
    t.same(
      meet(three, takeSome(next), set(outside)),
      [String(outside)],
      `${name}: put where the next one was looked for`,
    )
    if (!Number.isInteger(outside) || outside < 0 || outside > MANY) three.db.transact(({ map }) => map.delete(outside))
    t.equal(meet(three, takeSome(next), set(spared)), undefined, `${name}: put elsewhere`)
    three.db.transact(({ map }) => {
      map.delete(spared)
      fill(map)
    })
  }
})

t.test('whether it does is found out in a few steps for each entry', async t => {
  const { db, rival } = shelf(t)
  db.transact(({ map }) => fill(map))
  rival.refresh()
  db.refresh()
  const { map } = db.root
  for (let n = 0; n < half; n++) map.delete(map.keys({ gte: 10, limit: 1 }).next().value!)
  rival.root.map.set(5, 'theirs') // in the same record as the first ones that are gone
  rival.commit()
  const steps = stepsOf(() => db.commit())
  t.same([map.size, map.get(5)], [half, 'theirs'])
  t.ok(steps < MOST * half, `${steps} steps`)
})

t.test('what is gone stays gone when the order of new objects changes', async t => {
  const { db } = shelf(t)
  const things = Array.from({ length: 40 }, (_, n) => thing(`${n}`))
  const map = new PersistentMap<Key, unknown>(things.map(each => [each, each.name]))
  for (const each of things.slice(5, 35)) map.delete(each)
  const names = (): unknown[] => [...map.values()]
  const left = [...things.slice(0, 5), ...things.slice(35)]
  t.same(
    names(),
    left.map(({ name }) => name),
  )
  // These are stored, and then stand before the others.
  db.transact(root => root.things.push(things[38]!, things[10]!, things[2]!))
  t.same(names(), ['2', '38', '0', '1', '3', '4', '35', '36', '37', '39'])
  map.set(things[10]!, 'again')
  t.same(names(), ['2', 'again', '38', '0', '1', '3', '4', '35', '36', '37', '39'])
})
