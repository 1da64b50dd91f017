// Ids of transactions in numbers: what a store can do does not end with them, and what they cost is paid in steps.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { pack } from '../../lib/store/pack.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { encodeId } from '../../lib/store/transaction-id.js'
import { ID_SHAPE, stretchOf } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { draft, initialDraft, put, record } from '../helpers/drafts.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

/** In one commit, to be quick: as if each had been in one of its own. */
const AT_ONCE = 1000
const DAY = 24 * 3600 * 1000

function newStore(t: Test, disk: Disk = systemDisk): Store {
  return Store.open(disk, join(tempDir(t), 'app.db'), {}, initialDraft)
}

function putIds(store: Store, count: number, idOf: (n: number) => string, time = Date.now()): void {
  for (let from = 0; from < count; from += AT_ONCE) {
    const records = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, n) => ({
      oid: -1 - n,
      shape: ID_SHAPE,
      refs: [],
      ...stretchOf(encodeId(idOf(from + n), time)),
    }))
    put(store, ...records)
  }
}

function assertSound(t: Test, path: string): void {
  verify(systemDisk, path, ({ message }) => t.fail(message))
}

/** Every one of its steps is told. */
const tellingAll = (disk: Disk = systemDisk): Disk => {
  let ticks = 0
  return { ...disk, ticks: () => (ticks += 1000) }
}

t.test('a store with more bytes of ids than a string can have is packed, saved and opened', async t => {
  const idOf = (n: number): string => String(n).padStart(1024, '\x01') // six characters each in JSON
  const count = 90_000
  const store = newStore(t)
  putIds(store, count, idOf)
  const { path } = store
  store.close()
  const known = (from: string): unknown[] => {
    const again = Store.open(systemDisk, from, { readonly: true })
    const found = [0, 4711, count - 1].map(n => again.current.committed(idOf(n)) !== undefined)
    found.push(again.current.committed(idOf(count)) !== undefined)
    const { tail } = again.current.reader
    const all = [...found, again.current.log.idCount, tail.tid]
    again.close()
    return all
  }
  const expected = [true, true, true, false, count, 1 + count / AT_ONCE]
  t.ok(statSync(`${path}.index`).size > 0, 'it has an index file')
  t.strictSame(known(path), expected)
  const saved = `${path}.saved`
  t.match(recover(systemDisk, path, saved), { skipped: [], lost: [] })
  t.strictSame(known(saved), expected)
  const again = Store.open(systemDisk, path)
  t.match(await pack(again), { objects: 1, dropped: 0 })
  again.close()
  t.strictSame(known(path), expected)
  assertSound(t, path)
})

t.test('whether an id is known is found out by a few reads, however many there are', async t => {
  const store = newStore(t)
  putIds(store, 50_000, n => `request ${n}`)
  const { path } = store
  store.close()
  for (const how of ['by the index file', 'by the table of the packed state']) {
    let bytes = 0
    const counting = wrapDisk(systemDisk, (name, _n, go, args) => {
      if (name === 'read') bytes += args[3] as number
      return go()
    })
    const again = Store.open(counting, path)
    bytes = 0
    t.ok(again.current.committed('request 777'), how)
    t.notOk(again.current.committed('request 50000'), how)
    t.equal(again.commit(draft(record(1, 'x')), again.latest(), [], true, 'request 49999').outcome, 'known', how)
    t.ok(bytes < 150_000, `${how}: ${bytes} bytes`)
    await pack(again)
    again.close()
  }
})

t.test('a pack copies ids in steps, and can be stopped between them', async t => {
  const disk = tellingAll()
  const store = newStore(t, disk)
  putIds(store, 20_000, n => `request ${n}`)
  const written: number[] = []
  await pack(store, { onProgress: ({ bytes }) => written.push(bytes) })
  t.ok(new Set(written).size > 20, `it was told ${new Set(written).size} times that more is there`)
  const stop = new AbortController()
  let seen = 0
  const stopping = pack(store, {
    signal: stop.signal,
    onProgress({ bytes }) {
      seen = bytes
      if (bytes > 100_000) stop.abort()
    },
  })
  await t.rejects(stopping, { name: 'AbortError' })
  t.ok(seen < 500_000, `stopped after ${seen} bytes`)
  store.close()
})

t.test('ids that come while a pack copies are kept, and those that are older than a week are dropped', async t => {
  const disk = tellingAll()
  const store = newStore(t, disk)
  const now = Date.now()
  putIds(store, 5000, n => `old ${n}`, now - 8 * DAY)
  putIds(store, 5000, n => `young ${n}`, now - 6 * DAY)
  let late = 0
  const result = await pack(store, {
    onProgress() {
      const id = `late ${late}`
      if (late < 50) t.equal(store.commit(draft(record(1, id)), store.latest(), [], true, id).outcome, 'committed')
      late++
    },
  })
  t.ok(late > 50)
  t.match(result, { objects: 1, dropped: 0 })
  const { current } = store
  t.equal(current.log.idCount, 5050)
  for (let n = 0; n < 50; n++) if (!current.committed(`late ${n}`)) t.fail(`late ${n}`)
  for (let n = 0; n < 5000; n++) if (!current.committed(`young ${n}`)) t.fail(`young ${n}`)
  t.notOk(current.committed('old 0'))
  t.ok(Math.abs(current.header.idsSince - (now - 7 * DAY)) < DAY, 'and the file says so')
  const { path } = store
  store.close()
  assertSound(t, path)
})

t.test('a pack tells of objects alone how many are copied, however many ids there are', async t => {
  const store = newStore(t, tellingAll())
  putIds(store, 5000, n => `before ${n}`)
  put(store, record(-1, 'reached'), record(1, 'root', [-1]))
  const told: { objects: number; most: number }[] = []
  let more = 0
  const onProgress = ({ objects, most }: { objects: number; most: number }): void => {
    told.push({ objects, most })
    if (more++ < 3) putIds(store, 1000, n => `meanwhile ${more} ${n}`)
  }
  t.match(await pack(store, { onProgress }), { objects: 2, dropped: 0 })
  t.ok(told.length > 20)
  t.ok(
    told.every(({ objects, most }) => objects >= 0 && objects <= most),
    'no more than there are',
  )
  t.ok(
    told.every(({ objects }, n) => objects >= (told[n - 1]?.objects ?? 0)),
    'and never fewer than before',
  )
  t.match(told.at(-1), { objects: 2, most: 2 })
  store.close()
})
