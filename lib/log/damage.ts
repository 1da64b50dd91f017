// Looks behind damage for whole frames: what they prove decides whether a power cut can have done it, and what can be saved.
// Only reads; bounded work whatever the bytes say.
import type { DataFile } from '../file/data-file.js'
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
  /** Where a frame would say that it begins that stood where the damage is. */
  readonly offset: number
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
   * or bytes before it are gone.
   */
  readonly witness: number | undefined
}

const PIECE = 1 << 20

export const NOTHING_BEHIND: BehindDamage = { nextGood: undefined, proved: 0, witness: undefined }

export function examineDamage(file: DataFile, from: number, end: number, salt: number): BehindDamage {
  let behind = NOTHING_BEHIND
  for (const found of findFrames(file, from, end, salt)) {
    if (typeof found !== 'number') behind = withFrame(behind, found, file.disk.boot)
  }
  return behind
}

/**
 * With what this frame proves: every one that is whole counts, as it says it. A copy of one of this log that a commit holds says nothing
 * that is not true. One of another life of the store may say too much: then what a power cut has done is called damage, which loses nothing.
 */
export function withFrame(behind: BehindDamage, { header, at, bytes }: FoundFrame, now: number): BehindDamage {
  const isInPlace = at === header.offset
  const proved = bytes !== undefined || isInPlace ? Math.max(behind.proved, header.syncedTo) : behind.proved
  if (bytes === undefined) return { ...behind, proved }
  const isWitness = at < header.offset || isSameBoot(header.boot, now)
  return { nextGood: behind.nextGood ?? at, proved, witness: isWitness ? at : behind.witness }
}

/**
 * Whether damage at `at` can be the mark of a power cut: only what an earlier boot than `now` wrote, and nobody proved to be on disk.
 * `behind` is asked only where it matters.
 */
export function isMarkOfPowerCut(at: number, before: BeforeDamage, now: number, behind: () => BehindDamage): boolean {
  const { offset } = before
  if (offset < before.proved || before.boot === undefined || isSameBoot(before.boot, now)) return false
  const { proved, witness = 0 } = behind()
  return offset >= proved && at > witness
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
 * Of the same, if nothing is cut out at the end: whether another frame of the same commit or a later one begins where it says that it
 * begins, or nearer and right behind this one, or one that began where this one does ends at the end. Then its header is not what was
 * written last, but of an append that was cut off, or of another life of the store, or bytes of it are gone. In an append that was never
 * finished, a copy of this file stands further behind than it says. No frame begins before `from`.
 */
export function isOverOthers(file: DataFile, header: FrameHeader, from: number, end: number): boolean {
  for (const found of findHeaders(file, from, end, header.salt))
    if (typeof found !== 'number' && isOther(found, header)) return true
  // Behind that one there may be less than a header.
  for (const found of findTrailers(file, Math.max(from, end - SMALLEST_FRAME), end))
    if (typeof found !== 'number' && found.end - found.length === header.offset) return true
  return false
}

function isOther({ header, at }: FoundHeader, before: FrameHeader): boolean {
  if (header.tid < before.tid) return false
  return at === header.offset || (at < header.offset && header.offset === before.offset + frameLength(before))
}

/** A sound header of a frame, found without knowing what stands before it. */
interface FoundHeader {
  readonly header: FrameHeader
  /** Where the frame begins: before the place that it names if bytes before it are gone. */
  readonly at: number
  /** It ends where its header says. */
  readonly isClosed: boolean
}

export interface FoundFrame extends FoundHeader {
  /** All of it; undefined: something of it is damaged, or not there. */
  readonly bytes: Uint8Array | undefined
}

/** The checksum of a whole frame. */
export function checksumOf(frame: Uint8Array): number | undefined {
  return trailerChecksum(frame.subarray(-FRAME_TRAILER_LENGTH))
}

/**
 * All frames with a sound header between `from` and `end`, wherever they begin; a number: up to there has been gone through. What begins
 * in one that ends where its header says is part of that. `salt` undefined: of whatever file, but only where they say that they belong.
 */
export function* findFrames(
  file: DataFile,
  from: number,
  end: number,
  salt: number | undefined,
): Generator<FoundFrame | number> {
  for (const found of findHeaders(file, from, end, salt)) {
    if (typeof found === 'number') yield found
    else yield { ...found, bytes: found.isClosed ? readWhole(file, found.at, found.header) : undefined }
  }
}

/** The same without a look at what is behind the headers. */
function* findHeaders(
  file: DataFile,
  from: number,
  end: number,
  salt: number | undefined,
): Generator<FoundHeader | number> {
  const magic = Buffer.from(FRAME_MAGIC)
  let behind = from // the end of the last frame that has one
  for (let start = from; start < end; start += PIECE - magic.length + 1) {
    const piece = Buffer.alloc(Math.min(PIECE, end - start))
    const bytes = piece.subarray(0, file.read(piece, start))
    for (let hit = bytes.indexOf(magic); hit >= 0; hit = bytes.indexOf(magic, hit + 1)) {
      const at = start + hit
      if (at < behind) continue
      const inPiece = hit + FRAME_HEADER_LENGTH <= bytes.length
      const header = inPiece ? readHeaderIn(bytes, hit, at, salt) : readHeader(file, at, salt)
      if (header === undefined) continue
      const length = frameLength(header)
      const isClosed = at + length <= end && trailerBefore(file, at + length, bytes, start) === length
      if (isClosed) behind = at + length
      yield { header, at, isClosed }
    }
    yield start + piece.length
  }
}

/** What the trailer that ends at `end` says; `piece` has been read from `start` on. */
function trailerBefore(file: DataFile, end: number, piece: Buffer, start: number): number | undefined {
  const from = end - FRAME_TRAILER_LENGTH
  if (end - start <= piece.length) return trailerLength(piece.subarray(from - start, end - start))
  const trailer = Buffer.alloc(FRAME_TRAILER_LENGTH)
  file.read(trailer, from)
  return trailerLength(trailer)
}

export function readHeader(file: DataFile, at: number, salt: number | undefined): FrameHeader | undefined {
  const head = Buffer.alloc(FRAME_HEADER_LENGTH)
  return file.read(head, at) < head.length ? undefined : readHeaderIn(head, 0, at, salt)
}

function readHeaderIn(bytes: Uint8Array, hit: number, at: number, salt: number | undefined): FrameHeader | undefined {
  return readFrameHeader(bytes, hit, salt === undefined ? at : undefined, salt)
}

/** undefined: something of it is damaged, or not there. */
export function readWhole(file: DataFile, at: number, header: FrameHeader): Uint8Array | undefined {
  const bytes = Buffer.alloc(frameLength(header))
  if (file.read(bytes, at) < bytes.length) return undefined
  return checkFrame(bytes, 0, header) === undefined ? undefined : bytes
}
