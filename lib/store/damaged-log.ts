// Goes through the frames of a file in which anything may be damaged: what is whole, what is damaged, and what at its end is no commit.
// Owns how far it has come; knows nothing of records; only reads.
import { NotAStoreError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { checksumOf, findFrames, readHeader, readWhole, type FoundFrame } from '../log/damage.js'
import { HEADER_LENGTH, saltOf, type FileHeader } from '../log/file-header.js'
import { FRAME_HEADER_LENGTH, frameLength, SMALLEST_FRAME, type FrameHeader } from '../log/frame.js'
import { beginOfLog, behind, extend, tidBefore, type Segment } from '../log/segment.js'
import { Segments } from '../log/segments.js'
import { LogEnd } from './log-end.js'
import { eachGiving } from './long-work.js'
import { RebuiltFrames, type NextFrame } from './rebuilt-frames.js'

/** Bytes of the file. */
export interface Part {
  readonly offset: number
  readonly bytes: number
}

/** A frame with a sound header. */
export interface FramePart {
  readonly header: FrameHeader
  /** Where it begins. */
  readonly at: number
  readonly isWhole: boolean
  /** From its beginning on; if it is not whole, as many as may be its own: more than it says, where bytes have been inserted. */
  readonly bytes: Uint8Array
}

/** Gets each frame, in order; gives how many bytes of its body hold something sound. */
type TakeFrame = (frame: FramePart) => Generator<void, number>

/** So many bytes more than a damaged frame says that it has are looked through for its records. */
const MOST_INSERTED = 1 << 24

export class DamagedLog {
  /** Damaged stretches: where each begins, and how many bytes in it hold nothing sound. */
  readonly skipped: Part[] = []
  /** Frames whose header was damaged, and could be put right: they are handed on as whole ones. */
  readonly rebuilt: Part[] = []
  /** The end of the file, if it is no commit: an append that was not finished, or the mark of a power cut. Nothing of it is handed on. */
  torn: Part | undefined
  /** Nothing behind it belongs to the log. */
  end: number
  readonly #file: DataFile
  readonly #path: string
  readonly #header: FileHeader | undefined
  readonly #take: TakeFrame
  readonly #frames: RebuiltFrames
  readonly #logEnd: LogEnd
  /** What is sound up to the first damage. */
  readonly #sound: Segment
  #salt: number | undefined
  /** Up to where the file has been gone through, and what a frame there would say of where it begins. */
  #at = HEADER_LENGTH
  #offset = HEADER_LENGTH
  /** Where the last whole frame ends: the table may follow. */
  #frameEnd = HEADER_LENGTH
  /** Of the last whole frame, and its header; undefined: nobody knows. */
  #checksum: number | undefined
  #last: FrameHeader | undefined
  /** The frame that begins there, of which not all is there. */
  #broken: FoundFrame | undefined
  /** The damaged stretch that ends there. */
  #stretch: { readonly offset: number; bytes: number } | undefined
  #told = 0

  /** `header` undefined: it is damaged. */
  constructor(file: DataFile, path: string, header: FileHeader | undefined, take: TakeFrame) {
    this.#file = file
    this.#path = path
    this.#header = header
    this.#take = take
    this.end = file.end()
    this.#salt = header && saltOf(header.uuid)
    this.#frames = new RebuiltFrames(file, this.end, header)
    this.#logEnd = new LogEnd(file, path, header, this.end)
    this.#sound = beginOfLog(header)
    this.#checksum = this.#sound.checksum
    if (header === undefined) this.skipped.push({ offset: 0, bytes: HEADER_LENGTH })
  }

  /** With what the checksums of its records begin. */
  get salt(): number {
    return this.#salt ?? 0
  }

  /** The last commit that is not handed on, and of which something at the end tells that there was one, or may have been; 0: nothing does. */
  get told(): number {
    return this.#told
  }

  /** Gives how far it is now and then. Throws NotAStoreError: nothing in the file is a store's. */
  *goThrough(): Generator<number, void> {
    this.#salt ??= yield* this.#findSalt()
    yield* this.#takeSound()
    if (this.#at < this.end && !this.#endsThere()) {
      for (const segment of yield* this.#findRest()) {
        yield* this.#takeSegment(segment)
        if (this.torn !== undefined) return
      }
    }
    if (this.torn === undefined) yield* this.#finish()
  }

  /** That of the first frame. */
  *#findSalt(): Generator<number, number> {
    for (const found of findFrames(this.#file, HEADER_LENGTH, this.end, undefined)) {
      if (typeof found !== 'number') return found.header.salt
      yield found
    }
    throw new NotAStoreError(this.#path, 'nothing in this file belongs to a store')
  }

  /** What stands before the first damage. */
  *#takeSound(): Generator<number, void> {
    for (const found of findFrames(this.#file, HEADER_LENGTH, this.end, this.#salt)) {
      if (typeof found === 'number') continue
      const { header, at, bytes } = found
      if (bytes === undefined || !extend(this.#sound, found, this.#header)) return
      yield* this.#takeWhole(header, at, bytes)
      yield this.#at
    }
  }

  /** Whether the log ends at the first damage, with an append that was never finished: a reader says the same of it. */
  #endsThere(): boolean {
    const at = this.#at
    const header = readHeader(this.#file, at, this.#salt)
    if (header?.offset !== at || at < (this.#header?.baseEnd ?? 0) || !this.#logEnd.isShort(header, at)) return false
    this.#tear(at)
    return true
  }

  /** What of the rest belongs to the log. */
  *#findRest(): Generator<number, Segment[]> {
    const segments = new Segments(this.#file, this.end, this.#header, this.#sound)
    // Where bytes of the table are gone, the next frame begins before its end.
    const { table } = this.#header ?? {}
    const from = table !== undefined && this.#at === table.end ? table.at : this.#at
    for (const found of findFrames(this.#file, from, this.end, this.#salt)) {
      if (typeof found === 'number') {
        yield found
      } else {
        segments.add(found)
        this.#logEnd.met(found)
      }
    }
    const chosen = segments.choose()
    this.#logEnd.chosen(chosen, this.#sound)
    this.#told = segments.doubtful
    return chosen
  }

  *#takeSegment({ at: begin, endAt, isBroken }: Segment): Generator<number, void> {
    for (let at = begin; at < endAt && this.torn === undefined;) {
      const header = readHeader(this.#file, at, this.#salt)
      if (header === undefined) return // the file changes while it is read
      const bytes = isBroken ? undefined : readWhole(this.#file, at, header)
      if (bytes === undefined) yield* this.#meetBroken({ header, at, bytes, isClosed: false })
      else yield* this.#meetWhole(header, at, bytes)
      at += behind(header, this.#header) - header.offset
      yield this.#at
    }
  }

  *#meetBroken(found: FoundFrame): Generator<number, void> {
    const { header, at } = found
    if (!(yield* this.#comeTo(at)) || this.#isMark(at, header.offset, tidBefore(header, this.#header))) return
    this.#broken = found
  }

  *#meetWhole(header: FrameHeader, at: number, bytes: Uint8Array): Generator<number, void> {
    const broken = this.#broken?.header
    const isAgain = broken !== undefined && broken.offset === header.offset && broken.tid === header.tid
    const next = broken === undefined ? this.#offset : broken.offset + 1
    if (header.offset < next && !isAgain) return // it stands before this place as well
    if (isAgain) this.#broken = undefined
    if (!(yield* this.#comeTo(at))) return
    const isStray = this.#stretch === undefined && header.previous !== (this.#checksum ?? header.previous)
    if (isStray && this.#isMark(at, header.offset)) return
    yield* this.#takeWhole(header, at, bytes)
  }

  /** Passes what is damaged before `at`; gives whether what begins there is then still to be taken. */
  *#comeTo(at: number): Generator<number, boolean> {
    yield* this.#rebuildBefore(at)
    const isPast = at < this.#frameEnd // it is part of a frame that has been put right
    if (this.torn === undefined && !isPast) yield* this.#passTo(at)
    return this.torn === undefined && !isPast
  }

  *#takeWhole(header: FrameHeader, at: number, bytes: Uint8Array): Generator<number, void> {
    this.#endStretch()
    yield* eachGiving(at, this.#take({ header, at, isWhole: true, bytes }))
    this.#offset = behind(header, this.#header)
    this.#at = at + this.#offset - header.offset
    this.#frameEnd = at + bytes.length
    this.#last = header
    this.#checksum = checksumOf(bytes)
    this.#logEnd.passed(header)
  }

  /** Takes the frames before `to` of which the header alone is damaged, one behind the other. */
  *#rebuildBefore(to: number): Generator<number, void> {
    for (;;) {
      const next = this.#next()
      const { at, offset } = next
      // A reader comes to the first damage only, and takes nothing from there on if it may be the mark of a power cut.
      if (to - at < SMALLEST_FRAME || (at === this.#sound.endAt && this.#isMark(at, offset))) return
      const found = yield* eachGiving(this.#at, this.#frames.find(next, to, this.salt))
      if (found?.bytes === undefined) return
      yield* this.#passTo(at)
      yield* this.#takeWhole(found.header, at, found.bytes)
      this.rebuilt.push({ offset: at, bytes: found.bytes.length })
    }
  }

  /** Where the next frame should begin behind the last one, which may be broken. */
  #next(): NextFrame {
    const broken = this.#broken
    const tid = this.#last === undefined || this.#last.kind === 'base' ? (this.#header?.baseTid ?? 0) : this.#last.tid
    if (broken === undefined)
      return { at: this.#at, offset: this.#offset, tid, previous: this.#checksum, before: this.#last }
    const { header: before, at: begin } = broken
    const offset = behind(before, this.#header)
    const at = begin + offset - before.offset
    return { at, offset, tid: before.kind === 'base' ? tid : before.tid, previous: undefined, before }
  }

  /** What stands behind the last frame. */
  *#finish(): Generator<number, void> {
    yield* this.#rebuildBefore(this.end)
    if (this.torn !== undefined) return
    const begin = this.#broken?.header.offset ?? this.#offset
    const { unfinished, tid } = this.#logEnd.behindAll(this.#next(), this.#broken)
    yield* this.#passTo(unfinished ?? this.end)
    if (this.torn === undefined) {
      if (unfinished !== undefined) this.#tear(unfinished)
      this.#told = Math.max(this.#told, tid)
    }
    this.#endStretch()
    const baseEnd = this.#header?.baseEnd ?? 0
    if (begin < baseEnd && this.end < baseEnd) this.skipped.push({ offset: this.end, bytes: baseEnd - this.end })
  }

  /** Whether the mark of a power cut begins where a frame would say that it begins at `offset`: then the log ends there. */
  #isMark(at: number, offset: number, told = 0): boolean {
    if (!this.#logEnd.isMark(at, offset, this.salt)) return false
    this.#endStretch()
    this.#tear(at, told)
    return true
  }

  /** `told`: the last commit before that. */
  #tear(at: number, told = 0): void {
    this.torn = { offset: at, bytes: this.end - at }
    this.#told = told
    this.end = at
  }

  /** Nothing from where we are up to `to` is whole; of a frame whose header is sound, there are records. */
  *#passTo(to: number): Generator<number, void> {
    if (to < this.#at) this.#takeBack(to)
    if (to === this.#at) return
    const broken = this.#broken
    if (broken === undefined && this.#isMark(this.#at, this.#offset)) return
    this.#stretch ??= { offset: this.#at, bytes: 0 }
    this.#stretch.bytes += to - this.#at
    if (broken !== undefined) this.#stretch.bytes -= yield* this.#takeBroken(broken, to)
    this.#at = to
    this.#broken = undefined
  }

  /** Bytes are gone from the table: it ends before where it should. */
  #takeBack(to: number): void {
    const offset = Math.min(to, this.#frameEnd)
    this.skipped.push({ offset, bytes: to - offset })
    this.#at = to
  }

  #endStretch(): void {
    const stretch = this.#stretch
    if (stretch !== undefined) this.skipped.push({ ...stretch, bytes: Math.max(0, stretch.bytes) })
    this.#stretch = undefined
  }

  /** Gives how many bytes of it hold something sound. */
  *#takeBroken({ header, at }: FoundFrame, to: number): Generator<number, number> {
    const bytes = this.#file.between(at, Math.min(to, at + frameLength(header) + MOST_INSERTED))
    const sound = yield* eachGiving(at, this.#take({ header, at, isWhole: false, bytes }))
    return FRAME_HEADER_LENGTH + sound
  }
}
