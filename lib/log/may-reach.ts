// Whether a file in which anything may be damaged is the one that somebody has read up to a certain frame. Only reads.
import type { DataFile } from '../file/data-file.js'
import { FRAME_HEADER_LENGTH, frameLength, readFrameHeader } from './frame.js'
import type { Tail } from './tail.js'

/** How far a log has been followed. */
export type Reached = Pick<Tail, 'offset' | 'tid' | 'time'>

/** False: it ends before that, or another frame stands in the place of the last one. */
export function mayReach(file: DataFile, { lastFrame, offset, tid, time }: Tail, salt: number): boolean {
  if (file.end() < offset) return false
  const bytes = Buffer.alloc(FRAME_HEADER_LENGTH)
  file.read(bytes, lastFrame)
  const header = readFrameHeader(bytes, 0, lastFrame, salt)
  if (header === undefined || header.kind === 'base') return true
  return lastFrame + frameLength(header) === offset && header.tid === tid && header.time === time
}

/**
 * Whether the log may go on from here to that frame. False: it is past its beginning, or would have to go back: times never fall, and each
 * commit has the next number. (What holds no commit has that of the one before it, and proves nothing that anybody would miss.)
 */
export function mayLeadTo({ offset, tid, time }: Reached, to: Tail): boolean {
  return offset <= to.lastFrame && tid < to.tid && time <= to.time
}
