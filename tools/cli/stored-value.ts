// How values of a store are shown: in one line for people, and as JSON. What JSON has not stands there as an object with
// one key that begins with "$".
import { inspect } from 'node:util'
import { Reference } from '../../lib/object/reference.js'
import { harmless } from './units.js'

const LONGEST_STRING = 200
const WIDTH = 100

/** For people: as Node prints it; of arrays at most `limit` elements. */
export function text(value: unknown, limit: number): string {
  return inspect(value, {
    depth: 4,
    maxArrayLength: limit,
    maxStringLength: LONGEST_STRING,
    breakLength: WIDTH,
    compact: 3,
  })
    .split('\n')
    .map(harmless)
    .join('\n')
}

/** Whole, however large it is. */
export function json(value: unknown): unknown {
  switch (typeof value) {
    case 'undefined':
      return { $undefined: true }
    case 'bigint':
      return { $bigint: String(value) }
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : String(value) }
    case 'object':
      return value === null ? null : jsonObject(value)
    default:
      return value
  }
}

function jsonObject(value: object): unknown {
  if (value instanceof Reference) return { $ref: value.oid, type: value.type }
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() }
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return { $bytes: bytes.toString('base64'), type: value.constructor.name }
  }
  if (Array.isArray(value)) return value.map(json)
  const fields = Object.entries(value).map(([key, part]) => [key, json(part)] as const)
  // Could be taken for one of the above: told apart by being written as pairs.
  if (fields.some(([key]) => key.startsWith('$'))) return { $object: fields }
  return Object.fromEntries(fields)
}
