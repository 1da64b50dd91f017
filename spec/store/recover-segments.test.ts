// Which frames behind damage are of the log: files that hold copies of store files as data, in whole or in pieces, and one damaged place.
// No acknowledged commit is cut off, or missing without a word, and nothing is taken that another life of the store has written.
import t from 'tap'
import { checksum } from '../../lib/log/checksum.js'
import { FRAME_HEADER_LENGTH, LARGEST_FRAME, readFrameHeader, sealFrame, SMALLEST_FRAME } from '../../lib/log/frame.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { stretchOf, type DraftRecord, type Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { PATH } from '../damage/known-store.js'
import { initialDraft, put, record, SHAPE } from '../helpers/drafts.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { salvaged } from './salvaged.js'

const SAVED = '/saved.db'

/** A store in memory whose commits are durable. */
class Durable {
  readonly disk = new MemoryDisk()
  readonly store = Store.open(this.disk, PATH, {}, initialDraft)
  /** Eight objects. */
  readonly oids: readonly Oid[]

  constructor() {
    const first = put(this.store, ...Array.from({ length: 8 }, (_, n) => record(-1 - n, `made ${n}`)))
    this.oids = Array.from({ length: 8 }, (_, n) => (first + n) as Oid)
    this.store.makeDurable(this.store.latest())
  }

  get bytes(): Buffer {
    return this.disk.bytesOf(PATH)
  }

  get end(): number {
    return this.store.latest().offset
  }

  commit(...records: DraftRecord[]): void {
    put(this.store, ...records)
    this.store.makeDurable(this.store.latest())
  }

  /** One commit for each object. */
  changeAll(text: string): void {
    for (const oid of this.oids) this.commit(record(oid, text))
  }
}

/** New objects with parts of these bytes as their states. */
function kept(bytes: Buffer, size = bytes.length): DraftRecord[] {
  const values: DraftRecord[] = []
  for (let at = 0; at < bytes.length; at += size)
    values.push({ oid: -1 - values.length, shape: SHAPE, refs: [], ...stretchOf(bytes.subarray(at, at + size)) })
  return values
}

/** What another life of the store has written behind this state. */
function foreign(bytes: Buffer, oids: readonly Oid[], count: number): Buffer {
  const disk = MemoryDisk.with({ [PATH]: bytes })
  const store = Store.open(disk, PATH)
  for (let n = 0; n < count; n++) put(store, record(oids[n % oids.length] ?? 1, 'FOREIGN'.repeat(10)))
  store.close()
  return disk.bytesOf(PATH)
}

function spliced(bytes: Buffer, from: number, to: number, put = Buffer.alloc(0)): Buffer {
  return Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)])
}

const LATE = Array.from({ length: 8 }, () => 'late')

for (const size of [300, 1000, 100_000]) {
  t.test(`commits behind the pieces of a copy are saved, if bytes are gone before it: ${size} bytes each`, async t => {
    const made = new Durable()
    const from = made.end
    for (let n = 0; n < 12; n++) made.commit(record(1, `small ${n}`))
    const to = made.end
    made.commit(record(1, 'holds this file'), ...kept(made.bytes, size))
    const { tid } = made.store.latest()
    made.changeAll('late')
    const { report, texts } = salvaged(spliced(made.bytes, from + 20, to + 20), made.oids)
    t.same(texts, LATE)
    t.match(report, { lastTid: tid + 8, torn: undefined, missingCommits: [{ from: 3, to: tid }] })
  })
}

t.test('so are those behind pieces of what another life has written, whatever is damaged', async t => {
  for (const [size, commits] of [
    [300, 20],
    [500, 50],
  ] as const) {
    const made = new Durable()
    const from = made.end
    const copy = foreign(made.bytes, made.oids, commits).subarray(from)
    made.commit(record(1, 'holds it'), ...kept(copy, size))
    made.changeAll('late')
    const { bytes } = made
    for (const damaged of [
      spliced(bytes, from + 20, from + 20, Buffer.alloc(100, 46)),
      spliced(bytes, from + 20, from + 30),
      spliced(bytes, from + 20, from + 30, Buffer.alloc(10)),
    ]) {
      const { report, texts } = salvaged(damaged, made.oids)
      t.same(texts, LATE)
      t.match(report, { lastTid: 11, torn: undefined, missingCommits: [{ from: 3, to: 3 }] })
    }
  }
})

t.test('a later sector in the place of the first costs the commits in it, and none behind it', async t => {
  const made = new Durable()
  for (const oid of made.oids.slice(0, 4)) made.commit(record(oid, `early ${'.'.repeat(300)}`))
  for (let n = 0; n < 2; n++) made.commit(record(1, 'holds this file'), ...kept(made.bytes, 300))
  const { offset, tid } = made.store.latest()
  made.changeAll('late')
  const { bytes } = made
  for (let from = 8192; from + 4096 <= offset; from += 512) {
    const damaged = Buffer.from(bytes)
    bytes.copy(damaged, 4096, from, from + 4096)
    const { report } = salvaged(damaged, [])
    t.match(report, { lastTid: tid + 8, torn: undefined }, `from ${from}`)
    t.ok(report.missingCommits.every(({ to }) => to <= tid))
  }
})

t.test('durable commits are not cut off whatever an append that was never finished holds', async t => {
  for (const isEndOfLarge of [true, false]) {
    const made = new Durable()
    made.commit(record(1, 'x'.repeat(20_000)))
    const { end: at } = made
    made.commit(record(1, 'y'.repeat(2000)))
    for (const oid of made.oids.slice(0, 3)) made.commit(record(oid, 'late'))
    const { tid, offset } = made.store.latest()
    put(made.store, ...kept(isEndOfLarge ? made.bytes.subarray(at - 3000, at) : Buffer.alloc(3000)))
    const unfinished = made.bytes.subarray(0, made.end - 10)
    for (const damaged of [
      spliced(unfinished, at + 500, at + 500, Buffer.alloc(100, 46)),
      spliced(unfinished, at + 500, at + 600),
    ]) {
      const disk = MemoryDisk.with({ [PATH]: damaged })
      disk.boot = 2
      t.throws(() => Store.open(disk, PATH), { code: 'CORRUPT_LOG', offset: at })
      const { report, texts } = salvaged(damaged, made.oids.slice(0, 3), 2)
      t.same(texts, LATE.slice(0, 3))
      const torn = { offset: offset + damaged.length - unfinished.length }
      t.match(report, { lastTid: tid, missingCommits: [{ from: 4, to: 4 }], torn })
    }
  }
})

t.test('nor are they if bytes have been inserted in one, and a power cut has damaged what is behind it', async t => {
  const made = new Durable()
  const starts: number[] = []
  for (let n = 0; n < 7; n++) {
    starts.push(made.end)
    put(made.store, record(1, `text ${n} ${'.'.repeat(1200)}`))
    if (n < 3) made.store.makeDurable(made.store.latest())
  }
  const [, , third = 0, fourth = 0, fifth = 0] = starts
  const bytes = made.bytes
  bytes.fill(0, fourth, fourth + 72)
  bytes.fill(0, fifth, fifth + 72)
  bytes.fill(0, bytes.length - 100)
  const damaged = spliced(bytes, third + 200, third + 200, Buffer.alloc(100, 46))
  const disk = MemoryDisk.with({ [PATH]: damaged })
  disk.boot = 2
  t.throws(() => Store.open(disk, PATH), { code: 'CORRUPT_LOG', offset: third, lastGoodTid: 4 })
  t.ok(disk.bytesOf(PATH).equals(damaged))
})

t.test('an append that was never finished ends the log for a salvage as for a reader, whatever it holds', async t => {
  const made = new Durable()
  const [oid = 1 as Oid] = made.oids
  const copy = foreign(made.bytes, [oid], 20)
  const { end } = made
  put(made.store, ...kept(Buffer.concat([copy.subarray(-500), Buffer.alloc(500)])))
  const bytes = made.bytes.subarray(0, made.end - 300)
  for (const boot of [1, 2]) {
    const { report, texts } = salvaged(bytes, [oid], boot)
    t.same(texts, ['made 0'])
    t.match(report, { lastTid: 2, skipped: [], missingCommits: [], torn: { offset: end } })
  }
})

t.test('of frames at the end that may be copies it is told that they are missing', async t => {
  const made = new Durable()
  const copy = foreign(made.bytes, made.oids.slice(0, 1), 3).subarray(made.end)
  const { end } = made
  made.commit(...kept(Buffer.concat([Buffer.alloc(1000), copy.subarray((copy.length / 3) * 2), Buffer.alloc(3000)])))
  const damaged = made.bytes
  damaged.fill(0, end, end + 80) // nothing tells where the commit begins ...
  damaged.fill(0, damaged.length - 100) // ... nor where it ends
  const { report, texts } = salvaged(damaged, made.oids)
  t.same(
    texts,
    made.oids.map((_, n) => `made ${n}`),
  )
  t.match(report, { lastTid: 5, missingCommits: [{ from: 3, to: 5 }], torn: undefined })
})

t.test('headers of frames that announce more than there is are not looked through again for each of them', async t => {
  const made = new Durable()
  const { bytes } = made
  const header = readFrameHeader(bytes, 4096, 4096)
  if (header === undefined) throw new Error('there is no frame')
  const count = 1000
  const heads = Buffer.alloc(count * FRAME_HEADER_LENGTH)
  for (let n = 0; n < count; n++) {
    const frame = Buffer.alloc(SMALLEST_FRAME)
    sealFrame(frame, { ...header, offset: bytes.length + n * FRAME_HEADER_LENGTH, tid: 3 + n, bodyLength: 0 })
    frame.writeUInt32LE(LARGEST_FRAME / 2, 32) // the length of its body
    frame.writeUInt32LE(checksum(frame, 0, 0, 68), 68)
    frame.copy(heads, n * FRAME_HEADER_LENGTH)
  }
  for (const damage of [() => undefined, () => (bytes[4096 + 80] = (bytes[4096 + 80] ?? 0) ^ 1)]) {
    damage()
    let read = 0
    const damaged = Buffer.concat([bytes, heads])
    const disk = wrapDisk(MemoryDisk.with({ [PATH]: damaged }), (name, _n, go, args) => {
      if (name === 'read') read += args[3] as number
      return go()
    })
    recover(disk, PATH, SAVED)
    t.ok(read < 10 * damaged.length, `${Math.round(read / damaged.length)} times the file were read`)
    read = 0
    verify(disk, PATH, () => undefined)
    t.ok(read < 30 * damaged.length, `${Math.round(read / damaged.length)} times the file were read by the check`)
  }
})

for (const [what, damage] of Object.entries<(bytes: Buffer, at: number) => Buffer>({
  'bytes have got in': (bytes, at) => spliced(bytes, at, at, Buffer.alloc(100, '.')),
  'bytes are gone': (bytes, at) => spliced(bytes, at, at + 10),
})) {
  t.test(`a copy in an append that was never finished is no part of the log, where ${what} before it`, t => {
    const log = new Durable()
    log.changeAll('early')
    const at = log.end + FRAME_HEADER_LENGTH + 8 // in the first of the commits that follow
    log.changeAll('late')
    const { bytes, end } = log
    put(log.store, record(1, 'never finished'), ...kept(bytes))
    const all = log.bytes
    const wrong: number[] = []
    for (let to = end + 200; to < all.length - 4; to += 7) {
      const { texts } = salvaged(damage(all.subarray(0, to), at), log.oids)
      if (texts.slice(1).some(text => text !== 'late')) wrong.push(to)
    }
    t.same(wrong, [])
    t.end()
  })
}
