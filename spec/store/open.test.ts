import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { UnsupportedError } from '../../lib/error.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { checksum } from '../../lib/log/checksum.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { newStore, openStore, stranger } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

const fault = (code: string): Error => Object.assign(new Error(`${code}: as the test wants`), { code })
const pathIn = (t: Test): string => join(tempDir(t), 'app.db')

/** A store file whose header has another number at `at`, with a checksum that fits. */
function withHeader(t: Test, at: number, value: number): string {
  const path = pathIn(t)
  Store.open(systemDisk, path, {}, initialDraft).close()
  const bytes = readFileSync(path)
  bytes.writeUInt32LE(value, at)
  bytes.writeUInt32LE(checksum(bytes.subarray(0, 4092)), 4092)
  writeFileSync(path, bytes)
  return path
}

t.test('a missing file is created, and what is given is its first commit', async t => {
  const path = pathIn(t)
  const store = openStore(t, path)
  t.match(store.latest(), { tid: 1 })
  t.equal(textOf(store, 1), 'root')
  t.equal(store.latest().offset, statSync(path).size)
  t.same(readdirSync(join(path, '..')), ['app.db'], 'and nothing else lies there')
})

t.test('a new store is its owner’s alone, unless told otherwise, whatever the umask is', async t => {
  const before = process.umask(0o077)
  t.teardown(() => process.umask(before))
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
  t.equal(mode(newStore(t).path), '600')
  const shared = newStore(t, systemDisk, { mode: 0o664 })
  put(shared, record(1, 'x'))
  t.equal(mode(shared.path), '664')
  t.equal(mode(`${shared.path}.lock`), '664', 'who may write may lock')
})

t.test('a store is opened as it was left, whoever opens it', async t => {
  const path = pathIn(t)
  const first = Store.open(systemDisk, path, {}, initialDraft)
  put(first, record(1, 'one'))
  const other = put(first, record(-1, 'new'))
  first.close()
  const again = openStore(t, path)
  t.same([textOf(again, 1), textOf(again, other), again.latest().tid], ['one', 'new', 3])
})

t.test('a store that another process has packed meanwhile is the same store still', async t => {
  const store = newStore(t)
  await pack(stranger(t, store))
  const again = Store.open(store.disk, store.path)
  t.equal(again, store)
  again.close()
})

t.test('a missing file is not created for reading, nor without a first commit', async t => {
  const path = pathIn(t)
  t.throws(() => Store.open(systemDisk, path, { readonly: true }, initialDraft), { code: 'NOT_FOUND', path })
  t.throws(() => Store.open(systemDisk, path), { code: 'NOT_FOUND', path })
  t.same(readdirSync(join(path, '..')), [])
})

t.test('in a missing directory nothing is created', async t => {
  const dir = tempDir(t)
  t.throws(() => Store.open(systemDisk, join(dir, 'a', 'b.db'), {}, initialDraft), {
    code: 'NOT_FOUND',
    message: `${join(dir, 'a', 'b.db')}: the directory ${join(dir, 'a')} does not exist: make it first`,
  })
  t.same(readdirSync(dir), [])
})

t.test('a link that leads nowhere is not followed to a new store', async t => {
  const dir = tempDir(t)
  symlinkSync(join(dir, 'elsewhere.db'), join(dir, 'app.db'))
  t.throws(() => Store.open(systemDisk, join(dir, 'app.db'), {}, initialDraft), { code: 'NOT_FOUND' })
  t.same(readdirSync(dir), ['app.db'])
})

t.test('what is not a store is refused and left alone', async t => {
  const path = pathIn(t)
  for (const content of ['', 'hello', 'x'.repeat(10_000)]) {
    writeFileSync(path, content)
    t.throws(
      () => Store.open(systemDisk, path, {}, initialDraft),
      { code: 'NOT_A_STORE', path },
      `${content.length} bytes`,
    )
    t.equal(readFileSync(path, 'utf8'), content)
  }
})

t.test('a directory or a pipe is refused, and not waited for', async t => {
  const dir = tempDir(t)
  mkdirSync(join(dir, 'directory'))
  execFileSync('mkfifo', [join(dir, 'pipe')])
  for (const name of ['directory', 'pipe']) {
    t.throws(() => Store.open(systemDisk, join(dir, name), {}, initialDraft), { code: 'NOT_A_STORE' }, name)
  }
})

t.test('a link that leads nowhere is told of, and good once the store is made where it leads', async t => {
  const dir = tempDir(t)
  const [link, target] = [join(dir, 'link'), join(dir, 'app.db')]
  symlinkSync(target, link)
  const message = /link: this is a symbolic link to a file that does not exist: make the store by opening the path/
  t.throws(() => openStore(t, link), { code: 'NOT_FOUND', message })
  t.same(readdirSync(dir), ['link'])
  put(openStore(t, target), record(1, 'made'))
  t.equal(textOf(openStore(t, link), 1), 'made')
})

t.test('a newer format, or one with unknown features, needs a newer version', async t => {
  t.throws(() => Store.open(systemDisk, withHeader(t, 8, 2)), { code: 'NEWER_FORMAT' })
  t.throws(() => Store.open(systemDisk, withHeader(t, 12, 1)), { code: 'NEWER_FORMAT' })
})

t.test('features that only writers must know allow reading', async t => {
  const path = withHeader(t, 16, 1)
  t.throws(() => Store.open(systemDisk, path), { code: 'NEWER_FORMAT', message: /readonly/ })
  t.equal(textOf(openStore(t, path, systemDisk, { readonly: true }), 1), 'root')
})

t.test('of two creators at once the first wins, and both have the same store', async t => {
  const path = pathIn(t)
  let winner: Store | undefined
  const disk = wrapDisk({ ...systemDisk }, (name, _n, go) => {
    if (name === 'link' && winner === undefined) {
      winner = openStore(t, path)
      put(winner, record(1, 'the winner’s'))
    }
    return go()
  })
  const loser = openStore(t, path, disk)
  t.equal(textOf(loser, 1), 'the winner’s')
  t.same(loser.current.header.storeId, winner?.current.header.storeId)
  t.same(readdirSync(join(path, '..')).sort(), ['app.db', 'app.db.lock'])
})

t.test('a new file that is taken for a stray before it is locked is made once more', async t => {
  const path = pathIn(t)
  let taken = 0
  const disk = wrapDisk(systemDisk, (name, _n, go) => (name === 'tryLock' && taken++ === 0 ? false : go()))
  t.equal(textOf(openStore(t, path, disk), 1), 'root')
  t.same(readdirSync(join(path, '..')), ['app.db'])
})

t.test('a creation that fails at any step leaves a whole store or nothing, and can be tried again', async t => {
  for (let k = 1; ; k++) {
    const path = pathIn(t)
    let failed = false
    const disk = wrapDisk(systemDisk, (name, n, go) => {
      if (n !== k || name === 'unlink' || name === 'close') return go()
      failed = true
      throw fault('EIO')
    })
    try {
      Store.open(disk, path, {}, initialDraft).close()
      if (!failed && k > 20) break
    } catch (error) {
      t.match(error, { code: 'DISK', cause: { code: 'EIO' } })
    }
    t.ok(
      readdirSync(join(path, '..')).every(name => name === 'app.db'),
      `operation ${k}: no stray file`,
    )
    t.equal(textOf(openStore(t, path), 1), 'root', `operation ${k}: it can be opened`)
  }
})

t.test('where there are no hard links, a new store is refused with the reason', async t => {
  const path = pathIn(t)
  const disk = {
    ...systemDisk,
    link: () => {
      throw fault('EPERM')
    },
  }
  t.throws(() => Store.open(disk, path, {}, initialDraft), { code: 'UNSUPPORTED', message: /hard links/ })
  t.same(readdirSync(join(path, '..')), [])
})

t.test('on a network file system nothing is opened, unless that is wanted', async t => {
  const path = pathIn(t)
  const asked: string[] = []
  const disk = { ...systemDisk, networkFileSystem: (at: string) => (asked.push(at), 'NFS') }
  t.throws(() => Store.open(disk, path, {}, initialDraft), { code: 'UNSUPPORTED', message: /NFS.*unsafeFilesystem/ })
  t.same(readdirSync(join(path, '..')), [])
  t.equal(statSync(asked[0] ?? '').ino, statSync(join(path, '..')).ino, 'its directory was asked about')
  t.equal(textOf(openStore(t, path, disk, { unsafeFilesystem: true }), 1), 'root')
})

t.test('without fs-ext a store can be read, and writing says what to do', async t => {
  const path = pathIn(t)
  Store.open(systemDisk, path, {}, initialDraft).close()
  const disk = {
    ...systemDisk,
    tryLock: () => {
      throw new UnsupportedError('install fs-ext')
    },
  }
  const reader = openStore(t, path, disk, { readonly: true })
  t.equal(textOf(reader, 1), 'root')
  put(openStore(t, path), record(1, 'new'))
  t.equal(textOf(reader, 1), 'new')
  t.throws(() => put(openStore(t, path, disk), record(1, 'x')), { code: 'UNSUPPORTED', message: 'install fs-ext' })
  t.throws(() => Store.open(disk, pathIn(t), {}, initialDraft), { code: 'UNSUPPORTED' })
})

t.test('a store opened for reading commits nothing', async t => {
  const store = newStore(t)
  const reader = openStore(t, store.path, systemDisk, { readonly: true })
  t.throws(() => put(reader, record(1, 'x')), { code: 'READONLY' })
  t.equal(textOf(store, 1), 'root')
})

t.test('until shows the state after that commit, whatever comes later', async t => {
  const store = newStore(t)
  for (const text of ['two', 'three']) put(store, record(1, text))
  const past = openStore(t, store.path, systemDisk, { readonly: true, until: 2 })
  t.same([textOf(past, 1), past.latest().tid], ['two', 2])
  put(store, record(1, 'four'))
  t.same([textOf(past, 1), past.latest().tid], ['two', 2])
})

t.test('until shows that state also when the file is packed while it is opened', async t => {
  const store = newStore(t)
  put(store, record(1, 'two'))
  let opened: number | undefined = systemDisk.open(store.path, 'read')
  await pack(store)
  for (const text of ['three', 'four']) put(store, record(1, text))
  const disk = wrapDisk(systemDisk, (name, _n, go, [path]) => {
    if (name !== 'open' || path !== store.path || opened === undefined) return go()
    const before = opened
    opened = undefined
    return before
  })
  const past = openStore(t, store.path, disk, { readonly: true, until: 3 })
  t.same([textOf(past, 1), past.latest().tid], ['three', 3])
})

t.test('until names a commit that there is, and is for reading', async t => {
  const { path } = newStore(t)
  t.throws(() => Store.open(systemDisk, path, { readonly: true, until: 2 }), {
    code: 'COMMIT_NOT_FOUND',
  })
  t.throws(() => Store.open(systemDisk, path, { until: 1 }), TypeError)
})

t.test('a store reads what stands before damage when it is opened until there', async t => {
  const store = newStore(t)
  put(store, record(1, 'two'))
  const { offset } = store.latest()
  put(store, record(1, 'three'))
  const bytes = readFileSync(store.path)
  bytes.fill(0, offset + 80, offset + 90)
  writeFileSync(store.path, bytes)
  const disk = { ...systemDisk }
  t.throws(() => Store.open(disk, store.path, { readonly: true }), { code: 'CORRUPT_LOG', offset, lastGoodTid: 2 })
  t.equal(textOf(openStore(t, store.path, disk, { readonly: true, until: 2 }), 1), 'two')
})

t.test('connections to one file share a store, by whichever spelling of its path', async t => {
  const dir = tempDir(t)
  const store = openStore(t, join(dir, 'app.db'))
  symlinkSync('app.db', join(dir, 'link.db'))
  t.equal(openStore(t, join(dir, 'link.db')), store)
  t.equal(openStore(t, join(dir, '.', 'x', '..', 'app.db')), store)
  t.not(openStore(t, join(dir, 'app.db'), systemDisk, { readonly: true }), store, 'one for reading is another one')
})

t.test('a store whose name leaves too few bytes for those of the files beside it is not made', async t => {
  const directory = tempDir(t)
  const named = (bytes: number): string => join(directory, '\u00e9'.repeat(bytes / 2))
  t.throws(() => Store.open(systemDisk, named(226), {}, initialDraft), {
    code: 'UNSUPPORTED',
    message: /this name has 226 bytes, and that of a store may have 224/,
  })
  t.same(readdirSync(directory), [])
  const store = Store.open(systemDisk, named(224), {}, initialDraft)
  put(store, record(1, 'packed'))
  await pack(store)
  t.equal(textOf(store, 1), 'packed')
  store.close()
})

t.test('a hard link is another name: a store of its own, with the same objects', async t => {
  const dir = tempDir(t)
  const store = openStore(t, join(dir, 'app.db'))
  linkSync(store.path, join(dir, 'hard.db'))
  const other = openStore(t, join(dir, 'hard.db'))
  t.not(other, store)
  put(other, record(1, 'by the other name'))
  t.equal(textOf(store, 1), 'by the other name')
})

t.test('a shared store is closed with its last user, and opened anew after that', async t => {
  const path = pathIn(t)
  const [one, two] = [Store.open(systemDisk, path, {}, initialDraft), Store.open(systemDisk, path)]
  one.close()
  t.equal(textOf(two, 1), 'root')
  two.close()
  t.throws(() => two.latest(), { code: 'CLOSED' })
  t.not(openStore(t, path), two)
})

t.test('no descriptor is left open by a store that is closed, or that could not be opened', async t => {
  const descriptors = () => readdirSync('/proc/self/fd').length
  const path = pathIn(t)
  const foreign = pathIn(t)
  writeFileSync(foreign, 'hello')
  const cycle = () => {
    const store = Store.open(systemDisk, path, {}, initialDraft)
    put(store, record(1, 'x'))
    store.close()
    t.throws(() => Store.open(systemDisk, foreign), { code: 'NOT_A_STORE' })
    t.throws(() => Store.open(systemDisk, path, { readonly: true, until: 1e6 }), {
      code: 'COMMIT_NOT_FOUND',
    })
  }
  cycle()
  const before = descriptors()
  cycle()
  t.equal(descriptors(), before)
})

t.test(
  'a file that this process has open already is opened no second time, whatever fails when that is asked for',
  t => {
    let left = Infinity
    const disk = wrapDisk(systemDisk, (_name, _n, go) => {
      if (--left === 0) throw Object.assign(new Error('EIO: as the test wants'), { code: 'EIO', syscall: 'test' })
      return go()
    })
    const store = newStore(t, disk)
    let failed = 0
    for (let k = 1; ; k++) {
      left = k
      let again: Store | undefined
      try {
        again = Store.open(disk, store.path)
        t.equal(again, store, `failed at operation ${k}`)
      } catch (error) {
        t.match(error, { code: 'DISK' }, `failed at operation ${k}`)
      }
      const isFailed = left <= 0
      left = Infinity
      again?.close()
      if (!isFailed) break
      failed++
    }
    t.ok(failed > 1, `${failed} times`)
    t.end()
  },
)
