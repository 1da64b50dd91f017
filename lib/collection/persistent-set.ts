// PersistentSet: the class that applications use, and its header.
import type { CopiedPart } from './copied.js'
import { registerCollection, sealedClass } from '../object/collection.js'
import type { Kind } from '../object/header.js'
import type { Looked } from '../object/inspection.js'
import { refuseAssignment } from '../object/refuse-assignment.js'
import { bulkLoad } from './bulk-load.js'
import type { Key, StoredKey } from './key.js'
import { compareKeys } from './key-order.js'
import { KeyedHeader } from './keyed-header.js'
import { Members, type SetLike } from './members.js'
import { rangeToRemove, type KeyRange, type LooseRange, type RangeOptions } from './range.js'
import { checkCallback, forbidDerived, given, headerBehind, type native, type nominal } from './sealed.js'
import { count, walk } from './walk.js'

class SetHeader extends KeyedHeader {
  constructor(object: object, isNew: boolean) {
    super(SET, object, isNew, ['values'])
  }

  /** Of equal values the first is kept. */
  fill(values: Iterable<unknown>): void {
    const keys = Array.from(values, value => this.keyIn(value)).sort(compareKeys)
    for (const key of keys) this.add(key)
  }

  /** For what gives the same answer whatever it is. */
  get unnotedSize(): number {
    return this.stored.size + this.changes.added
  }

  contains(key: StoredKey | undefined): boolean {
    return key !== undefined && this.has(key)
  }

  /** Each value with its key. */
  *each(): Generator<readonly [value: unknown, key: StoredKey], undefined> {
    for (const { key } of this.entriesIn()) yield [this.keyOut(key), key]
  }

  protected newCopy(): Set<unknown> {
    return new Set()
  }

  protected addTo(copy: Looked['content'], key: unknown): void {
    ;(copy as Set<unknown>).add(key)
  }
}

const behind = (set: unknown): SetHeader => {
  const header = headerBehind(set, SetHeader, 'PersistentSet')
  header.touch()
  return header
}

/**
 * A set that is a persistent object: the interface of the native `Set`, but its values come in the order of keys (see
 * {@link Key}), and values that are equal in it are one.
 *
 * The operations that make a set make a native one, with the values of this set first. They compare the other set's
 * values as keys, too, so that a `Date` in a native Set is found by its time.
 *
 * An iteration goes, from the value that it gave last, to the next one that the set has by then. So values that are
 * added ahead of it are met, those behind it are not, and removed ones are not.
 *
 * Throws {@link ValueError} (a `TypeError`) for what cannot be a key, also when it is only looked for; plain objects
 * cannot. What is refused changes nothing.
 *
 * ```ts
 * const primes = new PersistentSet([3, 2, 5, 2])
 * console.log([...primes], primes.isSupersetOf(new Set([3, 5]))) // [ 2, 3, 5 ] true
 * ```
 */
export class PersistentSet<T extends Key> {
  declare readonly [nominal]: true
  declare readonly [native]: Set<CopiedPart<T>>

  constructor(values?: Iterable<T> | null) {
    forbidDerived(new.target, PersistentSet)
    const header = new SetHeader(makeSet(), true)
    header.fill(given(values, PersistentSet, 'values'))
    return header.object as this
  }

  /** Number of values. */
  get size(): number {
    return behind(this).size
  }

  has(value: T): boolean {
    const header = behind(this)
    return header.has(header.keyIn(value))
  }

  add(value: T): this {
    const header = behind(this)
    header.add(header.keyIn(value))
    return this
  }

  /** Was there such a value? */
  delete(value: T): boolean {
    const header = behind(this)
    return header.remove(header.keyIn(value))
  }

  clear(): void {
    behind(this).clear()
  }

  forEach(callback: (value: T, same: T, set: PersistentSet<T>) => void, thisArg?: unknown): void {
    const header = behind(this)
    checkCallback(callback)
    for (const [value] of header.each()) callback.call(thisArg, value as T, value as T, this)
  }

  /** All values, or those of a range. */
  values(range?: RangeOptions<T>): SetIterator<T> {
    return valuesOf(behind(this), range) as SetIterator<T>
  }

  /** The same as `values()`. */
  keys(range?: RangeOptions<T>): SetIterator<T> {
    return valuesOf(behind(this), range) as SetIterator<T>
  }

  entries(range?: RangeOptions<T>): SetIterator<[T, T]> {
    const header = behind(this)
    return walk(header, range, false, ({ key }) => {
      const value = header.keyOut(key)
      return [value, value]
    }) as SetIterator<[T, T]>
  }

  /** The values of a range: `set.range({ gte: 1, lt: 10 })`, `set.range({ prefix: ['user'], reverse: true, limit: 10 })`. */
  range(range: RangeOptions<T>): SetIterator<T> {
    return valuesOf(behind(this), range) as SetIterator<T>
  }

  /** The first value; undefined: there is none. */
  first(): T | undefined {
    return valuesOf(behind(this), { limit: 1 }).next().value as T | undefined
  }

  /** The last value; undefined: there is none. */
  last(): T | undefined {
    return valuesOf(behind(this), { limit: 1, reverse: true }).next().value as T | undefined
  }

  /** How many values there are in a range. Reads where they stand, and does not go from one to the next. */
  count(range: LooseRange<T>): number {
    return count(behind(this), range)
  }

  /**
   * Removes the values of a range; gives how many there were. Throws TypeError for a bound that is there and undefined, and for an object
   * of a class that has none.
   */
  deleteRange(range: KeyRange<T>): number {
    const header = behind(this)
    return header.removeRange(rangeToRemove(range, header))
  }

  /**
   * Fills an empty set with values that come in their order, each once, as tightly as they can be stored.
   * Throws RangeError for a value out of order, and StateError if the set is not empty; either changes nothing.
   */
  bulkLoad(values: Iterable<T>): this {
    bulkLoad(behind(this), pairs(values))
    return this
  }

  /** What is in this set or in the other. */
  union<U>(other: SetLike<U>): Set<T | U> {
    const header = behind(this)
    const members = new Members(other, header)
    const result = new Set<unknown>(valuesOf(header))
    for (const [value, key] of members.each()) if (!header.contains(key)) result.add(value)
    return result as Set<T | U>
  }

  /** What is in this set and in the other. */
  intersection<U>(other: SetLike<U>): Set<T & U> {
    const header = behind(this)
    const members = new Members(other, header)
    const isLarger = header.unnotedSize > members.size && !members.isElsewhere
    return (isLarger ? commonOf(header, members) : select(header, members, true)) as Set<T & U>
  }

  /** What is in this set and not in the other. */
  difference(other: SetLike<unknown>): Set<T> {
    const header = behind(this)
    return select(header, new Members(other, header), false) as Set<T>
  }

  /** What is in one of the two sets and not in both. */
  symmetricDifference<U>(other: SetLike<U>): Set<T | U> {
    const header = behind(this)
    const members = new Members(other, header)
    const result = select(header, members, false)
    for (const [value, key] of members.each()) if (!header.contains(key)) result.add(value)
    return result as Set<T | U>
  }

  /** Is everything in this set in the other, too? */
  isSubsetOf(other: SetLike<unknown>): boolean {
    const header = behind(this)
    const members = new Members(other, header)
    if (header.size > members.size) return false
    for (const [value, key] of header.each()) if (!members.has(key, value)) return false
    return true
  }

  /** Is everything in the other set in this one, too? */
  isSupersetOf(other: SetLike<unknown>): boolean {
    const header = behind(this)
    for (const [, key] of new Members(other, header).each()) if (!header.contains(key)) return false
    return true
  }

  /** Have the two sets nothing in common? */
  isDisjointFrom(other: SetLike<unknown>): boolean {
    const header = behind(this)
    const members = new Members(other, header)
    if (header.unnotedSize > members.size || members.isElsewhere) {
      for (const [, key] of members.each()) if (header.contains(key)) return false
    } else {
      for (const [value, key] of header.each()) if (members.has(key, value)) return false
    }
    return true
  }

  /** The values as an array, in their order. */
  toJSON(): T[] {
    return [...valuesOf(behind(this))] as T[]
  }

  [Symbol.iterator](): SetIterator<T> {
    return valuesOf(behind(this)) as SetIterator<T>
  }

  get [Symbol.toStringTag](): string {
    return 'PersistentSet'
  }
}

function valuesOf(header: SetHeader, range?: RangeOptions): IteratorObject<unknown, undefined> {
  return walk(header, range, false, ({ key }) => header.keyOut(key))
}

function* pairs(values: Iterable<unknown>): Generator<[unknown, undefined], undefined> {
  for (const value of values) yield [value, undefined]
}

/** The values of a set that are in the other one, or those that are not. */
function select(header: SetHeader, members: Members, common: boolean): Set<unknown> {
  const result = new Set<unknown>()
  for (const [value, key] of header.each()) if (members.has(key, value) === common) result.add(value)
  return result
}

/** The values of a set that are in the other one, without going through the set. */
function commonOf(header: SetHeader, members: Members): Set<unknown> {
  const common: StoredKey[] = []
  for (const [, key] of members.each()) {
    const own = key === undefined ? undefined : header.ownKey(key)
    if (own !== undefined) common.push(own)
  }
  common.sort(compareKeys)
  // A native set may have several that are the same key.
  const each = common.filter((key, n) => n === 0 || compareKeys(common[n - 1] as StoredKey, key) !== 0)
  return new Set(each.map(key => header.keyOut(key)))
}

const SET: Kind = {
  type: 'PersistentSet',
  version: 1,
  Class: PersistentSet,
  ghost: () => new SetHeader(makeSet(), false),
}
registerCollection(SET)
const makeSet = sealedClass(PersistentSet)
refuseAssignment(PersistentSet.prototype, { size: 'call clear()' }, 'call add()')
