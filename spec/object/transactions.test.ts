import t, { type Test } from 'tap'
import { join } from 'node:path'
import { open, type Connection, type OpenOptions, type Persistent } from '../../lib/index.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

type Root = Persistent & { n: number; list: number[] }
const root = { n: 0, list: [] as number[] }

function two(t: Test, options: OpenOptions = {}): { db: Connection<Root>; other: Connection<Root> } {
  const db = open(join(tempDir(t), 'tx.db'), { root, durability: 'os', ...options }) as Connection<Root>
  const other = elsewhere<Root>(db.path, { root })
  t.teardown(() => {
    db[Symbol.dispose]()
    other[Symbol.dispose]()
  })
  return { db, other }
}
function commitThere(other: Connection<Root>, n: number): void {
  other.refresh()
  other.root.n = n
  other.commit()
}

t.test('a transaction begins at the first access, not before', t => {
  const { db, other } = two(t)
  const { root } = db
  commitThere(other, 1)
  t.equal(root.n, 1)
  commitThere(other, 2)
  t.equal(root.n, 1, 'one consistent snapshot within the same stretch')
  t.end()
})

t.test(
  'on the connection of open, a transaction that only read ends with the stretch of code that began it',
  async t => {
    const { db, other } = two(t)
    t.equal(db.root.n, 0)
    commitThere(other, 1)
    t.equal(db.root.n, 0)
    await Promise.resolve()
    t.equal(db.root.n, 1)
  },
)

t.test('a change keeps the transaction open over turns', async t => {
  const { db, other } = two(t)
  db.root.list.push(1)
  await Promise.resolve()
  commitThere(other, 1)
  t.equal(db.root.n, 0)
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
  db.abort()
  t.equal(db.root.n, 1)
})

t.test(
  'on a connection of connect, a transaction ends by commit, abort and refresh, not by itself; read, await, write conflicts',
  async t => {
    const { db, other } = two(t)
    const own = db.connect()
    const seen = own.root.n
    await new Promise(resolve => setImmediate(resolve))
    commitThere(other, 5)
    await Promise.resolve()
    t.equal(own.root.n, 0)
    own.root.list.push(seen)
    t.throws(() => own.commit(), { code: 'WRITE_CONFLICT', conflicts: [{ oid: 1, kind: 'write' }] })
    own.abort()
    t.equal(own.root.n, 5)
    own.commit()
    commitThere(other, 6)
    t.equal(own.root.n, 6)
    commitThere(other, 7)
    own.refresh()
    t.equal(own.root.n, 7)
    own.close()
  },
)

t.test(
  'on a connection of connect, transact, transactAsync and pause end one that has only read, and nothing else does',
  async t => {
    const { db, other } = two(t)
    const between: Record<string, readonly [(own: Connection<Root>) => unknown, checks: boolean]> = {
      transact: [own => own.transact(root => root.n), false],
      transactAsync: [own => own.transactAsync(root => root.n), false],
      pause: [own => own.pause().continue(), false],
      log: [own => [...own.log()], true],
      usage: [own => own.usage(), true],
      resolve: [own => own.resolve('x'), true],
      flush: [own => own.flush(), true],
      pack: [own => own.pack(), true],
    }
    for (const [what, [act, checks]] of Object.entries(between)) {
      const own = db.connect()
      const seen = own.root.n
      commitThere(other, seen + 5)
      await act(own)
      own.root.n = seen + 1
      if (checks) t.throws(() => own.commit(), { code: 'WRITE_CONFLICT' }, what)
      else t.equal(own.commit(), own.tid, `${what}: what was read before is not checked`)
      if (own.changed) own.abort()
      own.close()
    }
  },
)

t.test('pause holds the snapshot over turns, nests, and is disposable', async t => {
  const { db, other } = two(t)
  commitThere(other, 1)
  const outer = db.pause()
  t.equal(db.root.n, 1, 'it catches up first')
  {
    using inner = db.pause()
    void inner
    commitThere(other, 2)
    await new Promise(resolve => setImmediate(resolve))
    t.equal(db.root.n, 1)
  }
  t.equal(db.root.n, 1)
  t.throws(() => (db.root.n = 3), { code: 'STATE' })
  outer.continue()
  outer.continue()
  t.equal(db.root.n, 2)
  db.root.n = 3
  db.commit()
})

t.test('get begins a transaction as an access does', t => {
  const { db, other } = two(t)
  db.get(99)
  commitThere(other, 1)
  t.equal(db.root.n, 0)
  t.end()
})

t.test("writes: 'transact' refuses changes elsewhere", t => {
  const { db } = two(t, { writes: 'transact' })
  t.throws(() => (db.root.n = 1), { code: 'STATE' })
  t.throws(() => db.root.list.push(1), { code: 'STATE' })
  t.same(db.root.list, [])
  db.transact(r => r.list.push(1))
  t.same(db.root.list, [1])
  t.end()
})

t.test('a readonly connection refuses changes where they are made', t => {
  const { db } = two(t)
  const reader = open(db.path, { readonly: true, root })
  t.throws(() => (reader.root.n = 1), { code: 'READONLY' })
  t.equal(
    reader.transact(r => r.n),
    0,
  )
  reader.close()
  t.end()
})

t.test('until opens the past', t => {
  const { db } = two(t)
  for (let i = 1; i < 4; i++) {
    db.root.n = i
    db.commit()
  }
  const past = open(db.path, { readonly: true, until: 3, root })
  t.equal(past.root.n, 2)
  t.equal(past.tid, 3)
  past.close()
  t.throws(() => open(db.path, { until: 3 }), { name: 'TypeError' })
  for (const until of [-1, 0, NaN, 1.5, '2' as unknown as number])
    t.throws(() => open(db.path, { readonly: true, until, root }), { name: 'RangeError', message: /until must be/ })
  t.end()
})

t.test('a commit that a pack has taken away, or that there is not yet, cannot be opened', async t => {
  const { db } = two(t)
  for (let i = 1; i < 4; i++) {
    db.root.n = i
    db.commit()
  }
  await db.pack()
  const missing = { code: 'COMMIT_NOT_FOUND', path: db.path }
  t.throws(() => open(db.path, { readonly: true, until: 3 }), {
    ...missing,
    tid: 3,
    nearest: 4,
    message: /commit 3 is not in the file any more; a pack has kept only 4 and later\. Open one of these, or a copy/,
  })
  t.throws(() => open(db.path, { readonly: true, until: 5 }), {
    ...missing,
    tid: 5,
    nearest: 4,
    message: /there is no commit 5; the last one is 4/,
  })
  open(db.path, { readonly: true, until: 4 }).close()
})

t.test('commit returns the number of the commit', t => {
  const { db } = two(t)
  t.equal(db.commit(), 1)
  db.root.n = 1
  t.equal(db.commit(), 2)
  t.equal(db.tid, 2)
  t.end()
})

t.test('after close every access throws', t => {
  const { db } = two(t)
  const { list } = db.root
  const { root } = db
  db.close()
  t.throws(() => root.n, { code: 'CLOSED' })
  t.throws(() => list.length, { code: 'CLOSED' })
  t.throws(() => list.push(1), { code: 'CLOSED' })
  t.end()
})

t.test('a durable commit syncs, also by flush', t => {
  const { db } = two(t, { durability: 'fsync' })
  db.root.n = 1
  db.commit()
  db.flush()
  t.pass()
  t.end()
})

t.test('each connection waits for the lock as long as it was told, also where they share a store', async t => {
  const { db } = two(t, { lockTimeout: 20 })
  const hasty = open(db.path, { root, durability: 'os', lockTimeout: 5 }) as Connection<Root>
  const own = hasty.connect()
  const holder = Store.open({ ...systemDisk }, db.path)
  holder.lock.take(holder.current.file.fd, 1000)
  for (const [connection, timeout] of [
    [db, 20],
    [hasty, 5],
    [own, 5],
  ] as const) {
    const late = { code: 'LOCK_TIMEOUT', timeout }
    const change = (root: Root): void => void root.n++
    t.throws(() => connection.transact(change), late)
    t.throws(() => connection.transact(change, { attempts: 1 }), late)
    await t.rejects(connection.transactAsync(change), late)
    await t.rejects(connection.transactAsync(change, { attempts: 1 }), late)
    await t.rejects(connection.pack(), late)
    connection.root.n = 1
    t.throws(() => connection.commit(), late)
    connection.abort()
  }
  holder.lock.release()
  holder.close()
  own.close()
  hasty.close()
})
