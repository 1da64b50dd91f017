// Goes through the frames of a file in which anything may be damaged: what is whole, what is damaged, and what at its end is no commit.
// Owns how far it has come; knows nothing of records; only reads.
import { NotAStoreError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { Continuation } from '../log/continuation.js'
import {
  checksumOf,
  examineDamage,
  findFrames,
  isCutOut,
  isMarkOfPowerCut,
  isOverOthers,
  type BehindDamage,
  type FoundFrame,
} from '../log/damage.js'
import { chainStart, HEADER_LENGTH, saltOf, type FileHeader } from '../log/file-header.js'
import { FRAME_HEADER_LENGTH, frameLength, mayBeginFrame, SMALLEST_FRAME, type FrameHeader } from '../log/frame.js'
import { provedByIndexFile } from './index-file.js'
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
export type TakeFrame = (frame: FramePart) => Generator<void, number>

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
  /** Which frames are of the log. */
  readonly #log: Continuation
  readonly #frames: RebuiltFrames
  #salt: number | undefined
  /** Up to where the file has been gone through. */
  #at = HEADER_LENGTH
  /** The last whole frame. */
  #last: FrameHeader | undefined
  /** The frame that begins there, whose header alone is known to be sound. */
  #broken: FoundFrame | undefined
  /** The damaged stretch that ends there. */
  #stretch: { readonly offset: number; bytes: number } | undefined
  /** Up to where the frames so far prove that everything was on disk. */
  #syncedTo: number
  /** In which boot the last whole frame was written; undefined: there is none behind which a power cut can have left its mark. */
  #boot: number | undefined
  /** What stands behind the first place where the mark of a power cut may be. */
  #behind: BehindDamage | undefined

  /** `header` undefined: it is damaged. */
  constructor(file: DataFile, path: string, header: FileHeader | undefined, take: TakeFrame) {
    this.#file = file
    this.#path = path
    this.#header = header
    this.#take = take
    this.end = file.end()
    this.#salt = header && saltOf(header.uuid)
    const first = { offset: HEADER_LENGTH, tid: header?.baseTid ?? 0, checksum: header && chainStart(header.uuid) }
    this.#log = new Continuation(file, first, HEADER_LENGTH, this.end, { isForSalvage: true, table: header?.table })
    this.#frames = new RebuiltFrames(file, this.end, header)
    this.#syncedTo = header === undefined ? 0 : Math.max(header.baseEnd, provedByIndexFile(file, path, header))
    if (header === undefined) this.skipped.push({ offset: 0, bytes: HEADER_LENGTH })
  }

  /** With what the checksums of its records begin. */
  get salt(): number {
    return this.#salt ?? 0
  }

  /** The last commit that something at the end tells of which may as well be a copy kept as data, and is not handed on; 0: none. */
  get doubtful(): number {
    return this.torn === undefined ? (this.#log.doubtful?.tid ?? 0) : 0
  }

  /** Gives how far it is now and then. Throws NotAStoreError: nothing in the file is a store's. */
  *goThrough(): Generator<number, void> {
    this.#salt ??= yield* this.#findSalt()
    for (const found of findFrames(this.#file, HEADER_LENGTH, this.end, this.#salt, this.#log)) {
      if (typeof found !== 'number') yield* this.#meet(found)
      if (this.torn !== undefined) return
      yield typeof found === 'number' ? Math.max(found, this.#at) : this.#at
    }
    yield* this.#finish()
  }

  /** That of the first frame. */
  *#findSalt(): Generator<number, number> {
    for (const found of findFrames(this.#file, HEADER_LENGTH, this.end, undefined)) {
      if (typeof found !== 'number') return found.header.salt
      yield found
    }
    throw new NotAStoreError(this.#path, 'nothing in this file belongs to a store')
  }

  *#meet(found: FoundFrame): Generator<number, void> {
    const { header, at, bytes } = found
    if (bytes === undefined && this.#log.hasStrayed(header, at)) return
    yield* this.#rebuildBefore(at)
    if (this.torn === undefined && !this.#log.isPast(at)) yield* this.#passTo(at, bytes !== undefined)
    if (this.torn !== undefined || this.#log.isPast(at)) return
    if (bytes === undefined) {
      if (this.#isMark(at)) return
      this.#broken = found
      this.#log.pass(header, at, undefined)
      return
    }
    const { checksum } = this.#log.last
    const isStray = this.#stretch === undefined && checksum !== undefined && header.previous !== checksum
    if (isStray && this.#isMark(at)) return
    yield* this.#takeWhole(header, at, bytes)
  }

  *#takeWhole(header: FrameHeader, at: number, bytes: Uint8Array): Generator<number, void> {
    this.#endStretch()
    yield* eachGiving(at, this.#take({ header, at, isWhole: true, bytes }))
    this.#at = at + bytes.length
    this.#last = header
    this.#log.pass(header, at, checksumOf(bytes))
    this.#syncedTo = Math.max(this.#syncedTo, provedBy(header, at))
    // Without the file header, nobody knows where the packed state ends, which was on disk before the file had its name.
    if (this.#header !== undefined || header.kind !== 'base') this.#boot = header.boot
  }

  /** Takes the frames before `to` of which the header alone is damaged, one behind the other. */
  *#rebuildBefore(to: number): Generator<number, void> {
    for (;;) {
      this.#passTable()
      const next = this.#next()
      const { at } = next
      // A reader comes to the first damage only, and takes nothing from there on if it may be the mark of a power cut.
      if (to - at < SMALLEST_FRAME || (this.#isFirstDamage() && this.#isMark(at))) return
      const found = yield* eachGiving(this.#at, this.#frames.find(next, to, this.salt))
      if (found?.bytes === undefined) return
      yield* this.#passTo(at)
      yield* this.#takeWhole(found.header, at, found.bytes)
      this.rebuilt.push({ offset: at, bytes: found.bytes.length })
    }
  }

  #isFirstDamage(): boolean {
    const isBefore = this.#stretch !== undefined || this.#broken !== undefined
    return !isBefore && this.skipped.length + this.rebuilt.length === 0
  }

  /** Where the next frame should begin behind the last one, which may be broken. */
  #next(): NextFrame {
    const broken = this.#broken
    const { offset, tid, checksum: previous } = this.#log.last
    if (broken === undefined) return { at: this.#at, offset, tid, previous, before: this.#last }
    const { header: before, at: begin } = broken
    const end = before.offset + frameLength(before)
    const { table } = this.#header ?? {}
    const behind = end === table?.at ? table.end : end
    const at = begin + behind - before.offset
    return { at, offset: behind, tid: before.kind === 'base' ? tid : before.tid, previous: undefined, before }
  }

  /** What stands behind the last whole frame. */
  *#finish(): Generator<number, void> {
    yield* this.#rebuildBefore(this.end)
    if (this.torn !== undefined) return
    const broken = this.#broken
    const baseEnd = this.#header?.baseEnd ?? 0
    const frameEnd = broken && broken.at + frameLength(broken.header)
    if (frameEnd !== undefined && frameEnd <= this.end && this.#isUnfinishedAt(frameEnd)) yield* this.#passTo(frameEnd)
    this.#passTable()
    if (this.#at >= baseEnd && this.#isUnfinished()) this.#tear(this.#at)
    else yield* this.#passTo(this.end)
    this.#endStretch()
    if (this.end < baseEnd) this.skipped.push({ offset: this.end, bytes: baseEnd - this.end })
  }

  /** Whether an append that was not finished is all that is left: a reader says the same of it. */
  #isUnfinished(): boolean {
    const broken = this.#broken
    if (broken === undefined) return this.#isUnfinishedAt(this.#at)
    const { header, at } = broken
    const isShort = at + frameLength(header) > this.end
    if (!isShort || header.kind === 'base' || isCutOut(this.#file, header, at, this.end)) return false
    return at !== header.offset || !isOverOthers(this.#file, header, at + FRAME_HEADER_LENGTH, this.end)
  }

  /** Whether what stands there is less than a frame header. */
  #isUnfinishedAt(at: number): boolean {
    if (at >= this.end || this.end - at >= FRAME_HEADER_LENGTH) return false
    return mayBeginFrame(this.#read(at, this.end))
  }

  /** Whether the mark of a power cut begins there: then the log ends there. A reader says the same of it. */
  #isMark(at: number): boolean {
    const file = this.#file
    const before = { proved: this.#syncedTo, boot: this.#boot }
    const behind = (): BehindDamage => (this.#behind ??= examineDamage(file, at, this.end, this.salt, this.#log.last))
    if (!isMarkOfPowerCut(at, before, file.disk.boot, behind)) return false
    this.#endStretch()
    this.#tear(at)
    return true
  }

  #tear(at: number): void {
    this.torn = { offset: at, bytes: this.end - at }
    this.end = at
  }

  /** Nothing from where we are up to `to` is whole; of a frame whose header is sound, there are records, all before `to` if that `isSure`. */
  *#passTo(to: number, isSure = true): Generator<number, void> {
    this.#passTable()
    if (to < this.#at) this.#takeBack(to)
    if (to <= this.#at) return
    const broken = this.#broken
    if (broken === undefined && this.#isMark(this.#at)) return
    this.#stretch ??= { offset: this.#at, bytes: 0 }
    this.#stretch.bytes += to - this.#at
    if (broken !== undefined) {
      const end = isSure ? to : Math.max(to, broken.at + frameLength(broken.header))
      this.#stretch.bytes -= yield* this.#takeBroken(broken, Math.min(end, this.end))
    }
    this.#at = to
    this.#broken = undefined
  }

  #passTable(): void {
    const table = this.#header?.table
    const { shift } = this.#log
    if (table !== undefined && this.#at === table.at + shift) this.#at = table.end + shift
  }

  /** Bytes are gone from the table: it ends before where it should. */
  #takeBack(to: number): void {
    const { at = to } = this.#header?.table ?? {}
    const offset = Math.min(to, at + this.#log.shift)
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
    const bytes = this.#read(at, Math.min(to, at + frameLength(header) + MOST_INSERTED))
    const sound = yield* eachGiving(at, this.#take({ header, at, isWhole: false, bytes }))
    return FRAME_HEADER_LENGTH + sound
  }

  #read(from: number, to: number): Uint8Array {
    const bytes = Buffer.alloc(to - from)
    return bytes.subarray(0, this.#file.read(bytes, from))
  }
}

/** Up to where a frame proves that everything was on disk: where that is now, if bytes have been inserted before it. */
function provedBy({ syncedTo, offset }: FrameHeader, at: number): number {
  return syncedTo + Math.max(0, at - offset)
}
