// What a key is: which values may be keys, how they are copied in and out, named in messages, encoded and decoded.
// Keys are values. Whoever changes a Date, byte array or array that was used as a key changes no collection.
import { types } from 'node:util'
import { ValueError } from '../error.js'
import { adopt, classOf } from '../object/adopt.js'
import { lookAlike } from '../object/brand.js'
import { Date } from '../object/date.js'
import type { Decoder } from '../object/decoder.js'
import type { Encoder } from '../object/encoder.js'
import { headerOf, unresolvedOid, type Header } from '../object/header.js'
import type { Persistent } from '../object/persistent.js'
import { copyDate, copyLeaf, seal, unknownForm } from '../object/values.js'
import type { Collection } from './sealed.js'

/**
 * What can be a key of a {@link PersistentMap} and a value of a {@link PersistentSet}. Keys are ordered:
 *
 * 1. numbers and bigints, by value; of equal ones the number comes first, and they are two keys. `-0` is `0`;
 *    `Infinity` is a number, `NaN` is no key;
 * 2. dates, by time; not invalid ones;
 * 3. strings, by code unit, as `<` has it; a date that went through JSON is one;
 * 4. byte arrays, by bytes, a beginning before what it is the beginning of. A `Uint8Array` and a `Buffer` of the same
 *    bytes are one key;
 * 5. tuples: arrays of keys, element by element, a beginning before what it is the beginning of;
 * 6. persistent objects, collections among them, by identity: in the order in which they were first stored, and behind
 *    those the ones that never were, in the order of their creation.
 */
export type Key = number | bigint | string | Date | Uint8Array | readonly Key[] | Persistent | Collection

/**
 * A key as it stands in a state: an own copy; a reference is an object, or a symbol while nobody followed it. A tuple is frozen, and a
 * date sealed, when it is handed out.
 */
export type StoredKey = number | bigint | string | symbol | object

const ALLOWED =
  'keys are numbers (not NaN), bigints, strings, valid dates, byte arrays (Uint8Array, Buffer), ' +
  'arrays of these, and persistent objects'

const DEEPEST = 32

/** An own copy of what is to be a key of `owner`; ValueError if it is none. `where` begins the path of the message. */
export function keyIn(value: unknown, owner: Header, where: string, depth = 0): StoredKey {
  const simple = simpleIn(value)
  if (simple !== undefined) return simple
  return typeof value === 'object' && value !== null ? objectIn(value, owner, where, depth) : refuse(value, where)
}

/** undefined: it is no primitive key. */
function simpleIn(value: unknown): string | bigint | number | undefined {
  switch (typeof value) {
    case 'string':
    case 'bigint':
      return value
    case 'number':
      return Number.isNaN(value) ? undefined : value + 0
    default:
      return undefined
  }
}

function objectIn(value: object, owner: Header, where: string, depth: number): StoredKey {
  if (headerOf(value)) return adopt(value, owner, { path: () => where }, undefined) as object
  if (Array.isArray(value)) return tupleIn(value, owner, where, depth)
  const copy = copyDate(value) ?? copyLeaf(value)
  if (copy instanceof Uint8Array || (copy instanceof Date && !Number.isNaN(copy.getTime()))) return copy
  return refuse(value, where)
}

function tupleIn(value: readonly unknown[], owner: Header, where: string, depth: number): StoredKey {
  if (depth >= DEEPEST) throw new ValueError(where, `an array more than ${DEEPEST} levels deep cannot be a key`)
  if (!Array.isArray(Object.getPrototypeOf(value)) || Reflect.ownKeys(value).length !== value.length + 1) {
    throw new ValueError(where, 'an array with holes, named fields or a class of its own cannot be a key')
  }
  return value.map((part, i) => simpleIn(part) ?? keyIn(part, owner, `${where}.${i}`, depth + 1))
}

function refuse(value: unknown, where: string): never {
  const alike = typeof value === 'object' && value !== null ? lookAlike(value) : undefined
  throw new ValueError(where, alike ?? `${whatIs(value)} cannot be a key: ${ALLOWED}`)
}

function whatIs(value: unknown): string {
  switch (typeof value) {
    case 'object': {
      if (value === null) return 'null'
      if (types.isDate(value) && copyDate(value)) return 'an invalid date'
      const Class = classOf(value)
      if (typeof Class !== 'function' || Class.name === 'Object') return 'a plain object'
      return `an instance of ${Class.name || 'a class without a name'}`
    }
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    default:
      return String(value)
  }
}

/** The key if the value can be one, otherwise undefined: for questions whose answer is then simply no. */
export function keyOrNone(value: unknown, owner: Header): StoredKey | undefined {
  try {
    return keyIn(value, owner, '')
  } catch (error) {
    if (error instanceof ValueError) return undefined
    throw error
  }
}

/** Is it equal to another key only if it is the same value to JavaScript too? */
export function isIdentity(key: StoredKey): boolean {
  return typeof key !== 'object' || headerOf(key) !== undefined
}

/** V8 tells longer text apart by its length alone, ... */
const LONGEST_HASHED = 2 ** 14 - 1
/** ... and integers by their last 64 bits. */
const HASHED_BELOW = 2n ** 64n

/** Does a native Map tell it from every other key, and find it at once among any number of them? */
export function isHashed(key: StoredKey): boolean {
  switch (typeof key) {
    case 'number':
      return true
    case 'string':
      return key.length <= LONGEST_HASHED
    case 'bigint':
      return key < HASHED_BELOW && key > -HASHED_BELOW
    default:
      return false
  }
}

/** Are two that are the same key also the same to look at? Byte arrays have a class. */
export function looksLike(a: StoredKey, b: StoredKey): boolean {
  if (a === b || typeof a !== 'object') return true
  if (types.isUint8Array(a)) return Buffer.isBuffer(a) === Buffer.isBuffer(b)
  return (
    !Array.isArray(a) ||
    (a as readonly StoredKey[]).every((part, i) => looksLike(part, (b as StoredKey[])[i] as StoredKey))
  )
}

/** What the application gets: nothing that it could change. `follow` turns symbols into objects. */
export function keyOut(key: StoredKey, follow: (reference: symbol) => unknown): unknown {
  if (typeof key === 'symbol') return follow(key)
  if (typeof key !== 'object') return key
  if (key instanceof Uint8Array) return copyLeaf(key)
  if (!Array.isArray(key)) return key instanceof Date ? seal(key) : key
  const parts = (key as readonly StoredKey[]).map(part => keyOut(part, follow))
  return Object.freeze(parts.every((part, i) => part === key[i]) ? key : parts)
}

/** The headers of the persistent objects in a key. */
export function headersIn(key: StoredKey): readonly Header[] {
  if (typeof key !== 'object') return []
  if (Array.isArray(key)) return (key as readonly StoredKey[]).flatMap(headersIn)
  const header = headerOf(key)
  return header ? [header] : []
}

/** Does it refer to an object? */
export function hasReference(key: StoredKey): boolean {
  if (typeof key === 'symbol') return true
  if (typeof key !== 'object') return false
  return Array.isArray(key) ? (key as readonly StoredKey[]).some(hasReference) : headerOf(key) !== undefined
}

/** In messages and paths. */
export function keyName(key: StoredKey): string {
  switch (typeof key) {
    case 'bigint':
      return `${key}n`
    case 'symbol':
      return `object ${unresolvedOid(key)}`
    case 'object': {
      if (key instanceof Uint8Array) return `<${Buffer.from(key.subarray(0, 16)).toString('hex')}>`
      if (key instanceof Date) return key.toISOString()
      if (Array.isArray(key)) return `[${(key as readonly StoredKey[]).map(keyName).join(', ')}]`
      const header = headerOf(key)
      return header ? `${header.name} ${header.oid || '(new)'}` : 'object'
    }
    default:
      return String(key)
  }
}

// A tuple is a MessagePack array of its encoded elements; everything else as any value.

export function encodeKey(key: StoredKey, encoder: Encoder): void {
  if (Array.isArray(key)) encodeKeys(key as readonly StoredKey[], encoder)
  else if (typeof key === 'string' || typeof key === 'number') encoder.write(key, key)
  else if (key instanceof Uint8Array) encoder.constant(key)
  else encoder.write(key, keyName(key))
}

export function encodeKeys(keys: readonly StoredKey[], encoder: Encoder): void {
  encoder.array(keys.length)
  for (const key of keys) encodeKey(key, encoder)
}

export function decodeKey(raw: unknown, decoder: Decoder, depth = 0): StoredKey {
  if (Array.isArray(raw)) {
    return depth < DEEPEST ? raw.map(part => decodeKey(part, decoder, depth + 1)) : unknownForm()
  }
  const key = decoder.value(raw)
  return isStoredKey(key) ? key : unknownForm()
}

function isStoredKey(key: unknown): key is StoredKey {
  switch (typeof key) {
    case 'string':
    case 'bigint':
    case 'symbol':
      return true
    case 'number':
      return !Number.isNaN(key)
    case 'object':
      if (key instanceof Date) return !Number.isNaN(key.getTime())
      return key instanceof Uint8Array || headerOf(key) !== undefined
    default:
      return false
  }
}
