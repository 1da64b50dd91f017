import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { readFrameHeader, sealFrame } from '../../lib/log/frame.js'
import { readHistory } from '../../lib/store/history.js'
import { pack } from '../../lib/store/pack.js'
import { recover, recoverAsync, type RecoverProgress } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { withId } from '../../lib/store/transaction-id.js'
import type { Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { draft, initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

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
  for (const { tid, offset, bytes } of readHistory(store.latest())) frames.set(tid, { offset, bytes })
  store.close()
  return { path, to: join(dir, 'saved.db'), oids, frames }
}

/** Skipped where the header of the file is damaged. */
const HEADER = { offset: 0, bytes: 4096 }
/** What is told of such a store when nothing is missing. */
const WHOLE = { saved: 6, lost: [], skipped: [], rebuilt: [], torn: undefined, missingCommits: [], rootLost: false }

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
  t.same(recover(systemDisk, made.path, made.to), { ...WHOLE, lastTid: 12 })
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
  t.match(report, { saved: 6, missingCommits: [{ from: 10, to: 10 }], lastTid: 12 })
  t.same(report.lost, [])
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
  for (const tid of [5, 10]) damage(made.path, frameOf(made, tid).offset, 80)
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
  const report = recover(systemDisk, made.path, made.to)
  t.match(report, { saved: 6, lastTid: 12 })
  t.same(report.lost, [])
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

t.test('a zeroed block of a commit of many objects costs the versions in it, and no others', t => {
  const made = makeStore(t)
  const writer = Store.open(systemDisk, made.path)
  const first = put(writer, ...Array.from({ length: 500 }, (_, n) => record(-1 - n, `made ${n}`)))
  const { offset } = writer.latest()
  const oids = Array.from({ length: 500 }, (_, n) => first + n)
  put(writer, ...oids.map((oid, n) => record(oid, `changed ${n}`)))
  const places = oids.map(oid => writer.current.newest(oid as Oid))
  writer.close()
  const from = Math.ceil((offset + 72) / 512) * 512 + 512
  const bytes = readFileSync(made.path).fill(0, from, from + 512)
  writeFileSync(made.path, bytes)
  const hit = oids.map((_, n) => (places[n] ?? 0) < from + 512 && (places[n + 1] ?? bytes.length) > from)
  t.ok(hit.filter(Boolean).length > 10)
  t.match(recover(systemDisk, made.path, made.to), { missingCommits: [{ from: 14, to: 14 }], skipped: [{ offset }] })
  const store = openSaved(t, made.to)
  t.same(
    oids.map(oid => textOf(store, oid)),
    hit.map((isHit, n) => `${isHit ? 'made' : 'changed'} ${n}`),
  )
  t.end()
})

t.test('commits behind bytes that were cut out of the file are saved, although they are not where they belong', t => {
  const made = makeStore(t)
  const { offset, bytes } = frameOf(made, 9)
  const content = readFileSync(made.path)
  for (const [from, to] of [
    [offset + 80, offset + 90],
    [offset + 75, offset + bytes],
    [offset + 30, offset + bytes + 30],
    [offset + 80, frameOf(made, 11).offset + 80],
  ] as const) {
    writeFileSync(made.path, Buffer.concat([content.subarray(0, from), content.subarray(to)]))
    rmSync(made.to, { force: true })
    const { skipped, torn, missingCommits, lastTid } = recover(systemDisk, made.path, made.to)
    const last = to > offset + 2 * bytes ? 11 : to > offset + bytes ? 10 : 9
    t.match({ skipped, torn, lastTid }, { skipped: [{ offset }], torn: undefined, lastTid: 12 }, `${from} to ${to}`)
    t.same(missingCommits, [{ from: 9, to: last }])
    const store = Store.open(systemDisk, made.to)
    t.same(
      made.oids.map(oid => textOf(store, oid)),
      [8, 9, 10, 11, 12].map((tid, n) => `${tid >= 9 && tid <= last ? 'made' : 'changed'} ${n}`),
    )
    store.close()
  }
  t.end()
})

t.test('bytes cut out of the last commit are told, and its sound records saved', t => {
  // The more bytes are gone, the nearer to what they replaced the records seem to be: at last, before the beginning of the file.
  for (const gone of [50, 4000]) {
    const made = makeStore(t)
    const writer = Store.open(systemDisk, made.path)
    put(writer, record(1, 'x'.repeat(5000)), ...made.oids.map(oid => record(oid, 'last')))
    writer.close()
    const at = readFileSync(made.path).lastIndexOf('xxx')
    const content = readFileSync(made.path)
    writeFileSync(made.path, Buffer.concat([content.subarray(0, at - gone), content.subarray(at)]))
    t.match(recover(systemDisk, made.path, made.to), { torn: undefined, missingCommits: [{ from: 13, to: 13 }] })
    const store = openSaved(t, made.to)
    t.same(
      [1, ...made.oids].map(oid => textOf(store, oid)),
      ['root', 'last', 'last', 'last', 'last', 'last'],
      `${gone} bytes`,
    )
  }
  t.end()
})

t.test('the beginning of another commit that has strayed into a frame ends that nowhere', t => {
  const made = makeStore(t)
  const writer = Store.open(systemDisk, made.path)
  const first = put(writer, ...Array.from({ length: 500 }, (_, n) => record(-1 - n, `made ${n}`)))
  const { offset } = writer.latest()
  const oids = Array.from({ length: 500 }, (_, n) => first + n)
  put(writer, ...oids.map((oid, n) => record(oid, `changed ${n}`)))
  const places = oids.map(oid => writer.current.newest(oid as Oid))
  const later = writer.latest().offset
  put(writer, record(1, 'x'.repeat(1000)))
  writer.close()
  const from = offset + 1500
  const bytes = readFileSync(made.path)
  bytes.copy(bytes, from, later, later + 512)
  writeFileSync(made.path, bytes)
  recover(systemDisk, made.path, made.to)
  const store = openSaved(t, made.to)
  t.same(
    oids.map(oid => textOf(store, oid)),
    oids.map((_, n) => {
      const isHit = (places[n] ?? 0) < from + 512 && (places[n + 1] ?? bytes.length) > from
      return `${isHit ? 'made' : 'changed'} ${n}`
    }),
  )
  t.end()
})

t.test('a packed state is no mark of a power cut, whatever is damaged in it, and with the file header', async t => {
  const made = makeStore(t)
  const before = Store.open({ ...systemDisk, boot: 1 }, made.path)
  await pack(before)
  before.latest()
  const at = before.current.newest(made.oids[0] as Oid)
  before.close()
  damage(made.path, at + 8)
  for (const spoil of [() => undefined, () => damage(made.path, 100)]) {
    spoil()
    rmSync(made.to, { force: true })
    const report = recover({ ...systemDisk, boot: 2 }, made.path, made.to)
    t.match(report, { saved: 5, lost: [made.oids[0]], torn: undefined })
  }
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

t.test('what is no regular file is not even opened', t => {
  const disk = MemoryDisk.with({ '/pipe': Buffer.alloc(5000) })
  const pipe = wrapDisk(disk, (name, _n, go) => {
    if (name === 'open') t.fail('it was opened')
    return name === 'lookUp' ? { ...(go() as object), isFile: false } : go()
  })
  t.throws(() => recover(pipe, '/pipe', '/new.db'), { code: 'NOT_A_STORE', path: '/pipe', message: /regular file/ })
  t.end()
})

t.test('what the disk refuses is told of the file that it concerns', t => {
  const { path, to } = makeStore(t)
  for (const [call, file] of [
    ['read', path],
    ['write', to],
    ['sync', to],
  ] as const) {
    const failing = wrapDisk(systemDisk, (name, _n, go) => {
      if (name !== call) return go()
      throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: name })
    })
    t.throws(() => recover(failing, path, to), { code: 'DISK', path: file }, call)
  }
  t.end()
})

t.test('a commit at the end that was never finished is left out, whatever part of it is there', t => {
  const { path, frames, oids } = makeStore(t)
  const store = Store.open(systemDisk, path)
  put(store, record(1, 'half'), record(-1, 'new'), record(oids[0] ?? 0, 'half'))
  store.close()
  const bytes = readFileSync(path)
  const begins = [...frames.values()].reduce((end, { offset, bytes }) => Math.max(end, offset + bytes), 0)
  for (let end = begins + 1; end < bytes.length; end++) {
    const disk = MemoryDisk.with({ [path]: bytes.subarray(0, end) })
    const { torn, skipped, missingCommits, lastTid } = recover(disk, path, '/saved.db')
    const saved = Store.open(disk, '/saved.db', { readonly: true })
    const found = { torn, skipped, missingCommits, lastTid, root: textOf(saved, 1), first: textOf(saved, oids[0] ?? 0) }
    saved.close()
    const expected = { skipped: [], missingCommits: [], lastTid: 12, root: 'root', first: 'changed 0' }
    if (!t.same(found, { ...expected, torn: { offset: begins, bytes: end - begins } }, `cut at ${end}`)) break
  }
  t.end()
})

t.test('the same behind damage: that is told, and the rest left out', t => {
  const made = makeStore(t)
  const [damaged, torn] = [frameOf(made, 11), frameOf(made, 12)]
  damage(made.path, damaged.offset + damaged.bytes - 12, 1)
  truncateSync(made.path, torn.offset + torn.bytes - 1)
  t.match(recover(systemDisk, made.path, made.to), {
    skipped: [{ offset: damaged.offset }],
    missingCommits: [{ from: 11, to: 11 }],
    torn: { offset: torn.offset, bytes: torn.bytes - 1 },
    lastTid: 11,
  })
  const store = openSaved(t, made.to)
  t.same([textOf(store, made.oids[3] ?? 0), textOf(store, made.oids[4] ?? 0)], ['changed 3', 'made 4'])
  t.end()
})

t.test('a frame that says it is longer than the file, and has others behind it, is damaged', t => {
  const made = makeStore(t)
  const { offset } = frameOf(made, 11)
  const bytes = readFileSync(made.path)
  const header = readFrameHeader(bytes, offset, offset)
  if (!header) throw new Error('there is no frame')
  const longer = Buffer.alloc(20_000)
  sealFrame(longer, { ...header, bodyLength: 10_000 })
  longer.copy(bytes, offset, 0, 72)
  writeFileSync(made.path, bytes)
  t.match(recover(systemDisk, made.path, made.to), { missingCommits: [{ from: 11, to: 11 }], lastTid: 12 })
  t.equal(textOf(openSaved(t, made.to), made.oids[3] ?? 0), 'changed 3')
  t.end()
})

t.test('of each of several damaged frames the sound records are saved, and all are named', t => {
  const made = makeStore(t)
  for (const tid of [9, 10, 12]) damage(made.path, frameOf(made, tid).offset + frameOf(made, tid).bytes - 12, 1)
  const { missingCommits, skipped, lastTid, torn } = recover(systemDisk, made.path, made.to)
  t.same(missingCommits, [
    { from: 9, to: 10 },
    { from: 12, to: 12 },
  ])
  t.same(
    skipped.map(({ offset }) => offset),
    [frameOf(made, 9).offset, frameOf(made, 12).offset],
  )
  t.same([lastTid, torn], [12, undefined])
  const store = openSaved(t, made.to)
  t.same(
    made.oids.map(oid => textOf(store, oid)),
    [0, 1, 2, 3, 4].map(n => `changed ${n}`),
  )
  t.end()
})

t.test('a packed state that ends too early is damage, not an append', async t => {
  const made = makeStore(t)
  await pack(openSaved(t, made.path))
  truncateSync(made.path, 4096 + 200)
  const report = recover(systemDisk, made.path, made.to)
  t.ok(report.saved > 0)
  t.ok(report.skipped.length > 0)
  t.equal(report.torn, undefined)
})

t.test('a long damaged stretch is gone through in pieces, which are told', async t => {
  const made = makeStore(t)
  const sound = readFileSync(made.path).length
  appendFileSync(made.path, Buffer.alloc(16 << 20))
  let longest = 0
  let now = 0
  const slow = { ...systemDisk, ticks: () => (now += 100), wait: () => Promise.resolve() }
  const disk = wrapDisk(slow, (name, _n, go, args) => {
    if (name === 'read') longest = Math.max(longest, args[3] as number)
    return go()
  })
  const searched: number[] = []
  const onProgress = ({ what, done }: RecoverProgress): void => void (what === 'searching' && searched.push(done))
  const report = await recoverAsync(disk, made.path, made.to, { onProgress })
  t.match(report, { saved: 6, skipped: [{ bytes: 16 << 20 }], torn: undefined })
  t.ok(longest <= 1 << 20, `${longest} bytes at once`)
  t.ok(searched.filter(done => done > sound).length >= 16)
})

t.test('a damaged header is not taken for one of a newer version', t => {
  const made = makeStore(t)
  damage(made.path, 8)
  t.throws(() => Store.open(systemDisk, made.path), { code: 'NEWER_FORMAT' })
  t.same(recover(systemDisk, made.path, made.to), { ...WHOLE, skipped: [HEADER], lastTid: 12 })
  t.end()
})

t.test('no commit is missing with the header of a packed store', async t => {
  const made = makeStore(t)
  const store = openSaved(t, made.path)
  await pack(store)
  put(store, record(1, 'after'))
  damage(made.path, 100)
  const { skipped, ...report } = recover(systemDisk, made.path, made.to)
  t.same({ ...report, skipped: [] }, { ...WHOLE, lastTid: 13 })
  t.same([skipped.length, skipped[0]], [2, HEADER], 'and the table, of which the header tells')
})

t.test('ids of transactions are unknown afterwards if some may be among what was lost', t => {
  const idsSince = (spoil: (made: Made) => void): number => {
    const made = makeStore(t)
    spoil(made)
    const disk = { ...systemDisk, now: () => 5e12 + 0.5 }
    recover(disk, made.path, made.to)
    return openSaved(t, made.to).current.header.idsSince
  }
  t.equal(
    idsSince(() => undefined),
    0,
  )
  t.equal(
    idsSince(({ path }) => appendFileSync(path, 'PFRM')),
    0,
    'nothing is lost with what was never finished',
  )
  for (const [at, length] of [
    [0, 1],
    [4096, 80],
    [4096 + 100, 1],
  ] as const)
    t.equal(
      idsSince(({ path }) => damage(path, at, length)),
      5e12 + 1,
    )
  t.equal(
    idsSince(({ path }) => damage(path, 4096)),
    0,
    'nor with a header that the rest proves',
  )
  t.equal(
    idsSince(made => damage(made.path, frameOf(made, 12).offset, 80)),
    5e12 + 1,
  )
  t.end()
})

t.test('objects without their shape are lost, and not counted as saved', t => {
  const made = makeStore(t)
  const bytes = readFileSync(made.path)
  damage(made.path, bytes.indexOf('\x93\xa0\x00\xc0', 4096, 'latin1'))
  t.match(recover(systemDisk, made.path, made.to), { saved: 0, lost: [1], rootLost: true, lastTid: 12 })
  t.equal(verify(systemDisk, made.to, finding => t.fail(finding.message)).damage, 0)
  const store = openSaved(t, made.to)
  t.ok(put(store, record(-1, 'new')) > Math.max(16, ...made.oids), 'an oid is never given out again')
  t.end()
})

t.test('ids of transactions are no objects, and what was lost before is lost again', t => {
  const made = makeStore(t)
  const store = Store.open(systemDisk, made.path)
  store.commit(withId(draft(record(1, 'root', made.oids)), 'once', 1), store.latest(), [], true)
  store.close()
  for (const tid of [5, 10]) damage(made.path, frameOf(made, tid).offset, 80)
  const [, , lost = 0] = made.oids
  const again = `${made.to}.again`
  t.match(recover(systemDisk, made.path, made.to), { saved: 5, lost: [lost], rootLost: false })
  t.same(recover(systemDisk, made.to, again), { ...WHOLE, saved: 5, lost: [lost], lastTid: 13 })
  t.ok(openSaved(t, again).current.committed('once'))
  t.end()
})

t.test('where no commit is left, the first one is missing: every store has that', t => {
  const made = makeStore(t)
  damage(made.path, 4096, readFileSync(made.path).length - 4096)
  const missingCommits = [{ from: 1, to: 1 }]
  t.match(recover(systemDisk, made.path, made.to), { saved: 0, lost: [1], rootLost: true, missingCommits, lastTid: 1 })
  t.equal(openSaved(t, made.to).latest().tid, 1)
  t.end()
})
