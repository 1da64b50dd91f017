// MessagePack bytes of a file into values. Before msgpackr sees them, one pass checks their form: a file may have been made by
// anybody. No extension types (msgpackr's registry of them is global to the process, and some of them run code), lengths and
// counts within the bytes, bounded nesting, only strings as keys, and none that reaches a prototype. The pass finds where values
// stand, so that single ones can be decoded.
import { stretchOf, type Stretch } from '../store/types.js'
import { Unpackr } from './msgpack.js'
import { at, begin, bytes, end, goTo, leave, next, number } from './packed-cursor.js'
import { noteReferences, skipValue } from './skip-packed.js'
import { unknownForm } from './values.js'

const unpackr = new Unpackr({ useRecords: false, copyBuffers: true })

/** Exactly one value. Throws SchemaError for what is never written. */
export function unpack(packed: Uint8Array): unknown {
  return unpackAll(stretchOf(packed))
}

/** The same of part of other bytes. */
export function unpackAll(packed: Stretch): unknown {
  return unpackWith(packed, () => readValue())
}

/** Throws SchemaError unless these bytes are one value of the kinds that are written. */
export function checkPacked(packed: Uint8Array): void {
  unpackWith(stretchOf(packed), () => skipValue())
}

/** All of a stretch by a function of its own, which calls these and what goes past values; what is left over is refused. */
export function unpackWith<T>(packed: Stretch, read: () => T): T {
  begin(packed.bytes, packed.from, packed.to)
  try {
    const result = read()
    if (at !== end) unknownForm()
    return result
  } finally {
    leave()
    noteReferences(undefined)
  }
}

/** The value from `start` to `behind` of bytes that were gone through before. */
export function unpackAt({ bytes: packed, to }: Stretch, start: number, behind: number): unknown {
  begin(packed, start, to)
  try {
    return decode(start, behind)
  } finally {
    leave()
  }
}

/** The reference that begins at `start`, and where it ends. */
export function referenceAt(
  { bytes: packed, to }: Stretch,
  start: number,
): { readonly index: number; readonly end: number } {
  begin(packed, start, to)
  try {
    return { index: readReference(), end: at }
  } finally {
    leave()
  }
}

/** What stands in a packed array that was gone through before, without its count. */
export function elementsOf({ bytes: packed, from, to }: Stretch): Stretch {
  begin(packed, from, to)
  try {
    readCount()
    return { bytes: packed, from: at, to }
  } finally {
    leave()
  }
}

/** Where the value begins that is so many further than the one at `start`, of a stretch that was gone through before. */
export function passAt({ bytes: packed, to }: Stretch, start: number, count: number): number {
  begin(packed, start, to)
  try {
    for (let left = count; left > 0; left--) skipValue()
    return at
  } finally {
    leave()
  }
}

const place = { start: 0, end: 0 }

/** Of so many bytes at the beginning of a buffer, msgpackr makes strings without an array of their units. */
const FEW_BYTES = 139
const few = Buffer.alloc(FEW_BYTES)
const fewPlace = { start: 0, end: 0 }

/** The next value; maps become plain objects, binary bytes of its own. */
export function readValue(depth = 0): unknown {
  const start = at
  skipValue(depth)
  return decode(start, at)
}

/** A value that was gone past. */
function decode(start: number, behind: number): unknown {
  const length = behind - start
  if (length <= LONGEST_SIMPLE) {
    goTo(start)
    const simple = readSimple()
    if (simple !== undefined) return simple
    goTo(behind)
  }
  if (length > FEW_BYTES) {
    place.start = start
    place.end = behind
    return unpackr.unpack(bytes, place)
  }
  for (let i = 0; i < length; i++) few[i] = bytes[start + i] as number
  fewPlace.end = length
  return unpackr.unpack(few, fewPlace)
}

/** Bytes that `readSimple` may go past. */
const LONGEST_SIMPLE = 5

/** The next value if it is null, a boolean or a whole number from -32 on; undefined: it is not, and nothing was read. */
export function readSimple(): unknown {
  const token = at < end ? (bytes[at] as number) : 0xc1
  if (token < 0x80) return next()
  if (token >= 0xe0) return next() - 0x100
  switch (token) {
    case 0xc0:
      goTo(at + 1)
      return null
    case 0xc2:
    case 0xc3:
      return next() === 0xc3
    case 0xcc:
    case 0xcd:
    case 0xce:
      goTo(at + 1)
      return number(1 << (token - 0xcc))
    default:
      return undefined
  }
}

/** How many values follow, of an array. */
export function readCount(): number {
  const token = next()
  const count =
    token >= 0x90 && token < 0xa0 ? token - 0x90 : token === 0xdc ? number(2) : token === 0xdd ? number(4) : -1
  return count < 0 || count > end - at ? unknownForm() : count
}

/** Goes past null, if that comes next. */
export function passNull(): boolean {
  if (at >= end || bytes[at] !== 0xc0) return false
  goTo(at + 1)
  return true
}

/** Whether a string comes next. */
export function textIsNext(): boolean {
  const token = at < end ? (bytes[at] as number) : 0
  return (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb)
}

function referenceIsNext(): boolean {
  if (end - at < 3 || bytes[at] !== 0x81 || bytes[at + 1] !== 0xa0) return false
  const token = bytes[at + 2] as number
  return token < 0x80 || (token >= 0xcc && token <= 0xce)
}

/** The number of the reference that comes next; -1: something else does, and nothing was read. */
export function readReference(): number {
  if (!referenceIsNext()) return -1
  const token = bytes[at + 2] as number
  goTo(at + 3)
  return token < 0x80 ? token : number(1 << (token - 0xcc))
}

/** The numbers of the references in the array that comes next; undefined: nothing, or something else, stands in it, and nothing was read. */
export function readReferences(): number[] | undefined {
  const start = at
  if (!arrayIsNext()) return undefined
  const count = readCount()
  const numbers: number[] = []
  for (let reference = 0; numbers.length < count && reference >= 0;) {
    reference = readReference()
    if (reference >= 0) numbers.push(reference)
  }
  if (count > 0 && numbers.length === count) return numbers
  goTo(start)
  return undefined
}

function arrayIsNext(): boolean {
  const token = at < end ? (bytes[at] as number) : 0
  return (token >= 0x90 && token < 0xa0) || token === 0xdc || token === 0xdd
}
