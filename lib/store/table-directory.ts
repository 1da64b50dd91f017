// The directory of a table's pages, as spec/format.md describes it: for each page the number with which it begins, its place, length and
// checksum. Holds numbers alone; knows nothing of what is in the pages.

/** A table, or a part of it, is not what was written: the index is to be built from the log. Never leaves the store layer. */
export class DamagedIndexError extends Error {}

export function damaged(): never {
  throw new DamagedIndexError()
}

/** Place from the table's beginning, length, checksum. */
export type Section = readonly [number, number, number]

/** Number, place, length and checksum of a page. */
const ENTRY = 24

export interface DirectoryEntry {
  readonly number: number
  readonly section: Section
}

export function encodeDirectory(entries: readonly DirectoryEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * ENTRY)
  for (const [n, { number, section }] of entries.entries()) {
    const [place, length, sum] = section
    bytes.writeDoubleLE(number, n * ENTRY)
    bytes.writeDoubleLE(place, n * ENTRY + 8)
    bytes.writeUInt32LE(length, n * ENTRY + 16)
    bytes.writeUInt32LE(sum, n * ENTRY + 20)
  }
  return bytes
}

export class Directory {
  readonly #bytes: Buffer
  readonly count: number

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.count = Math.floor(bytes.length / ENTRY)
  }

  number(n: number): number {
    return this.#bytes.readDoubleLE(n * ENTRY)
  }

  /** Bytes of the nth page. */
  length(n: number): number {
    return this.#bytes.readUInt32LE(n * ENTRY + 16)
  }

  /** Throws DamagedIndexError. */
  section(n: number): Section {
    const place = this.#bytes.readDoubleLE(n * ENTRY + 8)
    if (!Number.isSafeInteger(place)) return damaged()
    return [place, this.length(n), this.#bytes.readUInt32LE(n * ENTRY + 20)]
  }

  /** Whether the numbers ascend, each above the one before by at least `least`. */
  ascendsBy(least: number): boolean {
    for (let n = 0, before = -least; n < this.count; before = this.number(n), n++)
      if (!(Number.isSafeInteger(this.number(n)) && this.number(n) >= before + least)) return false
    return true
  }

  /** Which is the first that begins with `number` or a greater one; `count`: none. */
  firstFrom(number: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.number(middle) < number) low = middle + 1
      else high = middle
    }
    return low
  }
}
