// The sound records of one frame, of which any may be damaged. Behind a damaged one, which may say a wrong length, the next is looked for
// at every byte: by what each record of this frame must say of itself, then by its checksum. The work is bounded whatever the bytes say.
import { checksum } from '../log/checksum.js'
import { HEADER_LENGTH } from '../log/file-header.js'
import { FRAME_HEADER_LENGTH, frameLength, type FrameHeader } from '../log/frame.js'
import { PartChecksums } from '../log/part-checksums.js'
import { CHECKSUM_LENGTH, getUint32, recordLength } from './record.js'
import { RecordCursor } from './record-cursor.js'
import { VarintReader } from './varint.js'

/** What is known of the records of a packed state. */
export interface BaseBounds {
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

export class FrameRecords {
  readonly #frame: FrameHeader
  readonly #bytes: Uint8Array
  /** They end there, at most. */
  readonly #end: number
  readonly #salt: number
  readonly #base: BaseBounds
  readonly #record = new RecordCursor()
  readonly #reader: VarintReader
  #parts: PartChecksums | undefined
  /** Up to where it is gone through in this step. */
  #pause = STEP

  /** `bytes`: the frame, as much of it as there is; `end`: where in them its records end, at most. */
  constructor(frame: FrameHeader, bytes: Uint8Array, end: number, salt: number, base: BaseBounds) {
    this.#frame = frame
    this.#bytes = bytes
    this.#end = end
    this.#salt = salt
    this.#base = base
    this.#reader = new VarintReader(bytes, 0, end)
  }

  /** Hands on each, with where it stands in the bytes. Gives how many bytes they take. */
  *each(found: (record: RecordCursor, at: number) => void): Generator<void, number> {
    const record = this.#record
    let bytes = 0
    let at = FRAME_HEADER_LENGTH
    // What stands behind the last one is no record, whatever it looks like.
    for (let n = 0; n < this.#frame.records && at < this.#end; n++) {
      const isSound = record.check(this.#bytes, at, this.#salt) && record.end <= this.#end
      if (isSound && this.#isBack(record.back, at)) {
        found(record, at)
        bytes += record.end - at
        at = record.end
      } else {
        at = yield* this.#behind(at)
      }
      if (this.#isTimeToPause(at)) yield
    }
    return bytes
  }

  /**
   * Where to go on behind a damaged record. What it says of its length is right, mostly, if a sound one stands there: what looks like a
   * record before that is one only if it leads there, too. Otherwise it is part of the state of the damaged one, such as a copy of the log.
   */
  *#behind(damaged: number): Generator<void, number> {
    const next = damaged + recordLength(this.#bytes, damaged)
    const isSure = next > damaged && next < this.#end && this.#isSound(next)
    const end = isSure ? next : this.#end
    let at = yield* this.#search(damaged + 1, end)
    while (isSure && at < end) {
      const chainEnd = this.#endOfChain(at, end)
      if (chainEnd === end) break
      at = yield* this.#search(chainEnd, end)
    }
    return at
  }

  /** Where the first sound record begins; `to`: nowhere before that. */
  *#search(from: number, to: number): Generator<void, number> {
    for (let at = from; at < to; at++) {
      if (this.#isSound(at)) return at
      if (this.#isTimeToPause(at)) yield
    }
    return to
  }

  /** Behind the last of the sound records that stand one behind the other from `from` on, and begin before `to`. */
  #endOfChain(from: number, to: number): number {
    let at = from
    while (at < to && this.#isSound(at)) at = this.#record.end
    return at
  }

  #isTimeToPause(at: number): boolean {
    if (at < this.#pause) return false
    this.#pause = at + STEP
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
    const { kind, tid, nextOid } = this.#frame
    const reader = this.#reader
    const oid = reader.next()
    const shape = reader.next()
    const writer = reader.next()
    const back = reader.next()
    const refs = reader.next()
    if (reader.failed || oid === 0 || refs > reader.end - reader.at) return false
    const highest = Math.max(oid, shape)
    if (kind === 'base') return back === 0 && writer <= this.#base.tid && highest < this.#base.nextOid
    return writer === tid && highest < nextOid && (back === 0 || (back > at && this.#isBack(back, at)))
  }

  /** Whether what it replaced can be so far back. If bytes of the frame are missing, it may have stood that much further behind. */
  #isBack(back: number, at: number): boolean {
    const missing = Math.max(0, frameLength(this.#frame) - this.#bytes.length)
    return back <= this.#frame.offset + at + missing - HEADER_LENGTH
  }

  #checksum(from: number, to: number): number {
    if (to - from <= LONG) return checksum(this.#bytes, this.#salt, from, to)
    this.#parts ??= new PartChecksums(this.#bytes)
    return this.#parts.of(this.#salt, from, to)
  }
}
