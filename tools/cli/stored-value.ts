// How values of a store are shown: in one line for people, and as JSON.
import { inspect } from 'node:util'
import { toJson, type Json } from '../../lib/object/json.js'
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
export function json(value: unknown): Json {
  return toJson(value, ({ oid, type }) => ({ $ref: oid, type }))
}
