// The sound records of one frame, of which any may be damaged. Behind a damaged one, which may say a wrong length, the next is looked for
// at every byte: by what each record of this frame must say of itself, then by its checksum. The work is bounded whatever the bytes say.
import { checksum } from '../log/checksum.js'
import { HEADER_LENGTH } from '../log/file-header.js'
import {
  END_MAGIC,
  FRAME_HEADER_LENGTH,
  FRAME_MAGIC,
  FRAME_TRAILER_LENGTH,
  frameLength,
  readFrameHeader,
  trailerLength,
  type FrameHeader,
} from '../log/frame.js'
import { PartChecksums } from '../log/part-checksums.js'
import { OidSet } from './oid-set.js'
import { CHECKSUM_LENGTH, getUint32, recordLength } from './record.js'
import { RecordCursor } from './record-cursor.js'
import { VarintReader } from './varint.js'

/** What is known of the records of a packed state. */
interface BaseBounds {
  /** None was written by a later commit. */
  readonly tid: number
  /** None has this oid, or a higher one. */
  readonly nextOid: number
}

/** Of a record: its checksum and five numbers. */
const SHORTEST = CHECKSUM_LENGTH + 5
/** A checksum of more bytes than these is put together from those of parts: nothing is gone through again and again. */
const LONG = 1 << 12
/** Bytes that are gone through in one step. */
const STEP = 1 << 20
const MOST_SEARCHES = 64

export class FrameRecords {
  readonly #frame: FrameHeader
  /** No state of these holds a copy that could be mistaken: what is older than a packed state has another salt. */
  readonly #isBase: boolean
  readonly #bytes: Buffer
  /** They end there, at most. */
  readonly #end: number
  /** What stands there is the frame's own trailer. */
  readonly #isEndSure: boolean
  /** So many bytes more than there were may stand before its records, or so many less. */
  readonly #moved: number
  readonly #salt: number
  readonly #base: BaseBounds
  readonly #record = new RecordCursor()
  readonly #reader: VarintReader
  #parts: PartChecksums | undefined
  /** Bytes that have been gone through since the last pause. */
  #work = 0
  /** Where the copy ends that was met last. */
  #copyEnd = 0
  /** How often all may be gone through for the end of one. */
  #searches = MOST_SEARCHES

  /** `bytes`: from the beginning of the frame on, as many as may be its own. */
  constructor(frame: FrameHeader, bytes: Uint8Array, salt: number, base: BaseBounds) {
    this.#frame = frame
    this.#isBase = frame.kind === 'base'
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const length = frameLength(frame)
    const end = findTrailer(this.#bytes, length)
    this.#isEndSure = end !== undefined
    this.#end = end ?? bytes.length
    this.#moved = this.#end - (end === undefined ? length : length - FRAME_TRAILER_LENGTH)
    this.#salt = salt
    this.#base = base
    this.#reader = new VarintReader(bytes, 0, this.#end)
  }

  /** Hands on each, with where it stands in the bytes. Gives how many bytes they take. */
  *each(found: (record: RecordCursor, at: number) => void): Generator<void, number> {
    const record = this.#record
    const seen = new OidSet()
    let isInOrder = true
    let bytes = 0
    let at = FRAME_HEADER_LENGTH
    // What stands behind the last one is no record, whatever it looks like.
    for (let left = this.#frame.records; left > 0 && at < this.#end;) {
      const isSound = record.check(this.#bytes, at, this.#salt) && record.end <= this.#end
      if (isSound && this.#isBack(record.back, at)) {
        // What was found before may stand once more.
        const isNew = seen.add(record.oid)
        if (isNew || isInOrder) found(record, at)
        if (isNew) {
          bytes += record.end - at
          left--
        }
        if (this.#isTimeToPause(record.end - at)) yield
        at = record.end
      } else {
        isInOrder = false
        if (this.#isEndSure && this.#moved === 0) left-- // something stood where nothing sound is
        at = yield* this.#behind(at)
      }
    }
    return bytes
  }

  /**
   * Where to go on behind a damaged record. What it says of its length is right, mostly, if a sound one stands there, or the end: what
   * looks like a record before that is one only if it leads there, too. Otherwise it is part of the state of the damaged one.
   */
  *#behind(damaged: number): Generator<void, number> {
    const next = damaged + recordLength(this.#bytes, damaged)
    const sure = this.#isBase ? undefined : [next, next + this.#moved].find(end => end > damaged && this.#isNext(end))
    const end = sure ?? this.#end
    for (let at = damaged + 1; ;) {
      at = yield* this.#search(at, end)
      if (at >= end) return at
      const chainEnd = yield* this.#endOfChain(at, end)
      if (sure === undefined ? !this.#isCopied(at, chainEnd) : chainEnd === end) return at
      at = chainEnd
    }
  }

  /** Whether a record, and whatever may be in it, ends there. */
  #isNext(at: number): boolean {
    return at === this.#end ? this.#isEndSure : at < this.#end && this.#isSound(at)
  }

  /**
   * Whether the records from `from` to `to` are part of a copy: of the commit of the same number in another life of the store, kept as
   * data. They lead to its trailer, or nowhere, and not to what stands behind it.
   */
  #isCopied(from: number, to: number): boolean {
    if (this.#isBase) return false
    if (from < this.#copyEnd) return to <= this.#copyEnd
    const trailer = this.#bytes.subarray(to, to + FRAME_TRAILER_LENGTH)
    const length = trailer.length < FRAME_TRAILER_LENGTH ? undefined : trailerLength(trailer)
    return length !== undefined && length !== frameLength(this.#frame)
  }

  /** Takes note of such a copy, if its frame begins there. */
  #noteCopy(at: number): void {
    if (at < this.#copyEnd || this.#isBase) return
    const header = readFrameHeader(this.#bytes, at, undefined, this.#salt)
    if (header?.tid !== this.#frame.tid) return
    const ownBegin = this.#bytes.subarray(0, FRAME_HEADER_LENGTH)
    if (ownBegin.equals(this.#bytes.subarray(at, at + FRAME_HEADER_LENGTH))) return // it stands twice
    const length = frameLength(header)
    const trailer = this.#searches-- > 0 ? findTrailer(this.#bytes.subarray(at), length) : undefined
    this.#copyEnd = at + (trailer === undefined ? length : trailer + FRAME_TRAILER_LENGTH)
  }

  /** Where the first sound record begins; `to`: nowhere before that. */
  *#search(from: number, to: number): Generator<void, number> {
    for (let at = from; at < to; at++) {
      if (this.#isSound(at)) return at
      if (this.#bytes[at] === FRAME_MAGIC[0]) this.#noteCopy(at)
      if (this.#isTimeToPause(1)) yield
    }
    return to
  }

  /** Behind the last of the sound records that stand one behind the other from `from` on, and begin before `to`. */
  *#endOfChain(from: number, to: number): Generator<void, number> {
    let at = from
    while (at < to && this.#isSound(at)) {
      if (this.#isTimeToPause(this.#record.end - at)) yield
      at = this.#record.end
    }
    return at
  }

  #isTimeToPause(bytes: number): boolean {
    this.#work += bytes
    if (this.#work < STEP) return false
    this.#work = 0
    return true
  }

  /** Whether a sound record begins there, and one that can be of this frame. */
  #isSound(at: number): boolean {
    const reader = this.#reader
    reader.at = at
    reader.end = this.#end
    reader.failed = false
    const length = reader.next()
    const sum = reader.at
    const from = sum + CHECKSUM_LENGTH
    const end = sum + length
    if (reader.failed || length < SHORTEST || end > this.#end) return false
    reader.at = from
    reader.end = end
    if (!this.#isOfFrame(at)) return false
    return this.#checksum(from, end) === getUint32(this.#bytes, sum) && this.#record.look(this.#bytes, at)
  }

  /** Whether a record that begins at `at` can be of this frame, by the numbers that the reader comes to. */
  #isOfFrame(at: number): boolean {
    const { tid, nextOid } = this.#frame
    const reader = this.#reader
    const oid = reader.next()
    const shape = reader.next()
    const writer = reader.next()
    const back = reader.next()
    const refs = reader.next()
    if (reader.failed || oid === 0 || refs > reader.end - reader.at) return false
    const highest = Math.max(oid, shape)
    if (this.#isBase) return back === 0 && writer <= this.#base.tid && highest < this.#base.nextOid
    if (writer !== tid || highest >= nextOid) return false
    return back === 0 || (back > at - Math.max(0, this.#moved) && this.#isBack(back, at))
  }

  /** Whether what it replaced can be so far back. If bytes of the frame are missing, it may have stood that much further behind. */
  #isBack(back: number, at: number): boolean {
    return back <= this.#frame.offset + at - Math.min(0, this.#moved) - HEADER_LENGTH
  }

  #checksum(from: number, to: number): number {
    if (to - from <= LONG) return checksum(this.#bytes, this.#salt, from, to)
    this.#parts ??= new PartChecksums(this.#bytes)
    return this.#parts.of(this.#salt, from, to)
  }
}

/** Where the trailer of a frame of this length stands, before or behind its place where bytes are gone or have been inserted. */
function findTrailer(bytes: Buffer, length: number): number | undefined {
  const last = Buffer.alloc(FRAME_TRAILER_LENGTH - CHECKSUM_LENGTH)
  last.writeUInt32LE(length)
  last.set(END_MAGIC, last.length - END_MAGIC.length)
  const place = length - last.length
  const at = last.equals(bytes.subarray(place, length)) ? place : bytes.indexOf(last, FRAME_HEADER_LENGTH)
  return at < 0 ? undefined : at - CHECKSUM_LENGTH
}
