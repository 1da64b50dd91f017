// From encoded states to the bytes of a commit frame at a given place: a pure function, run again as often as the place changes.
import { CommitFailedError, CommitTooLargeError } from '../error.js'
import {
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  LARGEST_FRAME,
  sealFrame,
  SMALLEST_FRAME,
  type Control,
} from '../log/frame.js'
import type { Tail } from '../log/tail.js'
import { mostRecordBytes, writeRecordOf } from './record.js'
import { FIRST_FREE_OID, type Draft, type Offset, type Oid } from './types.js'

/** Where and when a frame is to stand. */
export interface Place {
  readonly tail: Tail
  /** Milliseconds since 1970. */
  readonly now: number
  readonly salt: number
  readonly boot: number
  readonly syncedTo: number
}

/** The time of a frame that is to stand there: never before the frames ahead of it, wherever the clock has been set to. */
export function timeAt({ now, tail }: Place): number {
  return Math.max(now, tail.time)
}

/** A commit frame ready to be appended at `place.tail.offset`. */
export interface AssembledFrame {
  readonly bytes: Uint8Array
  /** Where each record of the draft begins. */
  readonly offsets: readonly Offset[]
  readonly firstOid: Oid
  /** The tail once it is appended. */
  readonly tail: Tail
}

/** An upper bound of the frame's size. Throws CommitTooLargeError. */
function mostBytes(draft: Draft): number {
  let bytes = SMALLEST_FRAME + draft.annotation.length
  for (const { refs, from, to } of draft.records) bytes += mostRecordBytes(refs.length, to - from)
  if (bytes > LARGEST_FRAME) throw new CommitTooLargeError(bytes)
  return bytes
}

const NOTHING = new Uint8Array(0)

/**
 * `newest` tells where the version stands that a record will replace. A frame that fits is built in `space`, and then good
 * until the next one is. Throws CommitTooLargeError.
 */
export function assembleCommit(
  draft: Draft,
  place: Place,
  newest: (oid: Oid) => Offset,
  space: Uint8Array = NOTHING,
): AssembledFrame {
  const { tail, salt, boot } = place
  const most = mostBytes(draft)
  // No Buffer: parts of one cost twice as much, and there is one made for each checksum.
  const frame = most <= space.length ? space : new Uint8Array(Buffer.allocUnsafeSlow(most).buffer)
  const firstOid = Math.max(tail.nextOid, FIRST_FREE_OID) as Oid
  const number = (oid: number): number => (oid < 0 ? firstOid - 1 - oid : oid)
  const tid = tail.tid + 1
  if (tid > Number.MAX_SAFE_INTEGER || firstOid + draft.fresh > Number.MAX_SAFE_INTEGER) {
    throw new CommitFailedError('the store has come to its last number: no commit or object can be added to it')
  }
  const offsets: Offset[] = []
  let at = FRAME_HEADER_LENGTH
  for (const record of draft.records) {
    const { oid, shape, refs } = record
    const offset = (tail.offset + at) as Offset
    const replaced = oid < 0 ? 0 : newest(oid as Oid)
    const back = replaced === 0 ? 0 : offset - replaced
    const head = { oid: number(oid), shape: number(shape), tid, back, refs }
    offsets.push(offset)
    at = writeRecordOf(frame, at, head, record, salt, number)
  }
  frame.set(draft.annotation, at)
  at += draft.annotation.length
  const bytes = frame.subarray(0, at + FRAME_TRAILER_LENGTH)
  const time = timeAt(place)
  const nextOid = firstOid + draft.fresh
  const checksum = sealFrame(bytes, {
    kind: 'commit',
    control: undefined,
    offset: tail.offset,
    tid,
    time,
    bodyLength: at - FRAME_HEADER_LENGTH,
    records: draft.records.length,
    nextOid,
    syncedTo: place.syncedTo,
    boot,
    previous: tail.checksum,
    salt,
  })
  const after = { offset: tail.offset + bytes.length, tid, time, nextOid, checksum, lastFrame: tail.offset, boot }
  return { bytes, offsets, firstOid, tail: after }
}

/** A control frame whose body is `body`. */
export function assembleControl(control: Control, body: Uint8Array, place: Place): Uint8Array {
  const { tail } = place
  const bytes = new Uint8Array(SMALLEST_FRAME + body.length)
  bytes.set(body, FRAME_HEADER_LENGTH)
  sealFrame(bytes, {
    kind: 'control',
    control,
    offset: tail.offset,
    tid: tail.tid,
    time: tail.time, // none of its own: later commits are never older, whatever the clock of whoever packs said
    bodyLength: body.length,
    records: 0,
    nextOid: tail.nextOid,
    syncedTo: place.syncedTo,
    boot: place.boot,
    previous: tail.checksum,
    salt: place.salt,
  })
  return bytes
}
