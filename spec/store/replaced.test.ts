import { copyFileSync, readFileSync, renameSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { FileStatus } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { assembleControl } from '../../lib/store/assemble.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { draft, put, record, textOf } from '../helpers/drafts.js'
import { newStore, openStore, stranger } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

/** A store whose clock runs when the test says so: the path is looked at every 100 ms, and what `'os'` appends to every millisecond. */
function clocked(t: Test) {
  let now = 0
  const store = newStore(t, { ...systemDisk, ticks: () => now })
  put(store, record(1, 'x'))
  store.latest()
  return { store, later: () => void (now += 100), soon: () => void (now += 1) }
}

/** Lets the file end as if a pack had put another one in its place. */
function supersede({ disk, current }: Store): void {
  const { tail, salt } = current.reader
  const place = { tail, salt, now: disk.now(), boot: 0, syncedTo: 0 }
  current.writer.append(assembleControl('superseded', new Uint8Array(16), place), tail.offset)
}

function copyOf(store: Store, t: Test): string {
  const copy = join(tempDir(t), 'copy.db')
  copyFileSync(store.path, copy)
  return copy
}

/** Of the same store, and of a later generation than its file: but without the last commit. */
async function packedOlderCopy(store: Store, t: Test): Promise<string> {
  const copy = copyOf(store, t)
  await pack(openStore(t, copy))
  put(store, record(1, 'newer'))
  return copy
}

const replaced = { code: 'STORE_REPLACED' }

t.test('a file that was removed is noticed at a transaction’s begin, at most 100 ms later', async t => {
  const { store, later } = clocked(t)
  unlinkSync(store.path)
  t.equal(textOf(store, 1), 'x', 'not looked at yet')
  later()
  // Opening finds nothing there, and makes an empty store.
  t.throws(() => store.latest(), { ...replaced, message: /removed.*put the file.*back before/, path: store.path })
})

t.test('a file in whose place another was put is noticed, even if it is a copy', async t => {
  const { store, later } = clocked(t)
  renameSync(copyOf(store, t), store.path)
  later()
  t.throws(() => store.latest(), { ...replaced, message: /another file/ })
})

t.test('nothing is acknowledged as durable that went into a file without a name', async t => {
  for (const replace of [unlinkSync, (path: string) => renameSync(newStore(t).path, path)]) {
    const { store } = clocked(t)
    replace(store.path)
    put(store, record(1, 'lost'))
    t.throws(() => store.makeDurable(store.current.snapshot()), replaced)
    await t.rejects(store.makeDurableAsync(store.current.snapshot()), replaced)
  }
})

t.test('once it was noticed, it is so again at the next transaction, however soon that begins', async t => {
  const look: Record<string, (store: Store) => unknown> = {
    'by one more user': store => store.share(),
    'by a durable commit': store =>
      store.commit(draft(record(1, 'lost')), store.current.snapshot(), [], true, undefined, 'now'),
    'behind an fsync': store => {
      put(store, record(1, 'lost'))
      store.makeDurable(store.current.snapshot())
    },
  }
  for (const [who, notice] of Object.entries(look)) {
    const { store } = clocked(t)
    renameSync(copyOf(store, t), store.path)
    t.equal(textOf(store, 1), 'x', 'not looked at yet')
    t.throws(() => notice(store), replaced, who)
    t.throws(() => store.latest(), replaced, `noticed ${who}`)
  }
})

t.test('a file that was cut shorter is noticed at once', async t => {
  const { store } = clocked(t)
  truncateSync(store.path, 4096)
  t.throws(() => store.latest(), { ...replaced, message: /shorter/ })
  t.throws(() => put(store, record(1, 'y')), replaced)
})

t.test('one of which the path tells a size of earlier is not: a file system of the network may be late', t => {
  const disk = { ...systemDisk }
  const store = newStore(t, disk)
  const before = systemDisk.lookUp(store.path)
  disk.lookUp = path => (path === store.path ? before : systemDisk.lookUp(path))
  const commit = () => store.commit(draft(record(1, 'x')), store.latest(), [], true, undefined, 'now')
  for (let n = 0; n < 2; n++) {
    t.equal(commit().outcome, 'committed')
    store.makeDurable(store.latest())
  }
  t.end()
})

t.test('a file that was written over with an older copy of itself is noticed at once', async t => {
  const { store } = clocked(t)
  const older = copyOf(store, t)
  put(store, record(1, 'newer'))
  copyFileSync(older, store.path)
  t.throws(() => store.latest(), replaced)
})

/** Cuts off the last commit of a store; `refill`: another process, which never saw it, commits as much in its place. */
function cutOff(t: Test) {
  const { store, soon } = clocked(t)
  const other = stranger(t, store)
  const { size } = statSync(store.path)
  put(store, record(1, 'a'))
  const snapshot = store.latest()
  const whole = readFileSync(store.path)
  truncateSync(store.path, size)
  const refill = (): void => {
    put(other, record(1, 'b'))
    t.equal(statSync(store.path).size, whole.length)
  }
  return { store, other, snapshot, whole, refill, soon }
}

t.test('a file that was found cut is not gone on with because another process has added as much since', t => {
  const { store, other, whole, refill } = cutOff(t)
  t.throws(() => store.latest(), { ...replaced, message: /shorter/ })
  refill()
  for (let n = 0; n < 2; n++) {
    t.throws(() => put(store, record(1, 'c')), { ...replaced, message: /not in the file any more/ })
    t.throws(() => store.latest(), replaced)
  }
  put(other, record(1, 'd'))
  t.equal(textOf(openStore(t, store.path, { ...systemDisk }), 1), 'd', 'what is there is sound')
  writeFileSync(store.path, whole)
  t.equal(textOf(store, 1), 'a', 'put back')
  put(store, record(1, 'e'))
  t.equal(textOf(openStore(t, store.path, { ...systemDisk }, { readonly: true }), 1), 'e')
  t.end()
})

t.test('nor does a durable commit go on with it where nobody has found it cut', t => {
  const { store, other, snapshot, refill } = cutOff(t)
  refill()
  const commit = () => store.commit(draft(record(1, 'c')), snapshot, [], true, undefined, 'now')
  for (let n = 0; n < 2; n++) t.throws(commit, { ...replaced, message: /not in the file any more/ })
  put(other, record(1, 'd'))
  t.equal(textOf(openStore(t, store.path, { ...systemDisk }), 1), 'd')
  t.end()
})

t.test('nor does one that need not be durable, a millisecond after the last look', t => {
  const { store, other, snapshot, refill, soon } = cutOff(t)
  refill()
  soon()
  const commit = () => store.commit(draft(record(1, 'c')), snapshot, [], true)
  for (let n = 0; n < 2; n++) t.throws(commit, { ...replaced, message: /not in the file any more/ })
  put(other, record(1, 'd'))
  t.equal(textOf(openStore(t, store.path, { ...systemDisk }), 1), 'd')
  t.end()
})

t.test('nor one whose lock has been held since before', t => {
  const { store, snapshot, whole, refill, soon } = cutOff(t)
  refill()
  const refilled = readFileSync(store.path)
  for (const content of [refilled, refilled.subarray(0, -10), refilled.subarray(0, 4096)]) {
    writeFileSync(store.path, whole)
    store.underLock(() => {
      writeFileSync(store.path, content)
      soon()
      t.throws(() => store.commit(draft(record(1, 'c')), snapshot, [], true), replaced)
    })
    t.ok(readFileSync(store.path).equals(content), 'nothing was appended')
  }
  t.end()
})

t.test('a packed file is followed only if it is of the same store and newer', async t => {
  for (const [name, next] of [
    ['an older copy', (t: Test, store: Store) => copyOf(store, t)],
    ['another store', (t: Test) => newStore(t).path],
    ['an older copy that was packed', (t: Test, store: Store) => packedOlderCopy(store, t)],
  ] satisfies [string, (t: Test, store: Store) => string | Promise<string>][]) {
    const { store } = clocked(t)
    const path = await next(t, store)
    supersede(store)
    renameSync(path, store.path)
    t.throws(() => store.latest(), { ...replaced, message: /another store, or an older copy/ }, name)
    t.throws(() => put(store, record(1, 'y')), replaced, name)
  }
})

t.test('nor if it is cut short: once it is whole, it is', async t => {
  const { store } = clocked(t)
  const copy = copyOf(store, t)
  await pack(openStore(t, copy))
  supersede(store)
  const whole = readFileSync(copy)
  writeFileSync(store.path + '.cut', whole.subarray(0, -1))
  renameSync(store.path + '.cut', store.path)
  for (let n = 0; n < 2; n++)
    t.throws(() => store.latest(), { ...replaced, message: /a packed file that is cut short/ })
  writeFileSync(store.path, whole)
  t.equal(textOf(store, 1), 'x')
})

t.test('a file that ends superseded and was then removed is noticed', async t => {
  const { store } = clocked(t)
  supersede(store)
  unlinkSync(store.path)
  t.throws(() => store.latest(), { ...replaced, message: /removed/ })
})

t.test('after a packer that died before it could rename, reading and writing go on', async t => {
  const { store, later } = clocked(t)
  const other = stranger(t, store)
  supersede(store)
  later()
  t.same([textOf(store, 1), textOf(other, 1)], ['x', 'x'])
  t.equal(textOf(openStore(t, store.path, { ...systemDisk }, { readonly: true }), 1), 'x')
  put(other, record(1, 'y'))
  t.same([textOf(store, 1), textOf(other, 1)], ['y', 'y'])
})

t.test('a lock file that was removed or replaced is opened anew', async t => {
  const { store, later } = clocked(t)
  unlinkSync(`${store.path}.lock`)
  later()
  store.latest()
  put(store, record(1, 'y'))
  t.ok(systemDisk.lookUp(`${store.path}.lock`), 'it is there again')
})

/** A file that is mounted by itself: the path goes on leading to it when `loseName` has let others replace it. */
function mounted(t: Test) {
  let nameless: bigint | undefined
  const disk = wrapDisk(systemDisk, (name, _n, go) => {
    const told = go()
    const isIt =
      nameless !== undefined &&
      (name === 'lookUp' || name === 'status') &&
      (told as FileStatus | undefined)?.ino === nameless
    return isIt ? { ...(told as FileStatus), links: 0 } : told
  })
  const store = newStore(t, disk)
  put(store, record(1, 'x'))
  const commit = () => store.commit(draft(record(1, 'y')), store.latest(), [], true, undefined, 'now')
  return { store, disk, commit, loseName: () => void (nameless = store.current.identity.ino) }
}

const nameless = { ...replaced, message: /lost its name.*Mount the directory, not the file/ }

t.test('nothing is acknowledged of a file that has lost its name while the path still leads to it', async t => {
  const { store, disk, commit, loseName } = mounted(t)
  t.equal(commit().outcome, 'committed')
  loseName()
  const size = store.current.file.end()
  for (let n = 0; n < 2; n++) {
    t.throws(() => store.makeDurable(store.current.snapshot()), nameless)
    await t.rejects(store.makeDurableAsync(store.current.snapshot()), nameless)
    t.throws(commit, nameless)
    await t.rejects(pack(store), nameless)
  }
  for (const readonly of [false, true]) t.throws(() => openStore(t, store.path, { ...disk }, { readonly }), nameless)
  t.equal(store.current.file.end(), size, 'nothing was appended')
})

t.test('nor is it taken for a pack that was given up where its last frame is superseded', t => {
  const { store, commit, loseName } = mounted(t)
  supersede(store)
  loseName()
  t.throws(commit, nameless)
  t.throws(() => store.latest(), nameless)
  t.end()
})

t.test('a file that a pack replaces while it is opened is followed to what the pack has made', async t => {
  const old = newStore(t)
  const packed = copyOf(old, t)
  await pack(openStore(t, packed))
  let isFirst = true
  const disk = wrapDisk(systemDisk, (name, _n, go) => {
    if (name === 'status' && isFirst) {
      isFirst = false
      supersede(old)
      renameSync(packed, old.path)
    }
    return go()
  })
  t.equal(openStore(t, old.path, disk).current.number, 2)
})

t.test('a file that is taken away while it is opened is to be put back, and not to be made anew', t => {
  const seen = new Set<string>()
  let operations = Infinity
  for (let at = 1; at <= operations; at++) {
    const { path } = newStore(t)
    let n = 0
    let wasOpen = false
    const disk = wrapDisk(systemDisk, (name, _n, go) => {
      if (++n === at) renameSync(path, `${path}.away`)
      else if (n < at && name === 'open') wasOpen = true
      return go()
    })
    try {
      Store.open(disk, path, { readonly: true }).close()
      operations = Math.min(operations, n)
    } catch (error) {
      const { code } = error as { code: string }
      seen.add(code)
      t.equal(code, wasOpen ? 'STORE_REPLACED' : 'NOT_FOUND', `before operation ${at}`)
    }
  }
  t.same([...seen], ['NOT_FOUND', 'STORE_REPLACED'])
  t.end()
})

t.test('a file that is replaced while it is opened: what is there then is opened', async t => {
  let operations = Infinity
  for (let at = 1; at <= operations; at++) {
    const old = newStore(t)
    put(old, record(1, 'x'))
    const copy = await packedOlderCopy(old, t)
    supersede(old)
    let n = 0
    const disk = wrapDisk(systemDisk, (_name, _n, go) => {
      if (++n === at) renameSync(copy, old.path)
      return go()
    })
    const store = Store.open(disk, old.path, { readonly: true })
    operations = Math.min(operations, n)
    t.equal(store.current.number, at < operations ? 2 : 1, `before operation ${at} of ${operations}`)
    store.close()
  }
})
