// CRC-32 (the polynomial of zlib and PNG), by whichever implementation is faster for the length at hand.
import crc32Short from 'crc-32'
import { crc32 as crc32Long } from 'node:zlib'

// Below this, crossing into native code costs more than the loop (measured; about 300 bytes on Node 20).
const SHORT = 300

/** CRC-32 of the bytes from `from` to `to`, an unsigned 32-bit number; `seed` is the checksum of what stood before them. */
export function checksum(bytes: Uint8Array, seed = 0, from = 0, to = bytes.length): number {
  const part = from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to)
  return part.length < SHORT ? crc32Short.buf(part, seed) >>> 0 : crc32Long(part, seed)
}
