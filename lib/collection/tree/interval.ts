// Stretches of keys that a transaction has gone through, of which many may be the same or overlap: then one stands for them.
import { headersIn, type StoredKey } from '../key.js'
import { compareKeys } from '../key-order.js'
import type { Bound } from './tree.js'

/** A stretch of keys that was gone through; it grows while that goes on. */
export interface Interval {
  low: Bound | undefined
  high: Bound | undefined
  /** Also the values. */
  readonly values: boolean
  /** Nothing of it has been asked yet. */
  empty: boolean
  /** Another one stands for it: whoever goes on begins a new one. */
  settled: boolean
}

/**
 * Those that cover together what these do, with values and without. They are new, but for those that end at an object that is not
 * stored: where that will stand among the others is not known yet.
 */
export function united(intervals: readonly Interval[]): Interval[] {
  const asked = intervals.filter(interval => !isNothing(interval))
  const lasting = asked.filter(({ low, high }) => lasts(low) && lasts(high))
  return [
    ...asked.filter(({ low, high }) => !lasts(low) || !lasts(high)),
    ...disjoint(lasting.filter(({ values }) => values)),
    ...disjoint(lasting.filter(({ values }) => !values)),
  ]
}

/** Of one kind. */
function disjoint(intervals: Interval[]): Interval[] {
  const all: Interval[] = []
  let last: Interval | undefined
  for (const { low, high, values } of intervals.sort((a, b) => compareLow(a.low, b.low))) {
    if (last && meets(last.high, low)) {
      if (compareHigh(high, last.high) > 0) last.high = copyOf(high)
    } else {
      last = { low: copyOf(low), high: copyOf(high), values, empty: false, settled: false }
      all.push(last)
    }
  }
  return all
}

/** Who goes on changes the bound that is there. */
function copyOf(bound: Bound | undefined): Bound | undefined {
  return bound && { key: bound.key, open: bound.open }
}

/** It holds no key, or none has been asked for. */
function isNothing({ low, high, empty }: Interval): boolean {
  if (empty || !low || !high) return empty
  const order = compareKeys(low.key, high.key)
  return order > 0 || (order === 0 && (low.open || high.open))
}

function lasts(bound: Bound | undefined): boolean {
  return bound === undefined || isStored(bound.key)
}

function isStored(key: StoredKey): boolean {
  return headersIn(key).every(({ oid }) => oid !== 0)
}

/** Does what begins at `low` leave no key out behind what ends at `high`? */
function meets(high: Bound | undefined, low: Bound | undefined): boolean {
  if (!high || !low) return true
  const order = compareKeys(low.key, high.key)
  return order < 0 || (order === 0 && !(low.open && high.open))
}

/** Positive: `a` begins behind `b`. */
function compareLow(a: Bound | undefined, b: Bound | undefined): number {
  if (!a || !b) return Number(a !== undefined) - Number(b !== undefined)
  return compareKeys(a.key, b.key) || Number(a.open) - Number(b.open)
}

/** Positive: `a` ends behind `b`. */
function compareHigh(a: Bound | undefined, b: Bound | undefined): number {
  if (!a || !b) return Number(a === undefined) - Number(b === undefined)
  return compareKeys(a.key, b.key) || Number(b.open) - Number(a.open)
}
