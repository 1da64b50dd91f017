// Finds the frame of one commit from a place not far before it, by the headers of the frames alone: their own checksums make their
// lengths usable without reading what they hold. Only the frame that was asked for is read as a whole. Only reads.
import type { DataFile } from '../file/data-file.js'
import { checkFrame, FRAME_HEADER_LENGTH, frameLength, readFrameHeader } from './frame.js'
import type { Tail } from './tail.js'

/** The state of the log behind commit `tid`, whose frame begins at `from` or after; undefined: it was not found before `end`. */
export function findCommit(file: DataFile, salt: number, from: number, end: number, tid: number): Tail | undefined {
  const head = Buffer.allocUnsafe(FRAME_HEADER_LENGTH)
  for (let at = from; at + FRAME_HEADER_LENGTH <= end;) {
    if (file.read(head, at) < head.length) return undefined
    const header = readFrameHeader(head, 0, at, salt)
    if (header === undefined || header.kind === 'base' || header.tid > tid) return undefined
    const behind = at + frameLength(header)
    if (behind > end) return undefined
    if (header.kind === 'commit' && header.tid === tid) {
      const bytes = Buffer.allocUnsafe(behind - at)
      const checksum = file.read(bytes, at) < bytes.length ? undefined : checkFrame(bytes, 0, header)
      if (checksum === undefined) return undefined
      const { time, nextOid, boot } = header
      return { offset: behind, tid, time, nextOid, checksum, lastFrame: at, boot }
    }
    at = behind
  }
  return undefined
}
