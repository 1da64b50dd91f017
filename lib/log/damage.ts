// Looks behind damage for whole frames: what they prove decides whether a power cut can have done it, and what can be saved.
// Only reads; bounded work whatever the bytes say.
import type { DataFile } from '../file/data-file.js'
import { Continuation, type LastFrame } from './continuation.js'
import {
  checkFrame,
  FRAME_HEADER_LENGTH,
  FRAME_MAGIC,
  FRAME_TRAILER_LENGTH,
  frameLength,
  readFrameHeader,
  SMALLEST_FRAME,
  trailerChecksum,
  trailerLength,
  type FrameHeader,
} from './frame.js'
import { findTrailers } from './trailers.js'

/** What is known of the log before damage. */
export interface BeforeDamage {
  /** Everything below this offset is known to have been on disk. */
  readonly proved: number
  /** In which boot the last frame was written; undefined: there is none. */
  readonly boot: number | undefined
}

/** What stands behind damage. */
export interface BehindDamage {
  /** Where the first whole frame begins. */
  readonly nextGood: number | undefined
  /** The highest offset that a frame there says was on disk: one that is whole, or in its place. */
  readonly proved: number
  /**
   * Where the last whole frame begins before which no power cut can have done damage: it was written since the machine was started,
   * or bytes before it are gone. Not one that stands further behind than it says: bytes may have been inserted before it, or it may be
   * a copy that a commit held whose beginning and end are lost.
   */
  readonly witness: number | undefined
}

const PIECE = 1 << 20
/** Frames that lie about their length make us check bytes again and again: no more than this many times the bytes there are. */
const MOST_PASSES = 8

/** `last`: the whole frame that ends at `from`. */
export function examineDamage(file: DataFile, from: number, end: number, salt: number, last: LastFrame): BehindDamage {
  let nextGood: number | undefined
  let proved = 0
  let witness: number | undefined
  const log = new Continuation(file, last, from, end, { isForSalvage: false })
  for (const found of findFrames(file, from, end, salt, log)) {
    if (typeof found === 'number') continue
    const { at, header, bytes } = found
    if (bytes === undefined && log.hasStrayed(header, at)) continue
    log.pass(header, at, bytes && checksumOf(bytes))
    if (bytes !== undefined || at === header.offset) proved = Math.max(proved, header.syncedTo)
    if (bytes === undefined) continue
    nextGood ??= at
    if (at < header.offset || isSameBoot(header.boot, file.disk.boot)) witness = at
  }
  return { nextGood, proved, witness }
}

/**
 * Whether damage at `at` can be the mark of a power cut: only what an earlier boot than `now` wrote, and nobody proved to be on disk.
 * `behind` is asked only where it matters.
 */
export function isMarkOfPowerCut(at: number, before: BeforeDamage, now: number, behind: () => BehindDamage): boolean {
  if (at < before.proved || before.boot === undefined || isSameBoot(before.boot, now)) return false
  const { proved, witness = 0 } = behind()
  return at >= proved && at > witness
}

/** An unknown boot counts as this one: then nothing is taken for the mark of a power cut. */
export function isSameBoot(one: number, other: number): boolean {
  return one === 0 || other === 0 || one === other
}

/**
 * Of a frame at `at`, whose header is sound and announces more bytes than there are: whether some have been cut out, while an append that was
 * never finished just ends. Then the file ends with the end of that frame, or with one that says it belongs behind it: any other is a copy in it.
 */
export function isCutOut(file: DataFile, header: FrameHeader, at: number, end: number): boolean {
  const trailer = Buffer.alloc(FRAME_TRAILER_LENGTH)
  file.read(trailer, end - trailer.length)
  const length = trailerLength(trailer)
  if (length === undefined) return false
  if (length === frameLength(header)) return true
  const start = end - length
  const last = start > at ? readHeader(file, start, header.salt) : undefined
  if (last === undefined || last.offset < header.offset + frameLength(header) || last.tid < header.tid) return false
  return frameLength(last) === length && readWhole(file, start, last) !== undefined
}

/**
 * Of the same, if nothing is cut out: whether another frame begins where it says that it goes on, in its place and of the same commit or a
 * later one, or one that began where it does ends at the end. Then its header is not what was written last, but of an append that was cut
 * off, or of another life of the store. In an append that was never finished, nothing is in its place: a copy of this file stands further
 * behind. No frame begins before `from`.
 */
export function isOverOthers(file: DataFile, header: FrameHeader, from: number, end: number): boolean {
  const inPlace = { belongs: (other: FrameHeader, at: number) => other.offset === at && other.tid >= header.tid }
  for (const found of findFrames(file, from, end, header.salt, inPlace)) if (typeof found !== 'number') return true
  // Behind that one there may be less than a header.
  for (const found of findTrailers(file, Math.max(from, end - SMALLEST_FRAME), end))
    if (typeof found !== 'number' && found.end - found.length === header.offset) return true
  return false
}

/** A frame with a sound header, found without knowing what stands before it. */
export interface FoundFrame {
  readonly header: FrameHeader
  /** Where it begins: before the place that it names if bytes before it are gone. */
  readonly at: number
  /** All of it; undefined: something of it is damaged, or not there. */
  readonly bytes: Uint8Array | undefined
}

/** The checksum of a whole frame. */
export function checksumOf(frame: Uint8Array): number | undefined {
  return trailerChecksum(frame.subarray(-FRAME_TRAILER_LENGTH))
}

/**
 * All frames with a sound header between `from` and `end`, wherever they begin, that belong to the log; a number: up to there has been
 * gone through. `salt` undefined: of whatever file, but only where they say that they belong.
 */
export function* findFrames(
  file: DataFile,
  from: number,
  end: number,
  salt: number | undefined,
  log?: Pick<Continuation, 'belongs'>,
): Generator<FoundFrame | number> {
  const magic = Buffer.from(FRAME_MAGIC)
  let work = (end - from) * MOST_PASSES + PIECE
  let behind = from // the end of the last frame found
  for (let start = from; start < end; start += PIECE - magic.length + 1) {
    const piece = Buffer.alloc(Math.min(PIECE, end - start))
    const bytes = piece.subarray(0, file.read(piece, start))
    for (let hit = bytes.indexOf(magic); hit >= 0; hit = bytes.indexOf(magic, hit + 1)) {
      const at = start + hit
      if (at < behind) continue
      const inPiece = hit + FRAME_HEADER_LENGTH <= bytes.length
      const header = inPiece ? readHeaderIn(bytes, hit, at, salt) : readHeader(file, at, salt)
      if (header === undefined || log?.belongs(header, at) === false) continue
      const length = frameLength(header)
      const isThere = at + length <= end
      if (isThere && (work -= length) < 0) return
      const whole = isThere ? readWhole(file, at, header) : undefined
      if (whole !== undefined) behind = at + length
      yield { header, at, bytes: whole }
    }
    yield start + piece.length
  }
}

function readHeader(file: DataFile, at: number, salt: number | undefined): FrameHeader | undefined {
  const head = Buffer.alloc(FRAME_HEADER_LENGTH)
  return file.read(head, at) < head.length ? undefined : readHeaderIn(head, 0, at, salt)
}

function readHeaderIn(bytes: Uint8Array, hit: number, at: number, salt: number | undefined): FrameHeader | undefined {
  return readFrameHeader(bytes, hit, salt === undefined ? at : undefined, salt)
}

function readWhole(file: DataFile, at: number, header: FrameHeader): Uint8Array | undefined {
  const bytes = Buffer.alloc(frameLength(header))
  if (file.read(bytes, at) < bytes.length) return undefined
  return checkFrame(bytes, 0, header) === undefined ? undefined : bytes
}
