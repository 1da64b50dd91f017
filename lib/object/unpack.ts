// MessagePack bytes of a file into values. Before msgpackr sees them, one pass checks their form: a file may have been made by
// anybody. No extension types (msgpackr's registry of them is global to the process, and some of them run code), lengths and
// counts within the bytes, bounded nesting, only strings as keys, and none that reaches a prototype.
import { Unpackr } from './msgpack.js'
import { unknownForm } from './values.js'

/** Plain data is at most 300 levels deep; a level takes three where it needs an escape. */
export const DEEPEST_PACKED = 1000

const unpackr = new Unpackr({ useRecords: false, copyBuffers: true })
const PROTO = Buffer.from('__proto__')
const NOTHING = new Uint8Array(0)

/** Exactly one value. Throws SchemaError for what is never written; allocates nothing before that is certain. */
export function unpack(packed: Uint8Array): unknown {
  checkPacked(packed)
  return unpackr.unpack(packed)
}

// Of the check at hand:
let bytes: Uint8Array = NOTHING
let at = 0

/** Throws SchemaError unless these bytes are one value of the kinds that are written. */
export function checkPacked(packed: Uint8Array): void {
  bytes = packed
  at = 0
  try {
    checkValue(0)
    if (at !== bytes.length) unknownForm()
  } finally {
    bytes = NOTHING
  }
}

function checkValue(depth: number): void {
  if (at >= bytes.length) unknownForm()
  const token = bytes[at++] as number
  if (token < 0x80 || token >= 0xe0) return // a small number
  if (token < 0x90) return checkMap(token - 0x80, depth)
  if (token < 0xa0) return checkArray(token - 0x90, depth)
  if (token < 0xc0) return skip(token - 0xa0) // a short string
  switch (token) {
    case 0xc0: // null
    case 0xc2: // false
    case 0xc3: // true
      return
    case 0xcc: // numbers of 1, 2, 4 and 8 bytes
    case 0xd0:
      return skip(1)
    case 0xcd:
    case 0xd1:
      return skip(2)
    case 0xca:
    case 0xce:
    case 0xd2:
      return skip(4)
    case 0xcb:
      return skip(8)
    case 0xc4: // binary and strings, their length in 1, 2 or 4 bytes
    case 0xd9:
      return skip(number(1))
    case 0xc5:
    case 0xda:
      return skip(number(2))
    case 0xc6:
    case 0xdb:
      return skip(number(4))
    case 0xdc:
      return checkArray(number(2), depth)
    case 0xdd:
      return checkArray(number(4), depth)
    case 0xde:
      return checkMap(number(2), depth)
    case 0xdf:
      return checkMap(number(4), depth)
    default: // extensions, integers of 64 bits
      unknownForm()
  }
}

function checkArray(count: number, depth: number): void {
  if (count > bytes.length - at || depth >= DEEPEST_PACKED) unknownForm()
  for (let n = 0; n < count; n++) checkValue(depth + 1)
}

function checkMap(count: number, depth: number): void {
  if (2 * count > bytes.length - at || depth >= DEEPEST_PACKED) unknownForm()
  for (let n = 0; n < count; n++) {
    checkKey()
    checkValue(depth + 1)
  }
}

function checkKey(): void {
  const token = number(1)
  let length = token - 0xa0
  if (token === 0xd9) length = number(1)
  else if (token === 0xda) length = number(2)
  else if (token === 0xdb) length = number(4)
  else if (length < 0 || length > 31) unknownForm()
  const start = at
  skip(length)
  if (length === PROTO.length && PROTO.every((byte, n) => bytes[start + n] === byte)) unknownForm()
}

function skip(length: number): void {
  if (length > bytes.length - at) unknownForm()
  at += length
}

/** A big-endian number of so many bytes. */
function number(length: number): number {
  const start = at
  skip(length)
  let value = 0
  for (let n = 0; n < length; n++) value = value * 256 + (bytes[start + n] as number)
  return value
}
