// Salvage of frames of which the header alone is damaged: what stands around it may prove what it said.
import t from 'tap'
import { decodeFileHeader, HEADER_LENGTH, saltOf } from '../../lib/log/file-header.js'
import { frameLength, readFrameHeader, sealFrame, SMALLEST_FRAME, type FrameHeader } from '../../lib/log/frame.js'
import { pack } from '../../lib/store/pack.js'
import type { RecoverReport } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { stretchOf, type Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { PATH } from '../damage/known-store.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { initialDraft, put, record } from '../helpers/drafts.js'
import { salvaged } from './salvaged.js'

interface Frame {
  readonly at: number
  readonly length: number
  readonly header: FrameHeader
}

function framesOf(bytes: Buffer): Frame[] {
  const { uuid, table } = decodeFileHeader(bytes.subarray(0, HEADER_LENGTH), PATH)
  const frames: Frame[] = []
  for (let at = HEADER_LENGTH; at < bytes.length;) {
    const header = readFrameHeader(bytes, at, at, saltOf(uuid))
    if (header === undefined) throw new Error(`no frame at ${at}`)
    frames.push({ at, length: frameLength(header), header })
    at += frameLength(header)
    if (at === table?.at) at = table.end
  }
  return frames
}

interface Made {
  readonly bytes: Buffer
  readonly frames: readonly Frame[]
  readonly oids: readonly Oid[]
}

function made(disk: MemoryDisk, oids: readonly Oid[]): Made {
  const bytes = disk.bytesOf(PATH)
  return { bytes, frames: framesOf(bytes), oids }
}

/** Commits 1 to 8: 3 to 8 each change one of six objects, at different times, and some make another. */
function makeStore(): Made {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const first = put(store, ...Array.from({ length: 6 }, (_, n) => record(-1 - n, `made ${n}`)))
  const oids = Array.from({ length: 6 }, (_, n) => (first + n) as Oid)
  for (const [n, oid] of oids.entries()) {
    disk.clock += 1000 * n
    put(store, record(oid, `changed ${n}`), ...(n % 2 === 0 ? [record(-1, 'new')] : []))
    if (n % 3 === 0) store.makeDurable(store.latest())
  }
  store.close()
  return made(disk, oids)
}

const CHANGED = Array.from({ length: 6 }, (_, n) => `changed ${n}`)

/** Nothing is lost, and the report names this frame alone. */
function isRebuilt({ missingCommits, skipped, lost, torn, rebuilt, lastTid }: RecoverReport, frame: Frame): boolean {
  const isNamed = rebuilt.length === 1 && rebuilt[0]?.offset === frame.at && rebuilt[0].bytes === frame.length
  return isNamed && missingCommits.length + skipped.length === 0 && lost.length < 2 && !torn && lastTid > 0
}

function flipped(bytes: Buffer, bit: number, at: number): Buffer {
  const damaged = Buffer.from(bytes)
  damaged[at + (bit >> 3)] = (damaged[at + (bit >> 3)] ?? 0) ^ (1 << (bit & 7))
  return damaged
}

t.test('a flipped bit in the header of a commit costs nothing, wherever it is', async t => {
  const { bytes, frames, oids } = makeStore()
  for (const frame of frames) {
    for (let bit = 0; bit < 576; bit++) {
      const { report, texts } = salvaged(flipped(bytes, bit, frame.at), oids)
      if (!isRebuilt(report, frame) || texts.join() !== CHANGED.join() || report.lastTid !== 8)
        t.fail(`bit ${bit} at ${frame.at}: ${JSON.stringify({ report, texts })}`)
    }
  }
})

t.test('nor does one in the header of a packed state', async t => {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const large = (n: number): string => String.fromCharCode(97 + n).repeat(700_000) // each has a frame of its own
  const first = put(
    store,
    ...[0, 1, 2].map(n => record(-1 - n, large(n))),
    record(-4, 'x'.repeat(1 << 20)),
    record(1, 'root', [-1, -2, -3, -4]),
  )
  await pack(store)
  put(store, record(first, 'changed'))
  t.ok(store.current.header.table, 'there is a table')
  store.close()
  const { bytes, frames, oids } = made(disk, [first, (first + 1) as Oid, (first + 2) as Oid, 1 as Oid, 16 as Oid])
  t.ok(frames.filter(({ header }) => header.kind === 'base').length > 2)
  const { texts: expected } = salvaged(bytes, oids)
  for (const frame of frames) {
    for (let bit = 0; bit < 576; bit += 17) {
      const { report, texts } = salvaged(flipped(bytes, bit, frame.at), oids)
      if (!isRebuilt(report, frame) || texts.join() !== expected.join()) t.fail(`bit ${bit} at ${frame.at}`)
    }
  }
})

t.test('several headers, one behind the other, the first and the last, and that of the file', async t => {
  const { bytes, frames, oids } = makeStore()
  const damaged = Buffer.from(bytes)
  for (const { at } of frames) damaged.fill(0xff, at, at + 24).fill(0xff, at + 60, at + 72)
  const { report, texts } = salvaged(damaged, oids)
  t.same(texts, CHANGED)
  t.match(report, { missingCommits: [], skipped: [], lastTid: 8 })
  t.same(
    report.rebuilt,
    frames.map(({ at, length }) => ({ offset: at, bytes: length })),
  )
  const other = flipped(flipped(bytes, 3, 50), 200, frames[0]?.at ?? 0)
  t.match(salvaged(other, oids), { texts: CHANGED, report: { missingCommits: [], rebuilt: [{}] } })
})

t.test('all of them in a file of small commits', async t => {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  for (let n = 0; n < 200; n++) put(store, record(1, `text ${n}`))
  const { bytes, frames } = made(disk, [])
  for (const { at } of frames) bytes[at + 24]! ^= 1 // the time
  const { report, texts } = salvaged(bytes, [1 as Oid])
  t.match(report, { rebuilt: { length: frames.length }, skipped: [], missingCommits: [] })
  t.same(texts, ['text 199'])
})

t.test('behind inserted bytes, and behind a frame that is damaged otherwise', async t => {
  const { bytes, frames, oids } = makeStore()
  const [, , third, fourth] = frames
  if (!third || !fourth) throw new Error('there are too few commits')
  const both = flipped(flipped(bytes, 100, fourth.at), 3, third.at + third.length - 20)
  t.match(salvaged(both, oids).report, { rebuilt: [{ offset: fourth.at }], missingCommits: [{ from: 3, to: 3 }] })
  const later = Buffer.concat([
    bytes.subarray(0, third.at),
    Buffer.alloc(100),
    flipped(bytes, 100, fourth.at).subarray(third.at),
  ])
  const { report, texts } = salvaged(later, oids)
  t.match(report, { rebuilt: [{ offset: fourth.at + 100 }], missingCommits: [], skipped: [{ bytes: 100 }] })
  t.same(texts, CHANGED)
})

t.test('what is not proved is not made up: it is told as missing', async t => {
  const { bytes, frames, oids } = makeStore()
  const { at = 0, length = 0 } = frames[4] ?? {}
  const time = Buffer.from(bytes)
  time.writeUInt32LE(12_345, at + 24)
  const body = flipped(flipped(bytes, 100, at), 3, at + 80)
  const trailer = flipped(flipped(bytes, 100, at), 3, at + length - 8)
  for (const damaged of [time, body, trailer]) {
    const { report, texts } = salvaged(damaged, oids)
    t.match(report, { rebuilt: [], missingCommits: [{ from: 5, to: 5 }], skipped: [{ offset: at, bytes: length }] })
    t.same(texts, ['changed 0', 'changed 1', 'made 2', 'changed 3', 'changed 4', 'changed 5'])
  }
})

t.test('no part of an unfinished commit is taken, and nothing that a power cut has left', async t => {
  const { bytes, frames, oids } = makeStore()
  const { at = 0, length = 0 } = frames.at(-1) ?? {}
  const damaged = flipped(bytes, 100, at)
  for (let end = at + 1; end < at + length; end++) {
    const { report, texts } = salvaged(damaged.subarray(0, end), oids)
    if (report.lastTid !== 7 || report.rebuilt.length > 0 || texts[5] !== 'made 5') t.fail(`${end - at} bytes of it`)
  }
  t.match(salvaged(damaged, oids, 2), { report: { lastTid: 7, rebuilt: [], torn: { offset: at, bytes: length } } })
  t.match(salvaged(damaged, oids), { report: { lastTid: 8, rebuilt: [{}], torn: undefined }, texts: CHANGED })
})

t.test('copies that the commit holds as data stay data', async t => {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const first = put(store, record(-1, 'one'), record(-2, 'two'))
  const other = MemoryDisk.with({ [PATH]: disk.bytesOf(PATH) })
  const fork = Store.open(other, PATH)
  for (let n = 0; n < 3; n++) put(fork, record(first, `foreign ${n}`), record(first + 1, 'foreign'))
  fork.close()
  const damagedCopy = other.bytesOf(PATH)
  for (const { at } of framesOf(damagedCopy)) damagedCopy[at + 17] = 0x55
  const copies = [
    disk.bytesOf(PATH),
    other.bytesOf(PATH),
    damagedCopy,
    other.bytesOf(PATH).subarray(HEADER_LENGTH + 50),
  ]
  put(store, ...copies.map((copy, n) => ({ ...record(-1 - n, ''), ...stretchOf(copy) })), record(first, 'own'))
  put(store, record(first + 1, 'last'))
  store.close()
  const { bytes, frames, oids } = made(disk, [first, (first + 1) as Oid])
  for (const frame of frames) {
    for (let bit = 0; bit < 576; bit += 5) {
      const { report, texts } = salvaged(flipped(bytes, bit, frame.at), oids)
      if (!isRebuilt(report, frame) || texts.join() !== 'own,last') t.fail(`bit ${bit} at ${frame.at}: ${texts.join()}`)
    }
  }
})

t.test('verify names each such header', async t => {
  const { bytes, frames } = makeStore()
  const damaged = [2, 4, 5].reduce((all, n) => flipped(all, 50, frames[n]?.at ?? 0), bytes)
  const found: number[] = []
  verify(MemoryDisk.with({ [PATH]: damaged }), PATH, ({ offset }) => found.push(offset))
  t.same(
    found,
    [2, 4, 5].map(n => frames[n]?.at),
  )
})

t.test('no writer cuts off durable commits behind a header that has come back from a longer append', async t => {
  const { bytes, frames, oids } = makeStore()
  const { at = 0, header } = frames[3] ?? {}
  if (header === undefined) throw new Error('there are too few commits')
  const longer = Buffer.alloc(SMALLEST_FRAME + bytes.length)
  sealFrame(longer, { ...header, bodyLength: bytes.length })
  const damaged = Buffer.from(bytes)
  damaged.set(longer.subarray(0, 72), at)
  for (const end of [bytes.length, bytes.length - 20]) {
    const left = damaged.subarray(0, end)
    const disk = MemoryDisk.with({ [PATH]: left })
    for (const readonly of [true, false])
      t.throws(() => Store.open(disk, PATH, { readonly }).latest(), { code: 'CORRUPT_LOG', offset: at, lastGoodTid: 3 })
    t.ok(disk.bytesOf(PATH).equals(left))
    const { report, texts } = salvaged(left, oids)
    t.match(report, { missingCommits: [{ from: 4, to: 4 }], lastTid: end === bytes.length ? 8 : 7 })
    t.same(texts.slice(0, 5), CHANGED.slice(0, 5))
  }
})
