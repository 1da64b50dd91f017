// The first block of a data file, as spec/format.md describes it. Written once, before the file gets its name.
import { NewerFormatError, NotAStoreError, UnsupportedError } from '../error.js'
import { checksum } from './checksum.js'

export const HEADER_LENGTH = 4096
export const FORMAT_VERSION = 1
export const MOST_MOMENTS = 128

const MAGIC = Uint8Array.of(0x89, 0x50, 0x52, 0x44, 0x0d, 0x0a, 0x1a, 0x0a) // \x89 P R D \r \n \x1a \n
const AT = {
  version: 8,
  incompatible: 12,
  readonlyFlags: 16,
  length: 20,
  storeId: 24,
  uuid: 40,
  generation: 56,
  baseTid: 64,
  baseTime: 72,
  nextOid: 80,
  baseEnd: 88,
  moments: 96,
  firstMoment: 104,
  idsSince: 2152,
  tableAt: 2160,
  tableEnd: 2168,
  checksum: HEADER_LENGTH - 4,
} as const

/** A moment of the past whose state a pack has kept. */
interface Moment {
  readonly tid: number
  readonly time: number
}

/** Where the table of a packed state stands, between two of its base frames or behind the last. */
export interface TablePlace {
  /** Behind the last frame that it covers. */
  readonly at: number
  /** Where the next frame begins. */
  readonly end: number
}

export interface FileHeader {
  /** 16 bytes, the same in all generations of a store. */
  readonly storeId: Uint8Array
  /** 16 bytes, of this generation. */
  readonly uuid: Uint8Array
  /** 1 for a new store; a pack makes the next. */
  readonly generation: number
  /** The commit whose state the base frames hold; 0 in a new store. */
  readonly baseTid: number
  /** Its time, milliseconds since 1970. */
  readonly baseTime: number
  /** The next oid to give out, as of `baseTid`. */
  readonly nextOid: number
  /** Where the base frames end: the file must reach at least to here. */
  readonly baseEnd: number
  readonly moments: readonly Moment[]
  /** Ids of transactions committed before this time (milliseconds since 1970) have been dropped; 0: none has. */
  readonly idsSince: number
  /** Features that this version does not know but may ignore as long as it only reads. */
  readonly readonlyFlags: number
  /** undefined: there is none. */
  readonly table?: TablePlace | undefined
}

export function encodeFileHeader(header: FileHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  view.setUint32(AT.version, FORMAT_VERSION, true)
  view.setUint32(AT.readonlyFlags, header.readonlyFlags, true)
  view.setUint32(AT.length, HEADER_LENGTH, true)
  bytes.set(header.storeId, AT.storeId)
  bytes.set(header.uuid, AT.uuid)
  const setNumber = (at: number, value: number): void => {
    // A crafted file may have got so far; what is written must be readable.
    if (!Number.isSafeInteger(value)) throw new UnsupportedError(`the store has come to its last number (${value})`)
    view.setBigUint64(at, BigInt(value), true)
  }
  setNumber(AT.generation, header.generation)
  setNumber(AT.baseTid, header.baseTid)
  setNumber(AT.baseTime, header.baseTime)
  setNumber(AT.nextOid, header.nextOid)
  setNumber(AT.baseEnd, header.baseEnd)
  view.setUint32(AT.moments, header.moments.length, true)
  header.moments.forEach((moment, n) => {
    setNumber(AT.firstMoment + 16 * n, moment.tid)
    setNumber(AT.firstMoment + 16 * n + 8, moment.time)
  })
  setNumber(AT.idsSince, header.idsSince)
  setNumber(AT.tableAt, header.table?.at ?? 0)
  setNumber(AT.tableEnd, header.table?.end ?? 0)
  view.setUint32(AT.checksum, checksum(bytes.subarray(0, AT.checksum)), true)
  return bytes
}

/** Whether the bytes of a header are those that were written, whatever they say. */
export function isHeaderSound(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_LENGTH) return false
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(AT.checksum, true)
  return stored === checksum(bytes.subarray(0, AT.checksum))
}

/** Whether a file header may begin with these bytes. */
function isHeaderBegin(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, at) => bytes[at] === byte)
}

/** What stands behind it may be sound. */
function damagedHeader(path: string, what: string): NotAStoreError {
  return new NotAStoreError(path, `the file header ${what}; \`perdure recover\` saves what is sound into a new file`)
}

/** Throws NotAStoreError or NewerFormatError; `bytes` may be shorter than a header. */
export function decodeFileHeader(bytes: Uint8Array, path: string): FileHeader {
  if (bytes.length === 0)
    throw new NotAStoreError(
      path,
      path.endsWith('.lock')
        ? 'the file is empty, as is the one that writers of a store lock: name the store, without .lock'
        : 'the file is empty; wait, if it is being copied, or else remove it, or name another path',
    )
  if (!isHeaderBegin(bytes)) throw new NotAStoreError(path, 'this is not a Perdure store')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEADER_LENGTH) throw new NotAStoreError(path, 'the file ends within its header')
  const version = view.getUint32(AT.version, true)
  if (version > FORMAT_VERSION)
    throw new NewerFormatError(path, `the file has format ${version}, this is ${FORMAT_VERSION}`)
  if (!isHeaderSound(bytes) || version === 0 || view.getUint32(AT.length, true) !== HEADER_LENGTH) {
    throw damagedHeader(path, 'is damaged')
  }
  const incompatible = view.getUint32(AT.incompatible, true)
  if (incompatible !== 0)
    throw new NewerFormatError(path, `the file uses unknown features (${incompatible.toString(16)})`)
  const number = (at: number): number => {
    const value = view.getBigUint64(at, true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damagedHeader(path, 'holds an impossible number')
    return Number(value)
  }
  const count = view.getUint32(AT.moments, true)
  if (count > MOST_MOMENTS) throw damagedHeader(path, 'holds an impossible number')
  const baseEnd = number(AT.baseEnd)
  const table = { at: number(AT.tableAt), end: number(AT.tableEnd) }
  const hasTable = table.at !== 0 || table.end !== 0
  if (hasTable && !(HEADER_LENGTH < table.at && table.at < table.end && table.end <= baseEnd))
    throw damagedHeader(path, 'holds an impossible number')
  return {
    storeId: bytes.slice(AT.storeId, AT.storeId + 16),
    uuid: bytes.slice(AT.uuid, AT.uuid + 16),
    generation: number(AT.generation),
    baseTid: number(AT.baseTid),
    baseTime: number(AT.baseTime),
    nextOid: number(AT.nextOid),
    baseEnd,
    moments: Array.from({ length: count }, (_, n) => ({
      tid: number(AT.firstMoment + 16 * n),
      time: number(AT.firstMoment + 16 * n + 8),
    })),
    idsSince: number(AT.idsSince),
    readonlyFlags: view.getUint32(AT.readonlyFlags, true),
    ...(hasTable ? { table } : {}),
  }
}

/** What the first frame of a file names as the checksum of "the frame before". */
export function chainStart(uuid: Uint8Array): number {
  return checksum(uuid)
}

/** Four bytes of the generation's uuid that stand in every frame header: a frame of another file is never taken for one of this. */
export function saltOf(uuid: Uint8Array): number {
  return new DataView(uuid.buffer, uuid.byteOffset).getUint32(0, true)
}
