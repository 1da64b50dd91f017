import { readFileSync, statSync } from 'node:fs'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import type { Store } from '../../lib/store/store.js'
import { touchedSince } from '../../lib/store/touched.js'
import { stretchOf, type DraftRecord, type Oid } from '../../lib/store/types.js'
import { draft, put, record, textOf } from '../helpers/drafts.js'
import { newStore, stranger } from '../helpers/new-store.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

const ROOT = 1 as Oid
const commit = (store: Store, accessed: readonly number[], ...records: DraftRecord[]) =>
  store.commit(draft(...records), store.latest(), accessed as readonly Oid[], true)

t.test('a commit is the newest state, for this process and every other one', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  const result = commit(store, [1], record(1, 'new'))
  t.match(result, { outcome: 'committed', snapshot: { tid: 2, offset: statSync(store.path).size } })
  t.equal(store.latest(), result.outcome === 'committed' ? result.snapshot : undefined)
  t.equal(textOf(other, 1), 'new')
  t.equal(other.latest().tid, 2)
})

t.test('a commit tells where each of its records stands, and which oids it gave out', async t => {
  const store = newStore(t)
  const result = commit(store, [], record(-2, 'b', [-1, 1]), record(-1, 'a', [-2]), record(1, 'root', [-1]))
  if (result.outcome !== 'committed') throw new Error(result.outcome)
  t.equal(result.firstOid, 17)
  const { generation } = result.snapshot
  const records = result.offsets.map(at => generation.read(at))
  t.match(records, [
    { oid: 18, refs: [17, 1], tid: 2, previous: 0 },
    { oid: 17, refs: [18], tid: 2, previous: 0 },
    { oid: 1, refs: [17], tid: 2, shape: 16 },
  ])
  t.same(
    records.map(({ oid }) => generation.newest(oid)),
    result.offsets,
  )
})

t.test('oids are given out in order and never twice, by whichever process', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  const given = [store, other, other, store].map(one => put(one, record(-1, 'x'), record(-2, 'y')))
  t.same(given, [17, 19, 21, 23])
})

t.test('a shape that is committed is known, to everybody', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  t.same(other.latest().generation.shapes, [16])
  commit(store, [], { oid: -1, shape: 0, refs: [], ...stretchOf(new Uint8Array()) }, { ...record(-2, 'x'), shape: -1 })
  t.same(store.current.shapes, [16, 17])
  t.same(other.latest().generation.shapes, [16, 17])
  t.match(other.current.read(other.current.newest(18 as Oid)), { shape: 17 })
})

t.test('a commit conflicts exactly if something that it accessed was changed since its snapshot', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  const a = put(store, record(-1, 'a'))
  const b = put(store, record(-1, 'b'))
  const snapshot = store.latest()
  put(other, record(b, 'changed'))
  const size = statSync(store.path).size
  const conflict = store.commit(draft(record(a, 'x')), snapshot, [ROOT, b, a], true)
  t.match(conflict, { outcome: 'conflict', oids: [b], snapshot: { offset: size } })
  t.equal(statSync(store.path).size, size, 'nothing was written')
  t.match(store.commit(draft(record(a, 'x')), snapshot, [ROOT, a], true), { outcome: 'committed' })
  t.match(
    store.commit(draft(record(a, 'y')), snapshot, [ROOT], true),
    { outcome: 'committed' },
    'a change that was not seen',
  )
  t.match(store.commit(draft(record(b, 'y')), snapshot, [a, b], true), { outcome: 'conflict', oids: [a, b] })
})

t.test('a commit conflicts with an own commit after its snapshot, too', async t => {
  const store = newStore(t)
  const snapshot = store.latest()
  put(store, record(1, 'mine'))
  t.match(store.commit(draft(record(1, 'x')), snapshot, [ROOT], true), { outcome: 'conflict', oids: [1] })
})

t.test('an object that has appeared since the snapshot is touched, one that never was is not', async t => {
  const store = newStore(t)
  const before = store.latest()
  const oid = put(store, record(-1, 'new'))
  t.same(touchedSince(before, [ROOT, oid, 999 as Oid], store.latest()), [oid])
})

t.test('what changed between two snapshots is told, whatever came after both', async t => {
  const store = newStore(t)
  const [a, b] = [put(store, record(-1, 'a')), put(store, record(-1, 'b'))]
  const one = store.latest()
  put(store, record(a, 'changed'))
  const two = store.latest()
  put(store, record(a, 'again'), record(b, 'changed'))
  const three = store.latest()
  t.same(touchedSince(one, [a, b], one), [])
  t.same(touchedSince(one, [a, b], two), [a])
  t.same(touchedSince(two, [a, b], three), [a, b])
  t.same(touchedSince(one, [a, b], three), [a, b])
})

t.test(
  'a commit that lost a race for its place is assembled again: new oids, new links to what it replaces',
  async t => {
    let rival: (() => void) | undefined
    const disk = wrapDisk({ ...systemDisk }, (name, _n, go) => {
      if (name === 'tryLock') {
        const act = rival
        rival = undefined
        act?.()
      }
      return go()
    })
    const store = newStore(t, disk)
    const other = stranger(t, store)
    const snapshot = store.latest()
    rival = () => put(other, record(-1, 'the rival’s'), record(1, 'unseen'))
    const result = store.commit(draft(record(-1, 'mine', [-1]), record(1, 'root', [-1])), snapshot, [], true)
    t.match(result, { outcome: 'committed', firstOid: 18, snapshot: { tid: 3 } })
    t.same([textOf(other, 17), textOf(other, 18), textOf(other, 1)], ['the rival’s', 'mine', 'root'])
    const { generation } = other.latest()
    const root = generation.read(generation.newest(ROOT))
    t.same(root.refs, [18])
    t.equal(Buffer.from(generation.read(root.previous).state).toString(), 'unseen')
  },
)

t.test('a commit that is far behind catches up without the lock, and succeeds', async t => {
  let held = 0
  let [readWhileHeld, readWithout] = [0, 0]
  const disk = wrapDisk({ ...systemDisk }, (name, _n, go) => {
    const done = go()
    if (name === 'tryLock') held++
    if (name === 'unlock') held--
    if (name === 'read' && held > 0) readWhileHeld += Number(done)
    if (name === 'read' && held === 0) readWithout += Number(done)
    return done
  })
  const store = newStore(t, disk)
  const other = stranger(t, store)
  const snapshot = store.latest()
  for (let n = 0; n < 50; n++) put(other, record(-1, 'x'.repeat(200_000)))
  held = readWithout = readWhileHeld = 0
  t.match(store.commit(draft(record(1, 'x')), snapshot, [ROOT], true), { outcome: 'committed' })
  t.ok(readWithout > 7_000_000, `${readWithout} bytes read without the lock`)
  t.ok(readWhileHeld < 3_000_000, `${readWhileHeld} bytes read with it`)
})

t.test('with the lock taken elsewhere, a commit that shall not wait is told so at once', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  const result = other.underLock(() => store.commit(draft(record(1, 'x')), store.latest(), [], false))
  t.match(result, { outcome: 'busy' })
  t.match(store.commit(draft(record(1, 'x')), store.latest(), [], false), { outcome: 'committed' })
})

t.test('under the lock everything is read, and commits use the lock that is held', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  put(other, record(1, 'the newest'))
  store.underLock(() => {
    t.equal(store.current.snapshot().tid, 2)
    t.match(commit(store, [1], record(1, 'one')), { outcome: 'committed' })
    t.match(commit(store, [1], record(1, 'two')), { outcome: 'committed' })
    t.match(other.commit(draft(record(1, 'x')), other.latest(), [], false), { outcome: 'busy' })
  })
  t.equal(textOf(other, 1), 'two')
  put(other, record(1, 'free again'))
})

t.test('under the lock a commit of an older snapshot still conflicts', async t => {
  const store = newStore(t)
  const snapshot = store.latest()
  put(stranger(t, store), record(1, 'newer'))
  const result = store.underLock(() => store.commit(draft(record(1, 'x')), snapshot, [ROOT], true))
  t.match(result, { outcome: 'conflict', oids: [1] })
})

t.test('the lock can be waited for without blocking the event loop', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  const release = await new Promise<() => void>(resolve => {
    other.lock.take(other.current.file.fd, 0)
    resolve(() => other.lock.release())
  })
  const order: string[] = []
  const committed = store.underLockAsync(() => {
    order.push('under the lock')
    return commit(store, [1], record(1, 'x')).outcome
  })
  const free = store.untilFree().then(() => order.push('free'))
  setImmediate(() => {
    order.push('the event loop turns')
    release()
  })
  t.equal(await committed, 'committed')
  await free
  t.equal(order[0], 'the event loop turns')
  t.equal(order.length, 3)
})

t.test('waiting for the lock gives up after lockTimeout, blocking or not', async t => {
  const store = newStore(t, systemDisk, { lockTimeout: 20 })
  const other = stranger(t, store)
  const expected = { code: 'LOCK_TIMEOUT', timeout: 20, pid: process.pid, path: `${store.path}.lock` }
  other.lock.take(other.current.file.fd, 0)
  t.throws(() => put(store, record(1, 'x')), expected)
  t.throws(() => store.underLock(() => t.fail()), expected)
  await t.rejects(
    store.underLockAsync(() => t.fail()),
    expected,
  )
  await t.rejects(store.untilFree(), expected)
  other.lock.release()
  put(store, record(1, 'x'))
})

t.test('what is thrown under the lock releases it', async t => {
  const store = newStore(t)
  const fail = () => {
    throw new Error('as the test wants')
  }
  t.throws(() => store.underLock(fail), /as the test wants/)
  await t.rejects(store.underLockAsync(fail), /as the test wants/)
  put(stranger(t, store), record(1, 'x'))
})

t.test('the lock is taken once: a second time inside is a mistake', async t => {
  const store = newStore(t)
  store.underLock(() => t.throws(() => store.underLock(() => undefined), { code: 'STATE' }))
  put(stranger(t, store), record(1, 'released all the same'))
})

t.test('a commit of more than 1 GiB is refused before the lock is taken', async t => {
  const calls: string[] = []
  const store = newStore(
    t,
    wrapDisk(systemDisk, (name, _n, go) => (calls.push(name), go())),
  )
  const state = Buffer.alloc(64 << 20)
  const records = Array.from({ length: 17 }, (_, n) => ({ ...record(-1 - n, ''), ...stretchOf(state) }))
  const snapshot = store.latest()
  calls.length = 0
  t.throws(() => store.commit(draft(...records), snapshot, [], true), { code: 'COMMIT_TOO_LARGE', bytes: Number })
  t.same(calls, [])
})

t.test('a large frame whose place others have taken is built once more where it was', async t => {
  const text = 'large'.repeat(1 << 20)
  let isWatched = false
  const disk = wrapDisk(systemDisk, (name, _n, go) => {
    if (name === 'tryLock' && isWatched) {
      isWatched = false
      put(other, record(-1, 'between'), record(1, 'theirs'))
    }
    return go()
  })
  const store = newStore(t, disk)
  const other = stranger(t, store)
  isWatched = true
  const allocated = t.capture(Buffer, 'allocUnsafeSlow', (size: number) => Buffer.alloc(size))
  const result = commit(store, [], record(-1, text, [-2]), record(-2, 'small'))
  const large = allocated().filter(({ args: [size] }) => size > text.length).length
  t.match(result, { outcome: 'committed', firstOid: 18, snapshot: { tid: 3 } })
  t.equal(large, 1)
  t.ok(textOf(other, 18) === text)
  t.equal(textOf(other, 19), 'small')
})

t.test('the time of a commit never goes back, though the clock does', async t => {
  let clock = 2_000_000_000_000
  const store = newStore(t, { ...systemDisk, now: () => clock })
  put(store, record(1, 'x'))
  clock -= 3_600_000
  put(store, record(1, 'y'))
  t.equal(store.latest().time, 2_000_000_000_000)
  clock += 7_200_000
  put(store, record(1, 'z'))
  t.equal(store.latest().time, 2_000_003_600_000)
})

t.test('the id of a transaction is kept with the time of its commit, though others came in between', async t => {
  let now = 5000
  const store = newStore(t, { ...systemDisk, now: () => now })
  const snapshot = store.latest()
  put(stranger(t, store), record(1, 'of a later time'))
  now = 1000
  const result = store.commit(draft(record(-1, 'x')), snapshot, [], true, 'pay')
  t.equal(result.outcome, 'committed')
  t.ok(store.latest().time > 5000)
  t.equal(store.current.committed('pay')?.time, store.latest().time)
})

t.test('a commit names the bytes that are known to be on disk, and the boot', async t => {
  const store = newStore(t, { ...systemDisk, boot: 0x1234 })
  put(store, record(1, 'x'))
  store.makeDurable(store.latest())
  const { offset } = store.latest()
  put(store, record(1, 'y'))
  const file = readFileSync(store.path)
  t.equal(Number(file.readBigUInt64LE(offset + 48)), offset)
  t.equal(file.readUInt32LE(offset + 56), 0x1234)
  const other = stranger(t, store)
  t.equal(other.current.reader.syncedTo, offset, 'others learn it from there')
})

t.test('a commit may hold nothing but its annotation', async t => {
  const store = newStore(t)
  const result = store.commit({ records: [], fresh: 0, annotation: Buffer.from('note') }, store.latest(), [], true)
  t.match(result, { outcome: 'committed', snapshot: { tid: 2 } })
  t.same(result.outcome === 'committed' && [...result.offsets], [])
  t.equal(stranger(t, store).latest().tid, 2)
})
