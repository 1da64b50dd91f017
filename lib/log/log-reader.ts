// Reads the tail: the whole frames between the known end and the end of the file, in order, each checked and handed on.
// Owns the tail (how far this process has read). Never writes, and remembers nothing of bytes that are not yet a whole frame.
import { CorruptLogError, StoreReplacedError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { chainStart, HEADER_LENGTH, saltOf, type FileHeader } from './file-header.js'
import {
  checkFrame,
  FRAME_HEADER_LENGTH,
  frameLength,
  mayBeginFrame,
  readFrameHeader,
  type FrameHeader,
} from './frame.js'

/** The state of the log at the end of the last whole frame that was applied. */
export interface Tail {
  /** The end of that frame. */
  readonly offset: number
  readonly tid: number
  readonly time: number
  readonly nextOid: number
  /** Checksum of that frame: the next one names it. */
  readonly checksum: number
  /** Where that frame begins; 0: there is none yet. */
  readonly lastFrame: number
}

/**
 * `end`: everything is applied. `short`: an incomplete frame stands at the end. `superseded`: the last frame says that a pack
 * has put another file in this one's place; it is not applied as long as it is the last. `budget`: there is more to read.
 */
export type TailStatus = 'end' | 'short' | 'superseded' | 'budget'

/** Gets each whole frame; `body` is at `at` in `bytes`, and is valid only during the call. */
export type FrameSink = (header: FrameHeader, bytes: Uint8Array, at: number, end: number) => void

const CHUNK = 1 << 20
/** How often bytes that look wrong are read again: a writer may just have cut a torn frame and written anew. */
const RE_READS = 3

export class LogReader {
  tail: Tail
  /** The highest offset that any frame, or this process's own fsync, has proved to be on disk. */
  syncedTo = HEADER_LENGTH
  readonly salt: number
  readonly #file: DataFile
  readonly #path: string
  readonly #header: FileHeader
  readonly #sink: FrameSink
  readonly #until: number
  #damage = 0
  #damageSeen = 0

  constructor(file: DataFile, path: string, header: FileHeader, sink: FrameSink, until = Infinity) {
    this.#file = file
    this.#path = path
    this.#header = header
    this.#sink = sink
    this.#until = until
    this.salt = saltOf(header.uuid)
    const { baseTid: tid, baseTime: time, nextOid } = header
    const checksum = chainStart(header.uuid)
    this.tail = { offset: HEADER_LENGTH, tid, time, nextOid, checksum, lastFrame: 0 }
  }

  /** Applies what has arrived, at most about `budget` bytes of it. Throws CorruptLogError, StoreReplacedError. */
  advance(budget = Infinity): TailStatus {
    const stop = this.tail.offset + budget
    for (;;) {
      if (this.#stopped()) return 'end'
      const end = this.#file.end()
      const { offset } = this.tail
      if (end === offset && offset >= this.#header.baseEnd) return 'end'
      if (end === offset) throw this.#corrupt('the packed state ends too early')
      if (end < offset) throw new StoreReplacedError(this.#path, `the file has become shorter than ${offset} bytes`)
      const status = this.#applyChunk(end, stop)
      if (status === 'again') continue
      if (status === 'short' && offset < this.#header.baseEnd) throw this.#corrupt('the packed state ends too early')
      return status
    }
  }

  /** Notes a frame that this process has appended itself. */
  passOwn(tail: Tail): void {
    this.tail = tail
  }

  /** Moves past a superseded frame that is not in force: the packer died before it could rename. */
  passSuperseded(): void {
    const { offset } = this.tail
    const found = this.#read(offset, this.#file.end())
    const header = readFrameHeader(found, 0, offset, this.salt)
    if (header?.control === 'superseded' && frameLength(header) === found.length) this.#apply(header, found, 0)
  }

  #stopped(): boolean {
    const { tid, offset } = this.tail
    return tid >= this.#until && offset >= this.#header.baseEnd
  }

  #read(from: number, to: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(to - from)
    return bytes.subarray(0, this.#file.read(bytes, from))
  }

  #applyChunk(end: number, stop: number): TailStatus | 'again' {
    const from = this.tail.offset
    let bytes = this.#read(from, Math.min(end, from + CHUNK))
    for (let at = 0; at < bytes.length; ) {
      const { offset } = this.tail
      if (this.#stopped()) return 'end'
      if (offset >= stop) return 'budget'
      const left = bytes.length - at
      if (left < FRAME_HEADER_LENGTH) {
        if (offset + left < end) return 'again'
        return mayBeginFrame(bytes.subarray(at)) ? this.#atEnd(end, 'short') : this.#damaged('no frame begins here')
      }
      const header = readFrameHeader(bytes, at, offset, this.salt)
      if (header === undefined) return this.#damaged('the frame header is damaged')
      const length = frameLength(header)
      if (offset + length > end) return this.#atEnd(end, 'short')
      if (length > left) {
        bytes = this.#read(offset, offset + length)
        at = 0
        if (bytes.length < length) return 'again'
      }
      const last = offset + length === end
      if (header.control === 'superseded' && last) {
        if (checkFrame(bytes, at, header) === undefined) return this.#damaged('the frame is damaged')
        return this.#atEnd(end, 'superseded')
      }
      if (!this.#apply(header, bytes, at)) return 'again'
      at += length
    }
    return 'again'
  }

  /** `status` if the file still ends at `end`. */
  #atEnd(end: number, status: TailStatus): TailStatus | 'again' {
    return this.#file.end() === end ? status : 'again'
  }

  /** False: wrong bytes, which are to be read again. */
  #apply(header: FrameHeader, bytes: Uint8Array, at: number): boolean {
    const { tail } = this
    const checksum = checkFrame(bytes, at, header)
    if (checksum === undefined) return this.#damaged('the frame is damaged') !== 'again'
    if (header.previous !== tail.checksum) return this.#damaged('the frame does not follow the one before it') !== 'again'
    const length = frameLength(header)
    const isBase = header.kind === 'base'
    const tid = header.kind === 'commit' ? tail.tid + 1 : tail.tid
    if (!isBase && (header.tid !== tid || header.time < tail.time || header.nextOid < tail.nextOid)) {
      throw this.#corrupt('the frame contradicts the one before it')
    }
    if (isBase !== tail.offset < this.#header.baseEnd || (isBase && tail.offset + length > this.#header.baseEnd)) {
      throw this.#corrupt('packed state and commits are mixed up')
    }
    const body = at + FRAME_HEADER_LENGTH
    this.#sink(header, bytes, body, body + header.bodyLength)
    this.tail = {
      offset: tail.offset + length,
      tid,
      time: isBase ? tail.time : header.time,
      nextOid: isBase ? tail.nextOid : header.nextOid,
      checksum,
      lastFrame: tail.offset,
    }
    if (header.syncedTo > this.syncedTo) this.syncedTo = header.syncedTo
    return true
  }

  #damaged(what: string): 'again' {
    const { offset } = this.tail
    this.#damageSeen = this.#damage === offset ? this.#damageSeen + 1 : 1
    this.#damage = offset
    if (this.#damageSeen <= RE_READS) return 'again'
    this.#damageSeen = 0
    throw this.#corrupt(what)
  }

  #corrupt(what: string): CorruptLogError {
    return new CorruptLogError(this.#path, this.tail.offset, this.tail.tid, what)
  }
}
