import t, { type Test } from 'tap'
import { HEADER_LENGTH } from '../../lib/log/file-header.js'
import { FRAME_TRAILER_LENGTH, readFrameHeader, type FrameHeader } from '../../lib/log/frame.js'
import { FrameRecords } from '../../lib/store/frame-records.js'
import { atOnce } from '../../lib/store/long-work.js'
import { scanRecords, type RecordFields } from '../../lib/store/record.js'
import { craftFrames } from '../damage/crafted-file.js'
import { seeded } from '../helpers/seeded.js'

type Record = Partial<RecordFields>

/** The third commit of a store, as a frame that is alone in a file. */
const COMMIT = { tid: 3, nextOid: 1000, offset: HEADER_LENGTH }

/** A frame of these records, and its header. */
function frameOf(
  records: readonly Record[],
  header: Partial<FrameHeader> = {},
  annotation: Uint8Array = new Uint8Array(),
) {
  const written = records.map(record => ({ tid: 3, ...record }))
  const file = craftFrames([{ records: written, header: { ...COMMIT, ...header }, annotation }])
  const found = readFrameHeader(file, HEADER_LENGTH, HEADER_LENGTH)
  if (found === undefined) throw new Error('there is no frame')
  return { bytes: file.subarray(HEADER_LENGTH), header: found }
}

/** Oids of what is found in a frame, some bytes of which are damaged. */
function foundIn(bytes: Buffer, header: FrameHeader, base = { tid: Infinity, nextOid: Infinity }): number[] {
  const oids: number[] = []
  const records = new FrameRecords(header, bytes, header.salt, base)
  atOnce(records.each(({ oid }) => void oids.push(oid)))
  return oids
}

/** Where each record begins, and where the last one ends. */
function placesIn(bytes: Buffer, { records, bodyLength }: FrameHeader): number[] {
  const places: number[] = []
  const end = scanRecords(bytes, 72, 72 + bodyLength, records, (_oid, _shape, at) => void places.push(at))
  return [...places, end]
}

/** Records of many lengths. */
function manyRecords(t: Test): Record[] {
  const random = seeded(t)
  const long = [300, 5000]
  return Array.from({ length: 40 }, (_, n) => ({
    oid: 20 + n,
    state: random.bytes(n % 20 === 7 ? (long[(n - 7) / 20] ?? 0) : random.int(40)),
    refs: n % 4 === 0 ? [1, 21, 500] : [],
  }))
}

/** What is to be found when the bytes from `from` to `to` are damaged. */
function untouched(records: readonly Record[], places: readonly number[], from: number, to: number): number[] {
  return records.filter((_, n) => (places[n + 1] ?? 0) <= from || (places[n] ?? 0) >= to).map(({ oid }) => oid ?? 0)
}

t.test('one damaged byte costs the record that it is part of, and no other', async t => {
  const records = manyRecords(t)
  const { bytes, header } = frameOf(records)
  const places = placesIn(bytes, header)
  for (let at = 72; at < (places.at(-1) ?? 0); at += at % 1000 > 300 ? 97 : 1) {
    const damaged = Buffer.from(bytes)
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
    const expected = untouched(records, places, at, at + 1)
    if (foundIn(damaged, header).join() !== expected.join()) {
      t.same(foundIn(damaged, header), expected, `byte ${at}`)
      break
    }
  }
  t.same(foundIn(bytes, header), untouched(records, places, 0, 0))
})

/** From the first byte that is another one to behind the last: at an edge of what was written over may stand what stood there. */
function changed(bytes: Uint8Array, damaged: Uint8Array): [from: number, to: number] {
  const differs = (at: number): boolean => bytes[at] !== damaged[at]
  const all = Array.from(bytes.keys()).filter(differs)
  return [all[0] ?? bytes.length, (all.at(-1) ?? bytes.length) + 1]
}

t.test('a damaged block costs the records that reach into it, and no other', async t => {
  const records = manyRecords(t)
  const { bytes, header } = frameOf(records)
  const places = placesIn(bytes, header)
  const random = seeded(t)
  for (let at = 72; at < (places.at(-1) ?? 0); at += 61) {
    for (const content of [Buffer.alloc(200), Buffer.alloc(200, 0xff), random.bytes(200)]) {
      const damaged = Buffer.from(bytes)
      damaged.set(content.subarray(0, bytes.length - at), at)
      const expected = untouched(records, places, ...changed(bytes, damaged))
      if (foundIn(damaged, header).join() !== expected.join()) t.same(foundIn(damaged, header), expected, `at ${at}`)
    }
  }
})

t.test('of a packed state, too', async t => {
  const records = manyRecords(t).map((record, n) => ({ ...record, tid: 1 + n }))
  const { bytes, header } = frameOf(records, { kind: 'base', tid: 0, nextOid: 0 })
  const places = placesIn(bytes, header)
  const damaged = Buffer.from(bytes).fill(0, (places[10] ?? 0) + 1, (places[30] ?? 0) + 1)
  const expected = untouched(records, places, (places[10] ?? 0) + 1, (places[30] ?? 0) + 1)
  t.equal(expected.length, 19)
  t.same(foundIn(damaged, header), expected)
  t.same(foundIn(damaged, header, { tid: 40, nextOid: 1000 }), expected)
})

const copied = [
  { oid: 50, state: Buffer.from('fifty') },
  { oid: 51, state: Buffer.from('fifty-one') },
]
const around = (state: Uint8Array): Record[] => [{ oid: 20 }, { oid: 21, state }, { oid: 22 }, { oid: 23 }]
/** Where the second of these four begins, which holds what looks like records: the first has 10 bytes. */
const HOLDER = 72 + 10

t.test('records of other commits, of other objects and with other histories are none of this frame', async t => {
  for (const [what, other, header] of [
    ['an earlier commit', { tid: 2 }, {}],
    ['a later commit', { tid: 4 }, {}],
    ['oids that are not given out', {}, { nextOid: 40 }],
    ['a shape that there cannot be', { shape: 1000 }, {}],
    ['an earlier version behind it', { back: 10 }, {}],
    ['an earlier version in the header', { back: 200 }, {}],
  ] as const) {
    const inner = frameOf(copied.map(record => ({ ...record, ...other })))
    const { bytes, header: outer } = frameOf(around(inner.bytes), header)
    // The length of the record that holds them is damaged: nothing says where it ends.
    const damaged = Buffer.from(bytes).fill(0xff, HOLDER, HOLDER + 2)
    t.ok(bytes.includes('fifty-one'))
    t.same(foundIn(damaged, outer), [20, 22, 23], what)
  }
})

t.test(
  'what looks like a record of this frame is part of a damaged one if that ends where a sound one begins',
  async t => {
    const inner = frameOf(copied)
    const { bytes, header } = frameOf(around(inner.bytes))
    const damaged = Buffer.from(bytes)
    damaged[HOLDER + 12] = 1 // in the state, before what looks like a record
    t.not(damaged.compare(bytes), 0)
    t.same(foundIn(damaged, header), [20, 22, 23])
  },
)

t.test('a damaged length that leads to a sound record does not hide those before that', async t => {
  const records = Array.from({ length: 20 }, (_, n) => ({ oid: 20 + n, state: Buffer.alloc(n % 2) }))
  const { bytes, header } = frameOf(records)
  const places = placesIn(bytes, header)
  const [first = 0, , , , fifth = 0] = places
  const damaged = Buffer.from(bytes)
  damaged[first] = fifth - first - 1
  t.same(
    foundIn(damaged, header),
    records.slice(1).map(({ oid }) => oid),
  )
})

t.test('what stands behind the last record is none', async t => {
  const inner = frameOf(copied)
  const annotation = inner.bytes.subarray(72, -FRAME_TRAILER_LENGTH)
  const records = Array.from({ length: 20 }, (_, n) => ({ oid: 20 + n }))
  const { bytes, header } = frameOf(records, {}, annotation)
  t.same(
    foundIn(bytes, header),
    records.map(({ oid }) => oid),
  )
  const places = placesIn(bytes, header)
  const damaged = Buffer.from(bytes)
  const last = places[19] ?? 0
  damaged[last + 3] = (damaged[last + 3] ?? 0) ^ 1
  t.same(
    foundIn(damaged, header),
    records.slice(0, -1).map(({ oid }) => oid),
    'one that is damaged is the last, too',
  )
})
