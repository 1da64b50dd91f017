// The last frame of a file in which anything may be damaged, as its trailer tells: where it ends, and how much of what stands before is
// part of it, whatever that is. Only reads.
import type { DataFile } from '../file/data-file.js'
import {
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  mayBeginFrame,
  SMALLEST_FRAME,
  trailerChecksum,
  trailerLength,
} from './frame.js'

export interface Trailer {
  /** Of the whole frame. */
  readonly length: number
  readonly checksum: number | undefined
}

export interface LastFrame extends Trailer {
  /** Where it begins, if no bytes are gone from it, and none have been inserted. */
  readonly from: number
  readonly to: number
}

/** undefined: there is none whose trailer stands at the end, or before so little there as an append has left that has no header yet. */
export function lastFrame(file: DataFile, end: number): LastFrame | undefined {
  const from = Math.max(0, end - FRAME_TRAILER_LENGTH - FRAME_HEADER_LENGTH + 1)
  const bytes = file.between(from, end)
  for (let to = bytes.length; to >= FRAME_TRAILER_LENGTH; to--) {
    const trailer = trailerIn(bytes.subarray(to - FRAME_TRAILER_LENGTH, to))
    if (trailer === undefined || !mayBeginFrame(bytes.subarray(to))) continue
    return { ...trailer, from: from + to - trailer.length, to: from + to }
  }
  return undefined
}

/** That of the frame that ends there. */
export function trailerBefore(file: DataFile, at: number): Trailer | undefined {
  return trailerIn(file.between(at - FRAME_TRAILER_LENGTH, at))
}

function trailerIn(bytes: Uint8Array): Trailer | undefined {
  const length = trailerLength(bytes) ?? 0
  return length < SMALLEST_FRAME ? undefined : { length, checksum: trailerChecksum(bytes) }
}
