// What a transaction asked a map or set, and whether a later state would have answered the same. The answers are not kept:
// the state that gave them is still in the file.
import type { Oid } from '../../store/types.js'
import { isHashed, type StoredKey } from '../key.js'
import { compareKeys } from '../key-order.js'
import { KeyNotes } from '../key-notes.js'
import { united, type Interval } from './interval.js'
import { sameRaw } from './raw-value.js'
import { Cursor, EVERYTHING, isAbove, type Bound, type Found, type Range, type Tree } from './tree.js'

/** So many intervals are kept at least before those that overlap are united, ... */
const FEW = 64
/** ... and so many times as many as were left the last time, or, where most were left, ... */
const SOME = 2
/** ... so many times as many: they are likely to stay apart. */
const MANY = 8

export class Reads {
  /** The number of entries. */
  size = false
  /** By the keys of which a native Map tells at once which is which: also the value? */
  #hashed: Map<StoredKey, boolean> | undefined
  /** Of others, those of which only that they are there, or are not ... */
  #others: KeyNotes | undefined
  /** ... and those of which also the value. */
  #othersValued: KeyNotes | undefined
  #intervals: Interval[] = []
  #uniteAt = FEW

  /** Whether there is such a key, and, if so asked, its value. */
  note(key: StoredKey, value: boolean): void {
    if (isHashed(key)) {
      this.#hashed ??= new Map()
      if (value || !this.#hashed.has(key)) this.#hashed.set(key, value)
    } else if (value) (this.#othersValued ??= new KeyNotes()).add(key)
    else (this.#others ??= new KeyNotes()).add(key)
  }

  begin(low: Bound | undefined, high: Bound | undefined, values: boolean): Interval {
    const interval = { low, high, values, empty: true, settled: false }
    if (this.#intervals.length >= this.#uniteAt) this.#unite()
    this.#intervals.push(interval)
    return interval
  }

  /** The same may be gone through again and again. */
  #unite(): void {
    const before = this.#intervals
    this.#intervals = united(before)
    for (const interval of before) interval.settled = true
    for (const interval of this.#intervals) interval.settled = false
    const left = this.#intervals.length
    this.#uniteAt = Math.max(FEW, left * (left > before.length / 2 ? MANY : SOME))
  }

  /** Names of what `now` answers otherwise than `before`. */
  *differences(before: Tree, now: Tree): Generator<StoredKey | typeof SIZE, undefined> {
    if (this.size && before.size !== now.size) yield SIZE
    for (const [key, value] of this.#hashed ?? []) if (!sameAt(key, before, now, value)) yield key
    for (const key of this.#others?.inOrder() ?? []) if (!sameAt(key, before, now, false)) yield key
    for (const key of this.#othersValued?.inOrder() ?? []) if (!sameAt(key, before, now, true)) yield key
    for (const interval of united(this.#intervals)) yield* differences(before, now, interval, interval.values)
  }
}

/** Stands for the number of entries. */
export const SIZE = Symbol('size')

export function sameAt(key: StoredKey, before: Tree, now: Tree, value: boolean): boolean {
  return sameEntry(before, before.find(key), now, now.find(key), value)
}

function sameEntry(before: Tree, a: Found | undefined, now: Tree, b: Found | undefined, value: boolean): boolean {
  if (!a || !b) return a === b
  return !value || !a.leaf.valued || !b.leaf.valued || sameValue(before, a, now, b)
}

/** Of entries of two states. */
export function sameValue(before: Tree, a: Found, now: Tree, b: Found): boolean {
  const apart = a.leaf.apart(a.at)
  if (apart === undefined) {
    if (a.leaf === b.leaf && a.at === b.at) return true
  } else if (apart === b.leaf.apart(b.at) && isSameRecord(apart, before, now)) return true
  const [one, other] = [before.content(a), now.content(b)]
  return sameRaw(one.leaf.value(one.at), one.leaf.refs, other.leaf.value(other.at), other.leaf.refs)
}

/** Keys of a range that one of two states has and the other has not, or (if `values`) with another value. */
export function* differences(
  before: Tree,
  now: Tree,
  range: Range = EVERYTHING,
  values = true,
): Generator<StoredKey, undefined> {
  const { low, high } = range
  const begin = (tree: Tree): Cursor => {
    const cursor = new Cursor(tree)
    return low ? cursor.toFrom(low.key, low.open) : cursor.toFirst()
  }
  const [a, b] = [begin(before), begin(now)]
  while (!a.ended || !b.ended) {
    if (passSameLeaf(a, before, b, now, values)) {
      if (isPast(a, high) && isPast(b, high)) return
      continue
    }
    const order = a.ended ? 1 : b.ended ? -1 : compareKeys(a.key, b.key)
    const key = order <= 0 ? a.key : b.key
    if (isAbove(key, high)) return
    if (order !== 0 || !sameEntry(before, a, now, b, values)) yield key
    if (order <= 0) a.next()
    if (order >= 0) b.next()
  }
}

/** Known without reading the leaf. */
function isPast(cursor: Cursor, high: Bound | undefined): boolean {
  if (cursor.ended) return true
  const { leafLow } = cursor
  return leafLow !== undefined && isAbove(leafLow, high)
}

/** Do both states show the same version? */
function isSameRecord(oid: Oid, { view: before }: Tree, { view: now }: Tree): boolean {
  if (!before || !now || before.snapshot.generation !== now.snapshot.generation) return false
  return before.locate(oid) === now.locate(oid)
}

/** Most leaves are the same records in both states; `values`: what stands apart must be, too. */
export function passSameLeaf(a: Cursor, before: Tree, b: Cursor, now: Tree, values: boolean): boolean {
  const oid = a.wholeLeaf
  if (oid === 0 || oid !== b.wholeLeaf || !isSameRecord(oid, before, now)) return false
  if (values && !a.leaf.allOfApart(apart => isSameRecord(apart, before, now))) return false
  a.passLeaf()
  b.passLeaf()
  return true
}
