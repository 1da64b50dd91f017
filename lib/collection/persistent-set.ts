// PersistentSet: the class that applications use, and its header. A set is one record: its values, which are keys, in
// their order.
import { inspectable, registerCollection } from '../object/collection.js'
import type { Decoder, Encoder } from '../object/codec.js'
import type { Kind } from '../object/header.js'
import { sameKeys } from '../object/shapes.js'
import { unknownForm, type Packable } from '../object/values.js'
import { decodeKey, encodeKey, type Key, type StoredKey } from './key.js'
import { compareKeys } from './key-order.js'
import { KeyedHeader } from './keyed-header.js'
import { Members, type SetLike } from './members.js'
import { checkCallback, forbidDerived, headerBehind, type nominal } from './sealed.js'

class SetHeader extends KeyedHeader {
  constructor(object: object, isNew: boolean) {
    super(SET, object, isNew)
    if (isNew) this.setKeys([])
  }

  /** Fills a new set. Of equal values the first is kept. */
  fill(values: Iterable<unknown>): void {
    const keys = Array.from(values, value => this.keyIn(value)).sort(compareKeys)
    this.startWith(keys.filter((key, i) => i === 0 || compareKeys(keys[i - 1] as StoredKey, key) !== 0))
  }

  has(key: StoredKey | undefined): boolean {
    return key !== undefined && this.find(key) >= 0
  }

  put(key: StoredKey): void {
    if (this.find(key) >= 0) return
    this.change()
    this.insertKey(~this.find(key), key)
  }

  remove(key: StoredKey): boolean {
    if (this.find(key) < 0) return false
    this.change()
    this.removeKey(this.find(key))
    return true
  }

  clear(): void {
    if (this.sorted.length === 0) return
    this.change()
    this.setKeys([])
  }

  /** Each value with its key. */
  *each(): Generator<readonly [value: unknown, key: StoredKey], undefined> {
    for (const at of this.positions()) {
      const key = this.sorted[at] as StoredKey
      yield [this.keyOut(at), key]
    }
  }

  // ---- for the object layer ----

  keys(): readonly string[] {
    return ['values']
  }

  encode(encoder: Encoder): Packable[] {
    this.keepOrder()
    return [this.sorted.map(key => encodeKey(key, encoder))]
  }

  decode(names: readonly string[], [values]: readonly unknown[], decoder: Decoder): void {
    if (!sameKeys(names, this.keys()) || !Array.isArray(values)) return unknownForm()
    this.setKeys(values.map(value => decodeKey(value, decoder)))
  }

  // Keys are no containers.

  eachSlot(): void {
    // nothing to visit
  }

  slot(): undefined {
    return undefined
  }

  putBack(): void {
    // nothing was visited
  }

  toPlain(convert: (value: unknown) => unknown, begun?: (copy: object) => void): Set<unknown> {
    const copy = new Set<unknown>()
    begun?.(copy)
    for (const key of this.sorted) copy.add(this.plainKey(key, convert))
    return copy
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

  constructor(values?: Iterable<T> | null) {
    forbidDerived(new.target, PersistentSet)
    const header = new SetHeader(this, true)
    header.fill(values ?? [])
  }

  /** Number of values. */
  get size(): number {
    return behind(this).sorted.length
  }

  has(value: T): boolean {
    const header = behind(this)
    return header.has(header.keyIn(value))
  }

  add(value: T): this {
    const header = behind(this)
    header.put(header.keyIn(value))
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

  values(): SetIterator<T> {
    return valuesOf(behind(this)) as SetIterator<T>
  }

  /** The same as `values()`. */
  keys(): SetIterator<T> {
    return valuesOf(behind(this)) as SetIterator<T>
  }

  entries(): SetIterator<[T, T]> {
    return entriesOf(behind(this)) as SetIterator<[T, T]>
  }

  /** What is in this set or in the other. */
  union<U>(other: SetLike<U>): Set<T | U> {
    const header = behind(this)
    const members = new Members(other, header)
    const result = new Set<unknown>(valuesOf(header))
    for (const [value, key] of members.each()) if (!header.has(key)) result.add(value)
    return result as Set<T | U>
  }

  /** What is in this set and in the other. */
  intersection<U>(other: SetLike<U>): Set<T & U> {
    return select(this, other, true) as Set<T & U>
  }

  /** What is in this set and not in the other. */
  difference(other: SetLike<unknown>): Set<T> {
    return select(this, other, false) as Set<T>
  }

  /** What is in one of the two sets and not in both. */
  symmetricDifference<U>(other: SetLike<U>): Set<T | U> {
    const header = behind(this)
    const result = select(this, other, false)
    for (const [value, key] of new Members(other, header).each()) if (!header.has(key)) result.add(value)
    return result as Set<T | U>
  }

  /** Is everything in this set in the other, too? */
  isSubsetOf(other: SetLike<unknown>): boolean {
    const header = behind(this)
    const members = new Members(other, header)
    if (header.sorted.length > members.size) return false
    for (const [value, key] of header.each()) if (!members.has(key, value)) return false
    return true
  }

  /** Is everything in the other set in this one, too? */
  isSupersetOf(other: SetLike<unknown>): boolean {
    const header = behind(this)
    for (const [, key] of new Members(other, header).each()) if (!header.has(key)) return false
    return true
  }

  /** Have the two sets nothing in common? */
  isDisjointFrom(other: SetLike<unknown>): boolean {
    const header = behind(this)
    for (const [, key] of new Members(other, header).each()) if (header.has(key)) return false
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

function* valuesOf(header: SetHeader): Generator<unknown, undefined> {
  for (const [value] of header.each()) yield value
}

function* entriesOf(header: SetHeader): Generator<[unknown, unknown], undefined> {
  for (const [value] of header.each()) yield [value, value]
}

/** The values of this set that are in the other one, or those that are not. */
function select(set: unknown, other: SetLike<unknown>, common: boolean): Set<unknown> {
  const header = behind(set)
  const members = new Members(other, header)
  const result = new Set<unknown>()
  for (const [value, key] of header.each()) if (members.has(key, value) === common) result.add(value)
  return result
}

const SET: Kind = {
  type: 'PersistentSet',
  version: 1,
  Class: PersistentSet,
  ghost: () => new SetHeader(Object.create(PersistentSet.prototype) as object, false),
}
registerCollection(SET)
inspectable(PersistentSet.prototype)
