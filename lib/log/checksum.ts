// CRC-32 (the polynomial of zlib and PNG): of short stretches here, of long ones by zlib. Crossing into native code, or only
// making a view of the bytes to hand over, costs more than the loop (measured: about four times as much at 70 bytes).
import { crc32 } from 'node:zlib'

const SHORT = 300

// TABLE[256 * n + byte]: what the byte leaves behind when n zero bytes follow it, so that eight bytes are one step.
const TABLE = new Int32Array(8 * 256)
for (let byte = 0; byte < 256; byte++) {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1
  TABLE[byte] = rest
}
for (let at = 256; at < TABLE.length; at++) {
  const before = TABLE[at - 256] as number
  TABLE[at] = (before >>> 8) ^ (TABLE[before & 0xff] as number)
}

/** CRC-32 of the bytes from `from` to `to`, an unsigned 32-bit number; `seed` is the checksum of what stood before them. */
export function checksum(bytes: Uint8Array, seed = 0, from = 0, to = bytes.length): number {
  return to - from < SHORT ? loop(bytes, ~seed, from, to) : crc32(bytes.subarray(from, to), seed)
}

/** `to` lies within the bytes. */
function loop(bytes: Uint8Array, start: number, from: number, to: number): number {
  let rest = start
  let at = from
  for (const last = to - 7; at < last; at += 8) {
    rest ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    rest =
      (TABLE[1792 + (rest & 0xff)] as number) ^
      (TABLE[1536 + ((rest >>> 8) & 0xff)] as number) ^
      (TABLE[1280 + ((rest >>> 16) & 0xff)] as number) ^
      (TABLE[1024 + (rest >>> 24)] as number) ^
      (TABLE[768 + (bytes[at + 4] as number)] as number) ^
      (TABLE[512 + (bytes[at + 5] as number)] as number) ^
      (TABLE[256 + (bytes[at + 6] as number)] as number) ^
      (TABLE[bytes[at + 7] as number] as number)
  }
  for (; at < to; at++) rest = (rest >>> 8) ^ (TABLE[(rest ^ (bytes[at] as number)) & 0xff] as number)
  return ~rest >>> 0
}
