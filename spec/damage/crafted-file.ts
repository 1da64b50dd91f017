// Files that nobody honest has written: any records in any frames, with all checksums right, so that what is behind the
// checksums gets to see them.
import { checksum } from '../../lib/log/checksum.js'
import { chainStart, encodeFileHeader, HEADER_LENGTH, saltOf, type FileHeader } from '../../lib/log/file-header.js'
import {
  FRAME_HEADER_LENGTH,
  frameLength,
  readFrameHeader,
  sealFrame,
  SMALLEST_FRAME,
  type FrameHeader,
} from '../../lib/log/frame.js'
import { mostRecordBytes, scanRecords, writeRecord, type RecordFields } from '../../lib/store/record.js'
import { varintLength, writeVarint } from '../../lib/store/varint.js'

const UUID = new Uint8Array(16).fill(2)
const SALT = saltOf(UUID)

/** A record by its fields, or the bytes behind its checksum as they are. */
export type CraftedRecord = Partial<RecordFields> | Uint8Array

export interface CraftedFrame {
  readonly records?: readonly CraftedRecord[]
  /** Stands behind the records. */
  readonly annotation?: Uint8Array
  /** In place of what would be right. */
  readonly header?: Partial<FrameHeader>
}

/** Oid of the shape that `craft` puts into the first frame: of a root without a class, with the sole key "x". */
export const SHAPE = 16
const SHAPE_STATE = Buffer.from('\x93\xa0\x01\x91\xa1x', 'latin1')

/** A file whose first frame has the shape 16 and `records`; more frames may follow. */
export function craft(records: readonly CraftedRecord[], more: readonly CraftedFrame[] = []): Buffer {
  return craftFrames([{ records: [{ oid: SHAPE, shape: 0, state: SHAPE_STATE }, ...records] }, ...more])
}

/** A file whose root has this state, in a shape with one key. */
export function craftRoot(state: Uint8Array, refs: readonly number[] = []): Buffer {
  return craft([{ oid: 1, shape: SHAPE, refs, state }])
}

export function craftFrames(frames: readonly CraftedFrame[], fields: Partial<FileHeader> = {}): Buffer {
  const header: FileHeader = {
    storeId: new Uint8Array(16).fill(1),
    uuid: UUID,
    generation: 1,
    baseTid: 0,
    baseTime: 0,
    nextOid: 16,
    baseEnd: HEADER_LENGTH,
    moments: [],
    idsSince: 0,
    readonlyFlags: 0,
    ...fields,
  }
  const parts: Uint8Array[] = [encodeFileHeader(header)]
  let offset = HEADER_LENGTH
  let tid = header.baseTid
  let previous = chainStart(UUID)
  for (const frame of frames) {
    const made = craftFrame(frame, offset, ++tid, previous)
    parts.push(made.bytes)
    offset += made.bytes.length
    previous = made.checksum
  }
  return Buffer.concat(parts)
}

function craftFrame(frame: CraftedFrame, offset: number, tid: number, previous: number) {
  const records = (frame.records ?? []).map(record => craftRecord(record, tid))
  const body = Buffer.concat([...records, frame.annotation ?? new Uint8Array()])
  const bytes = Buffer.concat([
    new Uint8Array(FRAME_HEADER_LENGTH),
    body,
    new Uint8Array(SMALLEST_FRAME - FRAME_HEADER_LENGTH),
  ])
  const sealed = sealFrame(bytes, {
    kind: 'commit',
    control: undefined,
    offset,
    tid,
    time: 1_700_000_000_000 + tid,
    bodyLength: body.length,
    records: records.length,
    nextOid: Number.MAX_SAFE_INTEGER,
    syncedTo: HEADER_LENGTH,
    boot: 0,
    previous,
    salt: SALT,
    ...frame.header,
  })
  return { bytes, checksum: sealed }
}

function craftRecord(record: CraftedRecord, tid: number): Uint8Array {
  if (record instanceof Uint8Array) return rawRecord(record)
  const { refs = [], state = new Uint8Array() } = record
  const into = new Uint8Array(mostRecordBytes(refs.length, state.length))
  const end = writeRecord(into, 0, { oid: 1, shape: SHAPE, tid, back: 0, ...record, refs, state }, SALT)
  return into.subarray(0, end)
}

/** A record of these bytes, whatever they say. */
function rawRecord(content: Uint8Array): Uint8Array {
  const length = content.length + 4
  const bytes = Buffer.alloc(varintLength(length) + length)
  const at = writeVarint(bytes, 0, length)
  bytes.writeUInt32LE(checksum(content, SALT), at)
  bytes.set(content, at + 4)
  return bytes
}

/** The same file with a wrong checksum in each record of its first frame, and the frame's right. */
export function breakRecords(file: Uint8Array): Uint8Array {
  const bytes = Buffer.from(file)
  const header = readFrameHeader(bytes, HEADER_LENGTH, HEADER_LENGTH, SALT)
  if (header === undefined) throw new RangeError('no frame')
  const body = HEADER_LENGTH + FRAME_HEADER_LENGTH
  scanRecords(bytes, body, body + header.bodyLength, header.records, (_oid, shape, at) => {
    if (shape !== 0) bytes[at + 1] = (bytes[at + 1] ?? 0) ^ 0xff
  })
  sealFrame(bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + frameLength(header)), header)
  return bytes
}

/** Several numbers as varints, one behind the other. */
export function varints(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length)
  let at = 0
  for (const number of numbers) at = writeVarint(bytes, at, number)
  return bytes.subarray(0, at)
}
