// The check of packed bytes, which goes past a value: lengths and counts within the bytes, bounded nesting, no extension types, only
// strings as keys, and none that reaches a prototype.
import { at, bytes, end, keyLength, next, number, pass } from './packed-cursor.js'
import { unknownForm } from './values.js'

/** Plain data is at most 300 levels deep; a level takes three where it needs an escape. */
export const DEEPEST_PACKED = 1000

/** Where references begin among what is gone past; undefined: nobody asks. */
let noted: number[] | undefined
let escapes: number[] | undefined

/** It is noted from now on where references, and other escapes, begin that are gone past; until all that `unpackWith` was given is read. */
export function noteReferences(starts: number[] | undefined, others?: number[]): void {
  noted = starts
  escapes = others
}

/** Goes past the next value, after the same checks. */
export function skipValue(depth = 0): void {
  const token = next()
  if (token < 0x80 || token >= 0xe0) return
  if (token < 0x90) return skipMap(token - 0x80, depth)
  if (token < 0xa0) return skipArray(token - 0x90, depth)
  if (token < 0xc0) return void pass(token - 0xa0)
  switch (token) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return
    case 0xcc: // numbers of 1, 2, 4 and 8 bytes
    case 0xd0:
      return void pass(1)
    case 0xcd:
    case 0xd1:
      return void pass(2)
    case 0xca:
    case 0xce:
    case 0xd2:
      return void pass(4)
    case 0xcb:
      return void pass(8)
    case 0xc4: // binary and strings, their length in 1, 2 or 4 bytes
    case 0xd9:
      return void pass(number(1))
    case 0xc5:
    case 0xda:
      return void pass(number(2))
    case 0xc6:
    case 0xdb:
      return void pass(number(4))
    case 0xdc:
      return skipArray(number(2), depth)
    case 0xdd:
      return skipArray(number(4), depth)
    case 0xde:
      return skipMap(number(2), depth)
    case 0xdf:
      return skipMap(number(4), depth)
    default:
      unknownForm()
  }
}

function skipArray(count: number, depth: number): void {
  if (count > end - at || depth >= DEEPEST_PACKED) unknownForm()
  for (let n = 0; n < count; n++) skipValue(depth + 1)
}

function skipMap(count: number, depth: number): void {
  if (2 * count > end - at || depth >= DEEPEST_PACKED) unknownForm()
  for (let n = 0; n < count; n++) {
    const length = keyLength()
    const start = pass(length)
    if (length === PROTO.length && standsAt(PROTO, start)) unknownForm()
    if (noted && length === 0 && count === 1) noteReference(start - 2)
    skipValue(depth + 1)
  }
}

/** What comes next is the value of the only key of a map that begins at `start`, and the key is empty. */
function noteReference(start: number): void {
  const token = bytes[at] as number
  const isNumber = token < 0x80 || token >= 0xe0 || (token >= 0xca && token <= 0xd3)
  if (!isNumber) return void escapes?.push(start)
  const isUsual =
    bytes[start] === 0x81 && bytes[start + 1] === 0xa0 && (token < 0x80 || (token >= 0xcc && token <= 0xce))
  if (isUsual) noted?.push(start)
  else unknownForm()
}

const PROTO = '__proto__'

function standsAt(name: string, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
