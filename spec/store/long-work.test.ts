// Long work is told of while it goes on, lets the process do other things, and can be stopped; what is stopped leaves nothing behind.
import { readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { verifyCollectionsAsync } from '../../lib/collection/verify-collections.js'
import { open, PersistentMap, type Connection } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { atOnce, inSlices } from '../../lib/store/long-work.js'
import { recoverAsync } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import type { OpenProgress } from '../../lib/store/store-options.js'
import { verifyAsync } from '../../lib/store/verify.js'
import { initialDraft, put, record } from '../helpers/drafts.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

/** Every call of its clock is a second later: whatever can be sliced, is. */
const slow = {
  ...systemDisk,
  ticks: (
    now => () =>
      (now += 1000)
  )(0),
}

/** A log of more than eight mebibytes, without an index file. */
function longLog(t: Test): string {
  const path = join(tempDir(t), 'app.db')
  const store = Store.open(systemDisk, path, {}, initialDraft)
  const refs: number[] = []
  for (let n = 0; n < 90; n++) {
    const first = put(store, ...Array.from({ length: 100 }, (_, k) => record(-1 - k, `${n} ${k} `.padEnd(1000))))
    for (let k = 0; k < 100; k++) refs.push(first + k)
  }
  put(store, record(1, 'root', refs))
  store.close()
  rmSync(`${path}.index`)
  return path
}

function namesBeside(path: string): string[] {
  return readdirSync(dirname(path)).sort()
}

t.test('opening without an index tells how far it has read', async t => {
  const path = longLog(t)
  const seen: OpenProgress[] = []
  Store.open(systemDisk, path, { readonly: true, onProgress: progress => seen.push(progress) }).close()
  t.ok(seen.length > 4)
  t.ok(seen.every(({ done, all }, n) => done <= all && done > (seen[n - 1]?.done ?? 0)))
})

t.test('opening can be stopped', async t => {
  const path = longLog(t)
  const before = namesBeside(path)
  const stop = new AbortController()
  let opened = 0
  const disk = wrapDisk(systemDisk, (name, _n, go) => {
    const result = go()
    if (name === 'open') opened++
    if (name === 'close') opened--
    return result
  })
  const options = { readonly: true, signal: stop.signal, onProgress: () => stop.abort() }
  t.throws(() => Store.open(disk, path, options), { name: 'AbortError' })
  t.throws(() => open(path, options), { name: 'AbortError' })
  t.equal(opened, 0)
  t.same(namesBeside(path), before)
})

const RUNS: Readonly<Record<string, (path: string, options: object) => Promise<unknown>>> = {
  verify: (path, options) => verifyAsync(slow, path, () => undefined, options),
  recover: (path, options) => recoverAsync(slow, path, `${path}.saved`, options),
}
for (const [name, run] of Object.entries(RUNS)) {
  t.test(`${name} lets others run, tells how far it is, and can be stopped at every step`, async t => {
    const path = longLog(t)
    let turns = 0
    const count = (): void => void (turns++, (ticking = setImmediate(count)))
    let ticking = setImmediate(count)
    const seen: { what: string; done: number; all: number }[] = []
    await run(path, { onProgress: (progress: (typeof seen)[0]) => seen.push(progress) })
    clearImmediate(ticking)
    t.ok(turns >= seen.length && seen.length > 10, `${turns} turns, ${seen.length} times told`)
    t.ok(seen.every(({ done, all }) => done >= 0 && done <= all))
    rmSync(`${path}.saved`, { force: true })
    const before = namesBeside(path)
    for (let n = 1; n < seen.length; n += Math.ceil(seen.length / 20)) {
      const stop = new AbortController()
      let told = 0
      const options = { signal: stop.signal, onProgress: () => ++told === n && stop.abort(new Error('enough')) }
      await t.rejects(run(path, options), { message: 'enough' })
      t.equal(told, n)
    }
    t.same(namesBeside(path), before)
    await t.rejects(run(path, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  })
}

t.test('the check of collections can be stopped', async t => {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, { root: { maps: [] as PersistentMap<number, number>[] } })
  db.transact(root => {
    for (let n = 0; n < 1000; n++) root.maps.push(new PersistentMap([[n, n]]))
  })
  db.close()
  t.equal(await verifyCollectionsAsync(slow, path, ({ message }) => t.fail(message), {}), 0)
  const stop = new AbortController()
  const options = { signal: stop.signal, onProgress: () => stop.abort() }
  await t.rejects(
    verifyCollectionsAsync(slow, path, () => undefined, options),
    { name: 'AbortError' },
  )
})

t.test('what many others have committed is caught up with in pieces where that can be awaited', async t => {
  const path = join(tempDir(t), 'app.db')
  const db = openWith(slow, path, { root: { text: '', n: 0 }, durability: 'os' }) as Connection<{
    text: string
    n: number
  }>
  t.equal(db.root.text, '')
  const other = Store.open({ ...systemDisk }, path)
  for (let n = 0; n < 30; n++) put(other, record(-1, 'x'.repeat(1 << 20)))
  let turns = 0
  const count = (): void => void (turns++, (ticking = setImmediate(count)))
  let ticking = setImmediate(count)
  await db.transactAsync(root => void root.n++)
  clearImmediate(ticking)
  t.ok(turns > 20, `${turns} turns`)
  t.equal(db.root.n, 1)
  other.close()
  db.close()
})

t.test('a large commit of others is not read while the lock is held', async t => {
  const path = join(tempDir(t), 'app.db')
  let locks = 0
  let readUnderLock = 0
  const disk = wrapDisk(systemDisk, (name, _n, go, args) => {
    if (name === 'read' && locks > 0) readUnderLock += args[3] as number
    const result = go()
    if (name === 'tryLock' && result === true) locks++
    if (name === 'unlock') locks--
    return result
  })
  const store = Store.open(disk, path, {}, initialDraft)
  const other = Store.open({ ...systemDisk }, path)
  const snapshot = store.latest()
  locks = 0
  put(other, record(-1, 'x'.repeat(40 << 20)))
  const draft = { records: [record(1, 'mine')], fresh: 0, annotation: new Uint8Array() }
  t.match(store.commit(draft, snapshot, [], true), { outcome: 'committed' })
  t.ok(readUnderLock < 3 << 20, `${readUnderLock} bytes`)
  other.close()
  store.close()
})

t.test('what a stopped run holds is given back', async t => {
  let closed = false
  function* work(): Generator<number, string> {
    try {
      for (let n = 0; n < 10; n++) yield n
      return 'done'
    } finally {
      closed = true
    }
  }
  t.equal(atOnce(work()), 'done')
  closed = false
  await t.rejects(inSlices(slow, work(), { signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
  const stop = new AbortController()
  await t.rejects(inSlices(slow, work(), { signal: stop.signal, onProgress: n => n === 3 && stop.abort() }))
  t.ok(closed)
})
