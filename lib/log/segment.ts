// Frames of a damaged file that stand one behind the other and follow each other; or one of which the header alone is sound. Frames that
// are kept as data in others are met as well: which segments are of the log is not known here. Only adds up what the headers say.
import { checksumOf, type FoundFrame } from './damage.js'
import { chainStart, HEADER_LENGTH, type FileHeader } from './file-header.js'
import { frameLength, type FrameHeader } from './frame.js'

export interface Segment {
  /** Where it begins, and what it says of that. */
  readonly at: number
  readonly offset: number
  /** The commit that it says is before it, and the checksum of the frame before it. */
  readonly after: number
  readonly previous: number | undefined
  /** Where it ends, or would end, and what the next frame says of that. */
  endAt: number
  endOffset: number
  /** Its last commit, or the one before it. */
  tid: number
  /** Of the last frame; undefined: that is not known. */
  checksum: number | undefined
  /** It is one frame, of which not all is there. */
  readonly isBroken: boolean
  /** Its last frame ends where that says. */
  readonly isClosed: boolean
  /** Of its first frame. */
  readonly length: number
}

/** The log so far, of which there is nothing yet. `header` undefined: it is damaged. */
export function beginOfLog(header: FileHeader | undefined): Segment {
  const tid = header?.baseTid ?? 0
  const place = { at: HEADER_LENGTH, offset: HEADER_LENGTH, endAt: HEADER_LENGTH, endOffset: HEADER_LENGTH }
  const checksum = header && chainStart(header.uuid)
  return { ...place, after: tid, previous: undefined, tid, checksum, isBroken: false, isClosed: true, length: 0 }
}

export function segmentOf({ header: frame, at, bytes, isClosed }: FoundFrame, header: FileHeader | undefined): Segment {
  const { offset, previous } = frame
  const length = frameLength(frame)
  const endOffset = behind(frame, header)
  return {
    at,
    offset,
    after: tidBefore(frame, header),
    previous,
    endAt: at + endOffset - offset,
    endOffset,
    tid: tidOf(frame, header),
    checksum: bytes && checksumOf(bytes),
    isBroken: bytes === undefined,
    isClosed,
    length,
  }
}

/** Makes the frame part of a segment if it goes on with that; gives whether it does. */
export function extend(segment: Segment, found: FoundFrame, header: FileHeader | undefined): boolean {
  const { header: frame, at, bytes } = found
  if (segment.isBroken || bytes === undefined) return false
  if (at !== segment.endAt || frame.offset !== segment.endOffset) return false
  if (segment.checksum !== undefined && segment.checksum !== frame.previous) return false
  const isTidKnown = header !== undefined || segment.tid > 0
  if (isTidKnown && tidBefore(frame, header) !== segment.tid) return false
  segment.endOffset = behind(frame, header)
  segment.endAt = at + segment.endOffset - frame.offset
  segment.tid = tidOf(frame, header)
  segment.checksum = checksumOf(bytes)
  return true
}

/** So much further behind than it says a segment stands. */
export function displacement({ at, offset }: Pick<Segment, 'at' | 'offset'>): number {
  return at - offset
}

/** Where the frame behind this one says that it begins: behind the table, if that comes first. */
export function behind(frame: FrameHeader, header: FileHeader | undefined): number {
  const end = frame.offset + frameLength(frame)
  return end === header?.table?.at ? header.table.end : end
}

function tidOf({ kind, tid }: FrameHeader, header: FileHeader | undefined): number {
  return kind === 'base' ? (header?.baseTid ?? 0) : tid
}

/** The commit before it, as it says. */
export function tidBefore(frame: FrameHeader, header: FileHeader | undefined): number {
  return tidOf(frame, header) - (frame.kind === 'commit' ? 1 : 0)
}
