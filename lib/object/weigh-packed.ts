// What values weigh that are packed already: what the collections' `weigh` says of them, without unpacking them.
import type { Stretch } from '../store/types.js'
import { begin, at, bytes, goTo, keyLength, leave, next, number, pass } from './packed-cursor.js'
import { skipValue } from './skip-packed.js'
import { readValue } from './unpack.js'

/** What numbers weigh ... */
export const WHOLE_NUMBER = 5
export const NUMBER = 9
/** ... and an escape before its parts: `{"": [tag, ...]}`. */
export const ESCAPE = 12

/** What a date weighs. */
export function weighDate(time: number): number {
  return ESCAPE + (Number.isNaN(time) ? NUMBER : WHOLE_NUMBER)
}

/** What so many bytes weigh. */
export function weighBytes(length: number): number {
  return length + 3
}

/** What the collections' `weigh` says of the value that begins at `start` of a stretch that was gone through before. */
export function weighAt({ bytes: packed, to }: Stretch, start: number): number {
  begin(packed, start, to)
  try {
    return weighValue()
  } finally {
    leave()
  }
}

function weighValue(): number {
  const token = next()
  if (token < 0x80 || token >= 0xe0) return WHOLE_NUMBER
  if (token < 0x90) return weighMap(token - 0x80)
  if (token < 0xa0) return weighArray(token - 0x90)
  if (token < 0xc0) return 2 + textLength(token - 0xa0)
  switch (token) {
    case 0xc4:
      return weighBytes(passed(number(1)))
    case 0xc5:
      return weighBytes(passed(number(2)))
    case 0xc6:
      return weighBytes(passed(number(4)))
    case 0xca:
    case 0xcb:
      goTo(at - 1)
      return Number.isInteger(readValue()) ? WHOLE_NUMBER : NUMBER
    case 0xd9:
      return 2 + textLength(number(1))
    case 0xda:
      return 2 + textLength(number(2))
    case 0xdb:
      return 2 + textLength(number(4))
    case 0xdc:
      return weighArray(number(2))
    case 0xdd:
      return weighArray(number(4))
    case 0xde:
      return weighMap(number(2))
    case 0xdf:
      return weighMap(number(4))
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return 1
    default:
      goTo(at - 1)
      skipValue()
      return WHOLE_NUMBER
  }
}

function weighArray(count: number): number {
  let sum = 3
  for (let n = 0; n < count; n++) sum += weighValue()
  return sum
}

function weighMap(count: number): number {
  let sum = 3
  for (let n = 0; n < count; n++) sum += textLength(keyLength()) + 1 + weighValue()
  return sum
}

function passed(length: number): number {
  pass(length)
  return length
}

/** How many UTF-16 units the bytes are. */
function textLength(length: number): number {
  let units = 0
  for (let i = pass(length); i < at; i++) {
    const byte = bytes[i] as number
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1
  }
  return units
}
