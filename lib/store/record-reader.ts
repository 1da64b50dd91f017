// Reads single records of one file: as many bytes as most of them have, and a longer stretch where one record was asked for after
// the other or near the other, or the file is small. Owns the buffers that records are parts of: none is filled twice, so a record
// stays what it is.
import { asDiskError } from '../file/disk-error.js'
import type { DataFile } from '../file/data-file.js'
import type { LogReader } from '../log/log-reader.js'
import { readRecord, recordLength } from './record.js'
import type { SmallFile } from './small-file.js'
import type { Offset, StoredRecord } from './types.js'

/** Single records are read into one buffer, one behind the other: a small one at first, and at most of this size. */
const SPACE = 1 << 15
/** What is read where records are asked for in the order of their places. */
const AHEAD = 1 << 15
/** That is, one no further from the last than this, so often. */
const NEAR = 1 << 13
const OFTEN = 4
/** Who holds a record holds all bytes that were read with it. Out of more than these it is copied, where few others are asked for. */
const MANY = 1 << 12

const NOTHING = Buffer.alloc(0)

export class RecordReader {
  readonly #file: DataFile
  readonly #small: SmallFile
  readonly #path: string
  readonly #log: LogReader
  readonly #salt: number
  readonly #likely: number
  #space = NOTHING
  #used = 0
  /** A stretch of the file. */
  #window = NOTHING
  #windowAt = 0
  #last = 0
  #near = 0
  /** How often in turn the next record was on the same side of the last. */
  #straight = 0
  #isForward = true

  /** `likely`: most records take fewer bytes, so that one read brings them in. `small` and `log`: of the same file. */
  constructor(file: DataFile, small: SmallFile, path: string, log: LogReader, likely: number) {
    this.#likely = likely
    this.#file = file
    this.#small = small
    this.#path = path
    this.#log = log
    this.#salt = log.salt
  }

  /** The record at `at`; undefined: it is damaged. Nothing from `end` on is looked at. Throws DiskError, ClosedError. */
  read(at: Offset, end: number): StoredRecord | undefined {
    this.#file.checkOpen()
    const distance = at - this.#last
    this.#follow(at, distance)
    const inMemory = this.#inRecent(at) ?? this.#inWindow(at, distance)
    if (inMemory !== undefined) return inMemory
    const kept = this.#inSmall(at, end)
    if (kept !== undefined) return kept
    if (this.#near >= OFTEN) {
      this.#readAround(at, end)
      const found = this.#inWindow(at, distance)
      if (found !== undefined) return found
    }
    return this.#readOne(at, end)
  }

  /** Nothing is read any more. Records that were stay what they are. */
  close(): void {
    this.#space = NOTHING
    this.#window = NOTHING
  }

  #follow(at: Offset, distance: number): void {
    this.#near = -NEAR < distance && distance < NEAR ? this.#near + 1 : 0
    this.#straight = this.#isForward === distance > 0 ? this.#straight + 1 : 0
    this.#isForward = distance > 0
    this.#last = at
  }

  /** undefined: it is not there, or not whole, or damaged. */
  #inSmall(at: Offset, end: number): StoredRecord | undefined {
    const block = this.#asked(() => this.#small.blockAt(at, end))
    return block && readRecord(block, this.#small.placeOf(at), at, this.#salt)
  }

  /** The same. */
  #inRecent(at: Offset): StoredRecord | undefined {
    const { bytes, from, to } = this.#log.recent
    if (at < from || at >= to) return undefined
    return bytes.length > MANY ? this.#apart(bytes, at - from, at) : readRecord(bytes, at - from, at, this.#salt)
  }

  /** The same. `distance`: from the record before. */
  #inWindow(at: Offset, distance: number): StoredRecord | undefined {
    const inside = at - this.#windowAt
    if (inside < 0 || inside >= this.#window.length) return undefined
    const isOneOfMany = -this.#likely <= distance && distance <= this.#likely
    return isOneOfMany ? readRecord(this.#window, inside, at, this.#salt) : this.#apart(this.#window, inside, at)
  }

  /** The same, copied out of bytes of which little else will be asked for. */
  #apart(bytes: Uint8Array, inside: number, at: Offset): StoredRecord | undefined {
    const length = recordLength(bytes, inside)
    if (length === 0 || length > bytes.length - inside) return undefined
    const record = bytes.subarray(inside, inside + length)
    if (length > this.#likely) return readRecord(Buffer.from(record), 0, at, this.#salt)
    this.#makeRoom()
    const start = this.#used
    this.#used += length
    this.#space.set(record, start)
    return readRecord(this.#space, start, at, this.#salt)
  }

  /** Reads where the next records are likely to be. */
  #readAround(at: Offset, end: number): void {
    const before = this.#straight < OFTEN ? AHEAD / 2 : this.#isForward ? 0 : AHEAD - this.#likely
    const from = Math.max(0, at - before)
    const bytes = Buffer.allocUnsafeSlow(Math.min(AHEAD, end - from))
    this.#window = bytes.subarray(0, this.#fill(bytes, from))
    this.#windowAt = from
  }

  #readOne(at: Offset, end: number): StoredRecord | undefined {
    this.#makeRoom()
    const start = this.#used
    const most = Math.min(this.#likely, end - at)
    const got = this.#fill(this.#space.subarray(start, start + most), at)
    const length = recordLength(this.#space, start)
    if (length <= got) {
      this.#used += length
      return readRecord(this.#space, start, at, this.#salt)
    }
    if (length > end - at) return undefined
    const whole = Buffer.allocUnsafe(length)
    return readRecord(whole.subarray(0, this.#fill(whole, at)), 0, at, this.#salt)
  }

  /** For one more of the likely length. */
  #makeRoom(): void {
    if (this.#space.length - this.#used >= this.#likely) return
    this.#space = Buffer.allocUnsafeSlow(Math.min(SPACE, Math.max(this.#likely, 2 * this.#space.length)))
    this.#used = 0
  }

  #fill(bytes: Uint8Array, at: number): number {
    return this.#asked(() => this.#file.read(bytes, at))
  }

  #asked<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      throw asDiskError(this.#path, error)
    }
  }
}
