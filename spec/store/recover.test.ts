import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { readHistory } from '../../lib/store/history.js'
import { pack } from '../../lib/store/pack.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { tempDir } from '../helpers/temp-dir.js'

interface Made {
  readonly path: string
  readonly to: string
  readonly oids: Oid[]
  /** Where the frame of each commit begins, and its length, by tid. */
  readonly frames: Map<number, { offset: number; bytes: number }>
}

/** A root that refers to five objects, each made by a commit of its own (3 to 7), and changed by another (8 to 12). */
function makeStore(t: Test): Made {
  const dir = tempDir(t)
  const path = join(dir, 'app.db')
  const store = Store.open(systemDisk, path, {}, initialDraft)
  const oids: Oid[] = []
  put(store, record(1, 'root'))
  for (let n = 0; n < 5; n++) {
    const oid = put(store, record(-1, `made ${n}`), record(1, 'root', [...oids, -1]))
    oids.push(oid)
  }
  oids.forEach((oid, n) => put(store, record(oid, `changed ${n}`)))
  const frames = new Map<number, { offset: number; bytes: number }>()
  readHistory(store.latest().generation, ({ tid, offset, bytes }) => frames.set(tid, { offset, bytes }))
  store.close()
  return { path, to: join(dir, 'saved.db'), oids, frames }
}

function damage(path: string, offset: number, bytes = 1): void {
  const content = readFileSync(path)
  for (let at = offset; at < offset + bytes; at++) content[at] = (content[at] ?? 0) ^ 0xff
  writeFileSync(path, content)
}

function frameOf({ frames }: Made, tid: number): { offset: number; bytes: number } {
  const frame = frames.get(tid)
  if (!frame) throw new Error(`there is no commit ${tid}`)
  return frame
}

function openSaved(t: Test, path: string): Store {
  const store = Store.open(systemDisk, path)
  t.teardown(() => store.close())
  return store
}

t.test('an undamaged store is saved whole', t => {
  const made = makeStore(t)
  t.match(recover(systemDisk, made.path, made.to), {
    saved: 6,
    lost: [],
    skipped: [],
    missingCommits: [],
    lastTid: 12,
    rootLost: false,
  })
  const store = openSaved(t, made.to)
  t.equal(textOf(store, made.oids[4] ?? 0), 'changed 4')
  t.equal(store.latest().tid, 12)
  t.equal(verify(systemDisk, made.to, finding => t.fail(finding.message)).damage, 0)
  t.end()
})

t.test('a damaged commit: everything else is saved, and what is missing is told', t => {
  const made = makeStore(t)
  const { offset, bytes } = frameOf(made, 10)
  damage(made.path, offset + bytes - 20, 2)
  t.throws(() => Store.open(systemDisk, made.path), {
    code: 'CORRUPT_LOG',
    offset,
    lastGoodTid: 9,
    nextGoodOffset: offset + bytes,
  })
  const before = readFileSync(made.path)
  const report = recover(systemDisk, made.path, made.to)
  t.match(report, { saved: 6, lost: [], missingCommits: [{ from: 10, to: 10 }], lastTid: 12 })
  t.equal(report.skipped.length, 1)
  t.ok(readFileSync(made.path).equals(before), 'the damaged file is as it was')
  const store = openSaved(t, made.to)
  t.strictSame(
    made.oids.map(oid => textOf(store, oid)),
    ['changed 0', 'changed 1', 'made 2', 'changed 3', 'changed 4'],
  )
  t.end()
})

t.test('an object of which nothing is left is lost, and the store can be packed nevertheless', async t => {
  const made = makeStore(t)
  for (const tid of [5, 10]) damage(made.path, frameOf(made, tid).offset, 40)
  const [, , lost = 0] = made.oids
  t.match(recover(systemDisk, made.path, made.to), { saved: 5, lost: [lost], rootLost: false, lastTid: 12 })
  const store = openSaved(t, made.to)
  t.equal(textOf(store, 1), 'root')
  t.equal(verify(systemDisk, made.to, finding => t.fail(finding.message)).damage, 0)
  await pack(store)
  t.equal(textOf(store, made.oids[4] ?? 0), 'changed 4')
  t.ok(
    put(store, record(-1, 'new'), record(1, 'root', [-1])) > Math.max(...made.oids),
    'an oid is never given out again',
  )
})

t.test('a damaged file header does not matter', t => {
  const made = makeStore(t)
  damage(made.path, 0, 4096)
  t.match(recover(systemDisk, made.path, made.to), { saved: 6, lost: [], lastTid: 12 })
  t.equal(textOf(openSaved(t, made.to), 1), 'root')
  t.end()
})

t.test('sound records of a damaged frame are saved', async t => {
  const made = makeStore(t)
  const whole = openSaved(t, made.path)
  await pack(whole)
  whole.latest()
  const last = Math.max(...made.oids.map(oid => whole.current.newest(oid)))
  damage(made.path, last + 1, 4)
  const report = recover(systemDisk, made.path, made.to)
  t.equal(report.saved + report.lost.length, 6)
  t.equal(report.lost.length, 1, 'only the damaged record is lost')
})

t.test('what was not a store is refused, and an existing file is never overwritten', t => {
  const made = makeStore(t)
  const other = join(tempDir(t), 'other')
  writeFileSync(other, 'x'.repeat(10_000))
  t.throws(() => recover(systemDisk, other, made.to), { code: 'NOT_A_STORE' })
  t.throws(() => recover(systemDisk, made.path, other), { code: 'UNSUPPORTED', message: /exists/ })
  t.throws(() => recover(systemDisk, made.path, made.path), { code: 'UNSUPPORTED', message: /exists/ })
  t.throws(() => recover(systemDisk, `${other}-missing`, made.to), { code: 'NOT_FOUND' })
  t.equal(readFileSync(other, 'utf8').length, 10_000)
  t.end()
})
