import t, { type Test } from 'tap'
import { join } from 'node:path'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Persistent, PersistentCounter, PersistentList, type Connection, type OpenOptions } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { decodeAnnotation } from '../../lib/object/annotation.js'
import { readHistory } from '../../lib/store/history.js'
import { Store } from '../../lib/store/store.js'
import { handledBy } from '../helpers/handled.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

type Root = Persistent & { a: number; b: number; list: string[]; part: unknown }
const initial = { a: 0, b: 0, list: [] as string[], part: undefined as unknown }

interface Opened {
  readonly db: Connection<Root>
  readonly path: string
  readonly disk: typeof systemDisk
  /** What the disk is asked, as far as tests want to know. */
  readonly calls: string[]
  /** Milliseconds of the disk's clock, which stands still. */
  readonly clock: { now: number }
}

function opened(t: Test, options: OpenOptions = {}): Opened {
  const calls: string[] = []
  const clock = { now: 0 }
  const disk = Object.create(systemDisk) as typeof systemDisk
  disk.ticks = () => clock.now
  for (const name of ['tryLock', 'write', 'syncAsync'] as const) {
    Object.defineProperty(disk, name, {
      configurable: true,
      value: (...args: unknown[]) => {
        calls.push(name)
        return (systemDisk as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args)
      },
    })
  }
  const path = join(tempDir(t), 'group.db')
  const db = openWith(disk, path, { root: initial, durability: 'os', ...options }) as Connection<Root>
  t.teardown(() => {
    db[Symbol.dispose]()
  })
  db.refresh()
  calls.length = 0
  return { db, path, disk, calls, clock }
}

/** What the commits behind the first one say of themselves. */
function said(path: string): { note?: string | undefined; count?: number }[] {
  const store = Store.open(systemDisk, path, { readonly: true })
  const all: { note?: string | undefined; count?: number }[] = []
  for (const { annotation } of readHistory(store.latest())) {
    const { note, count } = decodeAnnotation(annotation)
    all.push({ ...(note !== undefined && { note }), ...(count !== undefined && { count }) })
  }
  store.close()
  return all.slice(1)
}

t.test('what is asked for in one stretch of code is one commit: one lock, one write, one fsync', async t => {
  const { db, path, calls } = opened(t, { durability: 'fsync' })
  const { tid } = db
  const values = await Promise.all(Array.from({ length: 50 }, () => db.transactAsync(root => ++root.a)))
  t.same(
    values,
    Array.from({ length: 50 }, (_, i) => i + 1),
    'each has its own result',
  )
  t.equal(db.tid, tid + 1)
  t.same(calls, ['tryLock', 'tryLock', 'write', 'syncAsync'])
  t.same(said(path), [{ count: 50 }])
})

t.test('none runs in the call itself; all run before the connection is used for anything else', async t => {
  const uses: [string, (db: Connection<Root>) => unknown][] = [
    ['reading', db => t.equal(db.root.a, 1)],
    ['writing', db => (db.root.b = 5)],
    ['transact', db => db.transact(root => t.equal(root.a, 1))],
    ['commit', db => db.commit()],
    ['abort', db => db.abort()],
    ['refresh', db => db.refresh()],
    ['flush', db => db.flush()],
    ['pause', db => db.pause().continue()],
    ['resolve', db => db.resolve('one')],
    ['close', db => db.close()],
  ]
  for (const [name, use] of uses) {
    const { db, path } = opened(t)
    let runs = 0
    const done = db.transactAsync(root => {
      runs++
      root.a = 1
    })
    t.equal(runs, 0)
    use(db)
    t.equal(runs, 1, name)
    if (db.changed) db.commit()
    await done
    t.equal(elsewhere<Root>(path, { root: initial }).root.a, 1)
  }
})

t.test('one that throws is undone alone, and those before and behind it are committed in their order', async t => {
  const { db, path } = opened(t)
  const runs = [0, 0, 0, 0]
  const add = (n: number) => (root: Root) => {
    runs[n]!++
    root.list.push(String(n))
    if (n === 1) throw new Error(`with ${root.list.join()}`)
    return root.list.length
  }
  const outcomes = await Promise.allSettled([0, 1, 2, 3].map(n => db.transactAsync(add(n))))
  t.match(outcomes, [{ value: 1 }, { reason: { message: 'with 0,1' } }, { value: 2 }, { value: 3 }])
  t.same([...db.root.list], ['0', '2', '3'])
  t.same(runs, [2, 2, 1, 1], 'those before it once more, without it')
  t.same(said(path), [{}, { count: 2 }])
})

t.test('whoever throws, they run in the order in which they were asked for', async t => {
  const random = seeded(t)
  for (let round = 0; round < 10; round++) {
    const { db, clock } = opened(t)
    const [throws, alike] = [random.pick([0, 0.01, 0.1, 0.9]), random.pick([0, 0.5, 0.98])]
    const expected: string[] = []
    let note = 'same'
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, (_, n) => {
        if (!random.chance(alike)) note = `from ${n}`
        const fails = random.chance(throws)
        const takes = random.pick([0, 0, 1])
        if (!fails) expected.push(String(n))
        const add = (root: Root): number => {
          clock.now += takes
          if (fails) throw new Error(`with ${root.list.length}`)
          return root.list.push(String(n))
        }
        return db.transactAsync(add, { note })
      }),
    )
    t.same([...db.root.list], expected)
    t.same(
      outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
      expected.map((_, i) => i + 1),
    )
  }
})

t.test('what waits behind one that throws is moved no more often the more of it there is', async t => {
  const { db } = opened(t)
  const MANY = 20_000
  const asked = (n: number): Promise<number> =>
    db.transactAsync(root => {
      if (n % 10 === 0) throw new Error('no')
      return ++root.a
    })
  const moved = await handledBy(() => Promise.allSettled(Array.from({ length: MANY }, (_, n) => asked(n))))
  t.equal(db.root.a, 0.9 * MANY)
  t.ok(moved < 500 * MANY, `${Math.round(moved / MANY)} for each`)
})

t.test('the first one may throw, and so may all', async t => {
  const { db } = opened(t)
  const { tid } = db
  let runs = 0
  const fail = (): void => {
    runs++
    throw new Error('no')
  }
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => db.transactAsync(fail)))
  t.ok(outcomes.every(({ status }) => status === 'rejected'))
  t.equal(runs, 3)
  t.equal(db.tid, tid)
})

t.test('a promise and a nested failure are refused in one of them alone', async t => {
  const { db } = opened(t)
  const nested = (root: Root): void => {
    root.a = 100
    try {
      db.transact(() => {
        throw new Error('inner')
      })
    } catch {
      // Caught, and the whole can only fail all the same.
    }
  }
  const promise = (async () => undefined) as unknown as () => undefined
  const outcomes = await Promise.allSettled([
    db.transactAsync(root => ++root.a),
    db.transactAsync(nested),
    db.transactAsync(promise),
    db.transactAsync(root => ++root.a),
  ])
  t.match(outcomes, [{ value: 1 }, { reason: { code: 'STATE' } }, { reason: { name: 'TypeError' } }, { value: 2 }])
  t.equal(db.root.a, 2)
})

class Unregistered extends Persistent {
  static type = 'Unregistered'
}

t.test('what cannot be stored is refused to the one that wanted it', async t => {
  const { db } = opened(t)
  const outcomes = await Promise.allSettled([
    db.transactAsync(root => ++root.a),
    db.transactAsync(root => {
      root.part = new Unregistered()
    }),
    db.transactAsync(root => ++root.a),
  ])
  t.match(outcomes, [{ status: 'fulfilled' }, { reason: { code: 'VALUE' } }, { status: 'fulfilled' }])
  t.equal(db.root.a, 2)
  t.equal(db.root.part, undefined)
})

t.test('whatever cannot be stored, they run in the order in which they were asked for', async t => {
  const random = seeded(t)
  for (let round = 0; round < 10; round++) {
    const { db, clock } = opened(t)
    const [bad, alike] = [random.pick([0.01, 0.1, 0.9]), random.pick([0, 0.5, 0.98])]
    const expected: string[] = []
    let note = 'same'
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, (_, n) => {
        if (!random.chance(alike)) note = `from ${n}`
        const fails = random.chance(bad) && random.pick(['stored', 'thrown'])
        const takes = random.pick([0, 0, 1])
        if (fails === false) expected.push(String(n))
        const add = (root: Root): number => {
          clock.now += takes
          if (fails === 'stored') root.part = new Unregistered()
          if (fails === 'thrown') throw new Error('no')
          return root.list.push(String(n))
        }
        return db.transactAsync(add, { note })
      }),
    )
    t.same([...db.root.list], expected)
    t.same(
      outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
      expected.map((_, i) => i + 1),
    )
    t.equal(db.root.part, undefined)
  }
})

t.test(
  'those of a group of which one cannot be stored come before what was asked for later, also after a conflict',
  async t => {
    const { db, path } = opened(t)
    const other = elsewhere<Root>(path, { root: initial })
    let runs = 0
    const add = (name: string, act?: (root: Root) => void) => (root: Root) => {
      act?.(root)
      root.list.push(name)
    }
    const outcomes = await Promise.allSettled([
      db.transactAsync(
        add('a', () => {
          if (++runs === 1) other.transact(root => void root.list.push('other'))
        }),
        { note: 'x' },
      ),
      db.transactAsync(
        add('b', root => (root.part = runs === 1 ? 1 : new Unregistered())),
        { note: 'x' },
      ),
      db.transactAsync(add('c'), { note: 'x' }).finally(() => t.same([...db.root.list], ['other', 'a', 'c'])),
    ])
    t.match(outcomes, [{ status: 'fulfilled' }, { reason: { code: 'VALUE' } }, { status: 'fulfilled' }])
    t.same(said(path), [{}, { note: 'x' }, { note: 'x' }])
    other[Symbol.dispose]()
  },
)

class Merged extends Persistent {
  static type = 'Merged'
  seen = 0
  typed = 0
  static merge(): never {
    return fail()
  }
}
let fail: () => never

class Held extends Persistent {
  static type = 'Held'
  list = new PersistentList<string>()
  merged = new Merged()
  count = new PersistentCounter()
}

t.test('what one does that fails at the commit is told to it alone', async t => {
  const options = { root: Held, classes: [Merged], durability: 'os' } as const
  const path = join(tempDir(t), 'held.db')
  const disk = Object.create(systemDisk) as typeof systemDisk
  disk.ticks = () => 0 // so that no group ends for its time
  const db = openWith(disk, path, options) as Connection<Held>
  const other = elsewhere<Held>(path, options)
  const most = 2 ** 53
  const comesIn = (): void => {
    other.transact(root => {
      root.merged.typed++
      root.count.add(10)
    })
  }
  await db.transactAsync(root => {
    root.count.add(most - 50)
  })
  fail = () => {
    throw new Error('a bug in merge')
  }
  const seen = (root: Held): void => {
    root.merged.seen = 5
  }
  const counted = (root: Held): void => {
    root.count.add(35)
  }
  const cases: [string, (root: Held) => void, 'fulfilled' | 'rejected'][] = [
    ['merge throws', seen, 'fulfilled'],
    ['a counter would be too large', counted, 'rejected'],
    ['merge uses the connection', seen, 'fulfilled'],
  ]
  for (const [why, what, outcome] of cases) {
    if (why === 'merge uses the connection') fail = () => db.transact(() => 0) as never
    const { length } = db.root.list
    let isFirst = true
    const works = [
      (root: Held) => {
        root.list.push('a')
      },
      (root: Held) => {
        what(root)
        if (isFirst) comesIn()
        isFirst = false
      },
      (root: Held) => {
        root.list.push('b')
      },
    ]
    const outcomes = await Promise.allSettled(works.map(work => db.transactAsync(work, { note: 'alike' })))
    t.same(
      outcomes.map(({ status }) => status),
      ['fulfilled', outcome, 'fulfilled'],
      why,
    )
    t.equal(db.root.list.length, length + 2)
  }
  db.close()
  other.close()
})

t.test('what does not say the same of itself, has an id, or is in a hurry, is a commit of its own', async t => {
  const { db, path } = opened(t)
  const add = (root: Root): number => ++root.a
  await Promise.all([
    db.transactAsync(add),
    db.transactAsync(add),
    db.transactAsync(add, { note: 'other' }),
    db.transactAsync(add, { note: 'other', meta: 1 }),
    db.transactAsync(add, { note: 'other', meta: 1 }),
    db.transactAsync(add, { id: 'x' }),
    db.transactAsync(add, { id: 'y' }),
    db.transactAsync(add, { timeout: 10_000 }),
    db.transactAsync(add, { isolation: 'snapshot' }),
    db.transactAsync(add, { attempts: 2 }),
    db.transactAsync(add, { attempts: 2 }),
  ])
  t.equal(db.root.a, 11)
  t.same(said(path), [
    { note: 'add', count: 2 },
    { note: 'other' },
    { note: 'other', count: 2 },
    ...Array.from({ length: 4 }, () => ({ note: 'add' })),
    { note: 'add', count: 2 },
  ])
})

t.test('they are committed in parts where they take long, so that others get in between', async t => {
  const { db, path, clock } = opened(t)
  await Promise.all(
    Array.from({ length: 7 }, () =>
      db.transactAsync(root => {
        clock.now += 2
        root.a++
      }),
    ),
  )
  t.equal(db.root.a, 7)
  t.same(said(path), [{ count: 3 }, { count: 3 }, {}])
})

t.test('a commit that came in between makes all of them run again, and each counts once', async t => {
  const { db, path } = opened(t)
  const other = elsewhere<Root>(path, { root: initial })
  let runs = 0
  const values = await Promise.all(
    [1, 2, 3].map(n =>
      db.transactAsync(root => {
        if (n === 2 && ++runs === 1) {
          other.transact(root => {
            root.a += 100
          })
        }
        return ++root.a
      }),
    ),
  )
  t.equal(runs, 2)
  t.same(values, [101, 102, 103])
  other[Symbol.dispose]()
})

t.test('where others always get in between, they run with the lock held in the end', async t => {
  const { db, path } = opened(t)
  const other = elsewhere<Root>(path, { root: initial, lockTimeout: 5 })
  let late = 0
  const intrude = (root: Root): void => {
    try {
      other.transact(theirs => {
        theirs.a += 100
      })
    } catch (error) {
      t.match(error, { code: 'LOCK_TIMEOUT' })
      late++
    }
    root.a++
  }
  await Promise.all([db.transactAsync(intrude), db.transactAsync(intrude)])
  t.equal(late, 2, 'the last run of both')
  t.equal(db.root.a % 100, 2)
  other[Symbol.dispose]()
})

t.test('they are not run inside a transact of another connection, which may hold the lock', async t => {
  const { db, path } = opened(t)
  const own = db.connect()
  let runs = 0
  const done = db.transactAsync(root => {
    runs++
    root.a++
  })
  own.transact(root => {
    t.equal(db.root.a, 0, 'reading is allowed')
    t.equal(runs, 0)
    root.b = 1
  })
  await done
  db.refresh()
  t.equal(db.root.a, 1)
  t.equal(db.root.b, 1)
  t.same(said(path).length, 2)
  own.close()
})

t.test('a commit that the disk refuses is refused to all, and nothing of it is there', async t => {
  const { db, disk } = opened(t)
  Object.defineProperty(disk, 'write', {
    value: () => {
      throw Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' })
    },
  })
  const outcomes = await Promise.allSettled([1, 2].map(() => db.transactAsync(root => ++root.a)))
  t.match(outcomes, [{ reason: { code: 'COMMIT_FAILED' } }, { reason: { code: 'COMMIT_FAILED' } }])
  t.equal(db.root.a, 0)
  t.equal(db.changed, false)
})

t.test('a failed fsync is told to all, and none of them runs again', async t => {
  const { db, disk } = opened(t, { durability: 'fsync' })
  Object.defineProperty(disk, 'syncAsync', { value: () => Promise.reject(new Error('EIO')) })
  let runs = 0
  const outcomes = await Promise.allSettled(
    [1, 2, 3].map(() =>
      db.transactAsync(root => {
        runs++
        root.a++
      }),
    ),
  )
  for (const outcome of outcomes) t.match(outcome, { reason: { code: 'DURABILITY_UNKNOWN' } })
  t.equal(runs, 3)
  t.equal(db.root.a, 3, 'the commit is visible')
  await t.rejects(
    db.transactAsync(root => ++root.a),
    { code: 'COMMIT_FAILED', cause: { code: 'DURABILITY_UNKNOWN' } },
  )
})

t.test('transactions asked for by those that have ended join the next group', async t => {
  const { db } = opened(t)
  const twice = async (): Promise<number> => {
    await db.transactAsync(root => ++root.a)
    return db.transactAsync(root => ++root.a)
  }
  const values = await Promise.all([twice(), twice(), twice()])
  t.same(values, [4, 5, 6])
})

t.test('a promise is resolved with an object also where the connection has been closed meanwhile', async t => {
  for (const durability of ['os', 'fsync'] as const) {
    const { db, path } = opened(t, { durability })
    const root = db.root
    const given = [
      db.transactAsync(root => {
        root.a++
        return root
      }),
      db.transactAsync(root => {
        root.a++
        return root.list
      }),
    ]
    db.close()
    t.equal(await given[0], root, durability)
    t.equal((await Promise.allSettled(given))[1]?.status, 'fulfilled', durability)
    t.throws(() => root.a, { code: 'CLOSED' })
    const again = elsewhere<Root>(path, { root: initial })
    t.equal(again.root.a, 2)
    again.close()
  }
})

t.test('a promise is resolved with data that has become stale meanwhile', async t => {
  const { db, path } = opened(t, { durability: 'fsync' })
  db.transact(root => (root.part = [[1]]))
  const other = elsewhere<Root>(path, { root: initial })
  t.teardown(() => other.close())
  const given = db.transactAsync(root => {
    root.a++
    return (root.part as number[][])[0]
  })
  await Promise.resolve()
  await Promise.resolve()
  other.transact(root => (root.part = null))
  const inner = await given
  t.equal(db.root.a, 1)
  t.throws(() => inner?.length, { code: 'STALE_DATA' })
})
