// Which keys a text can mean: the other way round than keyText (inspector.ts).
import { Date } from '../object/date.js'
import { unresolved } from '../object/header.js'
import type { Oid } from '../store/types.js'
import type { StoredKey } from './key.js'

/** A text has so many readings at most: that of a tuple does not tell where its parts end, ... */
const MOST = 10_000
/** ... so that one with more commas has more than that in any case. */
const MOST_COMMAS = 13
/** As deep as tuples go. */
const DEEPEST = 32

/** Those that may be written so; undefined: there are too many. */
export function keysNamed(text: string): readonly StoredKey[] | undefined {
  if (isTuple(text) && text.split(', ').length - 1 > MOST_COMMAS) return undefined
  const keys: StoredKey[] = []
  for (const key of readings(text, 0)) if (keys.push(key) > MOST) return undefined
  return keys
}

function isTuple(text: string): boolean {
  return text.startsWith('[') && text.endsWith(']')
}

function* readings(text: string, depth: number): Generator<StoredKey, undefined> {
  yield text
  if (isTuple(text) && depth < DEEPEST) {
    const inside = text.slice(1, -1)
    if (inside === '') yield []
    yield* tuples(inside, depth + 1)
    return
  }
  const other = otherNamed(text)
  if (other !== undefined) yield other
}

/** Any comma may end an element, or stand in one. */
function* tuples(text: string, depth: number): Generator<readonly StoredKey[], undefined> {
  for (let comma = text.indexOf(', '); comma >= 0; comma = text.indexOf(', ', comma + 1))
    for (const first of readings(text.slice(0, comma), depth))
      for (const others of tuples(text.slice(comma + 2), depth)) yield [first, ...others]
  for (const only of readings(text, depth)) yield [only]
}

function otherNamed(text: string): StoredKey | undefined {
  const number = Number(text)
  if (String(number) === text) return Number.isNaN(number) ? undefined : number
  if (/^-?\d+n$/.test(text)) return BigInt(text.slice(0, -1))
  if (/^<([0-9a-f]{2})*>$/.test(text)) return new Uint8Array(Buffer.from(text.slice(1, -1), 'hex'))
  const oid = / (\d+)$/.exec(text)?.[1]
  if (oid !== undefined) return unresolved(Number(oid) as Oid)
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}
