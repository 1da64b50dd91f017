// What a commit says about itself: a note and meta data, one MessagePack map in the frame. Read by tools that know no
// classes, so only what JSON has: null, booleans, finite numbers, strings, arrays, plain objects.
import { ValueError } from '../error.js'
import { quoted } from './option-names.js'
import { pack } from './packer.js'
import { unpack } from './unpack.js'
import { isOrdinaryString, type Packable } from './values.js'

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

/** What a commit says about itself. `count`: of the transactions in it, if there are several. */
export function decodeAnnotation(bytes: Uint8Array): Annotation & { readonly count?: number } {
  if (bytes.length === 0) return {}
  const { note, meta, count } = (unpack(bytes) ?? {}) as Record<string, unknown>
  const found = { note: typeof note === 'string' ? note : undefined, meta }
  return typeof count === 'number' ? { ...found, count } : found
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
      if (Array.isArray(value)) return value.map((part, i) => checked(part, `${path}.${i}`, [...above, value]))
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

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function refuse(path: string, reason: string): never {
  throw new ValueError(path, reason)
}
