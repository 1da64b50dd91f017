// Whether the log of a file in which anything may be damaged ends at some place with what is no commit: the mark of a power cut, or an
// append that was never finished. A reader says the same of the first damage. Owns what the frames prove of that; only reads.
import type { DataFile } from '../file/data-file.js'
import {
  isCutOut,
  isMarkOfPowerCut,
  isOverOthers,
  NOTHING_BEHIND,
  readHeader,
  withFrame,
  type FoundFrame,
} from '../log/damage.js'
import { HEADER_LENGTH, type FileHeader } from '../log/file-header.js'
import {
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  frameLength,
  mayBeginFrame,
  SMALLEST_FRAME,
  type FrameHeader,
} from '../log/frame.js'
import { lastFrame, type LastFrame } from '../log/last-frame.js'
import type { Reached } from '../log/may-reach.js'
import { displacement, tidBefore, type Segment } from '../log/segment.js'
import { proofOfIndexFile } from './index-file.js'
import type { NextFrame } from './rebuilt-frames.js'

export class LogEnd {
  readonly #file: DataFile
  readonly #header: FileHeader | undefined
  /** Of the file. */
  readonly #end: number
  /** Up to where the frames so far prove that everything was on disk, and where the index file does. */
  #syncedTo: number
  readonly #provedBesides: (before: Reached) => number
  /** The end of the last whole frame, as that says. */
  #last: Reached
  /** In which boot the last whole frame was written; undefined: there is none behind which a power cut can have left its mark. */
  #boot: number | undefined
  /** What all whole frames behind the first damage prove. */
  #behind = NOTHING_BEHIND
  /** Where the first damage is. */
  #soundEnd = 0
  /** So much further behind than it says the last segment stands, and where the last one begins that stands so otherwise. */
  #shift = 0
  #movedAt = 0

  /** `header` undefined: it is damaged. */
  constructor(file: DataFile, path: string, header: FileHeader | undefined, end: number) {
    this.#file = file
    this.#header = header
    this.#end = end
    this.#syncedTo = header?.baseEnd ?? 0
    this.#provedBesides = header === undefined ? () => 0 : proofOfIndexFile(file, path, header)
    this.#last = { offset: HEADER_LENGTH, tid: 0, time: 0 }
  }

  // ---- what is known ----

  /** A frame behind the first damage. */
  met(found: FoundFrame): void {
    this.#behind = withFrame(this.#behind, found, this.#file.disk.boot)
  }

  /** What belongs to the log behind the first damage, and what is sound before it. */
  chosen(segments: readonly Segment[], sound: Segment): void {
    this.#soundEnd = sound.endAt
    this.#shift = displacement(segments.at(-1) ?? sound)
    this.#movedAt = segments.findLast(segment => displacement(segment) !== this.#shift)?.at ?? 0
  }

  /** The next whole frame of the log. */
  passed(header: FrameHeader): void {
    this.#syncedTo = Math.max(this.#syncedTo, header.syncedTo)
    this.#last = { offset: header.offset + frameLength(header), tid: header.tid, time: header.time }
    // Without the file header, nobody knows where the packed state ends, which was on disk before the file had its name.
    if (this.#header !== undefined || header.kind !== 'base') this.#boot = header.boot
  }

  // ---- what follows from it ----

  /** Whether the mark of a power cut begins where a frame would say that it begins at `offset`. */
  isMark(at: number, offset: number, salt: number): boolean {
    if (this.#isMovedBehind(at, at - offset)) return false
    const before = { offset, proved: Math.max(this.#syncedTo, this.#provedBesides(this.#last)), boot: this.#boot }
    if (!isMarkOfPowerCut(at, before, this.#file.disk.boot, () => this.#behind)) return false
    const header = readHeader(this.#file, at, salt)
    return header?.offset !== offset || !this.#isCutOut(header, at)
  }

  /** Whether bytes are gone from the frame: no power cut does that either. */
  #isCutOut(header: FrameHeader, at: number): boolean {
    return at + frameLength(header) > this.#end && isCutOut(this.#file, header, at, this.#end)
  }

  /** Whether bytes have been inserted behind it, or are gone: no power cut does that. A reader knows less, of the first damage. */
  #isMovedBehind(at: number, shift: number): boolean {
    return at > this.#soundEnd && (at < this.#movedAt || shift !== this.#shift)
  }

  /** Whether a frame has fewer bytes than it says because its append was never finished. */
  isShort(header: FrameHeader, at: number): boolean {
    const isShort = at + frameLength(header) > this.#end
    if (!isShort || header.kind === 'base' || this.#isCutOut(header, at)) return false
    return at !== header.offset || !isOverOthers(this.#file, header, at + FRAME_HEADER_LENGTH, this.#end)
  }

  /**
   * Where behind all frames, of which the last may be `broken`, an append begins that was never finished, and the last commit of which something
   * there tells; 0: nothing does. `next`: what should come behind them.
   */
  behindAll(next: NextFrame, broken: FoundFrame | undefined): { unfinished: number | undefined; tid: number } {
    if (broken !== undefined && this.isShort(broken.header, broken.at))
      return { unfinished: broken.at, tid: tidBefore(broken.header, this.#header) }
    const baseEnd = this.#header?.baseEnd ?? 0
    const lost = this.#lostBehind(next, broken)
    const { at, offset } = lost === undefined ? next : { at: lost.to, offset: next.offset + lost.length }
    // Asked of the places that the log says: in the file, bytes may be gone from the packed state.
    const unfinished = offset >= baseEnd && this.#isLessThanHeader(at) ? at : undefined
    return { unfinished, tid: lost !== undefined && next.offset >= baseEnd ? next.tid + 1 : 0 }
  }

  /** The last frame, if nothing but its trailer is left of it: that may be of the frame before, if that is broken, or stand there once more. */
  #lostBehind({ at, previous }: NextFrame, broken: FoundFrame | undefined): LastFrame | undefined {
    const last = lastFrame(this.#file, this.#end)
    // What ends inside of the frame before, or stands there once more, is no other one's.
    if (last === undefined || last.to - FRAME_TRAILER_LENGTH < at || last.checksum === previous) return undefined
    const isOfBroken = broken !== undefined && last.from !== at && last.length === frameLength(broken.header)
    if (isOfBroken || (broken !== undefined && last.from < at)) return undefined
    return last.length > SMALLEST_FRAME ? last : undefined // what has no body is no commit
  }

  /** Whether what stands there is less than a frame header. */
  #isLessThanHeader(at: number): boolean {
    if (at >= this.#end || this.#end - at >= FRAME_HEADER_LENGTH) return false
    return mayBeginFrame(this.#file.between(at, this.#end))
  }
}
