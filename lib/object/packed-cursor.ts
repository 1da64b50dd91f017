// Where in packed bytes somebody is reading, and the smallest steps from there. Plain variables, as this is where loading an object spends
// its time: one stretch is read at a time, from `begin` to `leave`.
import { unknownForm } from './values.js'

const NOTHING = Buffer.alloc(0)

/** What is being read: to be changed by the functions here alone, as the other variables. */
export let bytes: Buffer = NOTHING
/** Where the next value begins. */
export let at = 0
export let end = 0

export function begin(packed: Uint8Array, from: number, to: number): void {
  bytes = Buffer.isBuffer(packed) ? packed : Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  at = from
  end = to
}

/** The bytes are not kept alive any longer. */
export function leave(): void {
  bytes = NOTHING
}

/** Where the next value begins. */
export function position(): number {
  return at
}

export function goTo(position: number): void {
  at = position
}

export function next(): number {
  if (at >= end) unknownForm()
  return bytes[at++] as number
}

/** Goes on by so many bytes, and tells where they begin. */
export function pass(length: number): number {
  const start = at
  if (length > end - start) unknownForm()
  at = start + length
  return start
}

/** A big-endian number of so many bytes. */
export function number(length: number): number {
  let from = pass(length)
  let value = 0
  for (; from < at; from++) value = value * 256 + (bytes[from] as number)
  return value
}

/** How long the key is that comes next. */
export function keyLength(): number {
  const token = next()
  if (token >= 0xa0 && token < 0xc0) return token - 0xa0
  if (token >= 0xd9 && token <= 0xdb) return number(1 << (token - 0xd9))
  return unknownForm()
}
