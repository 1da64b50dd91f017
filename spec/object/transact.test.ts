import t, { type Test } from 'tap'
import { join } from 'node:path'
import { open, type Connection, type OpenOptions, type Persistent } from '../../lib/index.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import { openWith } from '../../lib/object/open.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

type Root = Persistent & { a: number; b: number; list: number[]; box: { n: number } }
const initial = { a: 0, b: 0, list: [] as number[], box: { n: 0 } }

function two(t: Test, options: OpenOptions = {}): { db: Connection<Root>; other: Connection<Root>; path: string } {
  const path = join(tempDir(t), 'transact.db')
  const db = open(path, { root: initial, durability: 'os', ...options }) as Connection<Root>
  const other = elsewhere<Root>(path, { root: initial })
  t.teardown(() => {
    db[Symbol.dispose]()
    other[Symbol.dispose]()
  })
  return { db, other, path }
}
const add = (c: Connection<Root>, key: 'a' | 'b'): void => {
  c.transact(root => {
    root[key]++
  })
}

t.test('transact commits what the function did, and returns its result', async t => {
  const { db, other } = two(t)
  t.equal(
    db.transact(root => {
      root.a = 5
      return 'done'
    }),
    'done',
  )
  t.equal(db.changed, false)
  t.equal(other.root.a, 5)
})

t.test('a run that another commit got in between is undone and repeated on the new state', async t => {
  const { db, other } = two(t)
  const seen: number[] = []
  db.transact(root => {
    seen.push(root.a)
    if (seen.length === 1) add(other, 'a')
    root.a += 10
  })
  t.same(seen, [0, 1])
  t.equal(db.root.a, 11)
})

t.test('what was only read counts too, unless isolation is snapshot', async t => {
  const { db, other } = two(t)
  let runs = 0
  const skewed = (root: Root): void => {
    if (++runs === 1) {
      other.refresh()
      other.root.box = { n: 9 }
      other.commit()
    }
    root.a = 1
  }
  db.transact(skewed)
  t.equal(runs, 2)
})

t.test('isolation snapshot checks only what was written', async t => {
  const path = join(tempDir(t), 'transact.db')
  const { Item } = await import('./helpers/classes.js')
  const pair: { x: InstanceType<typeof Item> | null; y: InstanceType<typeof Item> | null } = { x: null, y: null }
  const options = { root: pair, classes: [Item], durability: 'os' as const }
  const db = open(path, options)
  db.transact(root => {
    root.x = new Item()
    root.y = new Item()
  })
  const other = elsewhere<typeof db.root>(path, options)
  for (const [isolation, expected] of [
    ['serializable', 2],
    ['snapshot', 1],
  ] as const) {
    let runs = 0
    db.transact(
      root => {
        const read = root.x?.n ?? 0
        if (++runs === 1) {
          other.transact(o => {
            if (o.x) o.x.n++
          })
        }
        if (root.y) root.y.n = read
      },
      { isolation },
    )
    t.equal(runs, expected, isolation)
  }
  db.close()
  other.close()
})

t.test('a transaction that wrote nothing never conflicts', async t => {
  const { db, other } = two(t)
  let runs = 0
  db.transact(root => {
    runs++
    add(other, 'a')
    return root.a
  })
  t.equal(runs, 1)
})

t.test('the last attempt holds the lock, so transact never throws WriteConflictError', async t => {
  const { db, other } = two(t)
  let runs = 0
  db.transact(
    root => {
      runs++
      root.a++
      if (runs < 3) add(other, 'a')
    },
    { attempts: 3 },
  )
  t.equal(runs, 3)
  t.equal(db.root.a, 3)
})

t.test('with one attempt it is the last one', async t => {
  const path = join(tempDir(t), 'transact.db')
  const calls: string[] = []
  const disk = Object.create(systemDisk) as typeof systemDisk
  disk.tryLock = fd => {
    calls.push('lock')
    return systemDisk.tryLock(fd)
  }
  const db = openWith(disk, path, { root: initial, durability: 'os' }) as Connection<Root>
  db.transact(
    root => {
      calls.push('run')
      root.a = 1
    },
    { attempts: 1 },
  )
  t.equal(calls[0], 'lock')
  t.ok(calls.includes('run'))
  db.close()
})

t.test('any exception undoes everything and is passed on', async t => {
  const { db } = two(t)
  const problem = new Error('no')
  t.throws(
    () =>
      db.transact(root => {
        root.a = 1
        root.list.push(1)
        throw problem
      }),
    problem,
  )
  t.equal(db.root.a, 0)
  t.same(db.root.list, [])
  t.equal(db.changed, false)
})

t.test('nested calls join the outer one', async t => {
  const { db, other } = two(t)
  db.transact(root => {
    root.a = 1
    db.transact(inner => {
      inner.b = 2
    })
    t.equal(other.root.b, 0)
    t.equal(db.changed, true)
  })
  other.refresh()
  t.same([other.root.a, other.root.b], [1, 2])
})

t.test('options of a nested call have no effect, and are refused as elsewhere where they are wrong', async t => {
  const { db } = two(t)
  const wrong: readonly [options: unknown, error: Record<string, string | RegExp>][] = [
    [{ foo: 1 }, { name: 'TypeError', message: /no option foo/ }],
    [[], { name: 'TypeError' }],
    [{ note: 5 }, { name: 'TypeError', message: /note/ }],
    [{ meta: () => 0 }, { code: 'VALUE' }],
    [{ isolation: 'none' }, { name: 'TypeError', message: /isolation/ }],
    [{ attempts: 0 }, { name: 'RangeError', message: /attempts/ }],
    [{ timeout: -1 }, { name: 'RangeError', message: /timeout/ }],
    [{ id: '' }, { name: 'TypeError', message: /id/ }],
    [{ id: 'x' }, { code: 'STATE', message: /give it to the outer one/ }],
  ]
  const right = { note: 'inner', meta: 1, isolation: 'snapshot', attempts: 1, timeout: 5 } as const
  db.transact(
    root => {
      for (const [options, error] of wrong)
        t.throws(() => db.transact(() => t.fail(), options as object), error as never, JSON.stringify(options))
      db.transact(() => root.a++, right)
    },
    { note: 'outer' },
  )
  t.match([...db.log({ reverse: true, limit: 1 })], [{ note: 'outer', meta: undefined }])
})

t.test('a nested failure dooms the whole, even when it is caught', async t => {
  const { db } = two(t)
  const problem = new Error('inner')
  t.throws(
    () =>
      db.transact(root => {
        try {
          db.transact(() => {
            throw problem
          })
        } catch {
          // too late
        }
        t.throws(() => (root.a = 1), { code: 'STATE' })
      }),
    { code: 'STATE', cause: problem },
  )
  t.equal(db.root.a, 0)
  add(db, 'a')
  t.equal(db.root.a, 1, 'the next one is not doomed')
})

t.test('a promise is refused, with what it has still to do: that is not undone', async t => {
  const { db } = two(t)
  const work = (async (root: Root) => {
    root.a = 1
    await Promise.resolve()
    root.b++
  }) as unknown as (root: Root) => void
  const refused = { name: 'TypeError', message: /returned a promise.*behind its first await is not undone/ }
  t.throws(() => db.transact(work), refused)
  await new Promise(setImmediate)
  t.same([db.root.a, db.root.b, db.changed], [0, 1, true])
  db.abort()
  await t.rejects(db.transactAsync(work), refused)
  await new Promise(setImmediate)
  t.same([db.root.a, db.root.b], [0, 1])
  db.abort()
})

t.test('committing on another connection of the same store inside is refused', async t => {
  const { db } = two(t)
  const own = db.connect()
  db.transact(root => {
    own.root.b = 1
    t.throws(() => own.commit(), { code: 'STATE' })
    t.throws(() => own.transact(() => 1), { code: 'STATE' })
    own.abort()
    t.equal(own.root.a, 0, 'reading is not')
    root.a = 1
  })
  own.close()
})

t.test('what a program has put into all objects is no option', async t => {
  const { db } = two(t)
  const all = Object.prototype as { extend?: unknown }
  all.extend = function extend() {}
  t.teardown(() => delete all.extend)
  db.transact(root => root.a++)
  await db.transactAsync(root => root.a++, { note: 'told' })
  t.equal(db.root.a, 2)
  t.throws(() => db.transact(() => 1, { extend: 1 } as never), { message: /^transact: there is no option extend/ })
})

t.test('options are checked at once', async t => {
  const { db } = two(t)
  t.throws(() => db.transact(() => 1, { attempts: 0 }), { name: 'RangeError' })
  const misspelt = { ID: 'once' } as never
  const refusal = { name: 'TypeError', message: 'transact: there is no option ID; did you mean id?' }
  t.throws(() => db.transact(() => 1, misspelt), refusal)
  await t.rejects(
    db.transactAsync(() => 1, misspelt),
    refusal,
  )
  await t.rejects(db.pack({ progress: () => 1 } as never), {
    name: 'TypeError',
    message: /^pack: there is no option progress/,
  })
  for (const [options, message] of [
    ...[5, {}, null, true].map(note => [{ note }, /^note must be a string, not /]),
    [[], /^transact: expects an object of options, not \[\]/],
    ...[
      new Date(),
      /x/,
      new Map(),
      new Set(),
      Promise.resolve(),
      new Uint8Array(1),
      new Error('x'),
      Object(1),
      () => 1,
    ].map((options: unknown) => [options, /^transact: expects an object of options/]),
  ] as [never, RegExp][]) {
    t.throws(() => db.transact(root => root.a++, options), { name: 'TypeError', message })
    await t.rejects(
      db.transactAsync(root => root.a++, options),
      { name: 'TypeError', message },
    )
  }
  const inherits = (from: object): never => Object.create(from) as never
  t.throws(() => db.transact(root => root.a++, inherits({ Timeout: 1 })), {
    name: 'TypeError',
    message: /mean timeout/,
  })
  t.equal(db.root.a, 0)
  class Named {
    note = 'of a class'
  }
  db.transact(root => root.a++, new Named())
  db.transact(root => root.a++, inherits({ note: 'inherited' }))
  class Tagged extends Named {
    readonly [Symbol.toStringTag] = 'Tagged'
  }
  db.transact(root => root.a++, new Tagged())
  db.transact(root => root.a++, await import('./helpers/note.js'))
  const named = Object.defineProperty((root: { a: number }) => root.a++, 'name', { value: 5 })
  db.transact(named)
  t.same(
    [...db.log({ limit: 5, reverse: true })].map(({ note }) => note),
    ['5', 'of a module', 'of a class', 'inherited', 'of a class'],
  )
  db.transact(root => (root.a = 0))
  t.throws(() => db.transact(() => 1, { timeout: -1 }), { name: 'RangeError' })
  t.throws(() => db.transact(() => 1, { isolation: 'none' as never }), { name: 'TypeError' })
  t.throws(() => db.transact(() => 1, { meta: { f: () => 1 } }), { code: 'VALUE', path: 'meta.f' })
  t.throws(() => db.transact(() => 1, { meta: { n: [NaN] } }), { code: 'VALUE', path: 'meta.n.0' })
  const hole = new Array<number>(2)
  t.throws(() => db.transact(root => root.a++, { meta: [hole] }), {
    code: 'VALUE',
    path: 'meta.0.0',
    message: /a hole/,
  })
  t.throws(() => db.transact<unknown>(undefined as never), { name: 'TypeError' })
})

t.test(
  'transactAsync runs the same function and does not hold up the event loop while it waits for the lock',
  async t => {
    const { db, other } = two(t)
    let turns = 0
    const ticking = setInterval(() => turns++, 1)
    let finish: () => void = () => undefined
    const done = new Promise<void>(resolve => (finish = resolve))
    // Another process's transaction, which holds the lock over turns of our loop, is stood in for by its lock.
    const store = Store.open(Object.create(systemDisk) as typeof systemDisk, db.path)
    store.lock.take(store.current.file.fd, 1000)
    const result = db
      .transactAsync(root => ++root.a)
      .then(value => {
        finish()
        return value
      })
    while (turns < 5) await new Promise(resolve => setImmediate(resolve))
    t.equal(other.root.a, 0)
    store.lock.release()
    await done
    clearInterval(ticking)
    t.equal(await result, 1)
    store.close()
  },
)

t.test('transactAsync repeats after a conflict, and takes the lock for the last attempt', async t => {
  const { db, other } = two(t)
  let runs = 0
  const value = await db.transactAsync(
    root => {
      if (++runs < 3) add(other, 'a')
      return ++root.a
    },
    { attempts: 3 },
  )
  t.equal(runs, 3)
  t.equal(value, 3)
})

t.test('many transactAsync at once lose nothing', async t => {
  const { db, other } = two(t, { durability: 'fsync' })
  await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? db : other).transactAsync(root => root.a++)))
  db.refresh()
  t.equal(db.root.a, 20)
})

t.test('transactAsync rejects with changes pending, also at a later run', async t => {
  const { db, other } = two(t)
  db.root.b = 1
  await t.rejects(
    db.transactAsync(() => 1),
    { code: 'STATE' },
  )
  db.abort()
  const holder = Store.open(Object.create(systemDisk) as typeof systemDisk, db.path)
  holder.lock.take(holder.current.file.fd, 1000)
  let runs = 0
  const late = db.transactAsync(root => {
    runs++
    root.a++
  })
  t.equal(runs, 0)
  db.root.b = 1
  t.equal(runs, 1, 'before anything else')
  holder.lock.release()
  holder.close()
  await t.rejects(late, { code: 'STATE' })
  t.equal(db.root.b, 1, 'and leaves them alone')
  t.equal(other.root.a, 0)
})

t.test('meta data is nested no deeper than plain data can be', t => {
  const { db } = two(t)
  const nested = (levels: number): unknown => {
    let data: unknown = 1
    for (let n = 0; n < levels; n++) data = n % 2 === 0 ? [data] : { a: data }
    return data
  }
  for (const levels of [301, 999, 1000, 1001, 100_000]) {
    const deep = { code: 'VALUE', message: /plain data more than 300 levels deep$/ }
    t.throws(() => db.transact(root => root.a++, { meta: nested(levels) }), deep, `${levels} levels`)
    t.equal(db.tid, 1, 'nothing is committed')
  }
  db.transact(root => root.a++, { meta: nested(300) })
  t.same(
    [...db.log({ after: 1 })].map(({ meta }) => meta),
    [nested(300)],
  )
  t.end()
})

t.test('the function gives the note', async t => {
  const { db } = two(t)
  db.transact(function transfer(root) {
    root.a = 1
  })
  db.transact(root => (root.a = 2), { note: 'by hand', meta: { who: ['ada', null, 1.5, true] } })
  const bytes = (await import('node:fs')).readFileSync(db.path)
  t.ok(bytes.includes('transfer'))
  t.ok(bytes.includes('by hand'))
  t.ok(bytes.includes('ada'))
})
