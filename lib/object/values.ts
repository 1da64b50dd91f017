// Which values can be stored, and how each is checked, copied in, encoded and decoded: one table, which the round-trip
// test runs over. Containers (arrays, plain objects) are in plain-node.ts and encoder.ts; what stands here has no parts.
import { types } from 'node:util'
import { SchemaError } from '../error.js'
import { Date, isOrdinaryDate } from './date.js'

/** What MessagePack has itself; strings are ordinary ones (see below), and no number is -0. */
export type Packable = null | boolean | string | number | Uint8Array | Packable[] | { [key: string]: Packable }

/** Special values stand in a state as a map with the sole key "" and the value [tag, ...]. Numbers are never reused. */
export const TAG = {
  undefined: 0,
  negativeZero: 1,
  bigint: 2,
  date: 3,
  string: 4,
  object: 5,
  nullObject: 6,
  Buffer: 7,
  Int8Array: 8,
  Uint8ClampedArray: 9,
  Int16Array: 10,
  Uint16Array: 11,
  Int32Array: 12,
  Uint32Array: 13,
  Float32Array: 14,
  Float64Array: 15,
  BigInt64Array: 16,
  BigUint64Array: 17,
  Float16Array: 18,
} as const

export function special(tag: number, ...parts: Packable[]): Packable {
  return { '': [tag, ...parts] }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Typed arrays and buffers: mutable in place, which nobody can watch. */
type Bytes = NodeJS.TypedArray

interface Leaf {
  readonly tag: number
  is(value: object): boolean
  /** An own copy, as it is kept in a state. */
  copy(value: never): object
  encode(value: never): Packable
  decode(parts: readonly unknown[]): object
}

// ---- strings and numbers ----------------------------------------------------------------------------------------

const BYTE_ORDER_MARK = 0xfeff
/** Hexadecimal digits of the largest bigint that there is, and a sign. */
const LONGEST_BIGINT = 2 ** 28 + 1

/** Bytes of UTF-8 of which Node makes a string, at most: as many as a string can have characters. */
export const LONGEST_UTF8 = 2 ** 29 - 24
/** Of one code unit, at most. */
const UTF8_EACH = 3

/** Well-formed UTF-16 that UTF-8 carries both ways; a leading byte order mark would be eaten by a TextDecoder. */
export function isOrdinaryString(value: string): boolean {
  const isWellFormed = (value as string & { isWellFormed(): boolean }).isWellFormed()
  if (!isWellFormed || value.charCodeAt(0) === BYTE_ORDER_MARK) return false
  return value.length <= LONGEST_UTF8 / UTF8_EACH || Buffer.byteLength(value) <= LONGEST_UTF8
}

/** A map of MessagePack can have them and means nothing else by them. */
export function keysAreUsual(keys: readonly string[]): boolean {
  if (keys.length === 1 && keys[0] === '') return false
  for (const key of keys) if (key === '__proto__' || !isOrdinaryString(key)) return false
  return true
}

function encodeString(value: string): Packable {
  return isOrdinaryString(value) ? value : special(TAG.string, Buffer.from(value, 'utf16le'))
}

/** `typeof` string, number, boolean, bigint or undefined. */
export function encodePrimitive(value: unknown): Packable {
  switch (typeof value) {
    case 'string':
      return encodeString(value)
    case 'number':
      return Object.is(value, -0) ? special(TAG.negativeZero) : value
    case 'boolean':
      return value
    case 'bigint':
      return special(TAG.bigint, value < 0n ? `-${(-value).toString(16)}` : value.toString(16))
    default:
      return special(TAG.undefined)
  }
}

// ---- dates ------------------------------------------------------------------------------------------------------

// Own properties, not another prototype: a stored date must stay deeply equal to an ordinary one.
const frozenSetters: [string, PropertyDescriptor][] = []
for (const name of Object.getOwnPropertyNames(Date.prototype)) {
  if (!name.startsWith('set')) continue
  const refuse = (): never => {
    throw new TypeError(`a stored Date does not change (${name}): assign a new Date to the field`)
  }
  frozenSetters.push([name, { value: refuse, enumerable: false, writable: false, configurable: false }])
}

/** Does it refuse to change? Of dates that the library has made: nobody else gives them setters of their own. */
export function isSealed(date: Date): boolean {
  return Object.hasOwn(date, 'setTime')
}

/** To be called before a stored date is handed out, and not earlier: it takes 3 us. Of dates that were made here, no other realm. */
export function seal(date: Date): Date {
  if (date.setTime !== Date.prototype.setTime) return date // as `isSealed`, in a third of the time
  // One by one: defineProperties takes a third longer.
  for (const [name, setter] of frozenSetters) Object.defineProperty(date, name, setter)
  return date
}

/** A copy that is not sealed; undefined: it is no date, or one of a class of its own. */
export function copyDate(value: object): Date | undefined {
  return leafOf(value) === dateLeaf ? new Date(Date.prototype.getTime.call(value)) : undefined
}

const dateLeaf: Leaf = {
  tag: TAG.date,
  is: types.isDate,
  // A sealed date never changes, so any number of places may share it.
  copy: (value: Date) => (isSealed(value) ? value : seal(new Date(Date.prototype.getTime.call(value)))),
  encode: (value: Date) => special(TAG.date, Date.prototype.getTime.call(value)),
  decode: ([time]) => (typeof time === 'number' ? new Date(time) : unknownForm()),
}

// ---- bytes ------------------------------------------------------------------------------------------------------

function bytesOf(value: Bytes): Uint8Array {
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

/** Decoded binary, as bytes of its own that start at an aligned address. */
function ownBuffer(part: unknown): ArrayBuffer {
  if (!(part instanceof Uint8Array)) return unknownForm()
  const { buffer, byteLength } = part
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) return buffer
  return part.slice().buffer
}

/** The same, of whole elements of so many bytes. */
function elements(part: unknown, size: number): ArrayBuffer {
  const buffer = ownBuffer(part)
  return buffer.byteLength % size === 0 ? buffer : unknownForm()
}

/** Hexadecimal, the sign before it. */
function decodeBigint(part: unknown): bigint {
  if (typeof part !== 'string' || part.length > LONGEST_BIGINT || !/^-?[0-9a-f]+$/.test(part)) return unknownForm()
  return part.startsWith('-') ? -BigInt(`0x${part.slice(1)}`) : BigInt(`0x${part}`)
}

export function decodeBytes(part: Uint8Array): Uint8Array {
  return new Uint8Array(ownBuffer(part))
}

type ArrayName = Exclude<
  keyof typeof TAG,
  'undefined' | 'negativeZero' | 'bigint' | 'date' | 'string' | 'object' | 'nullObject' | 'Buffer'
>
interface ArrayConstructor {
  new (buffer: ArrayBuffer): Bytes
  readonly BYTES_PER_ELEMENT: number
}

function nameOf(value: object): string | undefined {
  return (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag]
}

/** Of the built-in class itself and not of one derived from it, in whatever realm. */
function isExactly(value: object, name: string): boolean {
  if (!types.isTypedArray(value) || nameOf(value) !== name) return false
  const up = Object.getPrototypeOf(Object.getPrototypeOf(value) as object) as object | null
  return up !== null && Object.hasOwn(up, Symbol.toStringTag)
}

function typedArrayLeaf(name: ArrayName): Leaf {
  const Class = (globalThis as unknown as Record<string, ArrayConstructor | undefined>)[name]
  return {
    tag: TAG[name],
    is: value => isExactly(value, name),
    copy: (value: Bytes) => new (Class ?? unknownForm())(bytesOf(value).slice().buffer),
    encode: (value: Bytes) => special(TAG[name], bytesOf(value)),
    decode: ([part]) => new (Class ?? unknownForm())(elements(part, Class?.BYTES_PER_ELEMENT ?? 1)),
  }
}

const uint8Leaf: Leaf = {
  tag: -1,
  is: value => isExactly(value, 'Uint8Array'),
  copy: (value: Uint8Array) => new Uint8Array(value),
  encode: (value: Uint8Array) => value,
  decode: unknownForm,
}

const bufferLeaf: Leaf = {
  tag: TAG.Buffer,
  is: value => Buffer.isBuffer(value) && Object.getPrototypeOf(value) === Buffer.prototype,
  copy: (value: Buffer) => Buffer.from(new Uint8Array(value).buffer),
  encode: (value: Buffer) => special(TAG.Buffer, value),
  decode: ([part]) => Buffer.from(ownBuffer(part)),
}

const arrayNames = Object.keys(TAG).slice(Object.keys(TAG).indexOf('Int8Array')) as ArrayName[]
const byteLeaves: readonly Leaf[] = [bufferLeaf, uint8Leaf, ...arrayNames.map(typedArrayLeaf)]
const byTag = new Map([dateLeaf, ...byteLeaves].map(leaf => [leaf.tag, leaf]))

// ---- the table --------------------------------------------------------------------------------------------------

/** The rule for an object that has no parts; undefined: it is something else. */
function leafOf(value: object): Leaf | undefined {
  if (types.isDate(value)) return isOrdinaryDate(value) ? dateLeaf : undefined
  return ArrayBuffer.isView(value) ? byteLeaves.find(leaf => leaf.is(value)) : undefined
}

/** An own copy of a Date or typed array; undefined: it is neither. */
export function copyLeaf(value: object): object | undefined {
  return leafOf(value)?.copy(value as never)
}

/** A typed array that was copied in. */
export function encodeBytes(value: object): Packable {
  const leaf = leafOf(value)
  return leaf ? leaf.encode(value as never) : unknownForm()
}

export function isBytes(value: unknown): value is Bytes {
  return types.isTypedArray(value)
}

/** Its bytes have been handed over to somebody else, with `postMessage`, say: what is left looks empty. */
export function isDetached(value: object): boolean {
  if (!types.isTypedArray(value) || value.byteLength > 0) return false
  try {
    new Uint8Array(value.buffer)
    return false
  } catch {
    return true
  }
}

export const DETACHED = 'a typed array whose bytes have been transferred to somebody else cannot be stored'

/** What a special value without parts stands for, dates unsealed. Objects with unusual keys are the codec's. */
export function decodeSpecial(tag: unknown, parts: readonly unknown[]): unknown {
  const [part] = parts
  switch (tag) {
    case TAG.undefined:
      return undefined
    case TAG.negativeZero:
      return -0
    case TAG.bigint:
      return decodeBigint(part)
    case TAG.string:
      return Buffer.from(elements(part, 2)).toString('utf16le')
    default:
      return (byTag.get(tag as number) ?? unknownForm()).decode(parts)
  }
}

const UNKNOWN_FORM =
  'this holds a kind of value that this version of perdure does not know: a newer version may have written it'

/** The bytes are whole (their checksum is right) and mean nothing to this version. */
export function unknownForm(): never {
  throw new SchemaError(UNKNOWN_FORM)
}

/** Whether that was thrown, and nobody has said yet of which object: see unreadable.ts. */
export function isUnknownForm(error: unknown): boolean {
  return error instanceof SchemaError && error.message === UNKNOWN_FORM
}
