import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import type { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { countingDisk } from '../helpers/counting-disk.js'
import { draft, put, record, textOf } from '../helpers/drafts.js'
import { newStore, openStore, stranger } from '../helpers/new-store.js'

/** The look at the path is due every 100 ms: here no time passes. */
const timeless = { ...systemDisk, ticks: () => 0 }

t.test('a transaction begins with one look at the end of the file', async t => {
  const counting = countingDisk(timeless)
  const store = newStore(t, counting.disk)
  t.same(
    counting.during(() => store.latest()),
    ['end'],
  )
})

t.test('an uncontended commit takes both locks, looks at the end, writes once, and releases both', async t => {
  const counting = countingDisk(timeless)
  const store = newStore(t, counting.disk)
  put(store, record(1, 'the first one opens the lock file'))
  const snapshot = store.latest()
  t.same(
    counting.during(() => store.commit(draft(record(1, 'x'), record(-1, 'new')), snapshot, [1 as Oid], true)),
    ['tryLock', 'tryLock', 'end', 'write', 'unlock', 'unlock'],
  )
})

t.test('when a millisecond has passed, it looks at the last frame, too', async t => {
  let now = 0
  const counting = countingDisk({ ...systemDisk, ticks: () => now })
  const store = newStore(t, counting.disk)
  put(store, record(1, 'the first one opens the lock file'))
  const commit = () => counting.during(() => put(store, record(1, 'x'))).filter(name => name === 'read').length
  t.equal(commit(), 0)
  now += 1
  t.same([commit(), commit()], [1, 0])
})

t.test('of a small store, which has no index file, neither opening nor the first commit tries to open one', async t => {
  const { path } = newStore(t)
  const counting = countingDisk({ ...timeless })
  let store: Store | undefined
  const opening = counting.during(() => (store = openStore(t, path, counting.disk)))
  t.equal(opening.filter(name => name === 'open').length, 2, 'the data file alone, with a descriptor for fsyncs')
  const first = counting.during(() => put(store as Store, record(1, 'x')))
  t.notOk(first.includes('open'), first.join())
})

t.test('a commit is made durable by one fsync, a look at the path, and one at the last frame', async t => {
  const counting = countingDisk(timeless)
  const store = newStore(t, counting.disk)
  put(store, record(1, 'the first fsync of a process is of the directory, too'))
  store.makeDurable(store.latest())
  put(store, record(1, 'x'))
  const snapshot = store.latest()
  t.same(
    counting.during(() => store.makeDurable(snapshot)),
    ['sync', 'lookUp', 'read'],
  )
})

t.test('one that is to be durable looks at both before it is appended, too', async t => {
  const counting = countingDisk(timeless)
  const store = newStore(t, counting.disk)
  put(store, record(1, 'the first one opens the lock file'))
  const snapshot = store.latest()
  t.same(
    counting.during(() => store.commit(draft(record(1, 'x')), snapshot, [1 as Oid], true, undefined, 'now')),
    ['tryLock', 'tryLock', 'end', 'lookUp', 'read', 'write', 'unlock', 'unlock'],
  )
})

t.test('an object is loaded by one read', async t => {
  const counting = countingDisk(timeless)
  const store = newStore(t, counting.disk)
  put(store, record(1, 'x'))
  const { generation } = store.latest()
  t.same(
    counting.during(() => generation.read(generation.newest(1 as Oid))),
    ['read'],
  )
})

t.test('what another process has just committed is read once: the objects in it need no other read', async t => {
  const counting = countingDisk(timeless)
  const store = newStore(t, counting.disk)
  const other = stranger(t, store)
  for (const text of ['y', 'z']) {
    put(other, record(1, text), record(-1, 'new'))
    t.same(
      counting.during(() => t.equal(textOf(store, 1), text)),
      ['end', 'read'],
    )
  }
})

t.test('the path is looked at when a tenth of a second has passed, at a transaction’s begin only', async t => {
  let now = 0
  const counting = countingDisk({ ...systemDisk, ticks: () => now })
  const store = newStore(t, counting.disk)
  put(store, record(1, 'x'))
  store.latest()
  now += 99
  t.same(
    counting.during(() => store.latest()),
    ['end'],
  )
  now += 1
  const calls = counting.during(() => store.latest())
  t.ok(calls.includes('lookUp'), calls.join())
  t.same(
    counting.during(() => store.latest()),
    ['end'],
  )
})

t.test('the two locks are of the lock file and of the data file, and are released the other way round', async t => {
  const descriptors: unknown[] = []
  const disk = {
    ...timeless,
    tryLock: (fd: number) => (descriptors.push(['lock', fd]), systemDisk.tryLock(fd)),
    unlock: (fd: number) => (descriptors.push(['unlock', fd]), systemDisk.unlock(fd)),
  }
  const store = newStore(t, disk)
  put(store, record(1, 'x'))
  descriptors.length = 0
  put(store, record(1, 'y'))
  const data = store.current.file.fd
  t.match(descriptors, [
    ['lock', Number],
    ['lock', data],
    ['unlock', data],
    ['unlock', Number],
  ])
})
