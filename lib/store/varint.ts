// Unsigned LEB128: seven bits a byte, low bits first, the high bit set on all but the last. Numbers up to 2^53 - 1.

const LONGEST = 8

/** How many bytes `value` takes. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1
  let length = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++
  return length
}

/** Writes `value` at `at` and returns the offset behind it. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  let rest = value
  while (rest > 0x7fffffff) {
    into[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  while (rest >= 0x80) {
    into[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  into[at++] = rest
  return at
}

/** Reads numbers one after another; `failed` when one would run past `end` or is greater than any that is written. */
export class VarintReader {
  bytes: Uint8Array
  at: number
  end: number
  failed = false

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  next(): number {
    const { bytes, end } = this
    let at = this.at
    // Nearly all have a byte or two, and numbers of up to four are whole ones for the engine.
    for (let value = 0, shift = 0; at < end && shift < 28; shift += 7) {
      const byte = bytes[at++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte >= 0x80) continue
      this.at = at
      return value
    }
    return this.#nextLong()
  }

  #nextLong(): number {
    let value = 0
    let scale = 1
    for (let n = 0; n < LONGEST && this.at < this.end; n++) {
      const byte = this.bytes[this.at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      scale *= 0x80
    }
    this.failed = true
    return 0
  }
}
