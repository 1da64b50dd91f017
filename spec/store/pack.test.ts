import { chmodSync, linkSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { touchedSince } from '../../lib/store/touched.js'
import { stretchOf, type Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { draft, initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

function newStore(test: Test, disk = systemDisk): Store {
  const store = Store.open(disk, join(tempDir(test), 'app.db'), {}, initialDraft)
  test.teardown(() => store.close())
  return store
}

function assertSound(test: Test, store: Store): void {
  const findings: string[] = []
  verify(systemDisk, store.path, finding => findings.push(finding.message))
  test.strictSame(findings, [], 'the file verifies')
}

t.test('a pack keeps what is reachable, in its newest version, and nothing else', async t => {
  const store = newStore(t)
  const a = put(store, record(-1, 'a'), record(1, 'root a', [-1]))
  const b = put(store, record(-1, 'b', [a]), record(1, 'root b', [-1]))
  const lost = put(store, record(-1, 'lost'))
  for (let n = 0; n < 50; n++) put(store, record(a, `a${n}`))
  const before = store.latest()
  const result = await pack(store)
  t.match(result, { objects: 3, dropped: 1, bytesBefore: before.offset })
  t.equal(result.bytesAfter, statSync(store.path).size)
  t.ok(result.bytesAfter < result.bytesBefore)
  t.strictSame(
    [textOf(store, 1), textOf(store, a), textOf(store, b), textOf(store, lost)],
    ['root b', 'a49', 'b', undefined],
  )
  assertSound(t, store)
})

t.test('tids, times and oids go on where they were', async t => {
  const store = newStore(t)
  const dropped = put(store, record(-1, 'x'))
  const before = store.latest()
  await pack(store)
  t.match(store.latest(), { tid: before.tid, time: before.time })
  t.equal(store.current.number, 2)
  t.ok(put(store, record(-1, 'y'), record(1, 'r', [-1])) > dropped, 'an oid is never given out again')
  t.equal(store.latest().tid, before.tid + 1)
})

t.test('a record keeps the commit that wrote it, its shape, references and state', async t => {
  const store = newStore(t)
  const a = put(store, record(-1, 'a', [1]), record(1, 'root', [-1]))
  put(store, record(1, 'root again', [a]))
  const was = store.current.read(store.current.newest(a))
  await pack(store)
  store.latest()
  const is = store.current.read(store.current.newest(a))
  t.strictSame(
    [is.tid, is.shape, is.refs, Buffer.from(is.state)],
    [was.tid, was.shape, was.refs, Buffer.from(was.state)],
  )
  t.equal(is.previous, 0)
})

t.test('cycles are kept as they are', async t => {
  const store = newStore(t)
  const a = put(store, record(-1, 'a', [-2]), record(-2, 'b', [-1, -2]), record(1, 'root', [-1]))
  await pack(store)
  store.latest()
  t.strictSame([...store.current.read(store.current.newest((a + 1) as Oid)).refs], [a, a + 1])
})

t.test('commits that arrive while it copies are in the new file, with all that they newly reach', async t => {
  const store = newStore(t)
  const hidden = put(store, record(-1, 'hidden', [-2]), record(-2, 'deep'))
  const kept = put(store, record(-1, 'kept'), record(1, 'root', [-1]))
  let done = false
  await pack(store, {
    onProgress() {
      if (done) return
      done = true
      put(store, record(kept, 'kept, changed', [hidden]))
      put(store, record(-1, 'unreachable, and new'))
      put(store, record(-1, 'new'), record(hidden, 'found', [hidden + 1, -1]))
    },
  })
  t.ok(done)
  t.equal(textOf(store, kept), 'kept, changed')
  t.equal(textOf(store, hidden), 'found')
  t.equal(textOf(store, hidden + 1), 'deep')
  t.match(store.current.index.size, 6, 'root, kept, hidden, deep, new, and the shape')
  assertSound(t, store)
})

t.test('a new shape that arrives while it copies is kept', async t => {
  const store = newStore(t)
  let shape = 0
  await pack(store, {
    onProgress() {
      if (shape === 0)
        shape = put(
          store,
          { oid: -1, shape: 0, refs: [], ...stretchOf(Buffer.from('s')) },
          { ...record(1, 'r'), shape: -1 },
        )
    },
  })
  store.latest()
  t.ok(store.current.shapes.includes(shape as Oid))
  assertSound(t, store)
})

t.test('of two packs at once one wins, and the other changes nothing', async t => {
  const store = newStore(t)
  for (let n = 0; n < 20; n++) put(store, record(1, `root ${n}`))
  const results = await Promise.allSettled([pack(store), pack(store)])
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  const [lost] = results.filter(result => result.status === 'rejected')
  t.match(lost?.reason, { code: 'PACK_INTERRUPTED' })
  t.equal(textOf(store, 1), 'root 19')
  store.latest()
  t.equal(store.current.number, 2)
  t.strictSame(readdirSync(join(store.path, '..')).sort(), ['app.db', 'app.db.lock'])
})

t.test('a snapshot on the old generation goes on reading it', async t => {
  const store = newStore(t)
  put(store, record(1, 'before'))
  const { generation, offset } = store.latest()
  generation.retain()
  put(store, record(1, 'after'))
  await pack(store)
  store.latest()
  t.not(store.current, generation)
  t.equal(Buffer.from(generation.read(generation.find(1 as Oid, offset)).state).toString(), 'before')
  generation.release()
  t.throws(() => generation.read(generation.find(1 as Oid, offset)), { code: 'CLOSED' }, 'closed when nobody holds it')
})

t.test('what was touched since an old snapshot is told across generations', async t => {
  const store = newStore(t)
  const a = put(store, record(-1, 'a'), record(-2, 'b'), record(-3, 'c'), record(1, 'root', [-1, -2]))
  const then = store.latest()
  then.generation.retain()
  put(store, record(a, 'a changed'))
  await pack(store)
  const oids = [a, a + 1, a + 2, 1] as Oid[]
  t.strictSame(touchedSince(then, oids, store.latest()), [a, a + 2], 'changed, or gone')
  t.match(store.commit(draft(record(1, 'x')), then, oids, true), { outcome: 'moved' })
  then.generation.release()
})

t.test('the new file keeps the permissions of the old one', async t => {
  const store = newStore(t)
  chmodSync(store.path, 0o640)
  await pack(store)
  t.equal(statSync(store.path).mode & 0o777, 0o640)
})

t.test('a file with several names is refused', async t => {
  const store = newStore(t)
  linkSync(store.path, `${store.path}.twin`)
  await t.rejects(pack(store), { code: 'UNSUPPORTED', message: /2 names/ })
  t.equal(store.latest().generation.number, 1)
})

const PASSING: ReadonlySet<string> = new Set(['EIO', 'ENOSPC'])

t.test('where its owner and mode are refused, the error says whether that may pass', async t => {
  for (const [code, expected] of [
    ['EPERM', { code: 'UNSUPPORTED', message: /pack as its owner/ }],
    ['EINVAL', { code: 'UNSUPPORTED', message: /pack as its owner/ }],
    ['EIO', { code: 'DISK', message: /as it was.*again when/ }],
  ] as const) {
    const disk = wrapDisk(systemDisk, (name, _n, go, args) => {
      if (name === 'setOwnerAndMode' && args[2] === 'all' && isPacking)
        throw Object.assign(new Error(`${code}: as the test wants`), { code })
      return go()
    })
    let isPacking = false
    const store = newStore(t, disk)
    isPacking = true
    await t.rejects(pack(store), expected)
  }
})

t.test('where the file cannot be renamed, the store goes on as it was, and the error says what would help', async t => {
  for (const [code, advice] of [
    ['EPERM', /EPERM.*append-only or immutable/],
    ['EBUSY', /EBUSY.*mount the directory/],
    ['EACCES', /EACCES.*permission to write the directory/],
    ['EIO', /EIO.*as it was.*again when/],
    ['ENOSPC', /ENOSPC.*as it was.*again when/],
  ] as const) {
    const disk = wrapDisk(systemDisk, (name, _n, go) => {
      if (name === 'rename') throw Object.assign(new Error(`${code}: as the test wants`), { code })
      return go()
    })
    const store = newStore(t, disk)
    await t.rejects(pack(store), { code: PASSING.has(code) ? 'DISK' : 'UNSUPPORTED', message: advice })
    put(store, record(1, 'and on'))
    t.equal(textOf(store, 1), 'and on')
    t.equal(store.current.number, 1)
    assertSound(t, store)
    t.strictSame(readdirSync(join(store.path, '..')).sort(), ['app.db', 'app.db.lock'])
  }
})

t.test('a new file that does not read back as it was written is not put in place', async t => {
  let written = 0
  const disk = wrapDisk(systemDisk, (name, _n, go, args) => {
    if (name === 'write' && args[4] !== null && ++written === 1) {
      const bytes = args[1] as Uint8Array
      bytes[100] = (bytes[100] ?? 0) ^ 1
    }
    return go()
  })
  const store = Store.open(systemDisk, join(tempDir(t), 'app.db'), {}, initialDraft)
  store.close()
  const faulty = Store.open(disk, store.path)
  t.teardown(() => faulty.close())
  await t.rejects(pack(faulty), { code: 'UNSUPPORTED', message: /did not read back/ })
  t.equal(faulty.latest().generation.number, 1)
})

t.test('an abort signal stops it and leaves nothing behind', async t => {
  const store = newStore(t)
  const stop = new AbortController()
  await t.rejects(pack(store, { signal: stop.signal, onProgress: () => stop.abort() }), { name: 'AbortError' })
  t.equal(store.latest().generation.number, 1)
  t.strictSame(readdirSync(join(store.path, '..')).sort(), ['app.db'], 'not even the lock has been taken')
})

t.test('progress is told', async t => {
  const store = newStore(t)
  put(store, record(-1, 'a'), record(1, 'root', [-1]))
  const seen: number[] = []
  await pack(store, { onProgress: ({ objects, most }) => seen.push(objects / most) })
  t.equal(seen.at(-1), 1)
})

t.test('a store opened readonly is not packed', async t => {
  const writable = newStore(t)
  const store = Store.open(systemDisk, writable.path, { readonly: true })
  t.teardown(() => store.close())
  await t.rejects(pack(store), { code: 'READONLY' })
})

/** Several times as much as is written before it begins to be put on disk. */
function putMuch(store: Store): void {
  const first = put(store, ...Array.from({ length: 40 }, (_, n) => record(-1 - n, 'x'.repeat(2 ** 20))))
  const all = Array.from({ length: 40 }, (_, n) => first + n)
  put(store, record(1, 'root', all))
}

t.test('a large file goes to the disk while it is written, and what fails there is told', async t => {
  let syncs = 0
  let packed: unknown
  const disk = wrapDisk(systemDisk, (name, _n, go, [one]) => {
    if (name === 'create' && String(one).endsWith('.pack')) return (packed = go())
    if (name !== 'syncAsync' || one !== packed) return go()
    return ++syncs === 1 ? Promise.reject(Object.assign(new Error('EIO: the disk is broken'), { code: 'EIO' })) : go()
  })
  const store = newStore(t, disk)
  putMuch(store)
  await t.rejects(pack(store), { code: 'DISK', message: /EIO/ })
  t.equal(syncs, 1, 'it is not tried again')
  t.equal(store.latest().generation.number, 1)
  t.match(await pack(store), { objects: 41 })
  assertSound(t, store)
})

t.test('the new file is not closed while it goes to the disk, even if the pack is stopped', async t => {
  const stop = new AbortController()
  let packed: unknown
  let syncing: unknown
  const closed: unknown[] = []
  const disk = wrapDisk(systemDisk, (name, _n, go, [one]) => {
    if (name === 'create' && String(one).endsWith('.pack')) return (packed = go())
    if (name === 'close' && one === syncing) closed.push(one)
    if (name !== 'syncAsync' || one !== packed) return go()
    syncing = one
    stop.abort(new Error('enough'))
    return new Promise<void>(resolve =>
      setTimeout(() => {
        syncing = undefined
        resolve()
      }, 20),
    )
  })
  const store = newStore(t, disk)
  putMuch(store)
  await t.rejects(pack(store, { signal: stop.signal }), /enough/)
  t.strictSame([syncing, closed], [undefined, []])
})

t.test(
  'a pack that is done has succeeded, also where its file cannot be unlocked, looked up or opened just then',
  async t => {
    for (const refused of ['unlock', 'lookUp', 'open']) {
      let isDue = false
      const disk = wrapDisk(systemDisk, (name, _n, go) => {
        if (name === 'rename') isDue = true
        if (name !== refused || !isDue) return go()
        isDue = false
        throw Object.assign(new Error('EIO: as the test wants'), { code: 'EIO', errno: -5, syscall: name })
      })
      const store = newStore(t, disk)
      put(store, record(1, 'packed'))
      t.match(await pack(store), { objects: 1 }, refused)
      t.notOk(isDue)
      t.equal(textOf(store, 1), 'packed')
      t.equal(store.current.number, 2)
    }
  },
)
