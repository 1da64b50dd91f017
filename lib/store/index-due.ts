// When the index file of a log is to be written anew: by how much there is to read behind the table that stands there.
import type { Tail } from '../log/tail.js'

/** So many bytes take as long to read as a frame does besides its own (measured). */
const EACH_FRAME = 1 << 10

export class IndexDue {
  readonly #baseTid: number
  /** How much there is to read up to where the log is in a table that is stored ... */
  #stored = 0
  /** ... and up to where the index file was to be written last, with whatever success. */
  #tried = 0

  constructor(baseTid: number) {
    this.#baseTid = baseTid
  }

  /** A table tells of the log up to here. */
  stored(tail: Tail): void {
    this.#stored = this.#toRead(tail)
  }

  tried(tail: Tail): void {
    this.#tried = this.#toRead(tail)
  }

  /** The table that was there is wrong; `tail`: up to where another one tells of the log. */
  lost(tail: Tail | undefined): void {
    this.#stored = tail === undefined ? 0 : this.#toRead(tail)
    this.#tried = 0
  }

  /**
   * Whether there is so much more to read up to `tail`, that writing the index file stays little beside writing the log; after a failure,
   * as much again, unless it is the last try.
   */
  isWorth(bytes: number, tail: Tail, isLastTry: boolean): boolean {
    const before = isLastTry ? this.#stored : Math.max(this.#stored, this.#tried)
    return this.#toRead(tail) - before >= bytes
  }

  /** In bytes. */
  #toRead({ offset, tid }: Tail): number {
    return offset + EACH_FRAME * (tid - this.#baseTid)
  }
}
