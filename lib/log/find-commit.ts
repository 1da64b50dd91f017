// Finds the frame of one commit from a place not far from it, by the headers of the frames alone: their own checksums make their
// lengths usable without reading what they hold. Only the frame that was asked for is read as a whole. Only reads.
import type { DataFile } from '../file/data-file.js'
import { FilePieces } from './file-pieces.js'
import {
  checkFrame,
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  frameLength,
  readFrameHeader,
  SMALLEST_FRAME,
  trailerChecksum,
  trailerLength,
  type FrameHeader,
} from './frame.js'
import type { Tail } from './tail.js'

/** A place where a frame begins; that of commit `tid`, or the first one behind it. */
interface FrameBegin {
  readonly tid: number
  readonly offset: number
}

/**
 * The state of the log behind commit `tid`, which stands between `from` and `tail`: looked for from the nearer of the two, and where that
 * does not lead to it, from `from`. undefined: it was not found.
 */
export function findCommit(file: DataFile, salt: number, from: FrameBegin, tail: Tail, tid: number): Tail | undefined {
  const isNearTail = tail.tid - tid < tid - from.tid
  const found = isNearTail ? backwards(file, salt, from.offset, tail, tid) : undefined
  return found ?? forwards(file, salt, from.offset, tail.offset, tid)
}

function forwards(file: DataFile, salt: number, from: number, end: number, tid: number): Tail | undefined {
  const pieces = new FilePieces(file, from, end, 'forwards')
  for (let at = from; ;) {
    const head = pieces.take(at, FRAME_HEADER_LENGTH)
    const header = head && readFrameHeader(head, 0, at, salt)
    if (header === undefined || header.kind === 'base' || header.tid > tid) return undefined
    const behind = at + frameLength(header)
    if (behind > end) return undefined
    if (header.kind === 'commit' && header.tid === tid) return tailBehind(file, header)
    at = behind
  }
}

/**
 * Each trailer tells where its frame begins, and each header names the trailer before it: nothing is taken for a frame of this log
 * that is none.
 */
function backwards(file: DataFile, salt: number, from: number, tail: Tail, tid: number): Tail | undefined {
  const pieces = new FilePieces(file, from, tail.offset, 'backwards')
  for (let { offset: end, checksum } = tail; ;) {
    const trailer = pieces.take(end - FRAME_TRAILER_LENGTH, FRAME_TRAILER_LENGTH)
    const length = trailer && trailerChecksum(trailer) === checksum ? trailerLength(trailer) : undefined
    if (length === undefined || length < SMALLEST_FRAME) return undefined
    const at = end - length
    const head = pieces.take(at, FRAME_HEADER_LENGTH)
    const header = head && readFrameHeader(head, 0, at, salt)
    if (header === undefined || header.kind === 'base' || header.tid < tid) return undefined
    if (frameLength(header) !== length) return undefined
    if (header.kind === 'commit' && header.tid === tid) {
      const found = tailBehind(file, header)
      return found?.checksum === checksum ? found : undefined
    }
    end = at
    checksum = header.previous
  }
}

/** undefined: the frame is damaged. */
function tailBehind(file: DataFile, header: FrameHeader): Tail | undefined {
  const { offset: lastFrame, tid, time, nextOid, boot } = header
  const offset = lastFrame + frameLength(header)
  const bytes = file.between(lastFrame, offset)
  const checksum = bytes.length < offset - lastFrame ? undefined : checkFrame(bytes, 0, header)
  return checksum === undefined ? undefined : { offset, tid, time, nextOid, checksum, lastFrame, boot }
}
