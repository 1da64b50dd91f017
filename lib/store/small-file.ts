// Keeps the bytes of a small file, block by block as records of them are asked for: one read then does for hundreds of objects.
// Who asks for a few records reads these alone: a block is read when it is asked for the third time. What stands below the log's
// end never changes, so a block is kept only when it ends there. A file that outgrows this is read record by record again: at
// random in a large one, a block would not be met again before it had to go.
import type { DataFile } from '../file/data-file.js'

const BLOCK = 1 << 15
/** A block of which no more is asked for is not worth it. */
const FEW = 2
/** Bytes of the largest file that is kept. */
const SMALL = 1 << 25

export class SmallFile {
  readonly #file: DataFile
  /** By number; or how often a block was asked for, if it has not been read. */
  #blocks: (Buffer | number)[] = []

  constructor(file: DataFile) {
    this.#file = file
  }

  /** The block in which the byte at `at` stands; undefined: it is not kept. `end`: of the log. Throws what the disk throws. */
  blockAt(at: number, end: number): Buffer | undefined {
    if (end > SMALL) {
      if (this.#blocks.length > 0) this.#blocks = []
      return undefined
    }
    const number = Math.floor(at / BLOCK)
    const known = this.#blocks[number] ?? 0
    if (typeof known !== 'number') return known
    while (this.#blocks.length <= number) this.#blocks.push(0)
    this.#blocks[number] = known + 1
    if (known < FEW || (number + 1) * BLOCK > end) return undefined
    const block = Buffer.allocUnsafeSlow(BLOCK)
    if (this.#file.read(block, number * BLOCK) < BLOCK) return undefined
    this.#blocks[number] = block
    return block
  }

  close(): void {
    this.#blocks = []
  }

  /** Where a byte of the file stands in its block. */
  placeOf(at: number): number {
    return at % BLOCK
  }
}
