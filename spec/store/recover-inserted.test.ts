// Salvage of files into which bytes have got that were not written there, and of files that hold copies of store files as data.
import t from 'tap'
import { recover, type RecoverReport } from '../../lib/store/recover.js'
import { readHistory } from '../../lib/store/history.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { stretchOf, type DraftRecord, type Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { PATH } from '../damage/known-store.js'
import { initialDraft, put, record, SHAPE, textOf } from '../helpers/drafts.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

const SAVED = '/saved.db'

interface Place {
  readonly offset: number
  readonly bytes: number
}

function placesOf(store: Store): Map<number, Place> {
  const frames = new Map<number, Place>()
  for (const { tid, offset, bytes } of readHistory(store.latest())) frames.set(tid, { offset, bytes })
  return frames
}

interface Made {
  readonly bytes: Buffer
  readonly oids: readonly Oid[]
  readonly frames: ReadonlyMap<number, Place>
  /** Where the newest version of each object stands. */
  readonly places: readonly number[]
}

/** Durable commits 2 to 9, each of which changes one of eight objects; all objects were made by commit 2, with `count` others. */
function makeStore(count = 0): Made {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const first = put(
    store,
    ...Array.from({ length: 8 + count }, (_, n) => record(-1 - n, `made ${n} ${'.'.repeat(n % 50)}`)),
  )
  const oids = Array.from({ length: 8 + count }, (_, n) => (first + n) as Oid)
  for (let n = 0; n < 8; n++) {
    put(store, record(oids[n] ?? 0, `changed ${n}`))
    store.makeDurable(store.latest())
  }
  const places = oids.map(oid => store.current.newest(oid))
  const frames = placesOf(store)
  store.close()
  return { bytes: disk.bytesOf(PATH), oids, frames, places }
}

function frameOf({ frames }: Pick<Made, 'frames'>, tid: number): Place {
  const frame = frames.get(tid)
  if (!frame) throw new Error(`there is no commit ${tid}`)
  return frame
}

function withInserted(bytes: Buffer, at: number, inserted: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)])
}

/** What a salvage of these bytes tells, and the texts that are in what it has saved. */
function salvaged(bytes: Buffer, oids: readonly Oid[]): { report: RecoverReport; texts: (string | undefined)[] } {
  const disk = MemoryDisk.with({ [PATH]: bytes })
  const report = recover(disk, PATH, SAVED)
  const store = Store.open(disk, SAVED, { readonly: true })
  const texts = oids.map(oid => textOf(store, oid))
  store.close()
  return { report, texts }
}

t.test('a stretch that stands twice in a large commit costs the record that it breaks, and no other', async t => {
  const made = makeStore(500)
  const { offset, bytes } = frameOf(made, 2)
  for (const length of [512, 4096]) {
    for (let at = offset + 72 + length; at < offset + bytes; at += 1013) {
      const { report, texts } = salvaged(withInserted(made.bytes, at, made.bytes.subarray(at - length, at)), made.oids)
      const lost = texts.filter(text => text === undefined || text === '').length
      if (lost > 1 || report.lastTid !== 10 || report.missingCommits.some(({ from, to }) => from !== 2 || to !== 2))
        t.fail(`${length} bytes at ${at}: ${lost} objects lost, ${JSON.stringify(report)}`)
    }
  }
})

t.test('so do other bytes', async t => {
  const made = makeStore(500)
  const { offset, bytes } = frameOf(made, 2)
  for (const inserted of [Buffer.alloc(512), Buffer.alloc(4096, 0xff), Buffer.of(7)]) {
    for (let at = offset + 72; at < offset + bytes; at += 1013) {
      const { texts } = salvaged(withInserted(made.bytes, at, inserted), made.oids)
      const lost = texts.filter(text => text === undefined || text === '').length
      if (lost > 1) t.fail(`${inserted.length} bytes at ${at}: ${lost} objects lost`)
    }
  }
})

t.test('commits behind inserted bytes are saved, wherever in the log those stand', async t => {
  const made = makeStore()
  const { offset, bytes } = frameOf(made, 6)
  for (let at = offset - 20; at < offset + bytes + 20; at++) {
    for (const inserted of [Buffer.alloc(100), made.bytes.subarray(at - 512, at), made.bytes.subarray(at - 80, at)]) {
      const { report, texts } = salvaged(withInserted(made.bytes, at, inserted), made.oids)
      const hit = at < offset ? 5 : at < offset + bytes ? 6 : 7
      const expected = made.oids.map((_, n) => `changed ${n}`)
      const wrong = texts.filter((text, n) => text !== expected[n] && n !== hit - 3)
      const { lastTid, missingCommits, torn, skipped } = report
      const isTold = missingCommits.every(({ from, to }) => from === hit && to === hit)
      if (wrong.length > 0 || lastTid !== 10 || !isTold || torn !== undefined || skipped.length === 0)
        t.fail(`${inserted.length} bytes at ${at}: ${JSON.stringify({ texts, report })}`)
    }
  }
})

t.test('a commit that stands twice is saved once, and those behind it', async t => {
  const made = makeStore()
  const { offset, bytes } = frameOf(made, 6)
  const twice = made.bytes.subarray(offset, offset + bytes)
  const { report, texts } = salvaged(withInserted(made.bytes, offset + bytes, twice), made.oids)
  t.match(report, { lastTid: 10, missingCommits: [], skipped: [{ offset: offset + bytes, bytes }], torn: undefined })
  t.same(
    texts,
    made.oids.map((_, n) => `changed ${n}`),
  )
})

t.test('of frames that nothing proves to be of this log it is told that they are missing', async t => {
  const made = makeStore()
  const [fourth, sixth, ninth] = [frameOf(made, 4), frameOf(made, 6), frameOf(made, 9)]
  const damaged = Buffer.from(made.bytes)
  damaged.fill(0, fourth.offset, sixth.offset) // no trace of what was there ...
  damaged.fill(0, ninth.offset, ninth.offset + 80) // ... and the others do not lead to the end
  damaged.fill(0, ninth.offset + ninth.bytes)
  const { report, texts } = salvaged(withInserted(damaged, sixth.offset, Buffer.alloc(1000)), made.oids)
  t.same([report.lastTid, report.missingCommits, report.torn], [8, [{ from: 4, to: 8 }], undefined])
  t.match(texts.slice(0, 6), [/^changed 0/, /^made 1/, /^made 2/, /^made 3/, /^made 4/, /^made 5/])
})

t.test('inserted bytes are not the mark of a power cut: nobody cuts off what stands behind them', async t => {
  const made = makeStore()
  const { offset } = frameOf(made, 6)
  const damaged = withInserted(made.bytes, offset + 80, Buffer.alloc(512))
  const disk = MemoryDisk.with({ [PATH]: damaged })
  disk.boot = 2
  for (const readonly of [true, false])
    t.throws(() => Store.open(disk, PATH, { readonly }).latest(), { code: 'CORRUPT_LOG', offset, lastGoodTid: 5 })
  t.ok(disk.bytesOf(PATH).equals(damaged))
  t.match(recover(disk, PATH, SAVED), { lastTid: 10, torn: undefined, missingCommits: [{ from: 6, to: 6 }] })
})

for (const sector of [512, 4096]) {
  t.test(
    `what a power cut leaves of a copy of this file is no witness against it: sectors of ${sector} bytes`,
    async t => {
      const disk = new MemoryDisk()
      const store = Store.open(disk, PATH, {}, initialDraft)
      const first = put(store, record(-1, 'durable'))
      store.makeDurable(store.latest())
      const { offset: durable } = store.latest()
      put(store, record(first, 'not on disk'))
      const copies = [disk.bytesOf(PATH), disk.bytesOf(PATH).subarray(durable), Buffer.alloc(6000, 66)]
      put(store, ...copies.map((copy, n): DraftRecord => ({ oid: -1 - n, shape: SHAPE, refs: [], ...stretchOf(copy) })))
      const { offset: end } = store.latest()
      const written = disk.bytesOf(PATH)
      store.close()
      const [behindFirst, last] = [Math.ceil((durable + 1) / sector) * sector, Math.floor((end - 1) / sector) * sector]
      for (const isShort of [false, true]) {
        const left = Buffer.from(isShort ? written.subarray(0, last) : written)
        left.fill(0, durable, behindFirst)
        left.fill(0, last)
        const after = MemoryDisk.with({ [PATH]: left })
        after.boot = 2
        t.match(recover(after, PATH, SAVED), { lastTid: 2, missingCommits: [], torn: { offset: durable } })
        for (const readonly of [true, false]) {
          const again = Store.open(after, PATH, { readonly })
          t.equal(textOf(again, first), 'durable')
          again.close()
        }
      }
    },
  )
}

/** The file of a store in which commit 4 holds, among changes of 20 objects, the file of the same store's other life. */
function makeWithFork(chunks: number, before = 10): Made {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const first = put(store, ...Array.from({ length: 20 }, (_, n) => record(-1 - n, `made ${n}`)))
  const oids = Array.from({ length: 20 }, (_, n) => (first + n) as Oid)
  put(store, record(1, 'root'))
  const other = MemoryDisk.with({ [PATH]: disk.bytesOf(PATH) })
  const fork = Store.open(other, PATH)
  for (let n = 0; n < 3; n++) put(fork, ...oids.map(oid => record(oid, `foreign ${'-'.repeat(n + (oid % 7))}`)))
  fork.close()
  const copy = other.bytesOf(PATH)
  const size = Math.ceil(copy.length / chunks)
  const values = Array.from({ length: chunks }, (_, n): DraftRecord => {
    const part = copy.subarray(n * size, (n + 1) * size)
    return { oid: -1 - n, shape: SHAPE, refs: [], ...stretchOf(part) }
  })
  const own = oids.map(oid => record(oid, `own ${oid}`))
  put(store, ...own.slice(0, before), ...values, ...own.slice(before))
  const places = oids.map(oid => store.current.newest(oid))
  const frames = placesOf(store)
  store.close()
  return { bytes: disk.bytesOf(PATH), oids, frames, places }
}

t.test('records of another life that are kept as data are none of this one, whatever is damaged', async t => {
  for (const [chunks, before] of [
    [1, 10],
    [3, 10],
    [1, 20],
  ] as const) {
    const made = makeWithFork(chunks, before)
    const { offset } = frameOf(made, 4)
    for (let at = offset; at < made.bytes.length; at += 89) {
      for (const damage of ['flip', 'zero', 'cut out', 'insert'] as const) {
        let damaged: Buffer = Buffer.from(made.bytes)
        if (damage === 'flip') damaged[at] = (damaged[at] ?? 0) ^ 1
        if (damage === 'zero') damaged.subarray(at, at + 100).fill(0)
        if (damage === 'cut out') damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(at + 100)])
        if (damage === 'insert') damaged = withInserted(damaged, at, Buffer.alloc(100))
        const { texts, report } = salvaged(damaged, made.oids)
        const foreign = texts.filter(text => !/^(own|made)/.test(text ?? 'made'))
        if (foreign.length > 0 || report.lastTid > 4)
          t.fail(`${damage} at ${at}, ${chunks} chunks: ${foreign.length} foreign, ${JSON.stringify(report)}`)
      }
    }
  }
})

t.test(
  'commits behind a copy of a longer log are its own, though the copy says that it belongs further behind',
  async t => {
    const disk = new MemoryDisk()
    const store = Store.open(disk, PATH, {}, initialDraft)
    put(store, record(1, 'two'))
    const other = MemoryDisk.with({ [PATH]: disk.bytesOf(PATH) })
    const fork = Store.open(other, PATH)
    put(fork, { ...record(-1, ''), ...stretchOf(Buffer.alloc(5000)) })
    const { offset: from } = fork.latest()
    for (let n = 4; n <= 8; n++) put(fork, record(1, `foreign ${n}`))
    fork.close()
    const { offset } = store.latest()
    put(store, {
      ...record(-1, ''),
      ...stretchOf(Buffer.concat([Buffer.alloc(600), other.bytesOf(PATH).subarray(from)])),
    })
    for (let n = 4; n <= 6; n++) put(store, record(1, `own ${n}`))
    store.makeDurable(store.latest())
    store.close()
    const damaged = disk.bytesOf(PATH)
    damaged.fill(0, offset, offset + 512)
    const { report, texts } = salvaged(damaged, [1 as Oid])
    t.same(texts, ['own 6'])
    t.match(report, { lastTid: 6, missingCommits: [{ from: 3, to: 3 }] })
  },
)

t.test('a damaged copy costs no other record of its commit', async t => {
  const made = makeWithFork(1)
  const { offset, bytes } = frameOf(made, 4)
  const [ninth = 0, tenth = 0] = made.places.slice(9)
  for (let at = ninth + 100; at < tenth - 100; at += 37) {
    for (const [gone, inserted] of [
      [1, 1],
      [100, 100],
      [100, 0],
      [0, 100],
    ] as const) {
      const damaged = Buffer.concat([
        made.bytes.subarray(0, at),
        Buffer.alloc(inserted, 0xfe),
        made.bytes.subarray(at + gone),
      ])
      const { texts } = salvaged(damaged, made.oids)
      const lost = texts.filter(text => !text?.startsWith('own'))
      if (lost.length > 0) t.fail(`${inserted} for ${gone} bytes at ${at} of ${offset} + ${bytes}: ${lost.length} lost`)
    }
  }
})

t.test('bytes that are gone from the table of a packed state are told, with other damage or without', async t => {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const large = 'x'.repeat(1 << 20) // has a frame of its own
  const first = put(store, record(-1, 'one'), record(-2, large), record(1, 'root', [-1, -2]))
  await pack(store)
  put(store, record(first, 'two'))
  const { at = 0, end = 0 } = store.current.header.table ?? {}
  store.close()
  const bytes = disk.bytesOf(PATH)
  const cut = Buffer.concat([bytes.subarray(0, at + 20), bytes.subarray(at + 50)])
  const { report, texts } = salvaged(cut, [first])
  t.match(report, { skipped: [{ offset: at, bytes: end - at - 30 }], missingCommits: [], lastTid: 3, torn: undefined })
  t.same(texts, ['two'])
  cut[4096 + 80] = (cut[4096 + 80] ?? 0) ^ 1
  const found: number[] = []
  verify(MemoryDisk.with({ [PATH]: cut }), PATH, ({ offset }) => found.push(offset))
  t.same(found, [4096, at])
})

t.test('the work stays in proportion to the file, whatever it holds', async t => {
  const made = makeStore(300)
  const { offset, bytes } = frameOf(made, 2)
  // Many copies of headers that nothing proves or refutes, of frames that follow each other, and of trailers.
  const last = made.bytes.subarray(frameOf(made, 7).offset)
  const header = made.bytes.subarray(frameOf(made, 7).offset, frameOf(made, 7).offset + 72)
  const trailer = made.bytes.subarray(offset + bytes - 12, offset + bytes)
  const start = made.bytes.subarray(0, offset + bytes - 100)
  const all = (n: number, part: Uint8Array): Buffer => Buffer.concat(Array.from({ length: n }, () => part))
  for (const [what, rest] of [
    ['headers', all(4000, header)],
    ['frames', all(500, last)],
    ['trailers', all(20_000, trailer)],
    ['ends of trailers', Buffer.concat([last, last.subarray(40), all(100_000, trailer.subarray(-4))])],
    ['all', all(400, Buffer.concat([header, last, trailer, Buffer.of(1)]))],
  ] as const) {
    const damaged = Buffer.concat([start, Buffer.alloc(5000), rest])
    let read = 0
    let reads = 0
    const disk = wrapDisk(MemoryDisk.with({ [PATH]: damaged }), (name, _n, go, args) => {
      if (name === 'read') read += args[3] as number
      if (name === 'read') reads++
      return go()
    })
    recover(disk, PATH, SAVED)
    t.ok(reads < damaged.length / 4, `${what}: ${reads} reads of ${damaged.length} bytes`)
    t.ok(read < 40 * damaged.length, `${what}: ${Math.round(read / damaged.length)} times the file were read`)
  }
})
