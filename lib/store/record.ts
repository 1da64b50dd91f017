// The layout of a record: one version of one object. See spec/format.md. Pure functions over bytes.
import { checksum } from '../log/checksum.js'
import { stretchOf, type Offset, type Oid, type StoredRecord, type Stretch, type Tid } from './types.js'
import { VarintReader, varintLength, writeVarint } from './varint.js'

export const CHECKSUM_LENGTH = 4
/** So many are copied one by one. */
const FEW_BYTES = 128
const NONE: Oid[] = []

/** What stands in a record before its state. */
interface RecordHead {
  readonly oid: number
  readonly shape: number
  readonly tid: number
  /** Own offset less that of the version it replaces; 0: it replaces none in this file. */
  readonly back: number
  readonly refs: readonly number[]
}

/** What a record holds besides its place. */
export interface RecordFields extends RecordHead {
  readonly state: Uint8Array
}

/** An upper bound of the bytes that a record with this many references and state bytes takes. */
export function mostRecordBytes(refs: number, state: number): number {
  return 8 + CHECKSUM_LENGTH + 5 * 8 + 8 * refs + state
}

/** Writes a record at `at` and returns the offset behind it. */
export function writeRecord(into: Uint8Array, at: number, record: RecordFields, salt: number): number {
  return writeRecordOf(into, at, record, stretchOf(record.state), salt, ref => ref)
}

/** The same for a state that is part of other bytes, and references of which `oidOf` tells the oids. */
export function writeRecordOf(
  into: Uint8Array,
  at: number,
  { oid, shape, tid, back, refs }: RecordHead,
  { bytes, from, to: behind }: Stretch,
  salt: number,
  oidOf: (ref: number) => number,
): number {
  let length =
    CHECKSUM_LENGTH +
    varintLength(oid) +
    varintLength(shape) +
    varintLength(tid) +
    varintLength(back) +
    varintLength(refs.length) +
    (behind - from)
  for (let n = 0; n < refs.length; n++) length += varintLength(oidOf(refs[n] ?? 0))
  const sum = writeVarint(into, at, length)
  const end = sum + length
  let to = sum + CHECKSUM_LENGTH
  to = writeVarint(into, to, oid)
  to = writeVarint(into, to, shape)
  to = writeVarint(into, to, tid)
  to = writeVarint(into, to, back)
  to = writeVarint(into, to, refs.length)
  for (let n = 0; n < refs.length; n++) to = writeVarint(into, to, oidOf(refs[n] ?? 0))
  if (behind - from > FEW_BYTES) into.set(bytes.subarray(from, behind), to)
  else for (let at = from; at < behind; at++) into[to++] = bytes[at] ?? 0
  setUint32(into, sum, checksum(into, salt, sum + CHECKSUM_LENGTH, end))
  return end
}

/** Calls `found` for each of `count` records from `at` on and returns the offset behind them; -1: they do not fit. */
export function scanRecords(
  bytes: Uint8Array,
  at: number,
  end: number,
  count: number,
  found: (oid: Oid, shape: Oid, at: number) => void,
): number {
  const reader = new VarintReader(bytes, at, end)
  for (let n = 0; n < count; n++) {
    const start = reader.at
    const length = reader.next()
    const behind = reader.at + length
    if (reader.failed || length < CHECKSUM_LENGTH || behind > end) return -1
    reader.at += CHECKSUM_LENGTH
    const oid = reader.next() as Oid
    const shape = reader.next() as Oid
    if (reader.failed || reader.at > behind || oid === 0) return -1
    found(oid, shape, start)
    reader.at = behind
  }
  return reader.at
}

/** How many bytes the record at `at` takes, as far as its first bytes tell; 0: they do not. */
export function recordLength(bytes: Uint8Array, at: number): number {
  // Mostly the length is one or two bytes.
  const first = bytes[at] ?? 0x80
  if (first < 0x80) return first + 1
  const second = bytes[at + 1] ?? 0x80
  if (second < 0x80) return (first & 0x7f) + (second << 7) + 2
  const reader = new VarintReader(bytes, at, bytes.length)
  const length = reader.next()
  return reader.failed ? 0 : reader.at + length - at
}

/** The record at `at` of `bytes`, which stands at `offset` in the file; undefined: it is damaged. */
export function readRecord(bytes: Uint8Array, at: number, offset: number, salt: number): StoredRecord | undefined {
  const reader = new VarintReader(bytes, at, bytes.length)
  const length = reader.next()
  const sum = reader.at
  const end = sum + length
  if (reader.failed || length < CHECKSUM_LENGTH || end > bytes.length) return undefined
  if (checksum(bytes, salt, sum + CHECKSUM_LENGTH, end) !== getUint32(bytes, sum)) return undefined
  reader.at = sum + CHECKSUM_LENGTH
  reader.end = end
  const oid = reader.next()
  const shape = reader.next()
  const tid = reader.next()
  const back = reader.next()
  const count = reader.next()
  if (reader.failed || oid === 0 || count > end - reader.at || back > offset) return undefined
  const refs = count === 0 ? NONE : new Array<Oid>(count)
  for (let n = 0; n < count; n++) refs[n] = reader.next() as Oid
  if (reader.failed) return undefined
  const previous = back === 0 ? 0 : offset - back
  return new Found(oid, shape, tid, previous, refs, offset, end - at, bytes, reader.at, end)
}

class Found implements StoredRecord {
  readonly oid: Oid
  readonly shape: Oid
  readonly tid: Tid
  readonly previous: Offset
  readonly refs: readonly Oid[]
  readonly offset: Offset
  readonly length: number
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number

  constructor(
    oid: number,
    shape: number,
    tid: number,
    previous: number,
    refs: readonly Oid[],
    offset: number,
    length: number,
    bytes: Uint8Array,
    from: number,
    to: number,
  ) {
    this.oid = oid as Oid
    this.shape = shape as Oid
    this.tid = tid as Tid
    this.previous = previous as Offset
    this.refs = refs
    this.offset = offset as Offset
    this.length = length
    this.bytes = bytes
    this.from = from
    this.to = to
  }

  get state(): Uint8Array {
    return this.bytes.subarray(this.from, this.to)
  }
}

export function getUint32(bytes: Uint8Array, at: number): number {
  const value =
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
  return value >>> 0
}

export function setUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = value
  into[at + 1] = value >>> 8
  into[at + 2] = value >>> 16
  into[at + 3] = value >>> 24
}
