// Reads single records of one file: as many bytes as most of them have, and a longer stretch where one record was asked for after
// the other, or the file is small. Owns the buffers that records are parts of: none is filled twice, so a record stays what it is.
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
    this.#near = -NEAR < distance && distance < NEAR ? this.#near + 1 : 0
    this.#last = at
    const inMemory = this.#inRecent(at) ?? this.#inWindow(at)
    if (inMemory !== undefined) return inMemory
    const kept = this.#inSmall(at, end)
    if (kept !== undefined) return kept
    if (this.#near >= OFTEN) {
      this.#readAhead(distance > 0 ? at : Math.max(0, at + this.#likely - AHEAD), end)
      const found = this.#inWindow(at)
      if (found !== undefined) return found
    }
    return this.#readOne(at, end)
  }

  /** undefined: it is not there, or not whole, or damaged. */
  #inSmall(at: Offset, end: number): StoredRecord | undefined {
    const block = this.#asked(() => this.#small.blockAt(at, end))
    return block && readRecord(block, this.#small.placeOf(at), at, this.#salt)
  }

  /** The same. */
  #inRecent(at: Offset): StoredRecord | undefined {
    const { bytes, from, to } = this.#log.recent
    return at >= from && at < to ? readRecord(bytes, at - from, at, this.#salt) : undefined
  }

  /** The same. */
  #inWindow(at: Offset): StoredRecord | undefined {
    const inside = at - this.#windowAt
    if (inside < 0 || inside >= this.#window.length) return undefined
    return readRecord(this.#window, inside, at, this.#salt)
  }

  #readAhead(from: number, end: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.min(AHEAD, end - from))
    this.#window = bytes.subarray(0, this.#fill(bytes, from))
    this.#windowAt = from
  }

  #readOne(at: Offset, end: number): StoredRecord | undefined {
    if (this.#space.length - this.#used < this.#likely) {
      this.#space = Buffer.allocUnsafeSlow(Math.min(SPACE, Math.max(this.#likely, 2 * this.#space.length)))
      this.#used = 0
    }
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
