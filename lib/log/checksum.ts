// CRC-32 (the polynomial of zlib and PNG), by whichever implementation is faster for the length at hand.
import crc32Short from 'crc-32'
import { crc32 as crc32Long } from 'node:zlib'

// Below this, crossing into native code costs more than the loop (measured; about 200 bytes on Node 20 to 24).
const SHORT = 200

/** CRC-32 of `bytes`, an unsigned 32-bit number; `seed` is the checksum of what stood before them. */
export function checksum(bytes: Uint8Array, seed = 0): number {
  return bytes.length < SHORT ? crc32Short.buf(bytes, seed) >>> 0 : crc32Long(bytes, seed)
}
