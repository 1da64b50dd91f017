// Goes from record to record without making an object of any, where there are millions to be copied or checked. Its fields tell of the
// record at which it stands, until it goes to another.
import { checksum } from '../log/checksum.js'
import { CHECKSUM_LENGTH, getUint32, setUint32 } from './record.js'
import type { Oid } from './types.js'
import { VarintReader, writeVarint } from './varint.js'

export class RecordCursor {
  bytes: Uint8Array = new Uint8Array()
  /** Where the record begins and ends in them. */
  at = 0
  end = 0
  oid = 0 as Oid
  shape = 0 as Oid
  tid = 0
  back = 0
  /** How many references it has; those are the first so many of `refs`. */
  count = 0
  readonly refs: Oid[] = []
  /** Where its state begins, which goes to its end. */
  from = 0
  readonly #reader = new VarintReader(this.bytes, 0, 0)
  /** Where its checksum stands, and where `back` begins and ends. */
  #sum = 0
  #back = 0
  #behindBack = 0

  /** Goes to the record at `at`; false: it is damaged, or of a file with another salt. */
  check(bytes: Uint8Array, at: number, salt: number): boolean {
    if (!this.look(bytes, at)) return false
    const { end } = this
    const sum = this.#sum
    return checksum(bytes, salt, sum + CHECKSUM_LENGTH, end) === getUint32(bytes, sum)
  }

  /** The same without looking at its checksum: false if what is there cannot be a record. */
  look(bytes: Uint8Array, at: number): boolean {
    const reader = this.#reader
    reader.bytes = bytes
    reader.at = at
    reader.end = bytes.length
    reader.failed = false
    const length = reader.next()
    const sum = reader.at
    const end = sum + length
    if (reader.failed || length < CHECKSUM_LENGTH || end > bytes.length) return false
    reader.at = sum + CHECKSUM_LENGTH
    reader.end = end
    this.bytes = bytes
    this.at = at
    this.end = end
    this.#sum = sum
    this.oid = reader.next() as Oid
    this.shape = reader.next() as Oid
    this.tid = reader.next()
    this.#back = reader.at
    this.back = reader.next()
    this.#behindBack = reader.at
    const count = reader.next()
    if (reader.failed || this.oid === 0 || count > end - reader.at) return false
    for (let n = 0; n < count; n++) this.refs[n] = reader.next() as Oid
    this.count = count
    this.from = reader.at
    return !reader.failed
  }

  /**
   * Writes the record as it is, but for its checksum and that it replaces none, at `place` of `into`, for a file with this salt;
   * gives where that ends. It takes no more bytes than before. `into` may be the bytes where it stands, `place` where it begins.
   */
  copy(into: Uint8Array, place: number, salt: number): number {
    const { bytes, end } = this
    const from = this.#sum + CHECKSUM_LENGTH
    const head = this.#back - from
    const rest = this.#behindBack
    const sum = writeVarint(into, place, CHECKSUM_LENGTH + head + 1 + end - rest)
    let to = sum + CHECKSUM_LENGTH
    for (let n = 0; n < head; n++) into[to++] = bytes[from + n] ?? 0
    into[to++] = 0
    if (into === bytes) into.copyWithin(to, rest, end)
    else into.set(bytes.subarray(rest, end), to)
    to += end - rest
    setUint32(into, sum, checksum(into, salt, sum + CHECKSUM_LENGTH, to))
    return to
  }
}
