// Stored values as JSON, and back. What JSON has not stands there as an object whose first key begins with "$" (spec/format.md).
import { UnsupportedError } from '../error.js'
import type { Oid } from '../store/types.js'
import { DEEPEST } from './adopt.js'
import { Date } from './date.js'
import { Reference } from './reference.js'
import { encodePrimitive, keysAreUsual, special, TAG, type Packable } from './values.js'

/** Characters of a value in a message. */
const MOST_SHOWN = 60

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Of a decoded value, whole, however large it is. `ofReference`: what stands for an object that it refers to. */
export function toJson(value: unknown, ofReference: (to: Reference) => Json): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (Object.is(value, -0)) return { $number: '-0' }
      return Number.isFinite(value) ? value : { $number: String(value) }
    case 'bigint':
      return { $bigint: String(value) }
    case 'object':
      return value === null ? null : ofObject(value, ofReference)
    default:
      return { $undefined: true }
  }
}

/** What `make` gives, as text. Throws UnsupportedError with `refusal` if that has more characters than a string can have (half a gigabyte). */
export function jsonText(make: () => unknown, refusal: string): string {
  try {
    return JSON.stringify(make())
  } catch (cause) {
    const isTooLong = cause instanceof RangeError || (cause as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG'
    throw isTooLong ? new UnsupportedError(refusal, { cause }) : cause
  }
}

function ofObject(value: object, ofReference: (to: Reference) => Json): Json {
  if (value instanceof Reference) return ofReference(value)
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() }
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return { $bytes: bytes.toString('base64'), type: value.constructor.name }
  }
  if (Array.isArray(value)) return value.map(part => toJson(part, ofReference))
  const fields = Object.entries(value).map(([key, part]): [string, Json] => [key, toJson(part, ofReference)])
  if (Object.getPrototypeOf(value) === null) return { $object: fields, prototype: null }
  // Could be taken for one of the above: told apart by being written as pairs.
  return fields.some(([key]) => key.startsWith('$')) ? { $object: fields } : Object.fromEntries(fields)
}

/** Says what no value is written as. */
export class FormError extends Error {}

/** What JSON holds in a message. */
export function shown(json: unknown): string {
  if (typeof json === 'object' && json !== null) return Array.isArray(json) ? 'an array' : 'an object'
  const text = json === undefined ? 'nothing' : JSON.stringify(json)
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}\u2026` : text
}

type Form = Readonly<Record<string, unknown>>

/** What `toJson` made, as it stands in a state. `indexOf`: the number in its record of what is referred to. Throws FormError. */
export function fromJson(json: unknown, indexOf: (oid: Oid) => number, depth = 0): Packable {
  if (json === null) return null
  if (typeof json !== 'object') return encodePrimitive(json)
  if (depth > DEEPEST) throw new FormError(`plain data more than ${DEEPEST} levels deep`)
  const part = (value: unknown): Packable => fromJson(value, indexOf, depth + 1)
  if (Array.isArray(json)) return json.map(part)
  const fields = Object.entries(json)
  const marked = fields.find(([key]) => key.startsWith('$'))
  return marked ? fromForm(marked[0], json as Form, indexOf, part) : packObject(fields, false, part)
}

function fromForm(
  name: string,
  form: Form,
  indexOf: (oid: Oid) => number,
  part: (value: unknown) => Packable,
): Packable {
  const { [name]: value, ...others } = form
  const rest = Object.keys(others)
  const is = (marks: string, ...with_: string[]): boolean => name === marks && rest.every(key => with_.includes(key))
  if (is('$undefined') && value === true) return encodePrimitive(undefined)
  if (is('$number') && value === '-0') return encodePrimitive(-0)
  if (is('$number') && ['NaN', 'Infinity', '-Infinity'].includes(value as string)) return Number(value)
  if (is('$bigint') && typeof value === 'string' && /^-?\d+$/.test(value)) return encodePrimitive(bigintOf(value))
  if (is('$ref') && Number.isSafeInteger(value)) return { '': indexOf(value as Oid) }
  if (is('$date') && value === null) return special(TAG.date, NaN)
  if (is('$date') && typeof value === 'string') return special(TAG.date, timeOf(value))
  if (is('$bytes', 'type') && typeof value === 'string') return packBytes(value, others.type)
  if (is('$object', 'prototype') && isPairs(value)) return packObject(value, others.prototype === null, part)
  throw new FormError(`${name} is not written so by this version`)
}

function bigintOf(digits: string): bigint {
  try {
    return BigInt(digits)
  } catch {
    throw new FormError('a bigint of more digits than there can be')
  }
}

function timeOf(date: string): number {
  const time = Date.parse(date)
  if (Number.isNaN(time) || new Date(time).toISOString() !== date)
    throw new FormError(`${shown(date)} is no moment as dates are written`)
  return time
}

function packBytes(base64: string, type: unknown): Packable {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw new FormError('bytes that are not written in base64')
  if (type === 'Uint8Array') return bytes
  const tag = typeof type === 'string' && Object.hasOwn(TAG, type) ? TAG[type as keyof typeof TAG] : -1
  return tag >= TAG.Buffer ? special(tag, bytes) : ofNoType(type)
}

function ofNoType(type: unknown): never {
  throw new FormError(`${shown(type)} is no type of bytes`)
}

type Pairs = readonly (readonly [key: string, value: unknown])[]

/** Each key once. */
export function isPairs(value: unknown): value is Pairs {
  if (!Array.isArray(value)) return false
  const keys = new Set<unknown>()
  for (const pair of value as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') return false
    keys.add(pair[0])
  }
  return keys.size === value.length
}

function packObject(fields: Pairs, bare: boolean, part: (value: unknown) => Packable): Packable {
  const keys = fields.map(([key]) => key)
  const values = fields.map(([, value]) => part(value))
  if (bare || !keysAreUsual(keys)) return special(bare ? TAG.nullObject : TAG.object, keys.map(encodePrimitive), values)
  return Object.fromEntries(keys.map((key, n) => [key, values[n] as Packable]))
}
