// CRC-32 (the polynomial of zlib and PNG). Short stretches, as most records are, are summed here: no library takes a part of some
// bytes without a view of it, and making the view takes as long as summing. For longer ones zlib's is faster.
// Many bytes are taken at once as in Kounavis and Berry, "Novel table lookup-based algorithms for high-performance CRC generation" (2008).
import { crc32 } from 'node:zlib'

/** From here on, crossing into native code costs less than the loop (measured on Node 20). */
const LONG = 400
const POLYNOMIAL = 0xedb88320

/** At 256 x n + b: what the byte b adds to a sum when n more bytes are taken behind it. */
const T = new Int32Array(256 * 16)
for (let byte = 0; byte < 256; byte++) {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 0 ? sum >>> 1 : (sum >>> 1) ^ POLYNOMIAL
  T[byte] = sum
}
for (let at = 256; at < T.length; at++) {
  const before = T[at - 256] ?? 0
  T[at] = (before >>> 8) ^ (T[before & 255] ?? 0)
}

/** CRC-32 of the bytes from `from` to `to`, an unsigned 32-bit number; `seed` is the checksum of what stood before them. */
export function checksum(bytes: Uint8Array, seed = 0, from = 0, to = bytes.length): number {
  return to - from < LONG ? sumShort(bytes, seed, from, to) : crc32(bytes.subarray(from, to), seed)
}

/** Sixteen bytes at once, then four, then each: only the first four of them meet the sum of those before. */
function sumShort(bytes: Uint8Array, seed: number, from: number, to: number): number {
  let sum = ~seed
  let at = from
  for (; at + 16 <= to; at += 16) {
    sum =
      (T[3840 + ((bytes[at] ?? 0) ^ (sum & 255))] ?? 0) ^
      (T[3584 + ((bytes[at + 1] ?? 0) ^ ((sum >>> 8) & 255))] ?? 0) ^
      (T[3328 + ((bytes[at + 2] ?? 0) ^ ((sum >>> 16) & 255))] ?? 0) ^
      (T[3072 + ((bytes[at + 3] ?? 0) ^ (sum >>> 24))] ?? 0) ^
      (T[2816 + (bytes[at + 4] ?? 0)] ?? 0) ^
      (T[2560 + (bytes[at + 5] ?? 0)] ?? 0) ^
      (T[2304 + (bytes[at + 6] ?? 0)] ?? 0) ^
      (T[2048 + (bytes[at + 7] ?? 0)] ?? 0) ^
      (T[1792 + (bytes[at + 8] ?? 0)] ?? 0) ^
      (T[1536 + (bytes[at + 9] ?? 0)] ?? 0) ^
      (T[1280 + (bytes[at + 10] ?? 0)] ?? 0) ^
      (T[1024 + (bytes[at + 11] ?? 0)] ?? 0) ^
      (T[768 + (bytes[at + 12] ?? 0)] ?? 0) ^
      (T[512 + (bytes[at + 13] ?? 0)] ?? 0) ^
      (T[256 + (bytes[at + 14] ?? 0)] ?? 0) ^
      (T[bytes[at + 15] ?? 0] ?? 0)
  }
  for (; at + 4 <= to; at += 4) {
    sum =
      (T[768 + ((bytes[at] ?? 0) ^ (sum & 255))] ?? 0) ^
      (T[512 + ((bytes[at + 1] ?? 0) ^ ((sum >>> 8) & 255))] ?? 0) ^
      (T[256 + ((bytes[at + 2] ?? 0) ^ ((sum >>> 16) & 255))] ?? 0) ^
      (T[(bytes[at + 3] ?? 0) ^ (sum >>> 24)] ?? 0)
  }
  for (; at < to; at++) sum = (sum >>> 8) ^ (T[(sum & 255) ^ (bytes[at] ?? 0)] ?? 0)
  return ~sum >>> 0
}
