// The state of the log behind a frame, and whether that frame still stands in the file: frames that were read are never changed, so
// that otherwise other content has taken their place. Functions over a tail that somebody has read or stored; only read.
import { CorruptLogError, StoreReplacedError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { chainStart, decodeFileHeader, HEADER_LENGTH, saltOf, type FileHeader } from './file-header.js'
import {
  checkFrame,
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  frameLength,
  readFrameHeader,
  SMALLEST_FRAME,
  trailerChecksum,
} from './frame.js'

/** The state of the log at the end of the last whole frame that was applied. */
export interface Tail {
  /** The end of that frame. */
  readonly offset: number
  readonly tid: number
  readonly time: number
  readonly nextOid: number
  /** Checksum of that frame: the next one names it. */
  readonly checksum: number
  /** Where that frame begins; 0: there is none yet. */
  readonly lastFrame: number
  /** In which boot that frame was written; undefined: there is none yet. */
  readonly boot?: number
}

/** What has happened when the last frame read is not in the file any more. */
export const REPLACED = 'the last commit that was read is not in the file any more: its content has been replaced'

/** What was read has stood beyond the end of the file. */
export function shorter(path: string, { offset }: Tail): StoreReplacedError {
  return new StoreReplacedError(path, `the file has become shorter than ${offset} bytes`)
}

/** Before the first frame. */
export function firstTail({ uuid, baseTid: tid, baseTime: time, nextOid }: FileHeader): Tail {
  return { offset: HEADER_LENGTH, tid, time, nextOid, checksum: chainStart(uuid), lastFrame: 0 }
}

/** The same tail as far as the frame itself tells; undefined: exactly that frame does not stand there. */
export function confirmTail(file: DataFile, header: FileHeader, tail: Tail): Tail | undefined {
  const { lastFrame, offset, checksum, tid } = tail
  const end = file.end()
  const frameEnd = frameEndBefore(header, offset)
  if (!(lastFrame >= HEADER_LENGTH && lastFrame + SMALLEST_FRAME <= frameEnd && offset <= end)) return undefined
  if (offset < header.baseEnd && frameEnd === offset) return undefined
  const head = file.between(lastFrame, lastFrame + FRAME_HEADER_LENGTH)
  const frame = readFrameHeader(head, 0, lastFrame, saltOf(header.uuid))
  if (frame === undefined || lastFrame + frameLength(frame) !== frameEnd) return undefined
  if (trailerChecksum(file.between(frameEnd - FRAME_TRAILER_LENGTH, frameEnd)) !== checksum) return undefined
  const isBase = frame.kind === 'base'
  if (!isBase && frame.tid !== tid) return undefined
  const known = isBase ? firstTail(header) : frame
  return { offset, tid: known.tid, time: known.time, nextOid: known.nextOid, checksum, lastFrame, boot: frame.boot }
}

/**
 * Makes sure that the last frame is still in the file as it was. Throws StoreReplacedError; CorruptLogError if the frame is there and
 * damaged: of one that a table covers, only header and trailer have been read. `nextGood`: where sound data follows.
 */
export function checkTail(file: DataFile, path: string, header: FileHeader, tail: Tail, nextGood?: number): void {
  if (frameStands(file, path, header, tail)) return
  const { lastFrame, tid } = tail
  if (confirmTail(file, header, tail) === undefined) throw new StoreReplacedError(path, REPLACED)
  const lastGood = lastFrame < header.baseEnd ? 0 : tid - 1
  throw new CorruptLogError(path, lastFrame, lastGood, 'the frame is damaged', nextGood)
}

function frameStands(file: DataFile, path: string, header: FileHeader, tail: Tail): boolean {
  const { lastFrame, offset, checksum } = tail
  if (lastFrame === 0) {
    const bytes = file.between(0, HEADER_LENGTH)
    return bytes.length === HEADER_LENGTH && chainStart(decodeFileHeader(bytes, path).uuid) === checksum
  }
  const frameEnd = frameEndBefore(header, offset)
  const bytes = file.between(lastFrame, frameEnd)
  if (bytes.length < frameEnd - lastFrame) return false
  const frame = readFrameHeader(bytes, 0, lastFrame, saltOf(header.uuid))
  return frame !== undefined && checkFrame(bytes, 0, frame) === checksum
}

/**
 * The same by a look at the last bytes of that frame only, where its checksum stands: a file that was written over in place
 * can have come back to the same length.
 */
export function endStands(file: DataFile, header: FileHeader, { lastFrame, offset, checksum }: Tail): boolean {
  if (lastFrame === 0) return true
  const frameEnd = frameEndBefore(header, offset)
  const trailer = file.between(frameEnd - FRAME_TRAILER_LENGTH, frameEnd)
  return trailer.length === FRAME_TRAILER_LENGTH && trailerChecksum(trailer) === checksum
}

/** Where the last frame ends, if the log goes on at `offset`: the table of a packed state may stand between the two. */
function frameEndBefore({ table }: FileHeader, offset: number): number {
  return offset === table?.end ? table.at : offset
}
