// Looks for the trailers of frames, which tell where those begin. Only reads.
import type { DataFile } from '../file/data-file.js'
import { END_MAGIC, FRAME_TRAILER_LENGTH, trailerLength } from './frame.js'

interface FoundTrailer {
  readonly end: number
  /** Of the whole frame, as the trailer says. */
  readonly length: number
}

/** Most trailers are near: the first pieces are small, and each is twice the one before. */
const FIRST_PIECE = 1 << 12
const PIECE = 1 << 16

/** Whatever may be a trailer and ends behind `from`, with at least its end magic, and before `to`; a number: up to there has been read. */
export function* findTrailers(file: DataFile, from: number, to: number): Generator<FoundTrailer | number> {
  let most = FIRST_PIECE
  // Each piece begins with the end of the one before, in which a trailer may begin.
  for (let start = Math.max(0, from - FRAME_TRAILER_LENGTH + 1); start < to;) {
    const bytes = Buffer.alloc(Math.min(to, start + most) - start)
    const piece = bytes.subarray(0, file.read(bytes, start))
    yield start + piece.length
    for (let hit = piece.indexOf(END_MAGIC); hit >= 0; hit = piece.indexOf(END_MAGIC, hit + 1)) {
      const end = hit + END_MAGIC.length
      if (end < FRAME_TRAILER_LENGTH || start + hit < from) continue
      yield { end: start + end, length: trailerLength(piece.subarray(end - FRAME_TRAILER_LENGTH, end)) ?? 0 }
    }
    start += Math.max(1, piece.length - FRAME_TRAILER_LENGTH + 1)
    most = Math.min(PIECE, 2 * most)
  }
}
