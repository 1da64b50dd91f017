// Transactions that used different keys of one collection merge; those that used the same conflict, and say so.
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import {
  oidOf,
  plain,
  PersistentSet,
  WriteConflictError,
  type Connection,
  type PersistentMap,
} from '../../lib/index.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { faultsOf, shapeOf } from './check.js'
import { meet } from './meet.js'
import { shelf, thing, type Shelf } from './store.js'

type Numbers = PersistentMap<number, unknown>
const numbers = (db: Connection<Shelf>): Numbers => db.root.map as unknown as Numbers

for (const many of [10, 3000]) {
  t.test(`only what used the same key of a map of ${many} is in the way`, async t => {
    const both = shelf(t)
    const { db } = both
    numbers(db).bulkLoad(Array.from({ length: many }, (_, i) => [10 * i, i]))
    db.commit()
    const map = (root: Shelf): Numbers => root.map as unknown as Numbers
    const set =
      (key: number, value: unknown = 'new') =>
      (root: Shelf) =>
        void map(root).set(key, value)
    const merges = (mine: (root: Shelf) => void, theirs: (root: Shelf) => void, what: string): void => {
      t.equal(meet(both, mine, theirs), undefined, what)
      t.same(faultsOf(db.root.map as never), [])
    }
    const conflicts = (
      mine: (root: Shelf) => void,
      theirs: (root: Shelf) => void,
      names: string[],
      what: string,
    ): void => {
      t.same(meet(both, mine, theirs), names, what)
    }
    merges(set(1), set(2), 'two inserts side by side')
    t.same([numbers(db).get(1), numbers(db).get(2), numbers(db).size], ['new', 'new', many + 2])
    merges(set(10), set(20), 'two overwrites')
    merges(root => map(root).delete(1), root => map(root).delete(2), 'two deletes') // prettier-ignore
    t.equal(numbers(db).size, many)
    merges(root => map(root).set(3, map(root).get(10)), set(20), 'reading a neighbour')
    merges(root => map(root).get(10), set(20), 'reading one and writing elsewhere')
    merges(set(5), root => { for (let i = 0; i < 300; i++) map(root).set(5 + i / 1000 + 0.0001, i) }, 'splits by others') // prettier-ignore
    merges(set(6), root => void map(root).deleteRange({ gt: 5, lt: 6 }), 'joins by others')
    merges(root => map(root).has(10), set(10, 'other'), 'asking whether there is a key of which the value changes')
    merges(root => [...map(root).keys({ gte: 10, lte: 30 })], set(20, 'other'), 'going through keys of which a value changes') // prettier-ignore
    merges(root => [...map(root).range({ gte: 10, lte: 30 })], set(31), 'a range, and an insert behind it')
    merges(
      root => map(root).range({ gte: 10 }).next(),
      set(35),
      'a range that was not gone through to where it changed',
    )
    merges(root => map(root).last(), set(12), 'the last entry, and an insert before it')

    conflicts(set(40), set(40), ['40'], 'two overwrites of one key')
    conflicts(set(41), set(41), ['41'], 'two inserts of one key')
    conflicts(root => map(root).delete(40), root => map(root).delete(40), ['40'], 'two deletes of one key') // prettier-ignore
    conflicts(root => map(root).get(50), set(50), ['50'], 'a key that was read')
    conflicts(root => map(root).has(51), set(51), ['51'], 'a key that was looked for')
    conflicts(root => [...map(root).range({ gte: 60, lte: 70 })], set(65), ['65'], 'an insert into a range')
    conflicts(root => [...map(root).values({ gte: 60, lte: 70 })], set(60), ['60'], 'a value of a range')
    conflicts(root => map(root).first(), set(-1), ['-1'], 'another first entry')
    conflicts(root => map(root).last(), set(1e6), ['1000000'], 'another last entry')
    conflicts(root => map(root).count({}), set(-2), ['-2'], 'counting')
    conflicts(root => map(root).size, set(-3), ['size'], 'the size, if that was asked for')
    conflicts(root => map(root).clear(), set(-4), ['-4'], 'clearing')
    conflicts(root => [map(root).get(50), map(root).get(60)], root => { set(50, 1)(root); set(60, 1)(root) }, ['50', '60'], 'two keys') // prettier-ignore
    t.same(faultsOf(db.root.map as never), [])
  })
}

t.test('the error names the collection, the keys, and whether they were written', async t => {
  const { db, rival } = shelf(t)
  rival.root.map.set('ada', 1)
  rival.commit()
  db.root.map.set('ada', 2)
  db.root.set.has(7)
  rival.root.map.set('ada', 3)
  rival.root.set.add(7)
  rival.commit()
  t.throws(() => db.commit(), {
    conflicts: [
      { oid: oidOf(db.root.map), type: 'PersistentMap', kind: 'write', keys: ['ada'] },
      { oid: oidOf(db.root.set), type: 'PersistentSet', kind: 'read', keys: ['7'] },
    ],
    message: / at ada \(write\), PersistentSet \d+ at 7 \(read\)/,
  })
  t.equal(db.root.map.get('ada'), 2, 'the changes are still there')
  db.abort()
  t.equal(db.root.map.get('ada'), 3)
})

t.test('of the larger of two sets, what is in both depends on the values of the smaller one only', t => {
  const both = shelf(t)
  const { db } = both
  db.root.set.bulkLoad(Array(1000).keys())
  for (const key of [5, 500, 5000]) db.root.map.set(key, 'small')
  db.commit()
  const operations: [string, (root: Shelf) => unknown][] = [
    ['intersection', root => root.set.intersection(root.map).size],
    ['isDisjointFrom', root => root.set.isDisjointFrom(root.map)],
  ]
  let more = 2000
  for (const [name, operation] of operations) {
    const add = (key: number) => (root: Shelf) => void root.set.add(key)
    t.equal(meet(both, operation, add(more++)), undefined, name)
    db.root.set.delete(5)
    db.commit()
    t.same(meet(both, operation, add(5)), ['5'], name)
  }
  const small = new PersistentSet([1, 5000])
  db.root.map.set('small', small)
  db.commit()
  db.root.set.delete(500)
  db.commit()
  const asked = meet(both, root => small.isDisjointFrom(root.set), root => void root.set.add(500)) // prettier-ignore
  t.same(asked, ['size'], 'which a set operation asks for, as that of the language does')
  t.end()
})

t.test('plain data belongs to its key, also when it is used from an earlier transaction', async t => {
  const both = shelf(t)
  const { db } = both
  db.root.map.set('a', { n: [1] }).set('b', { n: [1] })
  db.commit()
  const [a, b] = ['a', 'b'].map(key => db.root.map.get(key) as { n: number[] }) as [{ n: number[] }, { n: number[] }]
  const theirs = (key: string) => (root: Shelf) => void (root.map.get(key) as { n: number[] }).n.push(2)
  t.equal(meet(both, () => a.n.push(3), theirs('b')), undefined) // prettier-ignore
  t.same([a, b], [{ n: [1, 3] }, { n: [1, 2] }])
  t.same(meet(both, () => a.n.push(4), theirs('a')), ['a']) // prettier-ignore
  t.same([a, b], [{ n: [1, 3, 2] }, { n: [1, 2] }])
  t.same(meet(both, () => a.n.length, theirs('a')), ['a']) // prettier-ignore
  t.equal(meet(both, () => a.n.length, theirs('b')), undefined) // prettier-ignore
  t.equal(db.root.map.get('a'), a)
})

t.test('a container below an array stays what it is while its key does not change', async t => {
  const both = shelf(t)
  const { db } = both
  db.root.map.set('a', [{ n: 1 }]).set('b', 1)
  db.commit()
  const inner = (db.root.map.get('a') as { n: number }[])[0]!
  t.equal(meet(both, root => root.map.set('c', 1), root => void root.map.set('b', 2)), undefined) // prettier-ignore
  t.equal(inner.n, 1)
  t.equal(meet(both, root => root.map.set('c', 2), root => void (root.map.get('a') as unknown[]).push(2)), undefined) // prettier-ignore
  t.throws(() => inner.n, { code: 'STALE_DATA' })
})

t.test('new objects merge, as keys and as values', async t => {
  const both = shelf(t)
  const { db } = both
  const [mine, theirs] = [thing('mine'), thing('theirs')]
  t.equal(meet(both, root => root.map.set(mine, thing('a')), root => void root.map.set(theirs, thing('b'))), undefined) // prettier-ignore
  t.same(Array.from(db.root.map.values(), value => (value as { name: string }).name), ['b', 'a']) // prettier-ignore
  t.equal((db.root.map.get(mine) as { name: string }).name, 'a')
  t.same(faultsOf(db.root.map as never), [])
})

t.test('with snapshot isolation only what was written must be unchanged', async t => {
  const { db, rival } = shelf(t)
  t.doesNotThrow(() =>
    db.transact(
      root => {
        root.map.get('a')
        root.map.set('b', root.map.size)
        rival.refresh()
        rival.root.map.set('a', 1)
        rival.commit()
      },
      { isolation: 'snapshot', attempts: 2 },
    ),
  )
  t.same([...db.root.map], [['a', 1], ['b', 0]]) // prettier-ignore
})

t.test('a pack in between is no conflict by itself', async t => {
  const { db, rival } = shelf(t)
  numbers(db).bulkLoad(Array.from({ length: 500 }, (_, i) => [i, { n: i }]))
  db.commit()
  const held = numbers(db).get(7) as { n: number }
  numbers(db).get(400)
  numbers(db).set(1.5, 'mine')
  numbers(rival).set(2.5, 'theirs')
  rival.commit()
  await rival.pack()
  numbers(rival).set(3.5, 'theirs')
  rival.commit()
  db.commit()
  t.same([1.5, 2.5, 3.5].map(key => numbers(db).get(key)), ['mine', 'theirs', 'theirs']) // prettier-ignore
  t.equal(held.n, 7)
  t.equal(numbers(db).get(7), held)
  numbers(db).set(8, 'mine')
  numbers(rival).set(8, 'theirs')
  rival.commit()
  await rival.pack()
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
  db.abort()
  t.equal(numbers(db).get(8), 'theirs')
  t.same(faultsOf(db.root.map as never), [])
})

t.test('plain data that was not used for a while is looked for in the file that there is now', async t => {
  const { db, rival } = shelf(t)
  const value = { text: 'x'.repeat(100) }
  db.root.map.set('a', value).set('b', 1)
  db.commit()
  const held = db.root.map.get('a') as { text: string }
  rival.root.map.set('b', 2)
  rival.commit()
  db.refresh()
  t.equal(db.root.map.get('b'), 2, 'the map is another version, what is held has not been used')
  await rival.pack()
  db.refresh()
  t.equal(db.root.map.get('a'), held)
  t.same(plain(held), value)
})

// ---- random histories -------------------------------------------------------------------------------------------

type Model = Map<number, unknown>
type Step = (map: Model | Numbers) => unknown

const sorted = (map: Model): [number, unknown][] => [...map].sort(([a], [b]) => a - b)

/** One operation that can be done to a native map as well, and answers the same there. */
function operation(random: Random, most: number): Step {
  const key = random.int(most)
  const value = random.int(4) === 0 ? { n: random.int(3) } : `${random.int(3)}`.padEnd(random.pick([1, 300]), 'x')
  const high = key + random.int(most / 4)
  const inRange = (map: Model): [number, unknown][] => sorted(map).filter(([one]) => one >= key && one <= high)
  const only =
    (ofMap: (map: Numbers) => unknown, ofModel: (map: Model) => unknown): Step =>
    map =>
      map instanceof Map ? ofModel(map) : plain(ofMap(map))
  switch (random.int(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return map => void map.set(key, structuredClone(value))
    case 4:
    case 5:
      return map => map.delete(key)
    case 6:
    case 7:
      return map => plain(map.get(key))
    case 8:
      return map => map.has(key)
    case 9:
      return map => {
        const found = map.get(key)
        const before = plain(found)
        if (typeof found === 'object' && found !== null) (found as { n: number }).n++
        return before
      }
    case 10: {
      const reverse = random.chance(0.5)
      const limit = random.pick([1, 3, Infinity])
      return only(
        map => [...map.range({ gte: key, lte: high, reverse, limit })],
        map => (reverse ? inRange(map).reverse() : inRange(map)).slice(0, limit),
      )
    }
    default:
      return random.pick<Step>([
        map => map.size,
        only(
          map => [...map.keys({ gte: key, lte: high })],
          map => inRange(map).map(([one]) => one),
        ),
        only(
          map => map.first(),
          map => structuredClone(sorted(map)[0]),
        ),
        only(
          map => map.deleteRange({ gte: key, lte: high }),
          map => inRange(map).filter(([one]) => map.delete(one)).length,
        ),
        ...(random.chance(0.1) ? [(map: Model | Numbers): unknown => map.clear()] : []),
      ])
  }
}

/** Reads that the operation makes of keys that it also writes are part of its answer, except for this. */
function written(before: Model, now: Model, steps: readonly Step[]): Set<number> {
  const after = structuredClone(before)
  const keys = new Set<number>()
  const watched = new Proxy(after, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target)
      if (typeof method !== 'function') return method
      return (...args: unknown[]): unknown => {
        if (name === 'set' || name === 'delete') keys.add(args[0] as number)
        if (name === 'clear') for (const key of [...before.keys(), ...now.keys()]) keys.add(key)
        return Reflect.apply(method, target, args) as unknown
      }
    },
  })
  for (const step of steps) step(watched)
  return keys
}

for (const [most, steps] of [
  [40, 4],
  [800, 12],
] as const) {
  // prettier-ignore
  t.test(`whatever commits could have run one after another, over ${most} keys`, async t => {
    const random = seeded(t)
    const { db, other, rival } = shelf(t)
    const connections = [db, other, rival].map(connection => connection.connect())
    t.teardown(() => {
      for (const one of connections) {
        if (one.changed) one.abort()
        one.close()
      }
    })
    let committed: Model = new Map(Array.from({ length: most }, (_, i) => [i, `old ${i}`.padEnd(random.int(200))]))
    numbers(db).bulkLoad(committed)
    db.commit()
    const running = connections.map(connection => ({
      connection,
      began: structuredClone(committed),
      steps: [] as Step[],
      answers: [] as unknown[],
    }))
    let [commits, conflicts] = [0, 0]
    for (let round = 0; round < 600; round++) {
      const run = random.pick(running)
      const { connection } = run
      if (run.steps.length < steps && !random.chance(0.15)) {
        if (run.steps.length === 0) {
          connection.refresh()
          run.began = structuredClone(committed)
        }
        const step = operation(random, most)
        run.steps.push(step)
        run.answers.push(plain(step(numbers(connection))))
        continue
      }
      const after = structuredClone(committed)
      const answers = run.steps.map(step => plain(step(after)))
      try {
        const wrote = connection.changed
        connection.commit()
        commits++
        if (wrote) {
          if (!isDeepStrictEqual(answers, run.answers)) t.same(run.answers, answers, 'what it read is what is there')
          committed = after
        }
      } catch (error) {
        if (!(error instanceof WriteConflictError)) throw error
        conflicts++
        const same = (key: number): boolean => isDeepStrictEqual(run.began.get(key), committed.get(key))
        if (isDeepStrictEqual(answers, run.answers) && [...written(run.began, committed, run.steps)].every(same))
          t.fail(`a conflict without a reason: ${error.message}`)
        connection.abort()
      }
      run.steps = []
      run.answers = []
      db.refresh()
      const faults = faultsOf(db.root.map as never)
      if (faults.length > 0) t.same(faults, [])
      if (random.chance(0.02)) await db.pack()
      if (!random.chance(0.1)) continue
      t.same(plain([...numbers(db)]), sorted(committed))
      t.equal(numbers(db).size, committed.size)
    }
    db.refresh()
    t.same(plain([...numbers(db)]), sorted(committed))
    t.ok(commits > 50 && conflicts > 5, `${commits} commits, ${conflicts} conflicts, height ${shapeOf(db.root.map as never).height}`)
  })
}
