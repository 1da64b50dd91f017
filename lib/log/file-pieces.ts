// Small parts of a file that are asked for one after the other, in either direction: those that stand near each other come with one
// read, and of what stands far from each other, little more is read than that. Only reads.
import type { DataFile } from '../file/data-file.js'

/** Bytes of the first piece, and of any that stands far from the one before. Others are twice as long as that, up to the most. */
const FIRST = 1 << 8
const MOST = 1 << 15
/** Of what is nearer to the piece before, it is worth to read what stands between. */
const NEAR = 1 << 12

const NOTHING = Buffer.alloc(0)

export class FilePieces {
  readonly #file: DataFile
  readonly #from: number
  readonly #to: number
  readonly #direction: 'forwards' | 'backwards'
  #piece = NOTHING
  /** Where the piece begins. */
  #at = 0
  #size = FIRST

  /** Of what stands between `from` and `to`. */
  constructor(file: DataFile, from: number, to: number, direction: 'forwards' | 'backwards') {
    this.#file = file
    this.#from = from
    this.#to = to
    this.#direction = direction
  }

  /** `length` bytes at `at`; undefined: there are not so many. */
  take(at: number, length: number): Uint8Array | undefined {
    if (at < this.#from || at + length > this.#to) return undefined
    if (at < this.#at || at + length > this.#at + this.#piece.length) this.#read(at, length)
    const begin = at - this.#at
    return begin + length <= this.#piece.length ? this.#piece.subarray(begin, begin + length) : undefined
  }

  #read(at: number, length: number): void {
    const isForwards = this.#direction === 'forwards'
    const skipped = isForwards ? at - (this.#at + this.#piece.length) : this.#at - (at + length)
    if (this.#piece.length > 0) this.#size = skipped < NEAR ? Math.min(MOST, 2 * this.#size) : FIRST
    const size = Math.max(length, this.#size)
    const begin = isForwards ? at : Math.max(this.#from, at + length - size)
    const end = isForwards ? Math.min(this.#to, at + size) : at + length
    const bytes = Buffer.allocUnsafe(end - begin)
    this.#piece = bytes.subarray(0, this.#file.read(bytes, begin))
    this.#at = begin
  }
}
