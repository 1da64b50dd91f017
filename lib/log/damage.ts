// Looks behind damage for whole frames: what they prove decides whether a power cut can have done it, and what can be saved.
// Only reads; bounded work whatever the bytes say.
import type { DataFile } from '../file/data-file.js'
import {
  checkFrame,
  FRAME_HEADER_LENGTH,
  FRAME_MAGIC,
  frameLength,
  readFrameHeader,
  type FrameHeader,
} from './frame.js'

/** What stands behind damage. */
export interface BehindDamage {
  /** Where the first whole frame begins. */
  readonly nextGood: number | undefined
  /** The highest offset that a whole frame there says was on disk. */
  readonly proved: number
  /** In which boots whole frames there were written. */
  readonly boots: ReadonlySet<number>
}

const PIECE = 1 << 20
/** Frames that lie about their length make us check bytes again and again: no more than this many times the bytes there are. */
const MOST_PASSES = 8

export function examineDamage(file: DataFile, from: number, end: number, salt: number): BehindDamage {
  let nextGood: number | undefined
  let proved = 0
  const boots = new Set<number>()
  for (const found of findFrames(file, from, end, salt)) {
    if (typeof found === 'number' || found.bytes === undefined) continue
    const { header } = found
    nextGood ??= header.offset
    proved = Math.max(proved, header.syncedTo)
    boots.add(header.boot)
  }
  return { nextGood, proved, boots }
}

/** A frame with a sound header, found without knowing what stands before it. */
export interface FoundFrame {
  readonly header: FrameHeader
  /** All of it; undefined: something of it is damaged, or not there. */
  readonly bytes: Uint8Array | undefined
}

/**
 * All frames with a sound header between `from` and `end`, wherever they begin; a number: up to there has been gone through.
 * `salt` undefined: of whatever file.
 */
export function* findFrames(
  file: DataFile,
  from: number,
  end: number,
  salt: number | undefined,
): Generator<FoundFrame | number> {
  const magic = Buffer.from(FRAME_MAGIC)
  let work = (end - from) * MOST_PASSES + PIECE
  let behind = from // the end of the last frame found
  for (let at = from; at < end; at += PIECE - magic.length + 1) {
    const piece = Buffer.alloc(Math.min(PIECE, end - at))
    const bytes = piece.subarray(0, file.read(piece, at))
    for (let hit = bytes.indexOf(magic); hit >= 0; hit = bytes.indexOf(magic, hit + 1)) {
      if (at + hit < behind) continue
      const inPiece = hit + FRAME_HEADER_LENGTH <= bytes.length
      const header = inPiece ? readFrameHeader(bytes, hit, at + hit, salt) : readHeader(file, at + hit, salt)
      if (header === undefined) continue
      const isThere = header.offset + frameLength(header) <= end
      if (isThere && (work -= frameLength(header)) < 0) return
      const whole = isThere ? readWhole(file, header) : undefined
      if (whole !== undefined) behind = at + hit + whole.length
      yield { header, bytes: whole }
    }
    yield at + piece.length
  }
}

function readHeader(file: DataFile, at: number, salt: number | undefined): FrameHeader | undefined {
  const head = Buffer.alloc(FRAME_HEADER_LENGTH)
  return file.read(head, at) < head.length ? undefined : readFrameHeader(head, 0, at, salt)
}

function readWhole(file: DataFile, header: FrameHeader): Uint8Array | undefined {
  const bytes = Buffer.alloc(frameLength(header))
  if (file.read(bytes, header.offset) < bytes.length) return undefined
  return checkFrame(bytes, 0, header) === undefined ? undefined : bytes
}
