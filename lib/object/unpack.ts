// MessagePack bytes of a file into values. Before msgpackr sees them, one pass checks their form: a file may have been made by
// anybody. No extension types (msgpackr's registry of them is global to the process, and some of them run code), lengths and
// counts within the bytes, bounded nesting, only strings as keys, and none that reaches a prototype. The pass finds where values
// stand, so that single ones can be decoded.
import { stretchOf, type Stretch } from '../store/types.js'
import { Unpackr } from './msgpack.js'
import { unknownForm } from './values.js'

/** Plain data is at most 300 levels deep; a level takes three where it needs an escape. */
export const DEEPEST_PACKED = 1000

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

const unpackr = new Unpackr({ useRecords: false, copyBuffers: true })
const NOTHING = Buffer.alloc(0)

// What is being read. Plain variables: this is where loading an object spends its time.
let bytes: Buffer = NOTHING
let at = 0
let end = 0
/** Where references begin among what is gone past; undefined: nobody asks. */
let noted: number[] | undefined

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

/** All of a stretch by a function of its own, which calls the others here; what is left over is refused. */
export function unpackWith<T>(packed: Stretch, read: () => T): T {
  begin(packed.bytes, packed.from, packed.to)
  try {
    const result = read()
    if (at !== end) unknownForm()
    return result
  } finally {
    bytes = NOTHING
    noted = undefined
  }
}

/** The value from `start` to `behind` of bytes that were gone through before. */
export function unpackAt({ bytes: packed, to }: Stretch, start: number, behind: number): unknown {
  begin(packed, start, to)
  try {
    return decode(start, behind)
  } finally {
    bytes = NOTHING
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
    bytes = NOTHING
  }
}

/** What stands in a packed array that was gone through before, without its count. */
export function elementsOf({ bytes: packed, from, to }: Stretch): Stretch {
  begin(packed, from, to)
  try {
    readCount()
    return { bytes: packed, from: at, to }
  } finally {
    bytes = NOTHING
  }
}

/** Where the value begins that is so many further than the one at `start`, of a stretch that was gone through before. */
export function passAt({ bytes: packed, to }: Stretch, start: number, count: number): number {
  begin(packed, start, to)
  try {
    for (let left = count; left > 0; left--) skipValue()
    return at
  } finally {
    bytes = NOTHING
  }
}

function begin(packed: Uint8Array, from: number, to: number): void {
  bytes = Buffer.isBuffer(packed) ? packed : Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  at = from
  end = to
}

/** Where the next value begins. */
export function position(): number {
  return at
}

// ---- reading ----------------------------------------------------------------------------------------------------

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
    at = start
    const simple = readSimple()
    if (simple !== undefined) return simple
    at = behind
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
      at++
      return null
    case 0xc2:
    case 0xc3:
      return next() === 0xc3
    case 0xcc:
    case 0xcd:
    case 0xce:
      at++
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
  at++
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
  at += 3
  return token < 0x80 ? token : number(1 << (token - 0xcc))
}

// ---- going past -------------------------------------------------------------------------------------------------

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

/** It is noted from now on where references begin that are gone past; until all that `unpackWith` was given is read. */
export function noteReferences(starts: number[] | undefined): void {
  noted = starts
}

/** What comes next is the value of the only key of a map that begins at `start`, and the key is empty. */
function noteReference(start: number): void {
  const token = bytes[at] as number
  const isNumber = token < 0x80 || token >= 0xe0 || (token >= 0xca && token <= 0xd3)
  if (!isNumber) return // an escape
  const isUsual =
    bytes[start] === 0x81 && bytes[start + 1] === 0xa0 && (token < 0x80 || (token >= 0xcc && token <= 0xce))
  if (isUsual) noted?.push(start)
  else unknownForm()
}

// ---- weighing ---------------------------------------------------------------------------------------------------

/** What the collections' `weigh` says of the value that begins at `start` of a stretch that was gone through before. */
export function weighAt({ bytes: packed, to }: Stretch, start: number): number {
  begin(packed, start, to)
  try {
    return weighValue()
  } finally {
    bytes = NOTHING
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
      at--
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
      at--
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

// ---- parts ------------------------------------------------------------------------------------------------------

function next(): number {
  if (at >= end) unknownForm()
  return bytes[at++] as number
}

/** Goes on by so many bytes, and tells where they begin. */
function pass(length: number): number {
  const start = at
  if (length > end - start) unknownForm()
  at = start + length
  return start
}

/** A big-endian number of so many bytes. */
function number(length: number): number {
  let from = pass(length)
  let value = 0
  for (; from < at; from++) value = value * 256 + (bytes[from] as number)
  return value
}

// ---- keys -------------------------------------------------------------------------------------------------------

const PROTO = '__proto__'

function keyLength(): number {
  const token = next()
  if (token >= 0xa0 && token < 0xc0) return token - 0xa0
  if (token >= 0xd9 && token <= 0xdb) return number(1 << (token - 0xd9))
  return unknownForm()
}

function standsAt(name: string, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
