// Goes from frame to frame towards the beginning of the log: each trailer tells where its frame begins, and each header names the frame
// before it. Only reads, and no more than the frames that it gives.
import type { DataFile } from '../file/data-file.js'
import {
  checkFrame,
  FRAME_TRAILER_LENGTH,
  frameLength,
  readFrameHeader,
  SMALLEST_FRAME,
  trailerLength,
  type FrameHeader,
} from './frame.js'

export interface WholeFrame {
  readonly header: FrameHeader
  readonly bytes: Uint8Array
  readonly checksum: number
}

/** The frames between `from` and `to`, where one ends, the last first, each checked. `damagedAt` is told where none is. */
export function* framesBackwards(
  file: DataFile,
  salt: number,
  from: number,
  to: number,
  damagedAt: (offset: number) => never,
): Generator<WholeFrame, undefined> {
  const trailer = Buffer.allocUnsafe(FRAME_TRAILER_LENGTH)
  let named: number | undefined
  for (let end = to; end > from;) {
    const got = file.read(trailer, Math.max(from, end - FRAME_TRAILER_LENGTH))
    const length = got < trailer.length ? undefined : trailerLength(trailer)
    if (length === undefined || length < SMALLEST_FRAME || end - length < from) return damagedAt(from)
    const start = end - length
    const bytes = Buffer.allocUnsafe(length)
    const header = file.read(bytes, start) < length ? undefined : readFrameHeader(bytes, 0, start, salt)
    if (header === undefined || frameLength(header) !== length) return damagedAt(start)
    const checksum = checkFrame(bytes, 0, header)
    if (checksum === undefined || (named !== undefined && checksum !== named)) return damagedAt(start)
    yield { header, bytes, checksum }
    named = header.previous
    end = start
  }
}
