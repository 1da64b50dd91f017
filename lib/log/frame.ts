// The layout of a frame: what is appended at once. See spec/format.md; the constants here follow its table.
// Pure functions over bytes: no file, no state.
import { checksum } from './checksum.js'

export const FRAME_HEADER_LENGTH = 72
export const FRAME_TRAILER_LENGTH = 12
export const LARGEST_FRAME = 2 ** 30
/** A frame without a body. */
export const SMALLEST_FRAME = FRAME_HEADER_LENGTH + FRAME_TRAILER_LENGTH

/** "PFRM" */
export const FRAME_MAGIC: readonly number[] = [0x50, 0x46, 0x52, 0x4d]
const MAGIC = 0x4d524650 // the same as a number
/** "FEND" */
export const END_MAGIC: Uint8Array = Uint8Array.of(0x46, 0x45, 0x4e, 0x44)
const MAGIC_AT_END = 0x444e4546 // the same as a number
/** Where each field of a header stands. */
export const AT = {
  magic: 0,
  kind: 4,
  control: 5,
  offset: 8,
  tid: 16,
  time: 24,
  bodyLength: 32,
  records: 36,
  nextOid: 40,
  syncedTo: 48,
  boot: 56,
  previous: 60,
  salt: 64,
  checksum: 68,
} as const

/** `commit`: one transaction. `base`: records of a packed state. `control`: something that every process must learn. */
type FrameKind = 'commit' | 'base' | 'control'
const KINDS: readonly (FrameKind | undefined)[] = [undefined, 'commit', 'base', 'control']

/** What a control frame says. */
export type Control = 'superseded' | 'suspect'
const CONTROLS: readonly (Control | undefined)[] = [undefined, 'superseded', 'suspect']

export interface FrameHeader {
  readonly kind: FrameKind
  /** Only in control frames. */
  readonly control: Control | undefined
  /** Where the frame begins. */
  readonly offset: number
  /** The commit; of a base or control frame, the last one before it. */
  readonly tid: number
  /** Milliseconds since 1970, never less than in the frame before. */
  readonly time: number
  readonly bodyLength: number
  readonly records: number
  /** The next oid to give out after this frame. */
  readonly nextOid: number
  /** Everything below this offset was known to be on disk when the frame was built. */
  readonly syncedTo: number
  /** Checksum of the id of the boot in which it was written; 0: unknown. */
  readonly boot: number
  /** Checksum of the frame before it; of the file header, in the first one. */
  readonly previous: number
  readonly salt: number
}

export function frameLength(header: FrameHeader): number {
  return FRAME_HEADER_LENGTH + header.bodyLength + FRAME_TRAILER_LENGTH
}

const TWO_32 = 2 ** 32

// A DataView for each frame costs more than the writing.

function setUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value | 0
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

function setSafe(bytes: Uint8Array, at: number, value: number): void {
  setUint32(bytes, at, value)
  setUint32(bytes, at + 4, Math.floor(value / TWO_32))
}

function getUint32(bytes: Uint8Array, at: number): number {
  const value =
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
  return value >>> 0
}

/** NaN where the number is beyond 2^53. */
function getSafe(bytes: Uint8Array, at: number): number {
  const high = getUint32(bytes, at + 4)
  return high < 0x200000 ? high * TWO_32 + getUint32(bytes, at) : NaN
}

/** Fills in header and trailer around a body that stands at FRAME_HEADER_LENGTH; returns the frame's checksum. */
export function sealFrame(frame: Uint8Array, header: FrameHeader): number {
  setUint32(frame, AT.magic, MAGIC)
  frame[AT.kind] = KINDS.indexOf(header.kind)
  frame[AT.control] = CONTROLS.indexOf(header.control)
  frame[6] = 0
  frame[7] = 0
  setSafe(frame, AT.offset, header.offset)
  setSafe(frame, AT.tid, header.tid)
  setSafe(frame, AT.time, header.time)
  setUint32(frame, AT.bodyLength, header.bodyLength)
  setUint32(frame, AT.records, header.records)
  setSafe(frame, AT.nextOid, header.nextOid)
  setSafe(frame, AT.syncedTo, header.syncedTo)
  setUint32(frame, AT.boot, header.boot)
  setUint32(frame, AT.previous, header.previous)
  setUint32(frame, AT.salt, header.salt)
  const ofHeader = checksum(frame, 0, 0, AT.checksum)
  setUint32(frame, AT.checksum, ofHeader)
  const bodyEnd = FRAME_HEADER_LENGTH + header.bodyLength
  const ofFrame = checksum(frame, ofHeader, FRAME_HEADER_LENGTH, bodyEnd)
  setUint32(frame, bodyEnd, ofFrame)
  setUint32(frame, bodyEnd + 4, bodyEnd + FRAME_TRAILER_LENGTH)
  setUint32(frame, bodyEnd + 8, MAGIC_AT_END)
  return ofFrame
}

/**
 * The header at `at`, if there is a sound one that says it stands at `offset`; its length is then to be trusted. `offset`, `salt`
 * undefined: at whatever place, of whatever file.
 */
export function readFrameHeader(
  bytes: Uint8Array,
  at: number,
  offset: number | undefined,
  salt?: number,
): FrameHeader | undefined {
  if (at + FRAME_HEADER_LENGTH > bytes.length) return undefined
  const stored = getUint32(bytes, at + AT.salt)
  if (getUint32(bytes, at + AT.magic) !== MAGIC || (salt !== undefined && stored !== salt)) return undefined
  if (getUint32(bytes, at + AT.checksum) !== checksum(bytes, 0, at, at + AT.checksum)) return undefined
  const kind = KINDS[bytes[at + AT.kind] ?? 0]
  const control = CONTROLS[bytes[at + AT.control] ?? 0]
  const header = {
    control,
    offset: getSafe(bytes, at + AT.offset),
    tid: getSafe(bytes, at + AT.tid),
    time: getSafe(bytes, at + AT.time),
    bodyLength: getUint32(bytes, at + AT.bodyLength),
    records: getUint32(bytes, at + AT.records),
    nextOid: getSafe(bytes, at + AT.nextOid),
    syncedTo: getSafe(bytes, at + AT.syncedTo),
    boot: getUint32(bytes, at + AT.boot),
    previous: getUint32(bytes, at + AT.previous),
    salt: stored,
  }
  if (kind === undefined || (kind === 'control') !== (control !== undefined)) return undefined
  if (offset !== undefined && header.offset !== offset) return undefined
  if (header.bodyLength > LARGEST_FRAME - SMALLEST_FRAME) return undefined
  if (Number.isNaN(header.tid + header.time + header.nextOid + header.syncedTo)) return undefined
  return { kind, ...header }
}

/** The checksum of a frame, as its trailer says; undefined: this is no trailer. */
export function trailerChecksum(trailer: Uint8Array): number | undefined {
  return getUint32(trailer, 8) === MAGIC_AT_END ? getUint32(trailer, 0) : undefined
}

/** The length of the whole frame, as its trailer says; undefined: this is no trailer. */
export function trailerLength(trailer: Uint8Array): number | undefined {
  return getUint32(trailer, 8) === MAGIC_AT_END ? getUint32(trailer, 4) : undefined
}

/** Whether bytes that are fewer than a header could be the beginning of one: enough to tell a torn append from damage. */
export function mayBeginFrame(bytes: Uint8Array): boolean {
  return FRAME_MAGIC.every((byte, at) => at >= bytes.length || bytes[at] === byte)
}

/** The checksum of the whole frame at `at`; undefined: its body or trailer is damaged. */
export function checkFrame(bytes: Uint8Array, at: number, header: FrameHeader): number | undefined {
  const from = at + FRAME_HEADER_LENGTH
  const to = from + header.bodyLength
  const found = checksum(bytes, getUint32(bytes, at + AT.checksum), from, to)
  const sound =
    getUint32(bytes, to) === found &&
    getUint32(bytes, to + 4) === frameLength(header) &&
    getUint32(bytes, to + 8) === MAGIC_AT_END
  return sound ? found : undefined
}
