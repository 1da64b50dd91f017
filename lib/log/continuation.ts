// Which of the frames behind damage go on with the log, and which are copies, kept as data in it. A frame that stands no further behind
// than it says is no copy: what is copied into a log stands further behind than where it was. One that does stand further behind goes on
// with the log where bytes have been inserted before it, and must prove it. Only reads; a bounded part of the file for each frame.
import type { DataFile } from '../file/data-file.js'
import { isHeaderBegin, type TablePlace } from './file-header.js'
import {
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  frameLength,
  readFrameHeader,
  trailerChecksum,
  trailerLength,
  type FrameHeader,
} from './frame.js'
import { findTrailers } from './trailers.js'

/** The last whole frame before damage. */
export interface LastFrame {
  /** Where the next one says that it begins. */
  readonly offset: number
  readonly tid: number
  /** What the next one says of this one; undefined: nobody knows. */
  readonly checksum: number | undefined
}

interface Doubtful {
  readonly tid: number
  readonly at: number
}

interface Placed {
  readonly header: FrameHeader
  readonly at: number
}

const PIECE = 1 << 16
/** The file is looked through no more than so many times for frames that copies are part of. */
const MOST_PASSES = 4
/** To look at one place where a trailer may end takes as long as to look through so many bytes. */
const EACH_HIT = 64

export class Continuation {
  readonly #file: DataFile
  readonly #fileEnd: number
  readonly #table: TablePlace | undefined
  readonly #isForSalvage: boolean
  #last: LastFrame
  /** Where that ends in the file. */
  #end: number
  /** So much further behind than it says that stands: so many bytes have been inserted before it. */
  #shift = 0
  /** The same; negative: so many are gone. */
  #displaced = 0
  /** Behind it, a frame of which the header alone is sound. */
  #broken: Placed | undefined
  /** Where the copies end that have been met behind it. */
  #copiesEnd = 0
  /** Up to where the frames follow each other that were looked at last, and where the frame begins that they are part of. */
  #runEnd = 0
  #holderBegin = Infinity
  /** So many bytes may still be looked through for such. */
  #work: number
  #doubtful: Doubtful | undefined

  /**
   * `last` ends at `at`, which is where the next one should begin; `end`: of the file. `isForSalvage`: what belongs is taken, so that copies
   * of a longer log must not; otherwise it is only to be known what may be the log's.
   */
  constructor(
    file: DataFile,
    last: LastFrame,
    at: number,
    end: number,
    { isForSalvage, table }: { readonly isForSalvage: boolean; readonly table?: TablePlace | undefined },
  ) {
    this.#file = file
    this.#last = last
    this.#end = at
    this.#fileEnd = end
    this.#work = MOST_PASSES * end
    this.#table = table
    this.#isForSalvage = isForSalvage
  }

  get last(): LastFrame {
    return this.#last
  }

  get shift(): number {
    return this.#shift
  }

  /** The last of the frames that prove nothing, unless one behind them proves that they are copies. */
  get doubtful(): Doubtful | undefined {
    return this.#doubtful
  }

  /** Whether what begins there is part of the last frame, whose header was put right after it had been found. */
  isPast(at: number): boolean {
    return at < this.#end
  }

  /** Whether the frame at `at`, of which only the header is known, may be one of the log. */
  belongs(header: FrameHeader, at: number): boolean {
    if (this.isPast(at)) return false
    const displaced = at - header.offset
    // Where bytes are gone before it, or in a copy of a log that is longer than what stands before the copy.
    if (this.#isForSalvage && displaced < this.#displaced && this.#isKept(header, at)) return false
    if (displaced <= this.#shift || this.#isProved(header, at)) return true
    const end = at + frameLength(header)
    if (this.#doubtful?.at !== at && end <= this.#fileEnd && this.#trailerBefore(end).length === frameLength(header))
      this.#copiesEnd = Math.max(this.#copiesEnd, end)
    return false
  }

  /** Whether a broken frame has strayed into another, as a sector may: it is not the next one, which may have come nearer. */
  hasStrayed(header: FrameHeader, at: number): boolean {
    const broken = this.#broken
    if (broken === undefined || at - header.offset === this.#shift || at >= endOf(broken)) return false
    return header.offset !== this.#behind(broken.header)
  }

  /** Goes on behind a frame that belongs. `checksum` undefined: it is broken. */
  pass(header: FrameHeader, at: number, checksum: number | undefined): void {
    if (checksum === undefined) {
      this.#broken = { header, at }
      return
    }
    this.#end = at + frameLength(header)
    const tid = header.kind === 'base' ? this.#last.tid : header.tid
    this.#last = { offset: this.#behind(header), tid, checksum }
    this.#displaced = at - header.offset
    this.#shift = Math.max(0, this.#displaced)
    this.#broken = undefined
    this.#copiesEnd = this.#runEnd = 0
    this.#doubtful = undefined
  }

  #isProved(header: FrameHeader, at: number): boolean {
    const broken = this.#broken
    const { offset, tid, kind } = header
    const isEarlier = kind !== 'base' && tid < this.#last.tid
    if (offset < this.#last.offset || isEarlier) return false // there is one of this place, or of this commit
    const standsTwice = broken !== undefined && isSame(header, broken.header)
    if (broken !== undefined && !standsTwice && at + frameLength(header) <= endOf(broken)) return false // part of a record
    if (this.#isOfWholeCopy(offset, at) || this.#isKept(header, at)) return false
    if (standsTwice || this.#runEnd === this.#fileEnd) return true // what is kept as data has something behind it
    const isBehindCopies = at === this.#copiesEnd
    if (broken === undefined && offset === this.#last.offset && this.#isNext(header)) {
      if (!isBehindCopies || this.#standsTwice(at)) return true
    }
    if (!isBehindCopies && this.#isBehindBroken(header, at)) return true
    this.#doubtful = { tid, at }
    return false
  }

  /** Where the next frame says that it begins: behind the table, if that comes first. */
  #behind(header: FrameHeader): number {
    const end = header.offset + frameLength(header)
    return end === this.#table?.at ? this.#table.end : end
  }

  #isNext({ previous }: FrameHeader): boolean {
    return this.#last.checksum === undefined || this.#last.checksum === previous
  }

  /** It follows the broken frame, or one of which only the trailer is left. */
  #isBehindBroken({ offset, kind, tid, previous }: FrameHeader, at: number): boolean {
    const broken = this.#broken?.header
    const next = broken === undefined ? this.#last.offset : this.#behind(broken)
    const before = broken?.kind === 'base' ? this.#last.tid : (broken?.tid ?? this.#last.tid)
    if (broken !== undefined && offset === next) return kind === 'base' || tid - before === (kind === 'commit' ? 1 : 0)
    const { length, checksum } = this.#trailerBefore(at)
    return length !== undefined && checksum === previous && offset - length === next
  }

  /** A file that is kept as a whole has a header of its own, where its frames say that it begins. */
  #isOfWholeCopy(offset: number, at: number): boolean {
    const begin = at - offset
    return begin >= this.#end && isHeaderBegin(this.#read(begin, begin + FRAME_HEADER_LENGTH))
  }

  /** Whether what lies between the last frame and this one is what ends with the last one once more. */
  #standsTwice(at: number): boolean {
    const twice = at - this.#end
    const from = this.#end + FRAME_HEADER_LENGTH // the bytes before that may be the first of this frame itself
    if (from - twice < 0) return false
    for (let to = at; to > from; to -= PIECE) {
      const begin = Math.max(from, to - PIECE)
      if (Buffer.compare(this.#read(begin, to), this.#read(begin - twice, to - twice)) !== 0) return false
    }
    return true
  }

  /** Whether it is part of a frame of which no more than the trailer may be left: one that begins before it, and ends behind it. */
  #isKept(header: FrameHeader, at: number): boolean {
    if (at >= this.#runEnd) {
      const { end, next } = this.#run(header, at)
      this.#runEnd = end
      this.#holderBegin = this.#beginOfHolder(this.#runEnd, at, next && frameLength(next))
    }
    return this.#holderBegin <= at - FRAME_HEADER_LENGTH
  }

  /** Where the frames end that follow each other from this one on, and the header of the next one, which is broken. */
  #run(first: FrameHeader, at: number): { end: number; next: FrameHeader | undefined } {
    let header = first
    for (let end = at; ;) {
      const length = frameLength(header)
      const trailer = end + length > this.#fileEnd ? undefined : this.#trailerBefore(end + length)
      if (trailer?.length !== length) return { end, next: header }
      end += length
      const next = readFrameHeader(this.#read(end, end + FRAME_HEADER_LENGTH), 0, header.offset + length, header.salt)
      if (next === undefined || next.previous !== trailer.checksum) return { end, next: undefined }
      header = next
    }
  }

  /**
   * Where the frame begins whose trailer stands behind `from`, and that begins before `before`; Infinity: there is none. One of this
   * length is known to begin at `from`, whatever has been inserted or is gone in it.
   */
  #beginOfHolder(from: number, before: number, known: number | undefined): number {
    if (this.#work <= 0) return 0
    for (const found of findTrailers(this.#file, from, this.#fileEnd)) {
      if (typeof found === 'number') {
        this.#work -= found
      } else {
        this.#work -= EACH_HIT
        const begin = found.end - found.length
        if (found.length !== known && begin >= 0 && begin < before) return begin
      }
      if (this.#work <= 0) return 0
    }
    return Infinity
  }

  #trailerBefore(at: number): { length: number | undefined; checksum: number | undefined } {
    const trailer = this.#read(at - FRAME_TRAILER_LENGTH, at)
    return { length: trailerLength(trailer), checksum: trailerChecksum(trailer) }
  }

  #read(from: number, to: number): Buffer {
    const bytes = Buffer.alloc(to - from)
    return bytes.subarray(0, this.#file.read(bytes, from))
  }
}

function endOf({ header, at }: Placed): number {
  return at + frameLength(header)
}

function isSame(one: FrameHeader, other: FrameHeader): boolean {
  const keys = Object.keys(one) as (keyof FrameHeader)[]
  return keys.every(key => one[key] === other[key])
}
