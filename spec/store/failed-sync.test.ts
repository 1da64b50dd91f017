// The system tells of a lost write once for each open file. Whoever is told, nobody may be told otherwise, here or in another process.
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk, Fd } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { BaseWriter } from '../../lib/store/base-writer.js'
import { orPacked, orPackedAsync } from '../../lib/store/or-packed.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import type { Oid, Tid } from '../../lib/store/types.js'
import { initialDraft, put, record, SHAPE, textOf } from '../helpers/drafts.js'
import { newStore, openStore, stranger } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'

const fault = Object.assign(new Error('EIO: as the test wants'), { code: 'EIO' })
const full = Object.assign(new Error('ENOSPC: as the test wants'), { code: 'ENOSPC' })
const UNKNOWN = { code: 'DURABILITY_UNKNOWN' }
/** What a commit is told that comes after: nothing of it was done. */
const REFUSED = {
  code: 'COMMIT_FAILED',
  message: /Nothing was committed.*then pack/,
  cause: { code: 'DURABILITY_UNKNOWN' },
}

/** A disk that can lose writes, and tells each open file of it, as the system does. */
function losingDisk(own: Partial<Disk> = {}) {
  const open = new Set<Fd>()
  const toTell = new Set<Fd>()
  const tell = (fd: Fd): void => {
    if (toTell.delete(fd)) throw fault
  }
  const timers: (() => void)[] = []
  const disk: Disk = {
    ...systemDisk,
    open: (...call) => {
      const fd = systemDisk.open(...call)
      open.add(fd)
      return fd
    },
    close: fd => {
      open.delete(fd)
      systemDisk.close(fd)
    },
    sync: tell,
    syncAsync: async fd => {
      tell(fd) // the thread has called, and its answer is under way
      await new Promise(setImmediate)
    },
    after: (_milliseconds, act) => {
      timers.push(act)
      return { cancel: () => void timers.splice(timers.indexOf(act), 1) }
    },
    ...own,
  }
  const lose = (): void => {
    for (const fd of open) toTell.add(fd)
  }
  return { disk, lose, timers }
}

t.test('an fsync that blocks does not succeed because one in the background was told of the loss', async t => {
  const { disk, lose } = losingDisk()
  const store = newStore(t, disk)
  put(store, record(1, 'in the background'))
  lose()
  const background = store.makeDurableAsync(store.latest())
  put(store, record(1, 'meanwhile'))
  t.throws(() => store.makeDurable(store.latest()), UNKNOWN)
  await t.rejects(background, UNKNOWN)
})

t.test('nor does one in the background because one that blocks was told', async t => {
  const { disk, lose } = losingDisk()
  const store = newStore(t, disk)
  put(store, record(1, 'a'))
  lose()
  t.throws(() => store.makeDurable(store.latest()), UNKNOWN)
  await t.rejects(store.makeDurableAsync(store.latest()), UNKNOWN)
})

t.test('both have the same file open, also where another takes its place between the two', async t => {
  const { path } = newStore(t)
  copyFileSync(path, `${path}.before`)
  let opened = 0
  const open = new Set<Fd>()
  const { disk } = losingDisk({
    open: (name, access) => {
      const fd = systemDisk.open(name === path && ++opened === 1 ? `${path}.before` : name, access)
      open.add(fd)
      return fd
    },
    close: fd => {
      open.delete(fd)
      systemDisk.close(fd)
    },
  })
  const store = Store.open(disk, path)
  const { file, fdApart, identity } = store.current
  t.not(fdApart, file.fd)
  t.equal(disk.status(fdApart).ino, disk.status(file.fd).ino)
  t.equal(identity.ino, disk.lookUp(path)?.ino)
  store.close()
  t.equal(open.size, 0)
})

/** Another process, which has the store open, would commit. */
function assertTold(t: Test, other: Store, message = 'told'): void {
  t.throws(() => put(other, record(1, 'on top of it')), REFUSED, message)
}

t.test('others are told of a failed fsync as soon as the lock is free', async t => {
  const { disk, lose, timers } = losingDisk()
  const store = newStore(t, disk, { lockTimeout: 20 })
  const other = stranger(t, store)
  put(store, record(1, 'lost'))
  lose()
  other.underLock(() => t.throws(() => store.makeDurable(store.latest()), UNKNOWN))
  t.equal(timers.length, 2, 'it is tried again: beside the one for what is not synced yet')
  timers.at(-1)?.()
  assertTold(t, other)
  t.equal(timers.length, 1, 'and then no more')
})

t.test('where nobody waits for the answer, nobody waits for the lock either', async t => {
  let slept = 0
  const { disk, lose, timers } = losingDisk({ sleep: milliseconds => void (slept += milliseconds) })
  const store = newStore(t, disk)
  const other = stranger(t, store)
  put(store, record(1, 'lost'))
  lose()
  t.ok(other.lock.try(other.current.file.fd))
  await t.rejects(store.makeDurableAsync(store.latest()), UNKNOWN)
  t.equal(slept, 0)
  other.lock.release()
  timers.at(-1)?.()
  assertTold(t, other)
})

t.test('or as soon as the disk takes anything, at the next commit that is refused here', async t => {
  let isFull = false
  const { disk, lose } = losingDisk({
    write: (...call) => {
      if (isFull) throw full
      return systemDisk.write(...call)
    },
  })
  const store = newStore(t, disk)
  const other = stranger(t, store)
  put(store, record(1, 'lost'))
  lose()
  isFull = true
  t.throws(() => store.makeDurable(store.latest()), UNKNOWN)
  isFull = false
  t.throws(() => put(store, record(1, 'more')), REFUSED)
  assertTold(t, other)
})

t.test('or when the store is closed', async t => {
  let isFull = false
  const { disk, lose } = losingDisk({
    write: (...call) => {
      if (isFull) throw full
      return systemDisk.write(...call)
    },
  })
  const store = newStore(t, disk)
  const other = stranger(t, store)
  put(store, record(1, 'lost'))
  lose()
  isFull = true
  t.throws(() => store.makeDurable(store.latest()), UNKNOWN)
  isFull = false
  store.close()
  assertTold(t, other)
})

/** A store whose last commit an fsync has failed to put on disk, which the disk was too full to say in the file. */
function untold(t: Test) {
  let isFull = false
  const { disk, lose, timers } = losingDisk({
    write: (...call) => {
      if (isFull) throw full
      return systemDisk.write(...call)
    },
  })
  const store = Store.open(disk, join(tempDir(t), 'app.db'), {}, initialDraft)
  t.teardown(() => {
    if (!store.closed) closeAnyhow(store)
  })
  const { size } = statSync(store.path)
  put(store, record(1, 'lost'))
  const whole = readFileSync(store.path)
  lose()
  isFull = true
  t.throws(() => store.makeDurable(store.latest()), UNKNOWN)
  isFull = false
  return { store, size, whole, retry: () => timers.at(-1)?.() }
}

function closeAnyhow(store: Store): void {
  try {
    store.close()
  } catch {
    // That the file was replaced, or that the others could not be told.
  }
}

const told: Record<string, (store: ReturnType<typeof untold>) => void> = {
  'after a second': ({ retry }) => {
    retry()
  },
  'by a commit': ({ store }) => t.throws(() => put(store, record(1, 'more'))),
  'at close': ({ store }) => {
    store.close()
  },
}

for (const [when, tell] of Object.entries(told)) {
  t.test(`the mark, made ${when}, does not go behind what others have committed to a copy put back in place`, t => {
    const mine = untold(t)
    const { path } = mine.store
    truncateSync(path, mine.size)
    const other = openStore(t, path, { ...systemDisk })
    put(other, record(1, 'kept'))
    t.equal(statSync(path).size, mine.whole.length)
    try {
      tell(mine)
    } catch {
      // That the file was replaced, or what has failed before.
    }
    put(other, record(1, 'next'))
    t.equal(textOf(openStore(t, path, { ...systemDisk }, { readonly: true }), 1), 'next')
    t.end()
  })

  t.test(`but, made ${when}, it goes into the file that was moved away`, t => {
    const mine = untold(t)
    const { path } = mine.store
    renameSync(path, `${path}.moved`)
    try {
      tell(mine)
    } catch {
      // That the file is gone, or what has failed before.
    }
    assertTold(t, openStore(t, `${path}.moved`, { ...systemDisk }))
    t.end()
  })
}

t.test('and into the one that was cut, once it has been put back', t => {
  const { store, size, whole, retry } = untold(t)
  truncateSync(store.path, size)
  retry()
  t.equal(statSync(store.path).size, size)
  writeFileSync(store.path, whole)
  retry()
  assertTold(t, openStore(t, store.path, { ...systemDisk }))
  t.end()
})

t.test(
  'a commit that the disk has taken, said that it has not, and keeps, is one that it does not confirm',
  async t => {
    let fails = false
    const store = newStore(t, {
      ...systemDisk,
      write: (...call) => {
        const taken = systemDisk.write(...call)
        if (!fails) return taken
        fails = false
        throw fault
      },
      truncate: () => {
        throw fault
      },
    })
    const other = stranger(t, store)
    fails = true
    put(store, record(1, 'taken'))
    t.equal(textOf(other, 1), 'taken')
    t.throws(() => store.makeDurable(store.latest()), UNKNOWN)
    t.throws(() => put(store, record(1, 'more')), REFUSED)
    assertTold(t, other)
  },
)

t.test('a cut that could not be put on disk is told at once, whoever has the lock', async t => {
  for (const how of ['commit', 'commit under the lock', 'what a killed process left'] as const) {
    let fails = false
    const { disk } = losingDisk({
      // Of a large frame, a part; the mark that tells the others is small.
      write(fd, from, at, length, position) {
        if (!fails || length < 200) return systemDisk.write(fd, from, at, length, position)
        if (at > 0) throw full
        return systemDisk.write(fd, from, at, 20, position)
      },
      sync: fd => {
        if (fails) throw fault
        systemDisk.sync(fd)
      },
    })
    const store = newStore(t, disk)
    const other = stranger(t, store)
    put(store, record(1, 'whole'))
    fails = true
    if (how === 'what a killed process left') appendFileSync(store.path, 'PFRM')
    const text = how === 'what a killed process left' ? 'cut' : 'cut'.repeat(200)
    const commit = (): unknown => put(store, record(1, text))
    t.throws(how === 'commit under the lock' ? () => store.underLock(commit) : commit, { code: 'COMMIT_FAILED' }, how)
    assertTold(t, other, how)
    t.equal(textOf(other, 1), 'whole')
    t.throws(() => store.close(), UNKNOWN, 'what was whole before it may be lost, and no call has said so')
  }
})

t.test('a pack whose name could not be put on disk is done, and nobody commits to it until the next', async t => {
  let fails = false
  let packed: Fd | undefined
  const { disk } = losingDisk({
    create: (path, mode) => (packed = systemDisk.create(path, mode)),
    syncDirectory: path => {
      if (fails) throw fault
      systemDisk.syncDirectory(path)
    },
    unlock: fd => {
      if (fails && fd === packed) throw fault
      systemDisk.unlock(fd)
    },
  })
  const store = newStore(t, disk)
  const other = stranger(t, store)
  put(store, record(1, 'packed'))
  fails = true
  await t.rejects(pack(store), UNKNOWN)
  fails = false
  t.equal(store.latest().generation.number, 2)
  assertTold(t, other)
  t.throws(() => put(store, record(1, 'here')), REFUSED)
  await pack(other)
  put(other, record(1, 'again'))
  t.equal(textOf(store, 1), 'again')
})

t.test('so it is where the packed file could not be opened just then either', async t => {
  for (const size of [0, 100_000]) {
    let fails = false
    const { disk } = losingDisk({
      syncDirectory: path => {
        if (fails) throw fault
        systemDisk.syncDirectory(path)
      },
      open: (path, access) => {
        if (fails) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE', errno: -24, syscall: 'open' })
        return systemDisk.open(path, access)
      },
      rename: (...names) => {
        systemDisk.rename(...names)
        fails = true
      },
    })
    const store = newStore(t, disk)
    const other = stranger(t, store)
    const first = put(store, ...Array.from({ length: size / 10 }, (_, n) => record(-1 - n, 'x')))
    put(store, record(1, 'packed', size === 0 ? [] : Array.from({ length: size / 10 }, (_, n) => first + n)))
    await t.rejects(pack(store), UNKNOWN)
    fails = false
    assertTold(t, other)
    t.throws(() => put(store, record(1, 'here')), REFUSED)
    t.equal(textOf(store, 1), 'packed')
    t.equal(store.current.number, 2)
    await pack(other)
    put(other, record(1, 'again'))
    t.equal(textOf(store, 1), 'again')
  }
})

/** One that cannot sync directories as long as the test says so, looks at the path only when it must, and another process. */
function withoutNames(t: Test, own: Partial<Disk> = {}) {
  const failure = { isDue: false }
  const { disk, timers } = losingDisk({
    syncDirectory: path => {
      if (failure.isDue) throw fault
      systemDisk.syncDirectory(path)
    },
    ticks: () => 0,
    ...own,
  })
  const { path } = newStore(t)
  const store = Store.open(disk, path)
  return { store, other: stranger(t, store), failure, timers }
}

async function assertPackHelps(t: Test, store: Store, other: Store): Promise<void> {
  await pack(other)
  put(other, record(1, 'again'))
  t.equal(textOf(store, 1), 'again')
  put(store, record(1, 'and on'))
}

t.test('a directory that could not be synced fails the file that a pack has put at the path by then', async t => {
  for (const isBlocking of [true, false]) {
    const { store, other, failure } = withoutNames(t)
    put(store, record(1, 'packed'))
    const snapshot = store.latest()
    snapshot.generation.retain()
    await pack(other)
    failure.isDue = true
    if (isBlocking) t.throws(() => orPacked(store, snapshot, each => void store.makeDurable(each)), UNKNOWN)
    else
      await t.rejects(
        orPackedAsync(store, snapshot, each => store.makeDurableAsync(each)),
        UNKNOWN,
      )
    snapshot.generation.release()
    failure.isDue = false
    t.equal(store.current.number, 2)
    assertTold(t, other)
    t.throws(() => put(store, record(1, 'here')), REFUSED)
    await assertPackHelps(t, store, other)
    store.close()
  }
})

t.test('also where the store has been closed meanwhile', async t => {
  const { store, other, failure } = withoutNames(t, {
    syncAsync: async () => {
      store.close()
      await pack(other)
      failure.isDue = true
    },
  })
  put(other, record(1, 'packed')) // closing has nothing to sync
  await t.rejects(store.makeDurableAsync(store.latest()), UNKNOWN)
  failure.isDue = false
  assertTold(t, other)
})

t.test('and where that file can be neither opened nor marked just then', async t => {
  let isOut = false
  const refuse = (): void => {
    if (isOut) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE', errno: -24, syscall: 'open' })
  }
  const { store, other, failure } = withoutNames(t, {
    open: (...call) => {
      refuse()
      return systemDisk.open(...call)
    },
    write: (...call) => {
      refuse()
      return systemDisk.write(...call)
    },
    rename: (...names) => {
      systemDisk.rename(...names)
      isOut = failure.isDue = true
    },
  })
  put(store, record(1, 'packed'))
  await t.rejects(pack(store), UNKNOWN)
  t.throws(() => put(store, record(1, 'here')), { code: 'DISK' })
  isOut = failure.isDue = false
  t.throws(() => put(store, record(1, 'here')), REFUSED)
  assertTold(t, other)
  t.equal(textOf(store, 1), 'packed')
  await assertPackHelps(t, store, other)
  store.close()
})

t.test(
  'where the others could not be told, close() says so, and this process knows when it opens the store again',
  async t => {
    for (const why of ['disk full', 'lock taken'] as const) {
      let isBad = false
      const { disk, lose } = losingDisk({
        write: (...call) => {
          if (isBad && why === 'disk full') throw full
          return systemDisk.write(...call)
        },
        tryLock: fd => !(isBad && why === 'lock taken') && systemDisk.tryLock(fd),
      })
      const { path } = newStore(t)
      const store = Store.open(disk, path, { lockTimeout: 20 })
      const other = stranger(t, store)
      put(store, record(1, 'lost'))
      lose()
      isBad = true
      t.throws(() => store.makeDurable(store.latest()), UNKNOWN)
      t.throws(() => store.close(), { ...UNKNOWN, message: /could not be marked.*then pack/ }, why)
      isBad = false
      const again = Store.open(disk, path)
      t.throws(() => again.makeDurable(again.latest()), UNKNOWN)
      t.throws(() => put(again, record(1, 'more')), REFUSED)
      assertTold(t, other)
      await assertPackHelps(t, again, other)
      again.close()
    }
  },
)

t.test(
  'the others are told as soon as may be: the pauses between the tries grow from milliseconds to a second',
  async t => {
    const pauses: number[] = []
    let act: (() => void) | undefined
    let isTaken = false
    const { disk, lose } = losingDisk({
      after: (milliseconds, then) => {
        pauses.push(milliseconds)
        act = then
        return { cancel: () => undefined }
      },
      tryLock: fd => !isTaken && systemDisk.tryLock(fd),
    })
    const store = newStore(t, disk)
    const other = stranger(t, store)
    put(store, record(1, 'lost'))
    lose()
    isTaken = true
    pauses.length = 0
    await t.rejects(store.makeDurableAsync(store.latest()), UNKNOWN)
    for (let n = 0; n < 30; n++) act?.()
    t.ok(pauses.slice(0, 5).every(pause => pause < 20))
    t.equal(pauses.at(-1), 1000)
    isTaken = false
    act?.()
    assertTold(t, other)
  },
)

/** One whose fsyncs fail when the test says so, and another process. */
function failing(t: Test) {
  const failure = { isDue: false }
  const sync = (fd: Fd): void => {
    if (failure.isDue) throw fault
    systemDisk.sync(fd)
  }
  const { disk, timers } = losingDisk({
    sync,
    syncAsync: async fd => {
      await Promise.resolve()
      sync(fd)
    },
    ticks: () => 0,
  })
  const { path } = newStore(t)
  const store = Store.open(disk, path)
  return { store, other: stranger(t, store), failure, timers }
}

t.test('what has failed in a file that another process has packed is not told by close()', async t => {
  for (const when of ['at close', 'in the background'] as const) {
    const { store, other, failure, timers } = failing(t)
    put(store, record(1, 'packed'))
    failure.isDue = true
    if (when === 'in the background') {
      timers.at(-1)?.()
      await new Promise(setImmediate)
    }
    await pack(other)
    store.close()
    put(other, record(1, 'and on'))
    t.equal(textOf(other, 1), 'and on', when)
  }
})

t.test('a commit that nobody waited for is told by close(), where another process has marked the file', t => {
  const { store, other, failure } = failing(t)
  put(store, record(1, 'not on disk'))
  failure.isDue = true
  const third = Store.open(
    {
      ...systemDisk,
      sync: () => {
        throw fault
      },
    },
    store.path,
  )
  t.throws(() => third.makeDurable(third.latest()), UNKNOWN)
  third.close()
  assertTold(t, other)
  store.latest()
  t.throws(() => store.close(), UNKNOWN)
  t.end()
})

t.test('nor is what a call has told, whoever else met it in the background', async t => {
  for (const when of ['before', 'after'] as const) {
    const { store, failure, timers } = failing(t)
    put(store, record(1, 'lost'))
    const tick = timers.at(-1)
    failure.isDue = true
    if (when === 'after') tick?.()
    t.throws(() => store.makeDurable(store.latest()), UNKNOWN)
    if (when === 'before') tick?.()
    await new Promise(setImmediate)
    t.doesNotThrow(() => store.close(), when)
  }
})

t.test('but it is where the packed file could not be put on disk either, or was removed', async t => {
  const { store, other, failure } = failing(t)
  put(store, record(1, 'packed'))
  await pack(other)
  put(other, record(1, 'not on disk'))
  failure.isDue = true
  t.throws(() => {
    store.close()
  }, UNKNOWN)
  const removed = failing(t)
  put(removed.store, record(1, 'packed'))
  await pack(removed.other)
  removed.failure.isDue = true
  unlinkSync(removed.store.path)
  t.throws(
    () => {
      removed.store.close()
    },
    { code: 'STORE_REPLACED' },
  )
})

t.test('after a failed fsync, a commit goes over to what a pack has made before it is refused', async t => {
  const { store, other, failure } = failing(t)
  put(store, record(1, 'lost'))
  const snapshot = store.latest()
  failure.isDue = true
  t.throws(() => {
    store.makeDurable(snapshot)
  }, UNKNOWN)
  const commit = () =>
    store.commit({ records: [record(1, 'more')], fresh: 0, annotation: new Uint8Array() }, snapshot, [], true)
  t.throws(commit, REFUSED)
  await pack(other)
  t.equal(commit().outcome, 'moved')
  put(store, record(1, 'more'))
  t.equal(textOf(other, 1), 'more')
  failure.isDue = false
  store.close()
})

t.test(
  'a new file is not called whole while it is put on disk in the background, nor after that has failed',
  async t => {
    for (const outcome of ['pending', 'failed']) {
      const { disk } = losingDisk({
        syncAsync: () => (outcome === 'failed' ? Promise.reject(fault) : new Promise(() => {})),
      })
      const fd = disk.create(`${tempDir(t)}/new`, 0o600)
      const writer = new BaseWriter(disk, fd, { storeId: disk.randomBytes(16), uuid: disk.randomBytes(16) })
      const state = new Uint8Array(9 << 20)
      for (let oid = 17; oid < 20; oid++) writer.add({ oid: oid as Oid, shape: SHAPE, tid: 1 as Tid, refs: [], state })
      writer.syncBehind()
      await new Promise(setImmediate)
      const rest = { generation: 1, baseTid: 1, baseTime: 0, nextOid: 20, moments: [], idsSince: 0, readonlyFlags: 0 }
      t.throws(() => writer.finish(rest), outcome === 'failed' ? fault : { code: 'STATE' }, outcome)
      disk.close(fd)
    }
  },
)
