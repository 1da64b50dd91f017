import { mkdirSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { makeDurable } from '../../lib/object/confirm.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { newStore, stranger } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'

const fault = Object.assign(new Error('EIO: as the test wants'), { code: 'EIO' })
/** What a commit is told that comes after: nothing of it was done. */
const REFUSED = {
  code: 'COMMIT_FAILED',
  message: /Nothing was committed.*then pack/,
  cause: { code: 'DURABILITY_UNKNOWN' },
}
/** Lets everything go on that waits for nothing but its turn. */
const turn = () => new Promise(setImmediate)

/** A store whose fsyncs are seen, and whose asynchronous ones end when the test says so. */
function watched(t: Test, own: Partial<Disk> = {}) {
  const syncs: string[] = []
  const pending: { resolve(): void; reject(error: Error): void }[] = []
  const timers: { act(): void; milliseconds: number; cancelled: boolean }[] = []
  const store = newStore(t, {
    ...systemDisk,
    sync: fd => {
      syncs.push('sync')
      systemDisk.sync(fd)
    },
    syncAsync: () => {
      syncs.push('syncAsync')
      return new Promise<void>((resolve, reject) => pending.push({ resolve, reject }))
    },
    syncDirectory: path => {
      syncs.push('syncDirectory')
      systemDisk.syncDirectory(path)
    },
    after: (milliseconds, act) => {
      const timer = { act, milliseconds, cancelled: false }
      timers.push(timer)
      return { cancel: () => void (timer.cancelled = true) }
    },
    ...own,
  })
  syncs.length = 0
  const commit = (text = 'x') => {
    put(store, record(1, text))
    return store.latest()
  }
  return { store, commit, syncs, pending, timers }
}

t.test('a commit by itself syncs nothing', async t => {
  const { commit, syncs } = watched(t)
  commit()
  t.same(syncs, [])
})

t.test('making durable syncs the file, and not again when nothing is new', async t => {
  const { store, commit, syncs } = watched(t)
  const first = commit()
  store.makeDurable(first)
  t.same(syncs, ['sync', 'syncDirectory'])
  store.makeDurable(first)
  await store.makeDurableAsync(first)
  t.same(syncs, ['sync', 'syncDirectory'])
  store.makeDurable(commit())
  t.same(syncs, ['sync', 'syncDirectory', 'sync'], 'the directory is synced once')
})

t.test('one sync covers all commits before it', async t => {
  const { store, commit, syncs } = watched(t)
  const first = commit()
  const second = commit()
  store.makeDurable(second)
  syncs.length = 0
  store.makeDurable(first)
  t.same(syncs, [])
})

t.test('what another process has committed can be made durable too', async t => {
  const { store, syncs } = watched(t)
  const other = stranger(t, store)
  put(other, record(1, 'theirs'))
  store.makeDurable(store.latest())
  t.ok(syncs.includes('sync'))
})

t.test('commits that wait at once share an fsync, if it began after their append', async t => {
  const { store, commit, syncs, pending } = watched(t)
  const done: string[] = []
  const one = store.makeDurableAsync(commit()).then(() => done.push('one'))
  const two = store.makeDurableAsync(commit()).then(() => done.push('two'))
  const three = store.makeDurableAsync(commit()).then(() => done.push('three'))
  t.same(syncs, ['syncAsync'], 'the first began when only the first commit was there')
  pending[0]?.resolve()
  await one
  await turn()
  t.same(done, ['one'], 'the others are not covered by it')
  t.same(syncs, ['syncAsync', 'syncDirectory', 'syncAsync'], 'one more serves both')
  pending[1]?.resolve()
  await Promise.all([two, three])
  t.same(done, ['one', 'two', 'three'])
  t.equal(pending.length, 2)
})

t.test(
  'after a failed fsync the commit is visible, its durability unknown, and this process commits no more',
  async t => {
    let fails = false
    const { store, commit } = watched(t, {
      sync: fd => {
        if (fails) throw fault
        systemDisk.sync(fd)
      },
    })
    const other = stranger(t, store)
    const snapshot = commit('unsure')
    fails = true
    const expected = { code: 'DURABILITY_UNKNOWN', cause: fault }
    t.throws(() => store.makeDurable(snapshot), expected)
    t.equal(textOf(other, 1), 'unsure')
    fails = false
    t.throws(() => store.makeDurable(snapshot), expected, 'an fsync that failed is not tried again')
    await t.rejects(store.makeDurableAsync(snapshot), expected)
    t.throws(() => commit(), { ...REFUSED, cause: expected })
    t.equal(textOf(store, 1), 'unsure', 'reading goes on')
  },
)

t.test('after a failed fsync nobody commits in this boot of the machine, until a pack has succeeded', async t => {
  let fails = false
  const { store, commit } = watched(t, {
    sync: fd => {
      if (fails) throw fault
      systemDisk.sync(fd)
    },
  })
  const unsure = commit('unsure')
  fails = true
  t.throws(() => store.makeDurable(unsure), { code: 'DURABILITY_UNKNOWN' })
  fails = false
  const late = Store.open({ ...systemDisk }, store.path)
  t.teardown(() => late.close())
  t.equal(textOf(late, 1), 'unsure')
  t.throws(() => put(late, record(1, 'more')), REFUSED, 'told by the file itself')
  const rebooted = Store.open({ ...systemDisk, boot: systemDisk.boot ^ 1 }, store.path)
  put(rebooted, record(1, 'what there is now is what the disk has'))
  rebooted.close()
  t.throws(() => put(late, record(1, 'more')), REFUSED)
  await pack(late)
  put(late, record(1, 'packed'))
  t.equal(textOf(store, 1), 'packed')
  t.doesNotThrow(() => store.makeDurable(commit('and on')))
})

t.test('a failed fsync in the background that no commit has reported is reported by close()', async t => {
  const { store, commit, pending, timers } = watched(t)
  commit()
  timers.at(-1)?.act()
  pending[0]?.reject(fault)
  await turn()
  t.throws(() => store.close(), { code: 'DURABILITY_UNKNOWN' })
})

t.test('all who share a failed fsync are told', async t => {
  const { store, commit, pending } = watched(t)
  const waiting = [store.makeDurableAsync(commit()), store.makeDurableAsync(commit())]
  pending[0]?.reject(fault)
  const outcomes = await Promise.allSettled(waiting)
  t.match(outcomes, [
    { status: 'rejected', reason: { code: 'DURABILITY_UNKNOWN' } },
    { status: 'rejected', reason: { code: 'DURABILITY_UNKNOWN' } },
  ])
  t.throws(() => commit(), REFUSED)
})

t.test(
  'an fsync that succeeds while another one failed proves nothing: the system reports a lost write once',
  async t => {
    let fails = false
    const { store, commit, pending } = watched(t, {
      sync: fd => {
        if (fails) throw fault
        systemDisk.sync(fd)
      },
    })
    const waiting = store.makeDurableAsync(commit())
    fails = true
    t.throws(() => store.makeDurable(commit()), { code: 'DURABILITY_UNKNOWN' })
    pending[0]?.resolve()
    await t.rejects(waiting, { code: 'DURABILITY_UNKNOWN' })
  },
)

t.test('a directory that cannot be synced is no durable place either', async t => {
  let fails = false
  const { store, commit } = watched(t, {
    syncDirectory: path => {
      if (fails) throw fault
      systemDisk.syncDirectory(path)
    },
  })
  fails = true
  t.throws(() => store.makeDurable(commit()), { code: 'DURABILITY_UNKNOWN' })
})

/** `syncDirectory`, as long as the process has no descriptor for the directory. */
function withoutDescriptors(isOut: () => boolean): Partial<Disk> {
  return {
    syncDirectory: path => {
      if (isOut())
        throw Object.assign(new Error('EMFILE: too many open files, open'), { code: 'EMFILE', syscall: 'open' })
      systemDisk.syncDirectory(path)
    },
  }
}
/** Fsyncs that wait for nobody. */
const unwatched: Partial<Disk> = { syncAsync: fd => systemDisk.syncAsync(fd) }

t.test(
  'a directory that could not be opened fails the commit that needed it, and keeps nobody from the next',
  async t => {
    let isOut = false
    const { store, commit } = watched(t, { ...withoutDescriptors(() => isOut), ...unwatched })
    const other = stranger(t, store)
    isOut = true
    t.throws(() => store.makeDurable(commit('seen')), {
      code: 'DURABILITY_UNKNOWN',
      message: /directory could not be opened/,
    })
    await t.rejects(store.makeDurableAsync(commit('seen, too')), { code: 'DURABILITY_UNKNOWN' })
    t.notOk(other.latest().generation.reader.suspect, 'the file is not marked')
    t.equal(textOf(other, 1), 'seen, too')
    other.makeDurable(other.latest())
    put(other, record(1, 'theirs'))
    isOut = false
    store.makeDurable(commit('mine'))
    t.equal(textOf(other, 1), 'mine')
  },
)

t.test(
  'an fsync that Node refuses before the disk is asked fails what needed it, and keeps nobody from the next',
  async t => {
    let isRefused = false
    const refuse = (): void => {
      if (isRefused) throw Object.assign(new Error('fsync API is disabled'), { code: 'ERR_ACCESS_DENIED' })
    }
    const { store, commit, timers } = watched(t, {
      sync: fd => {
        refuse()
        systemDisk.sync(fd)
      },
      syncAsync: async fd => {
        refuse()
        await systemDisk.syncAsync(fd)
      },
    })
    const other = stranger(t, store)
    isRefused = true
    const unknown = { code: 'DURABILITY_UNKNOWN', message: /fsync API is disabled.*next commit tries again/ }
    t.throws(() => store.makeDurable(commit('seen')), unknown)
    await t.rejects(store.makeDurableAsync(commit('seen, too')), unknown)
    t.equal(textOf(other, 1), 'seen, too')
    t.notOk(other.latest().generation.reader.suspect, 'the file is not marked')
    put(other, record(1, 'theirs'))
    other.makeDurable(other.latest())
    isRefused = false
    t.equal(timers.filter(({ milliseconds }) => milliseconds < 1000).length, 0, 'nobody is to be told')
    store.makeDurable(commit('mine'))
    t.equal(textOf(other, 1), 'mine')
  },
)

t.test('nor does a directory that has been moved away', t => {
  const directory = `${tempDir(t)}/first`
  mkdirSync(directory)
  const store = Store.open(systemDisk, `${directory}/store`, {}, initialDraft)
  put(store, record(1, 'here'))
  const snapshot = store.latest()
  renameSync(directory, `${directory}-moved`)
  t.throws(() => store.makeDurable(snapshot), { code: 'DURABILITY_UNKNOWN', message: /directory could not be opened/ })
  t.throws(() => store.close(), { code: 'STORE_REPLACED' })
  const moved = Store.open(systemDisk, `${directory}-moved/store`)
  put(moved, record(1, 'there'))
  moved.makeDurable(moved.latest())
  t.equal(textOf(moved, 1), 'there')
  moved.close()
  t.end()
})

t.test('nor does it keep anybody from a store that has just been packed, whose file may be refused, too', async t => {
  for (const isFileRefused of [false, true]) {
    let isOut = false
    const lack = withoutDescriptors(() => isOut)
    const { store, commit } = watched(t, {
      ...lack,
      ...unwatched,
      rename: (...names) => {
        systemDisk.rename(...names)
        isOut = true
      },
      open: (...call) => {
        if (isFileRefused) lack.syncDirectory?.(tempDir(t))
        return systemDisk.open(...call)
      },
    })
    const other = stranger(t, store)
    await t.rejects(pack(store), { code: 'DURABILITY_UNKNOWN', message: /directory could not be opened/ })
    isOut = false
    t.equal(store.latest().generation.number, 2)
    put(other, record(1, 'theirs'))
    store.makeDurable(commit('mine'))
    t.equal(textOf(other, 1), 'mine')
  }
})

t.test('a name that was gone when it was synced in the background is synced anew', async t => {
  for (const isBlind of [false, true]) {
    let isRefused = false
    const lookUp = (path: string) => {
      if (isRefused) throw fault
      return systemDisk.lookUp(path)
    }
    const { store, commit, syncs, timers, pending } = watched(t, { lookUp })
    const snapshot = commit()
    renameSync(store.path, `${store.path}.away`)
    timers[0]?.act()
    isRefused = isBlind
    pending[0]?.resolve()
    await turn()
    t.same(syncs.splice(0), ['syncAsync', 'syncDirectory'])
    isRefused = false
    renameSync(`${store.path}.away`, store.path)
    for (let n = 0; n < 2; n++) store.makeDurable(snapshot)
    t.same(syncs, ['syncDirectory'], 'the file itself is on disk')
  }
})

t.test('so is one that was gone after a pack that did not come to its rename', async t => {
  let away: (() => void) | undefined
  const { store, commit, syncs } = watched(t, {
    ...unwatched,
    rename: () => {
      throw fault
    },
    sync: fd => {
      away?.()
      away = undefined
      systemDisk.sync(fd)
    },
  })
  const snapshot = commit()
  await t.rejects(pack(store), { code: 'DISK' })
  away = () => {
    renameSync(store.path, `${store.path}.away`)
  }
  t.throws(() => store.makeDurable(snapshot), { code: 'STORE_REPLACED' })
  renameSync(`${store.path}.away`, store.path)
  syncs.length = 0
  for (let n = 0; n < 2; n++) store.makeDurable(snapshot)
  t.same(syncs, ['syncDirectory'])
})

t.test('in the background the directory is tried again after a second', async t => {
  let isOut = false
  const { store, commit, syncs, timers, pending } = watched(
    t,
    withoutDescriptors(() => isOut),
  )
  const snapshot = commit()
  isOut = true
  timers[0]?.act()
  pending[0]?.resolve()
  await turn()
  t.equal(timers.length, 2)
  isOut = false
  timers[1]?.act()
  pending[1]?.resolve()
  await turn()
  syncs.length = 0
  store.makeDurable(snapshot)
  t.same(syncs, [], 'nothing is left to be synced')
})

t.test('what nobody waits for is synced in the background after a second', async t => {
  const { commit, syncs, pending, timers } = watched(t)
  commit()
  commit()
  t.match(timers, [{ milliseconds: 1000 }], 'one timer for all')
  timers[0]?.act()
  t.same(syncs, ['syncAsync'])
  pending[0]?.resolve()
  await turn()
  commit()
  t.equal(timers.length, 2, 'the next commit starts the next')
})

t.test('nothing is synced in the background that has been made durable meanwhile', async t => {
  const { store, commit, syncs, timers } = watched(t)
  store.makeDurable(commit())
  syncs.length = 0
  timers[0]?.act()
  t.same(syncs, [])
})

t.test('64 MiB are synced in the background without waiting for the second', async t => {
  const { store, syncs, pending } = watched(t)
  const large = 'x'.repeat(16 << 20)
  for (let n = 0; n < 3; n++) put(store, record(1, large))
  t.same(syncs, [])
  put(store, record(1, large))
  put(store, record(1, 'x'))
  t.same(syncs, ['syncAsync'])
  pending[0]?.resolve()
  await turn()
})

t.test('an fsync in the background that fails is told by the next commit', async t => {
  const { commit, pending, timers } = watched(t)
  commit()
  timers[0]?.act()
  pending[0]?.reject(fault)
  await turn()
  t.throws(() => commit(), REFUSED)
})

t.test('closing syncs what is left, and stops the timer', async t => {
  const { store, commit, syncs, timers } = watched(t)
  commit()
  store.close()
  t.same(syncs, ['sync', 'syncDirectory'])
  t.equal(timers[0]?.cancelled, true)
})

t.test('closing does not rely on an fsync in the background that has not ended', async t => {
  const { store, commit, syncs, timers, pending } = watched(t)
  commit()
  timers[0]?.act()
  store.close()
  t.same(syncs, ['syncAsync', 'sync', 'syncDirectory'])
  pending[0]?.resolve()
  await turn()
})

t.test('closing syncs what was appended while an fsync in the background ran', async t => {
  const { store, commit, syncs, pending, timers } = watched(t)
  commit()
  timers[0]!.act()
  commit('later')
  pending[0]!.resolve()
  await turn()
  t.same(syncs, ['syncAsync', 'syncDirectory'])
  store.close()
  t.same(syncs.slice(2), ['sync'])
})

t.test('closing syncs nothing when nothing was committed, or all of it is durable', async t => {
  const idle = watched(t)
  idle.store.close()
  t.same(idle.syncs, [])
  const busy = watched(t)
  busy.store.makeDurable(busy.commit())
  busy.syncs.length = 0
  busy.store.close()
  t.same(busy.syncs, [])
})

t.test('closing says so where what was committed is in a file to which the path does not lead', async t => {
  for (const isSynced of [false, true]) {
    for (const replace of [unlinkSync, (path: string) => renameSync(newStore(t).path, path)]) {
      const { store, commit, timers, pending } = watched(t)
      commit()
      replace(store.path)
      if (isSynced) {
        timers[0]?.act()
        pending[0]?.resolve()
        await turn()
      }
      t.throws(() => store.close(), {
        code: 'STORE_REPLACED',
        message: /the last commits were made in the file that was here/,
      })
    }
  }
})

t.test('a directory that is gone takes the file with it, however short a while ago the last look was', t => {
  const directory = join(tempDir(t), 'apart')
  mkdirSync(directory)
  const store = Store.open({ ...systemDisk, ticks: () => 0 }, join(directory, 'app.db'), {}, initialDraft)
  put(store, record(1, 'x'))
  const snapshot = store.latest()
  rmSync(directory, { recursive: true })
  t.throws(() => makeDurable(store, snapshot), { code: 'STORE_REPLACED' })
  t.throws(() => store.close(), { code: 'STORE_REPLACED' })
  t.end()
})

t.test('a pending fsync holds its file open: a closed descriptor’s number may be another file’s', async t => {
  const closed: number[] = []
  const { store, commit, pending } = watched(t, {
    close: fd => {
      closed.push(fd)
      systemDisk.close(fd)
    },
  })
  const data = store.current.file.fd
  closed.length = 0
  const first = store.makeDurableAsync(commit())
  const second = store.makeDurableAsync(commit())
  store.close()
  t.notOk(closed.includes(data))
  pending[0]?.resolve()
  await first
  pending[1]?.resolve()
  await second
  await turn()
  t.ok(closed.includes(data), 'and lets go of it afterwards')
})

t.test('making durable is followed by a look at where the path leads', async t => {
  const looks: string[] = []
  const { store, commit } = watched(t, {
    lookUp: path => {
      looks.push(path)
      return systemDisk.lookUp(path)
    },
  })
  const snapshot = commit()
  looks.length = 0
  store.makeDurable(snapshot)
  t.ok(looks.includes(store.path))
})

t.test('a file that has been closed tells nothing of the disk', async t => {
  const { store, commit } = watched(t, unwatched)
  const before = commit('before the pack')
  await pack(store)
  store.latest()
  t.throws(() => store.makeDurable(before), { code: 'CLOSED' })
  await t.rejects(store.makeDurableAsync(before), { code: 'CLOSED' })
  store.makeDurable(commit('behind the pack'))
  t.equal(textOf(store, 1), 'behind the pack')
})

t.test('an fsync of the file before a pack proves nothing of what was appended behind the pack', async t => {
  const { store, commit, syncs } = watched(t, unwatched)
  const before = commit('before the pack')
  before.generation.retain()
  await pack(store)
  commit('behind the pack')
  store.makeDurable(before)
  syncs.length = 0
  store.close()
  t.ok(syncs.includes('sync'), 'closing syncs what is owed')
  before.generation.release()
})
