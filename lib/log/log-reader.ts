// Reads the tail: the whole frames between the known end and the end of the file, in order, each checked and handed on.
// Owns the tail (how far this process has read). Never writes; what is known of bytes that are no whole frame yet, broken-end.ts owns.
import { CorruptLogError, StoreReplacedError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { BrokenEnd } from './broken-end.js'
import { examineDamage, isCutOut, isSameBoot } from './damage.js'
import { HEADER_LENGTH, saltOf, type FileHeader } from './file-header.js'
import {
  checkFrame,
  FRAME_HEADER_LENGTH,
  frameLength,
  mayBeginFrame,
  readFrameHeader,
  type FrameHeader,
} from './frame.js'
import { RecentBytes } from './recent-bytes.js'
import { checkTail, confirmTail, firstTail, shorter, type Tail } from './tail.js'

/**
 * `end`: everything is applied. `short`: an incomplete frame stands at the end. `superseded`: the last frame says that a pack
 * has put another file in this one's place; it is not applied as long as it is the last. `torn`: what stands behind the tail was
 * damaged by a power cut before it was proved to be on disk; the log ends here. `budget`: there is more to read.
 */
export type TailStatus = 'end' | 'short' | 'superseded' | 'torn' | 'budget'

/** Gets each whole frame; `body` is at `at` in `bytes`, and is valid only during the call. */
export type FrameSink = (header: FrameHeader, bytes: Uint8Array, at: number, end: number) => void

const CHUNK = 1 << 20
/** Read at once at least, however small the step: more than a header, and most small frames. */
const LEAST_READ = 1 << 12

export class LogReader {
  tail: Tail
  /** The highest offset that any frame, or this process's own fsync, has proved to be on disk. */
  syncedTo = HEADER_LENGTH
  /** An fsync has failed since this machine was started: what was written since may not be on disk, whatever a later one says. */
  suspect = false
  /** What had been read was not in the file any more when more was to be read: since then, others may have put as much in its place. */
  isGone = false
  readonly salt: number
  readonly #file: DataFile
  readonly #path: string
  readonly #header: FileHeader
  readonly #sink: FrameSink
  /** The last commit to read. */
  readonly until: number
  /** Up to where something besides the log proves that this was on disk: asked where it is damaged, behind this tail. */
  readonly #provedBesides: (before: Tail) => number
  readonly recent = new RecentBytes()
  /** What chunks are read into, while there is more than one: new memory takes longer than reading. */
  #space: Buffer | undefined
  readonly #broken: BrokenEnd

  constructor(
    file: DataFile,
    path: string,
    header: FileHeader,
    sink: FrameSink,
    until = Infinity,
    provedBesides: (before: Tail) => number = () => 0,
  ) {
    this.#file = file
    this.#path = path
    this.#header = header
    this.#sink = sink
    this.until = until
    this.#provedBesides = provedBesides
    this.salt = saltOf(header.uuid)
    this.#broken = new BrokenEnd(file, this.salt)
    this.syncedTo = Math.max(HEADER_LENGTH, header.baseEnd) // a packed state is on disk before its file has its name
    this.tail = firstTail(header)
  }

  /**
   * Applies what has arrived, at most about `budget` bytes of it, and reads little more than it applies; `strict`: no frame that goes
   * beyond that. Throws CorruptLogError, StoreReplacedError.
   */
  advance(budget = Infinity, strict = false): TailStatus {
    try {
      const status = this.#advance(budget, strict)
      if (status !== 'budget') this.#space = undefined
      return status
    } catch (error) {
      if (error instanceof StoreReplacedError) this.isGone = true
      throw error
    }
  }

  #advance(budget: number, strict: boolean): TailStatus {
    const stop = this.tail.offset + budget
    for (;;) {
      if (this.#stopped()) return 'end'
      const end = this.#file.end()
      const { offset } = this.tail
      if (end === offset && offset >= this.#header.baseEnd) return 'end'
      if (end === offset) throw this.#corrupt('the packed state ends too early')
      if (end < offset) throw shorter(this.#path, this.tail)
      if (this.#broken.isStillTorn(offset, end)) return 'torn'
      const status = this.#applyChunk(end, stop, strict)
      if (status === 'again') continue
      if (status === 'short' && this.tail.offset < this.#header.baseEnd) {
        throw this.#corrupt('the packed state ends too early')
      }
      return status
    }
  }

  /**
   * Up to where a frame that is appended now may say that all was on disk: what stands there since before the machine was started has been read
   * from there. A boot id comes once, so that nothing before the last frame is of this boot if that is of another.
   */
  get proved(): number {
    const { offset, boot } = this.tail
    const isOfBefore = boot !== undefined && !isSameBoot(boot, this.#file.disk.boot)
    return isOfBefore ? Math.max(this.syncedTo, offset) : this.syncedTo
  }

  /** Notes a frame that this process has appended itself. */
  passOwn(tail: Tail): void {
    this.syncedTo = this.proved // as that frame says
    this.tail = tail
  }

  /** Goes on behind a frame that somebody has read before, if exactly that frame stands there. */
  resumeAt(tail: Tail, syncedTo: number): boolean {
    const found = confirmTail(this.#file, this.#header, tail)
    if (found === undefined) return false
    this.tail = found
    this.syncedTo = Math.max(this.syncedTo, Math.min(syncedTo, found.offset))
    return true
  }

  /** Moves past a superseded frame that is not in force: the packer died before it could rename. */
  passSuperseded(): void {
    const { offset } = this.tail
    const found = this.#file.between(offset, this.#file.end())
    const header = readFrameHeader(found, 0, offset, this.salt)
    if (header?.control === 'superseded' && frameLength(header) === found.length)
      this.#apply(header, found, 0, offset + found.length)
  }

  /** Makes sure that the last frame that was applied is still in the file as it was: see `checkTail`. */
  checkLastFrame(nextGood?: number): void {
    checkTail(this.#file, this.#path, this.#header, this.tail, nextGood)
  }

  #stopped(): boolean {
    const { tid, offset } = this.tail
    return tid >= this.until && offset >= this.#header.baseEnd
  }

  /** Good until the next one is read. */
  #readChunk(from: number, to: number): Uint8Array {
    if (to - from < CHUNK) return this.#file.between(from, to)
    this.#space ??= Buffer.allocUnsafeSlow(CHUNK)
    const got = this.#file.read(this.#space, from)
    // The file has been cut meanwhile: what is left may be little enough to be kept.
    return got < CHUNK ? Buffer.from(this.#space.subarray(0, got)) : this.#space
  }

  #applyChunk(end: number, stop: number, strict: boolean): TailStatus | 'again' {
    const from = this.tail.offset
    const to = Math.min(end, from + CHUNK, Math.max(stop, from + LEAST_READ))
    let bytes = this.#readChunk(from, to)
    // A frame that goes beyond what was read for the last of a step is left to the next one.
    const cut = to >= stop ? 'budget' : 'again'
    for (let at = 0; at < bytes.length;) {
      const { offset } = this.tail
      if (this.#stopped()) return 'end'
      if (offset >= stop) return 'budget'
      const left = bytes.length - at
      if (left < FRAME_HEADER_LENGTH) {
        if (offset + left < end) return at > 0 ? cut : 'again'
        return mayBeginFrame(bytes.subarray(at))
          ? this.#atEnd(end, 'short')
          : this.#damaged('no frame begins here', end)
      }
      const header = readFrameHeader(bytes, at, offset, this.salt)
      if (header === undefined) return this.#damaged('the frame header is damaged', end)
      const length = frameLength(header)
      if (offset + length > end) {
        if (isCutOut(this.#file, header, offset, end))
          return this.#damaged('bytes are missing in the frame', end, false)
        return this.#broken.isOverOthers(header, end, strict)
          ? this.#damaged('the frame would end behind others', end)
          : this.#atEnd(end, 'short')
      }
      if (strict && offset + length > stop) return 'budget'
      if (length > left) {
        if (at > 0) return cut
        bytes = this.#file.between(offset, offset + length)
        if (bytes.length < length) return 'again'
      }
      const last = offset + length === end
      if (header.control === 'superseded' && last) {
        const sound = checkFrame(bytes, at, header) !== undefined && header.previous === this.tail.checksum
        return sound ? this.#atEnd(end, 'superseded') : this.#damaged('the frame is damaged', end)
      }
      const status = this.#apply(header, bytes, at, end)
      if (status !== 'applied') return status
      if (this.tail.offset !== offset + length) return 'again' // behind the table
      at += length
    }
    // What has arrived since the end was looked up is for the next time: under the lock that is nothing.
    return this.tail.offset === end && end >= this.#header.baseEnd ? 'end' : 'again'
  }

  /** `status` if the file still ends at `end`. */
  #atEnd(end: number, status: TailStatus): TailStatus | 'again' {
    return this.#file.end() === end ? status : 'again'
  }

  /** `again`: wrong bytes, which are to be read once more. */
  #apply(header: FrameHeader, bytes: Uint8Array, at: number, fileEnd: number): 'applied' | 'again' | 'torn' {
    const { tail } = this
    const checksum = checkFrame(bytes, at, header)
    if (checksum === undefined) return this.#damaged('the frame is damaged', fileEnd)
    if (header.previous !== tail.checksum) return this.#damaged('the frame does not follow the one before it', fileEnd)
    const length = frameLength(header)
    const isBase = header.kind === 'base'
    const tid = header.kind === 'commit' ? tail.tid + 1 : tail.tid
    if (!isBase && (header.tid !== tid || header.time < tail.time || header.nextOid < tail.nextOid)) {
      throw this.#corrupt('the frame contradicts the one before it')
    }
    if (isBase !== tail.offset < this.#header.baseEnd || (isBase && tail.offset + length > this.#header.baseEnd)) {
      throw this.#corrupt('packed state and commits are mixed up')
    }
    const frameEnd = tail.offset + length
    const { table } = this.#header
    if (table !== undefined && tail.offset < table.at && frameEnd > table.at) {
      throw this.#corrupt('packed state and its table are mixed up')
    }
    if (frameEnd === table?.at && fileEnd < table.end) throw this.#corrupt('the packed state ends too early')
    const body = at + FRAME_HEADER_LENGTH
    this.#sink(header, bytes, body, body + header.bodyLength)
    this.tail = {
      offset: frameEnd === table?.at ? table.end : frameEnd,
      tid,
      time: isBase ? tail.time : header.time,
      nextOid: isBase ? tail.nextOid : header.nextOid,
      checksum,
      lastFrame: tail.offset,
      boot: header.boot,
    }
    this.recent.keep(bytes, tail.offset - at, frameEnd)
    if (header.syncedTo > this.syncedTo) this.syncedTo = header.syncedTo
    if (header.control === 'suspect' && isSameBoot(header.boot, this.#file.disk.boot)) this.suspect = true
    return 'applied'
  }

  /** `mayBeTorn`: a power cut can do what is wrong there. */
  #damaged(what: string, end: number, mayBeTorn = true): 'again' | 'torn' {
    const { offset, boot } = this.tail
    if (this.#broken.isToBeReadAgain(offset)) return 'again'
    const behind = examineDamage(this.#file, offset, end, this.salt)
    const proved = Math.max(this.syncedTo, this.#header.baseEnd, this.#provedBesides(this.tail))
    if (mayBeTorn && this.#broken.isTorn({ offset, proved, boot }, end, behind)) return 'torn'
    this.checkLastFrame(behind.nextGood)
    throw this.#corrupt(what, behind.nextGood)
  }

  /** The packed state is no commit before all of it has been read. */
  #corrupt(what: string, nextGood?: number): CorruptLogError {
    const { offset, tid } = this.tail
    return new CorruptLogError(this.#path, offset, offset < this.#header.baseEnd ? 0 : tid, what, nextGood)
  }
}
