// Whole files by somebody who knows the format: honest ones taken apart, changed at random, and put together again with right
// checksums; then everything is done with them that users and tools do.
import t from 'tap'
import { HEADER_LENGTH } from '../../lib/log/file-header.js'
import { FRAME_HEADER_LENGTH, frameLength, readFrameHeader } from '../../lib/log/frame.js'
import { readRecord } from '../../lib/store/record.js'
import { craftFrames, type CraftedFrame, type CraftedRecord } from '../damage/crafted-file.js'
import { exercise } from '../damage/exercise.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { changeSome, connect, fill } from '../golden/content.js'
import type { Random } from '../helpers/seeded.js'
import { fuzz } from './fuzz.js'
import { mutateBytes, oddNumber, packedValues } from './mutate.js'

type Fields = Exclude<CraftedRecord, Uint8Array>

/** The frames of a file, by their parts. */
function takeApart(bytes: Buffer): CraftedFrame[] {
  const frames: CraftedFrame[] = []
  for (let offset = HEADER_LENGTH; offset < bytes.length;) {
    const header = readFrameHeader(bytes, offset, offset)
    if (header === undefined) throw new RangeError(`no frame at ${offset}`)
    const records: Fields[] = []
    let at = offset + FRAME_HEADER_LENGTH
    const end = at + header.bodyLength
    for (let n = 0; n < header.records; n++) {
      const record = readRecord(bytes, at, at, header.salt)
      if (record === undefined) throw new RangeError(`no record at ${at}`)
      const { oid, shape, refs, state, length, previous } = record
      records.push({ oid, shape, refs, state, back: previous === 0 ? 0 : at - previous })
      at += length
    }
    frames.push({ records, annotation: bytes.subarray(at, end) })
    offset += frameLength(header)
  }
  return frames
}

function honestFile(): Buffer {
  const disk = new MemoryDisk()
  const db = connect(disk, '/app.db')
  fill(db)
  changeSome(db, 1)
  db.close()
  return disk.bytesOf('/app.db')
}

const FRAMES = takeApart(honestFile())

function mutateRecord(random: Random, record: Fields): CraftedRecord {
  const { oid = 1, shape = 16, refs = [], state = new Uint8Array(), back = 0 } = record
  switch (random.int(9)) {
    case 0:
      return { ...record, oid: oddNumber(random, oid) }
    case 1:
      return { ...record, shape: oddNumber(random, shape) }
    case 2:
      return { ...record, back: oddNumber(random, back) }
    case 3:
      return { ...record, tid: oddNumber(random) }
    case 4:
      return {
        ...record,
        refs: [...refs.slice(random.int(2)), ...Array.from({ length: random.int(5) }, () => oddNumber(random, oid))],
      }
    case 5: {
      const count = random.int(5)
      return { ...record, state: Buffer.concat([Buffer.of(0x90 + count), packedValues(random, count)]) }
    }
    case 6:
      return mutateBytes(random, Buffer.concat([Buffer.of(oid & 127, shape & 127, 1, 0, 0), state]))
    default:
      return { ...record, state: mutateBytes(random, state) }
  }
}

function mutateFrame(random: Random, frame: CraftedFrame): CraftedFrame {
  switch (random.int(12)) {
    case 0:
      return { ...frame, header: { records: oddNumber(random, frame.records?.length, 2 ** 32 - 1) } }
    case 1:
      return { ...frame, header: { nextOid: oddNumber(random, 40) } }
    case 2:
      return { ...frame, header: { tid: oddNumber(random, 5) } }
    case 3:
      return { ...frame, header: { time: oddNumber(random, 1e12) } }
    case 4:
      return {
        ...frame,
        header: random.pick([
          { kind: 'base' },
          { kind: 'control', control: 'superseded' },
          { kind: 'control', control: 'suspect' },
        ] as const),
      }
    case 5:
      return { ...frame, annotation: mutateBytes(random, frame.annotation ?? new Uint8Array()) }
    default: {
      const records = [...(frame.records ?? [])] as Fields[]
      const at = random.int(Math.max(1, records.length))
      return { ...frame, records: records.map((record, n) => (n === at ? mutateRecord(random, record) : record)) }
    }
  }
}

function oneFile(random: Random): Buffer {
  const frames = [...FRAMES]
  for (let n = 1 + random.int(3); n > 0; n--) {
    const at = random.int(frames.length)
    const frame = frames[at]
    if (frame) frames[at] = mutateFrame(random, frame)
    if (random.chance(0.1)) frames.splice(at, random.int(3), ...(frame && random.chance(0.5) ? [frame] : []))
  }
  const names = ['generation', 'baseTid', 'baseTime', 'nextOid', 'baseEnd', 'idsSince'] as const
  const fields = random.chance(0.1) ? { [random.pick(names)]: oddNumber(random, 4096) } : {}
  const file = craftFrames(frames, fields)
  return random.chance(0.1)
    ? Buffer.concat([file.subarray(0, HEADER_LENGTH), mutateBytes(random, file.subarray(HEADER_LENGTH))])
    : file
}

t.test('a file with right checksums and wrong content gives values or typed errors', t =>
  fuzz(t, import.meta.url, async random => {
    const { untyped } = await exercise(oneFile(random))
    if (untyped.length > 0) throw new Error(untyped.join('\n'))
  }),
)
