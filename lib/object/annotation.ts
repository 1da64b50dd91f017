// What a commit says about itself: a note and meta data, one MessagePack map in the frame. Read by tools that know no
// classes, so only what JSON has: null, booleans, finite numbers, strings, arrays, plain objects; nested as deep as plain data may be.
import { SchemaError, ValueError } from '../error.js'
import { DEEPEST } from './adopt.js'
import { quoted } from './option-names.js'
import { pack } from './packer.js'
import { unpack } from './unpack.js'
import { isObject, isOrdinaryString, unknownForm, type Packable } from './values.js'

export interface Annotation {
  /** One line for `perdure log`; the name of the function given to `transact` unless told. */
  readonly note?: string | undefined
  /** Plain JSON-like data, kept with the commit. */
  readonly meta?: unknown
}

const NONE = new Uint8Array(0)

/** Mostly one note is used again and again. */
let last: { readonly note: string; readonly bytes: Uint8Array } = { note: '', bytes: NONE }

/** `count`: of transactions in the commit. Throws TypeError for a note that is no string, ValueError for what JSON does not have. */
export function encodeAnnotation({ note = '', meta }: Annotation, count = 1): Uint8Array {
  if (typeof note !== 'string') throw new TypeError(`note must be a string, not ${quoted(note)}`)
  if (note === '' && meta === undefined && count === 1) return NONE
  const isPlain = meta === undefined && count === 1
  if (isPlain && note === last.note) return last.bytes
  const entries: Record<string, Packable> = {}
  if (note !== '') entries.note = checked(note, 'note', [])
  if (meta !== undefined) entries.meta = checked(meta, 'meta', [])
  if (count > 1) entries.count = count
  const bytes = pack(entries)
  if (isPlain) last = { note, bytes }
  return bytes
}

/** What a commit says about itself. `count`: of the transactions in it, if there are several. Throws SchemaError for what is never written. */
export function decodeAnnotation(bytes: Uint8Array): Annotation & { readonly count?: number } {
  if (bytes.length === 0) return {}
  const entries = unpack(bytes)
  if (!isObject(entries) || Object.getPrototypeOf(entries) !== Object.prototype) return unknownForm()
  const { note, meta, count } = entries as Record<string, unknown>
  if (note !== undefined && typeof note !== 'string') return unknownForm()
  if (count !== undefined && typeof count !== 'number') return unknownForm()
  return count === undefined ? { note, meta } : { note, meta, count }
}

/** For `perdure verify`. */
export function isReadableAnnotation(bytes: Uint8Array): boolean {
  try {
    decodeAnnotation(bytes)
    return true
  } catch (error) {
    if (error instanceof SchemaError) return false
    throw error
  }
}

function checked(value: unknown, path: string, above: readonly object[]): Packable {
  switch (typeof value) {
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : refuse(path, `${value} is not in JSON`)
    case 'string':
      return isOrdinaryString(value) ? value : refuse(path, 'a string with lone surrogates or a byte order mark')
    case 'object':
      if (value === null) return null
      if (above.includes(value)) return refuse(path, 'data that contains itself')
      if (above.length >= DEEPEST) return refuse(path, `plain data more than ${DEEPEST} levels deep`)
      if (Array.isArray(value)) return checkedArray(value, path, [...above, value])
      if (Object.prototype.toString.call(value) === '[object Object]' && isPlain(value)) {
        return Object.fromEntries(
          Object.entries(value).map(([key, part]) => {
            if (key === '__proto__' || !isOrdinaryString(key)) refuse(`${path}.${key}`, 'not a key for meta data')
            return [key, checked(part, `${path}.${key}`, [...above, value])]
          }),
        )
      }
      return refuse(path, 'only plain JSON-like data')
    default:
      return refuse(path, `a ${typeof value} is not in JSON`)
  }
}

function checkedArray(value: readonly unknown[], path: string, above: readonly object[]): Packable {
  return Array.from(value, (part, i) => {
    if (part === undefined && !Object.hasOwn(value, i)) refuse(`${path}.${i}`, 'a hole in an array')
    return checked(part, `${path}.${i}`, above)
  })
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function refuse(path: string, reason: string): never {
  throw new ValueError(path, reason)
}
