import {
  chownSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { writeIndexFile } from '../../lib/store/index-file.js'
import { LogIndex } from '../../lib/store/log-index.js'
import { atOnce } from '../../lib/store/long-work.js'
import type { Mark } from '../../lib/store/offset-table.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { draft, initialDraft, put, record } from '../helpers/drafts.js'
import { newStore } from '../helpers/new-store.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

/** Objects in several pages of the index, in a log of more than a mebibyte, changed now and then; a transaction id, a second shape. */
function makeStore(t: Test): string {
  const path = join(tempDir(t), 'app.db')
  const store = Store.open(systemDisk, path, {}, initialDraft)
  const refs: number[] = []
  for (let n = 0; n < 20; n++) {
    const first = put(
      store,
      ...Array.from({ length: 500 }, (_, k) => record(-1 - k, `object ${k} of commit ${n} `.repeat(4))),
    )
    for (let k = 0; k < 500; k++) refs.push(first + k)
    put(store, record(1, `root ${n}`, refs), record(first + 7, `changed in ${n}`))
  }
  store.commit(draft(record(1, 'root with an id', refs)), store.latest(), [], true, 'the id')
  store.close()
  return path
}

/** Everything that can be asked of a store. */
function contentOf(store: Store): string {
  const { generation, offset, tid, time } = store.latest()
  const ids = [generation.committed('the id'), generation.committed('none'), ...atOnce(generation.gatherIds())]
  const all: unknown[] = [tid, time, offset, generation.index.size, generation.shapes, ids]
  for (const [oid, at] of generation.entries()) {
    const { refs, state, tid: of } = generation.read(at)
    all.push([oid, at, of, refs.length, Buffer.from(state).toString('latin1')])
  }
  return JSON.stringify(all)
}

function withoutIndex(path: string): string {
  const copy = `${path}.copy`
  copyFileSync(path, copy)
  const store = Store.open(systemDisk, copy, { readonly: true })
  const content = contentOf(store)
  store.close()
  return content
}

function assertSame(t: Test, path: string, message: string): void {
  const store = Store.open(systemDisk, path, { readonly: true })
  t.ok(contentOf(store) === withoutIndex(path), message)
  store.close()
}

t.test('a store that is opened again reads the index file and not the log', async t => {
  const path = makeStore(t)
  t.ok(existsSync(`${path}.index`))
  t.equal(statSync(`${path}.index`).mode & 0o777, 0o600)
  let bytes = 0
  const counting = wrapDisk(systemDisk, (name, _n, go, args) => {
    if (name === 'read') bytes += args[3] as number
    return go()
  })
  const store = Store.open(counting, path, { readonly: true })
  t.ok(bytes < 20_000, `opening reads ${bytes} bytes of ${statSync(path).size}`)
  const { generation, offset } = store.latest()
  generation.read(generation.find(1 as Oid, offset))
  t.ok(bytes < 200_000, `one object: ${bytes} bytes`)
  t.equal(contentOf(store), withoutIndex(path))
  store.close()
})

t.test('an index file that is older than the log is gone on from', async t => {
  const path = makeStore(t)
  const index = readFileSync(`${path}.index`)
  const store = Store.open(systemDisk, path)
  put(store, record(1, 'later'), record(-1, 'new'), record(300, 'changed later'))
  store.close()
  t.ok(readFileSync(`${path}.index`).equals(index), 'it is not written anew for so little')
  assertSame(t, path, 'what it does not cover is read from the log')
})

t.test('many small commits are enough for it: each takes its time to be read, however few bytes it has', t => {
  const path = join(tempDir(t), 'app.db')
  const opened = (commits: number): void => {
    const store = Store.open(systemDisk, path, {}, initialDraft)
    for (let n = 0; n < commits; n++) put(store, record(1, 'little'))
    store.close()
  }
  opened(500)
  t.notOk(existsSync(`${path}.index`), 'as few are soon read')
  opened(500)
  t.ok(existsSync(`${path}.index`))
  t.ok(statSync(path).size < 200_000)
  const index = readFileSync(`${path}.index`)
  opened(100)
  t.ok(readFileSync(`${path}.index`).equals(index), 'it is not written anew for so few')
  assertSame(t, path, 'what it does not cover is read from the log')
  t.end()
})

t.test('a store that is kept open has one, too, when as many commits have been made durable', t => {
  const store = newStore(t, systemDisk)
  for (let n = 0; n < 5000; n++) put(store, record(1, 'little'))
  t.notOk(existsSync(`${store.path}.index`), 'it is not known that they are on disk')
  store.makeDurable(store.latest())
  t.ok(existsSync(`${store.path}.index`))
  const { ino } = statSync(`${store.path}.index`)
  for (let n = 0; n < 100; n++) put(store, record(1, 'little'))
  store.makeDurable(store.latest())
  t.equal(statSync(`${store.path}.index`).ino, ino, 'it is not written anew for so few')
  assertSame(t, store.path, 'what it does not cover is read from the log')
  t.end()
})

/** A store with many small commits, and an fsync in the background that has begun behind them. */
function syncing(t: Test) {
  const timers: (() => void)[] = []
  const syncs: { resolve(): void; reject(error: Error): void }[] = []
  const disk: Disk = {
    ...systemDisk,
    syncAsync: () => new Promise<void>((resolve, reject) => syncs.push({ resolve, reject })),
    after: (_milliseconds, act) => {
      timers.push(act)
      return { cancel: () => undefined }
    },
  }
  const store = Store.open(disk, join(tempDir(t), 'app.db'), {}, initialDraft)
  for (let n = 0; n < 5000; n++) put(store, record(1, `commit ${n}`))
  timers[0]?.()
  const [sync] = syncs
  if (sync === undefined) throw new Error('there is none')
  const index = `${store.path}.index`
  return { store, sync, index, synced: store.current.reader.tail.offset }
}

/** Lets everything go on that waits for nothing but its turn. */
const turn = () => new Promise(setImmediate)

t.test('behind an fsync in the background it covers what was there when that began', async t => {
  const { store, sync, index, synced } = syncing(t)
  put(store, record(1, 'meanwhile'), record(-1, 'new'))
  t.notOk(existsSync(index), 'nothing is proved yet')
  sync.resolve()
  await turn()
  t.ok(existsSync(index))
  assertSame(t, store.path, 'what came later is read from the log')
  const cut = `${store.path}.cut`
  copyFileSync(store.path, cut)
  truncateSync(cut, synced)
  copyFileSync(index, `${cut}.index`)
  const other = Store.open(systemDisk, cut, { readonly: true })
  t.ok(other.current.log.usesIndexFile)
  t.equal(contentOf(other), withoutIndex(cut), 'it tells of nothing that may not be on disk')
  other.close()
  store.close()
})

t.test('behind one that fails there is none, nor where the store was closed meanwhile', async t => {
  const failed = syncing(t)
  failed.sync.reject(Object.assign(new Error('EIO: as the test wants'), { code: 'EIO' }))
  await turn()
  t.throws(() => failed.store.close(), { code: 'DURABILITY_UNKNOWN' })
  t.notOk(existsSync(failed.index))
  const closed = syncing(t)
  closed.store.close()
  rmSync(closed.index)
  closed.sync.resolve()
  await turn()
  t.notOk(existsSync(closed.index))
})

t.test('the more objects there are, the more there is to read before it is written anew', t => {
  const store = Store.open(systemDisk, makeStore(t))
  const isWorth = (forEach: number): boolean => store.current.log.isWorthSaving(0, forEach, true)
  for (let n = 0; n < 100; n++) put(store, record(1, 'little'))
  t.equal(store.current.index.size, 10_003)
  t.same([isWorth(8), isWorth(16)], [true, false])
  for (let n = 0; n < 100; n++) put(store, record(1, 'little'))
  t.same([isWorth(16), isWorth(32)], [true, false])
  store.close()
  t.end()
})

t.test('one that tells more stays, where somebody closes who has not read all', t => {
  const path = join(tempDir(t), 'app.db')
  const idle = Store.open({ ...systemDisk }, path, {}, initialDraft)
  put(idle, record(1, 'x'.repeat(2 << 20)))
  idle.makeDurable(idle.latest())
  const other = Store.open(systemDisk, path)
  put(other, record(1, 'y'.repeat(2 << 20)))
  other.close()
  const good = readFileSync(`${path}.index`)
  idle.close()
  t.ok(readFileSync(`${path}.index`).equals(good))
  t.end()
})

const whileRoot = process.getuid?.() === 0 ? {} : { skip: 'takes root' }
t.test('whoever makes it, it is the owner of the store who has it', whileRoot, t => {
  const path = makeStore(t)
  chownSync(path, 65534, 65534)
  rmSync(`${path}.index`)
  const store = Store.open(systemDisk, path)
  put(store, record(1, 'x'.repeat(2 << 20)))
  store.close()
  const { uid, gid } = statSync(`${path}.index`)
  t.same([uid, gid], [65534, 65534])
  t.end()
})

t.test('damage in it never changes an answer', async t => {
  const path = makeStore(t)
  const good = readFileSync(`${path}.index`)
  const expected = withoutIndex(path)
  const random = seeded(t)
  const places = [
    ...Array.from({ length: 40 }, (_, n) => n),
    ...Array.from({ length: 60 }, () => random.int(good.length)),
  ]
  for (const at of places) {
    const bad = Buffer.from(good)
    bad[at] = (bad[at] ?? 0) ^ (1 << random.int(8))
    writeFileSync(`${path}.index`, bad)
    const store = Store.open(systemDisk, path, { readonly: true })
    if (contentOf(store) !== expected) t.fail(`a flipped bit at ${at}`)
    store.close()
  }
  for (let n = 0; n < 30; n++) {
    writeFileSync(`${path}.index`, good.subarray(0, random.int(good.length)))
    const store = Store.open(systemDisk, path, { readonly: true })
    if (contentOf(store) !== expected) t.fail('a file cut short')
    store.close()
  }
  writeFileSync(`${path}.index`, good)
  assertSame(t, path, 'and the good one neither')
})

t.test('a damaged page that is met while commits are read or made is built anew from the log', async t => {
  const path = makeStore(t)
  const bad = readFileSync(`${path}.index`)
  bad.fill(0xff, 0, bad.length - 1000) // its end says where the pages are, and stays
  writeFileSync(`${path}.index`, bad)
  const store = Store.open(systemDisk, path)
  const other = Store.open({ ...systemDisk }, path)
  put(other, record(400, 'theirs'), record(9000, 'theirs too'))
  put(store, record(401, 'mine'), record(9001, 'mine too'))
  t.equal(contentOf(store), contentOf(other))
  other.close()
  t.equal(contentOf(store), withoutIndex(path))
  store.close()
})

t.test('the index file of another store, or of the generation before, is not used', async t => {
  const path = makeStore(t)
  const other = makeStore(t)
  copyFileSync(`${other}.index`, `${path}.index`)
  assertSame(t, path, 'of another store')
  const store = Store.open(systemDisk, other)
  const before = readFileSync(`${other}.index`)
  await pack(store)
  store.close()
  t.notOk(existsSync(`${other}.index`), 'a pack removes it: the new file has a table of its own')
  assertSame(t, other, 'without one')
  writeFileSync(`${other}.index`, before)
  assertSame(t, other, 'of the generation before')
})

t.test('it is used only if exactly the frame that it names stands there', async t => {
  const path = makeStore(t)
  const index = readFileSync(`${path}.index`)
  const { size } = statSync(path)
  truncateSync(path, size - 1)
  assertSame(t, path, 'the frame is cut short')
  const store = Store.open(systemDisk, path)
  put(store, record(1, 'something else, so that another frame ends elsewhere'))
  store.close()
  writeFileSync(`${path}.index`, index)
  assertSame(t, path, 'another frame stands there')
})

t.test('it never covers what is not on disk', async t => {
  const path = makeStore(t)
  const index = readFileSync(`${path}.index`)
  const failing: Disk = { ...systemDisk, after: () => ({ cancel: () => undefined }) }
  let fails = false
  failing.sync = fd => {
    if (fails) throw new Error('EIO')
    systemDisk.sync(fd)
  }
  const store = Store.open(failing, path)
  for (let n = 0; n < 200; n++) put(store, record(1, 'x'.repeat(10_000)))
  fails = true
  t.throws(() => store.close(), { code: 'DURABILITY_UNKNOWN' })
  t.ok(readFileSync(`${path}.index`).equals(index))
})

t.test('where it cannot be written or read, everything works without it', async t => {
  const path = makeStore(t)
  const disk = wrapDisk(systemDisk, (name, _n, go, args) => {
    if (name === 'create' || (name === 'open' && String(args[0]).endsWith('.index')))
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
    return go()
  })
  const store = Store.open(disk, path)
  for (let n = 0; n < 200; n++) put(store, record(1, 'x'.repeat(10_000)))
  t.equal(contentOf(store), withoutIndex(path))
  t.doesNotThrow(() => store.close())
  t.equal(verify(systemDisk, path, finding => t.fail(finding.message)).damage, 0)
})

/** What each version of a few objects was, by the commit that the log is read up to. */
function statesOf(store: Store): string {
  const { generation, tid, time, offset } = store.latest()
  const some = [1, 16, 20, 23, 500, 523, 3000, 9000, 9990, 10_020].map(oid => {
    const at = generation.find(oid as Oid, offset)
    return at === 0 ? 'none' : [at, generation.read(at, oid as Oid).tid]
  })
  return JSON.stringify([tid, time, offset, generation.committed('the id'), some])
}

function until(disk: Disk, path: string, tid: number): string {
  const store = Store.open(disk, path, { readonly: true, until: tid })
  const states = statesOf(store)
  store.close()
  return states
}

t.test(
  'where it does not fit, that is tried again when the log has grown as much once more, and at the end',
  async t => {
    const calls: string[] = []
    let fits = false
    const disk = wrapDisk(systemDisk, (name, _n, go) => {
      if (name === 'create') {
        calls.push(name)
        if (!fits) throw Object.assign(new Error('ENOSPC: as the test wants'), { code: 'ENOSPC' })
      }
      return go()
    })
    const path = join(tempDir(t), 'app.db')
    Store.open(systemDisk, path, {}, initialDraft).close()
    const store = Store.open(disk, path)
    /** How many tries there are in three durable commits, the first one of so many mebibytes. */
    const tries = (mebibytes: number): number => {
      calls.length = 0
      put(store, record(1, 'x'.repeat(mebibytes << 20)))
      for (let n = 0; n < 3; n++) {
        store.makeDurable(store.latest())
        put(store, record(1, 'little'))
      }
      return calls.length
    }
    t.same([tries(3), tries(3), tries(3), tries(3)], [0, 1, 0, 1])
    store.makeDurable(store.latest())
    fits = true
    store.close()
    t.ok(existsSync(`${path}.index`))
  },
)

t.test('an earlier state is found by it without reading the log up to there', async t => {
  const path = makeStore(t)
  const last = 42
  const without = `${path}.without`
  copyFileSync(path, without)
  let bytes = 0
  const counting = wrapDisk(systemDisk, (name, _n, go, args) => {
    if (name === 'read') bytes += args[3] as number
    return go()
  })
  for (let tid = 1; tid <= last; tid++) t.equal(until(systemDisk, path, tid), until(systemDisk, without, tid))
  const store = Store.open(counting, path, { readonly: true, until: last - 5 })
  const { generation } = store.latest()
  // The commit itself is read, as a whole, and the headers of the frames before it.
  const { offset = 0, lastFrame = 0 } = generation.log.tailOf(last - 5) ?? {}
  bytes = 0
  Store.open(counting, path, { readonly: true, until: last - 5 }).close()
  t.ok(bytes < offset - lastFrame + 20_000, `${bytes} bytes read of ${offset}, ${offset - lastFrame} of that commit`)
  store.close()
  t.throws(() => until(systemDisk, path, last + 1), { message: /there is no commit 43; the last one is 42/ })
})

t.test('an earlier state does not depend on what is sound behind it', async t => {
  const path = makeStore(t)
  const without = `${path}.without`
  copyFileSync(path, without)
  const expected = until(systemDisk, without, 30)
  const store = Store.open(systemDisk, path, { readonly: true })
  const end = store.current.log.tailOf(30)?.offset ?? 0
  const lastFrame = store.current.reader.tail.lastFrame
  store.close()
  const bytes = readFileSync(path)
  bytes.fill(0xee, end + 200, lastFrame - 200)
  writeFileSync(path, bytes)
  t.equal(until(systemDisk, path, 30), expected)
})

t.test('whatever its marks say, an earlier state is the right one', async t => {
  const path = makeStore(t)
  const without = `${path}.without`
  copyFileSync(path, without)
  const store = Store.open(systemDisk, path, { readonly: true })
  const generation = store.current
  const { lastFrame = 0, time = 0 } = generation.log.tailOf(35) ?? {}
  const lies: Mark[] = [
    { tid: 35, time, offset: lastFrame },
    { tid: 35, time, offset: lastFrame + 1 },
    { tid: 36, time, offset: lastFrame },
    { tid: 1, time, offset: lastFrame },
    { tid: 35, time: 0, offset: 4096 },
    { tid: 30, time, offset: 2 ** 60 },
    { tid: NaN, time: NaN, offset: NaN },
    { tid: 2, time, offset: statSync(path).size - 10 },
  ]
  for (const lie of lies) {
    const index = new LogIndex()
    for (const [oid, at] of generation.entries()) index.offsets.set(oid, at)
    index.shapes.push(...generation.shapes)
    Object.defineProperty(index, 'marks', { value: [lie] })
    writeIndexFile(generation.file, path, 0o600, generation.header, index, generation.reader)
    for (const tid of [29, 34, 35, 36, 40]) {
      const right = until(systemDisk, without, tid)
      if (until(systemDisk, path, tid) !== right) t.fail(`commit ${tid}, by the mark ${JSON.stringify(lie)}`)
    }
  }
  store.close()
})

t.test('the check of the whole file never relies on it', async t => {
  const path = makeStore(t)
  const bad = readFileSync(path)
  bad[statSync(path).size >> 1] = (bad[statSync(path).size >> 1] ?? 0) ^ 1
  writeFileSync(path, bad)
  t.ok(verify(systemDisk, path, () => undefined).damage > 0)
})
