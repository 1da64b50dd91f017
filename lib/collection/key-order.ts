// The total order of keys (stated at the type Key). It is part of the file format: collections are stored in this order,
// so it never changes. Two keys are the same key if and only if they compare as 0.
import { ValueError } from '../error.js'
import { Date } from '../object/date.js'
import { headerOf, unresolvedOid } from '../object/header.js'
import type { StoredKey } from './key.js'

/** Negative, 0 or positive, as `a` stands before `b`, is the same key, or stands behind it. */
export function compareKeys(a: StoredKey, b: StoredKey): number {
  if (typeof a === 'string' && typeof b === 'string') return a === b ? 0 : a < b ? -1 : 1
  if (typeof a === 'number' && typeof b === 'number') return a - b || (a < b ? -1 : a > b ? 1 : 0)
  if (Array.isArray(a) && Array.isArray(b)) return compareTuples(a, b)
  const rank = rankOf(a)
  const difference = rank - rankOf(b)
  if (difference !== 0) return difference
  switch (rank) {
    case NUMBER:
      return compareNumbers(a as number | bigint, b as number | bigint)
    case DATE:
      return (a as Date).getTime() - (b as Date).getTime()
    case BYTES:
      return compareBytes(a as Uint8Array, b as Uint8Array)
    default:
      return compareReferences(a as object | symbol, b as object | symbol)
  }
}

/** Where a key stands among sorted ones; if it does not, the complement (~) of where it would. */
export function findKey(sorted: readonly StoredKey[], key: StoredKey): number {
  let low = 0
  let high = sorted.length
  // Keys often come in order.
  if (high > 0 && compareKeys(key, sorted[high - 1] as StoredKey) > 0) return ~high
  while (low < high) {
    const middle = (low + high) >>> 1
    const difference = compareKeys(key, sorted[middle] as StoredKey)
    if (difference === 0) return middle
    if (difference < 0) high = middle
    else low = middle + 1
  }
  return ~low
}

/** Behind every key. Stands in no collection: it ends ranges. */
export const TOP: StoredKey = Symbol('behind every key')

const NUMBER = 0
const DATE = 1
const STRING = 2
const BYTES = 3
const TUPLE = 4
const REFERENCE = 5

function rankOf(key: StoredKey): number {
  switch (typeof key) {
    case 'number':
    case 'bigint':
      return NUMBER
    case 'string':
      return STRING
    case 'symbol':
      return REFERENCE
    default:
      // Asked first: of a Proxy, `instanceof` takes long.
      if (headerOf(key)) return REFERENCE
      if (key instanceof Date) return DATE
      if (key instanceof Uint8Array) return BYTES
      return Array.isArray(key) ? TUPLE : REFERENCE
  }
}

/** JavaScript compares a number with a bigint by their exact values. */
function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1
  if (a > b) return 1
  return typeof a === typeof b ? 0 : typeof a === 'number' ? -1 : 1
}

/** Most keys are short, and differ early: to call for Buffer.compare takes longer than so many steps. */
const FEW_BYTES = 32

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  const few = Math.min(length, FEW_BYTES)
  for (let i = 0; i < few; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return length > few ? Buffer.compare(a, b) : a.length - b.length
}

function compareTuples(a: readonly StoredKey[], b: readonly StoredKey[]): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [one, other] = [a[i] as StoredKey, b[i] as StoredKey]
    if (one === other) continue // of most pairs the first elements are
    const difference = compareKeys(one, other)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

// Commits give out oids in the order of creation and above all that are given out already: objects that are stored
// together keep their order, also towards those that were stored before.
function compareReferences(a: object | symbol, b: object | symbol): number {
  if (a === b) return 0
  if (a === TOP || b === TOP) return a === TOP ? 1 : -1
  const left = typeof a === 'symbol' ? undefined : headerOf(a)
  const right = typeof b === 'symbol' ? undefined : headerOf(b)
  const leftOid = left ? left.oid : unresolvedOid(a as symbol)
  const rightOid = right ? right.oid : unresolvedOid(b as symbol)
  if (leftOid === 0 && rightOid === 0) return (left?.born ?? 0) - (right?.born ?? 0)
  if (leftOid === 0) return 1
  if (rightOid === 0) return -1
  if (leftOid === rightOid && left && right && left.scope !== right.scope) {
    throw new ValueError(`${left.name} ${leftOid}`, 'and another key are objects of two connections, which do not mix')
  }
  return leftOid - rightOid
}
