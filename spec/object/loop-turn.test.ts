// Who awaits one transaction after the other does not keep the event loop from everything else.
import t, { type Test } from 'tap'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { open, type Connection } from '../../lib/index.js'
import { collectGarbage } from '../helpers/heap.js'
import { tempDir } from '../helpers/temp-dir.js'

type Root = { n: number }

/** More than can be done before a timer fires that is due at once. */
const MANY = 50_000

const opened = (t: Test): Connection<Root> => {
  const db = open(join(tempDir(t), 'app.db'), { root: { n: 0 }, durability: 'os' }) as unknown as Connection<Root>
  t.teardown(() => db.close())
  return db
}

/** Does `act` again and again until a timer has fired; gives how often. */
async function untilTimer(act: () => Promise<unknown>): Promise<number> {
  let hasFired = false
  void setTimeout(1).then(() => (hasFired = true))
  let n = 0
  while (!hasFired && n < MANY) {
    await act()
    n++
  }
  return n
}

t.test('a timer fires between transactions that are awaited one after the other', async t => {
  const db = opened(t)
  const times = await untilTimer(() => db.transactAsync(root => ++root.n))
  t.ok(times < MANY, `after ${times} transactions`)
  t.equal(db.root.n, times)
})

t.test('and between those that are refused', async t => {
  const db = opened(t)
  const times = await untilTimer(() =>
    t.rejects(
      db.transactAsync(() => {
        throw new Error('no')
      }),
      /no/,
    ),
  )
  t.ok(times < MANY, `after ${times} transactions`)
})

t.test('and between those of two connections in turn, which change nothing', async t => {
  const db = opened(t)
  const other = db.connect()
  const times = await untilTimer(async () => {
    await db.transactAsync(root => root.n)
    await other.transactAsync(root => root.n)
  })
  t.ok(times < MANY, `after ${times} transactions`)
})

t.test('and between many that are asked for at once and share no commit, in their order', async t => {
  const db = opened(t)
  const count = MANY / 10
  const [runs, told]: [number[], number[]] = [[], []]
  const all = Array.from({ length: count }, (_, n) =>
    db
      .transactAsync(
        root => {
          runs.push(n)
          return (root.n = n)
        },
        { note: `${n}` },
      )
      .then(value => told.push(value)),
  )
  await setTimeout(1)
  const inFirstTurn = runs.length
  t.ok(inFirstTurn > 0 && inFirstTurn < count, `after ${inFirstTurn} transactions`)
  t.equal(db.root.n, count - 1, 'who asks the connection meanwhile gets what all have left')
  t.equal(runs.length, count)
  await Promise.all(all)
  t.same([runs, told], [Array.from({ length: count }, (_, n) => n), runs])
})

t.test('what is done goes, also where more is asked for all the time', async t => {
  const db = opened(t)
  const inFlight = 2000
  let done = 0
  const goOn = async (n: number, held: object): Promise<void> => {
    await db.transactAsync(root => (root.n += Number(held !== undefined)), { note: `${n}` })
    if (++done < 5 * inFlight) return goOn(n + inFlight, {})
  }
  let first: object | undefined = {}
  const held = new WeakRef(first)
  const all = [goOn(0, first), ...Array.from({ length: inFlight - 1 }, (_, n) => goOn(n + 1, {}))]
  first = undefined
  while (done < 3 * inFlight) await setTimeout(1)
  await collectGarbage()
  t.ok(done < 5 * inFlight, 'others are under way')
  t.equal(held.deref(), undefined)
  await Promise.all(all)
})

t.test('what was committed before the connection was closed is told behind the turn', async t => {
  const db = opened(t)
  const told: number[] = []
  const until = performance.now() + 30
  const all: Promise<unknown>[] = []
  // Each is asked for in a microtask behind the last one.
  for (let n = 0; performance.now() < until; n++) {
    await Promise.resolve()
    const asked = db.transactAsync(root => (root.n = n))
    all.push(asked.then(value => told.push(value)))
  }
  const { n } = db.root
  db.close()
  await Promise.all(all)
  t.equal(told.length, all.length)
  t.equal(Math.max(...told), n)
})

t.test('what was committed first is told first, also where it waits for the turn', async t => {
  const db = opened(t)
  const told: number[] = []
  const ask = (): void => void db.transactAsync(root => ++root.n).then(n => told.push(n))
  ask()
  await Promise.resolve()
  setImmediate(() => {
    ask()
    t.equal(typeof db.root.n, 'number') // which begins it at once
  })
  for (const until = performance.now() + 15; performance.now() < until;);
  ask()
  await setTimeout(50)
  t.same(told, [1, 2, 3])
})

t.test('transactions go on where the tests of a program have put other timers in the place of these', async t => {
  const db = opened(t)
  const names = ['setTimeout', 'setImmediate', 'queueMicrotask'] as const
  const before = names.map(name => globalThis[name])
  const until = performance.now() + 50
  let times = 0
  for (const name of names) Object.defineProperty(globalThis, name, { value: () => undefined, configurable: true, writable: true }) // prettier-ignore
  try {
    while (performance.now() < until) {
      await db.transactAsync(root => ++root.n)
      times++
    }
  } finally {
    names.forEach((name, n) => Object.defineProperty(globalThis, name, { value: before[n], configurable: true, writable: true })) // prettier-ignore
  }
  t.ok(times > 0)
  t.equal(db.root.n, times)
})
