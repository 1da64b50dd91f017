// Checksums of any part of the same bytes, without going through the part: where at each of many places something long may begin
// whose checksum would tell. Memory: 4 bytes for every 1,024. And what a checksum was before bytes that are known.
import { checksum } from './checksum.js'

/** So many bytes lie between two for which the checksum of all before them is kept. */
const STEP = 1 << 10
/** Of CRC-32: the bits stand in the order of the powers of x, the highest of which is left out. */
const POLYNOMIAL = 0xedb88320 | 0
const ONE = 1 << 31
/** So many bytes of zeros change nothing: x to that power is 1. */
const ORDER = 2 ** 32 - 1

export class PartChecksums {
  readonly #bytes: Uint8Array
  readonly #before: Uint32Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#before = new Uint32Array(Math.floor(bytes.length / STEP) + 1)
    for (let n = 1; n < this.#before.length; n++) {
      this.#before[n] = checksum(bytes, this.#before[n - 1], (n - 1) * STEP, n * STEP)
    }
  }

  /** The same as `checksum(bytes, seed, from, to)`. */
  of(seed: number, from: number, to: number): number {
    // A checksum is that of what stands before, moved on by the length of the rest, and that of the rest.
    return (moved(seed ^ this.#upTo(from), to - from) ^ this.#upTo(to)) >>> 0
  }

  #upTo(at: number): number {
    const n = Math.floor(at / STEP)
    return checksum(this.#bytes, this.#before[n], n * STEP, at)
  }
}

/** What must have stood before so many zeros for `sum` to stand behind them. */
export function movedBack(sum: number, length: number): number {
  return moved(sum, ORDER - length) >>> 0
}

/** What `sum` has become behind so many zeros: multiplied by x to the power of their bits. */
function moved(sum: number, length: number): number {
  let power = ONE
  for (let n = 0, rest = length; rest > 0; n++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = product(POWERS[n] ?? ONE, power)
  }
  return product(power, sum)
}

/** Of polynomials, modulo that of the checksum. */
function product(one: number, other: number): number {
  let sum = 0
  let term = other | 0
  for (let rest = one | 0; rest !== 0; rest <<= 1) {
    sum ^= term & (rest >> 31) // only if the first bit is set
    term = (term >>> 1) ^ (POLYNOMIAL & -(term & 1))
  }
  return sum
}

/** x to the power of the bits of 1, 2, 4, 8 ... bytes. */
const POWERS: readonly number[] = powers()

function powers(): number[] {
  const found = [ONE >>> 8]
  for (let n = 1; n < 32; n++) {
    const last = found[n - 1] ?? ONE
    found.push(product(last, last))
  }
  return found
}
