// PersistentList: the class that applications use. The methods of Array that make sense without indexed fields and
// holes, with their meanings; those that make an array make a native one.
import { registerCollection, sealedClass } from '../object/collection.js'
import type { Kind } from '../object/header.js'
import { refuseAssignment } from '../object/refuse-assignment.js'
import { StateError } from '../error.js'
import { checkEmpty } from './bulk-load.js'
import {
  allOf,
  counted,
  isEqual,
  isIdentical,
  noted,
  position,
  removed,
  sliced,
  sortedOrder,
  start,
  toInteger,
} from './list-arguments.js'
import { wantsOnlyCopies, type CopiedPart, type CopyOptions, type NoCopyOptions, type Plain } from './copied.js'
import { ListHeader } from './list-header.js'
import { itemsOf, iterate, positionsOf, visit, visitBack } from './list-visits.js'
import { fold, mapped, search, type Callback, type Guard, type Reducer } from './list-callbacks.js'
import { checkCallback, forbidDerived, given, headerBehind, type native, type nominal } from './sealed.js'

const behind = (list: unknown): ListHeader => {
  const header = headerBehind(list, ListHeader, 'PersistentList')
  header.touch()
  return header
}

/**
 * A list that is a persistent object: the methods of `Array` with their meanings (but `fill`, `copyWithin` and `flat`, which it lacks), and
 * `at`, `set` and `insert` where an array has brackets. It has no holes. A plain value belongs to its item: it is copied in, moved within the list, and
 * changing it in place writes that item. After an abort or a reload it is found again if the same still stands at its
 * position; otherwise read it again from the list.
 *
 * A small list is one record, a larger one a tree of them, in which every position is reached in a few steps, and of which
 * a commit writes only what has changed. Changes of several transactions merge: those that `push` and `unshift` always,
 * others unless the items that they read, replaced or removed are others by then at their positions, counted from the end
 * that they were counted from. So `push` and `unshift` do not tell the length, on which the transaction would depend.
 *
 * Changing a list while going through it means what it means with an array: an iterator goes on to the next position,
 * and meets what is added at the end; a method with a callback visits the positions that there were at its start, as
 * far as they are still there.
 *
 * Throws {@link ValueError} (a `TypeError`) for what cannot be stored, and `RangeError` for a position outside of the
 * list where something is to be put; what is refused changes nothing.
 *
 * ```ts
 * const todos = new PersistentList([{ title: 'write the spec', done: false }])
 * todos.push({ title: 'test it', done: false })
 * todos.at(0)!.done = true
 * console.log(todos.filter(todo => !todo.done)) // [ { title: 'test it', done: false } ]
 * ```
 */
export class PersistentList<T> {
  declare readonly [nominal]: true
  declare readonly [native]: CopiedPart<T>[]

  constructor(items?: Iterable<T> | null) {
    forbidDerived(new.target, PersistentList)
    const header = new ListHeader(LIST, makeList(), true)
    header.extend('end', [...given(items, PersistentList, 'items')])
    return header.object as this
  }

  /** Number of items. Known without counting. */
  get length(): number {
    return behind(this).length
  }

  // ---- single items ----

  /** The item at this position, negative ones counted from the end; undefined outside of the list. */
  at(index: number): T | undefined {
    const header = behind(this)
    const { at, side } = counted(header, toInteger(index))
    if (at >= 0 && at < header.lengthNow) return header.item(at, side) as T
    header.noteLength()
    return undefined
  }

  /** Replaces the item at this position, negative ones counted from the end. Throws RangeError outside of the list. */
  set(index: number, value: T): this {
    const header = behind(this)
    const { at, side } = position(header, 'set', index, header.lengthNow - 1)
    header.replace(at, 1, [value], side)
    return this
  }

  /** Puts values in before this position; at `length`, at the end. Throws RangeError outside. */
  insert(index: number, ...values: T[]): void {
    const header = behind(this)
    const { at, side } = position(header, 'insert', index, header.lengthNow)
    header.replace(at, 0, values, side)
  }

  // ---- both ends ----

  /** Puts values at the end. Gives nothing: the length is a question, `list.length`. */
  push(...values: T[]): void {
    behind(this).extend('end', values)
  }

  /** Takes the last item out; undefined: there is none. */
  pop(): T | undefined {
    const header = behind(this)
    if (header.lengthNow > 0) return header.splice(header.lengthNow - 1, 1, [], 'end')[0] as T
    header.noteLength()
    return undefined
  }

  /** Takes the first item out; undefined: there is none. */
  shift(): T | undefined {
    const header = behind(this)
    if (header.lengthNow > 0) return header.splice(0, 1, [], 'front')[0] as T
    header.noteLength()
    return undefined
  }

  /** Puts values at the beginning. Gives nothing. */
  unshift(...values: T[]): void {
    behind(this).extend('front', values)
  }

  // ---- parts and order ----

  /** Takes out and puts in; gives what was taken out. */
  splice(start: number, deleteCount?: number, ...values: T[]): T[]
  splice(...args: unknown[]): unknown[] {
    const header = behind(this)
    const [start, deleteCount, ...values] = args
    const { from, count, side, isAll } = removed(header, args.length, start, deleteCount)
    const out = header.splice(from, count, values, side)
    if (isAll) header.noteAllWritten()
    return out
  }

  clear(): void {
    const header = behind(this)
    const { length } = header
    if (length === 0) return
    header.replace(0, length, [], 'front')
    header.noteAllWritten()
  }

  /**
   * Fills an empty list, as tightly as the items can be stored. Throws StateError if the list is not empty, which changes
   * nothing.
   */
  bulkLoad(items: Iterable<T>): this {
    const header = behind(this)
    checkEmpty(header.length, header.label)
    header.extend('end', [...items])
    return this
  }

  /** Sorts in place, as Array does: without `compare` by the items as strings. */
  sort(compare?: (a: T, b: T) => number): this {
    const header = behind(this)
    const items = header.items(0, header.length, 'front') as T[]
    const { edition } = header
    const order = sortedOrder(items, compare)
    header.touch()
    if (header.edition !== edition)
      throw new StateError(`${header.label}: the list was changed by the function that compares its items`)
    header.reorder(order)
    return this
  }

  reverse(): this {
    const header = behind(this)
    const { length } = header
    header.reorder(Array.from({ length }, (_, i) => length - 1 - i))
    return this
  }

  slice(start?: number, end?: number): T[] {
    const header = behind(this)
    const { from, to, side } = sliced(header, start, end)
    return header.items(from, to, side) as T[]
  }

  /** A native array of these items and the others; arrays and lists among the arguments stand for their items. */
  concat(...others: (T | readonly T[] | PersistentList<T>)[]): T[] {
    const all = others.map(other => (other instanceof PersistentList ? other.toArray() : other))
    return (allOf(behind(this)) as T[]).concat(...all)
  }

  toSorted(compare?: (a: T, b: T) => number): T[] {
    return (allOf(behind(this)) as T[]).sort(compare)
  }

  toSpliced(start: number, deleteCount?: number, ...values: T[]): T[]
  toSpliced(...args: [start: number, deleteCount: number]): unknown[] {
    return allOf(behind(this)).toSpliced(...args)
  }

  /** A native array of the items with another one at this position. Throws RangeError outside of the list. */
  with(index: number, value: T): T[] {
    return (allOf(behind(this)) as T[]).with(index, value)
  }

  toReversed(): T[] {
    return allOf(behind(this)).reverse() as T[]
  }

  toArray(): T[] {
    return allOf(behind(this)) as T[]
  }

  toJSON(): T[] {
    return allOf(behind(this)) as T[]
  }

  join(separator?: string): string {
    return allOf(behind(this)).join(separator)
  }

  // ---- searching: as `===` has it; a plain value is found by what the list gave out, not by what was put in ----

  includes(value: T, fromIndex?: number): boolean {
    const header = behind(this)
    return header.find(value, start(header, fromIndex), header.lengthNow, isEqual) >= 0 || noted(header, false)
  }

  indexOf(value: T, fromIndex?: number): number {
    const header = behind(this)
    const at = header.find(value, start(header, fromIndex), header.lengthNow, isIdentical)
    return at >= 0 ? at : noted(header, -1)
  }

  lastIndexOf(value: T, ...from: [fromIndex?: number]): number {
    const header = behind(this)
    const last = from.length === 0 ? Infinity : counted(header, toInteger(from[0])).at
    return header.find(value, 0, Math.min(last + 1, header.length), isIdentical, true)
  }

  find<S extends T>(test: Guard<T, S>, thisArg?: unknown): S | undefined
  find(test: Callback<T, unknown>, thisArg?: unknown): T | undefined
  find(test: Callback<T, unknown>, thisArg?: unknown): T | undefined {
    return search(this, visit(behind(this)), test, thisArg)?.value
  }

  findIndex(test: Callback<T, unknown>, thisArg?: unknown): number {
    return search(this, visit(behind(this)), test, thisArg)?.at ?? -1
  }

  findLast<S extends T>(test: Guard<T, S>, thisArg?: unknown): S | undefined
  findLast(test: Callback<T, unknown>, thisArg?: unknown): T | undefined
  findLast(test: Callback<T, unknown>, thisArg?: unknown): T | undefined {
    return search(this, visitBack(behind(this)), test, thisArg)?.value
  }

  findLastIndex(test: Callback<T, unknown>, thisArg?: unknown): number {
    return search(this, visitBack(behind(this)), test, thisArg)?.at ?? -1
  }

  some(test: Callback<T, unknown>, thisArg?: unknown): boolean {
    return search(this, visit(behind(this)), test, thisArg) !== undefined
  }

  every(test: Callback<T, unknown>, thisArg?: unknown): boolean {
    checkCallback(test)
    const fails: Callback<T, boolean> = (value, index) => !test.call(thisArg, value, index, this)
    return search(this, visit(behind(this)), fails, undefined) === undefined
  }

  // ---- going through ----

  forEach(callback: Callback<T, void>, thisArg?: unknown): void {
    const header = behind(this)
    checkCallback(callback)
    for (const [value, at] of visit(header)) callback.call(thisArg, value as T, at, this)
  }

  map<U>(callback: Callback<T, U>, thisArg?: unknown): U[] {
    return mapped(this, behind(this), callback, thisArg)
  }

  flatMap<U>(callback: Callback<T, U | readonly U[]>, thisArg?: unknown): U[] {
    return mapped(this, behind(this), callback, thisArg).flat() as U[]
  }

  filter<S extends T>(test: Guard<T, S>, thisArg?: unknown): S[]
  filter(test: Callback<T, unknown>, thisArg?: unknown): T[]
  filter(test: Callback<T, unknown>, thisArg?: unknown): T[] {
    const header = behind(this)
    checkCallback(test)
    const result: T[] = []
    for (const [value, at] of visit(header)) if (test.call(thisArg, value as T, at, this)) result.push(value as T)
    return result
  }

  reduce(callback: Reducer<T, T>, initial?: T): T
  reduce<U>(callback: Reducer<T, U>, initial: U): U
  reduce(callback: Reducer<T, never>, ...initial: unknown[]): unknown {
    return fold(this, visit(behind(this)), callback, initial)
  }

  reduceRight(callback: Reducer<T, T>, initial?: T): T
  reduceRight<U>(callback: Reducer<T, U>, initial: U): U
  reduceRight(callback: Reducer<T, never>, ...initial: unknown[]): unknown {
    return fold(this, visitBack(behind(this)), callback, initial)
  }

  keys(): ArrayIterator<number> {
    return positionsOf(behind(this)) as ArrayIterator<number>
  }

  /** `{ plain: true }`: copies that are not kept, for going through many; of objects, fields without methods and accessors. */
  values(options: CopyOptions): ArrayIterator<Plain<T>>
  /** The items, the first one first. */
  values(options?: NoCopyOptions): ArrayIterator<T>
  values(options?: CopyOptions | NoCopyOptions): ArrayIterator<unknown> {
    return itemsOf(behind(this), wantsOnlyCopies(options, 'PersistentList'))
  }

  /** `{ plain: true }`: copies of the items that are not kept, for going through many; of objects, fields without methods and accessors. */
  entries(options: CopyOptions): ArrayIterator<[number, Plain<T>]>
  /** Positions and items. */
  entries(options?: NoCopyOptions): ArrayIterator<[number, T]>
  entries(options?: CopyOptions | NoCopyOptions): ArrayIterator<[number, unknown]> {
    const items = iterate(behind(this), wantsOnlyCopies(options, 'PersistentList')) as Generator<
      [number, unknown],
      undefined
    >
    return items as ArrayIterator<[number, unknown]>
  }

  [Symbol.iterator](): ArrayIterator<T> {
    return itemsOf(behind(this)) as ArrayIterator<T>
  }

  get [Symbol.toStringTag](): string {
    return 'PersistentList'
  }
}

const LIST: Kind = {
  type: 'PersistentList',
  version: 1,
  Class: PersistentList,
  ghost: () => new ListHeader(LIST, makeList(), false),
}
registerCollection(LIST)
const makeList = sealedClass(PersistentList)
refuseAssignment(PersistentList.prototype, { length: 'call clear() or splice()' }, 'call set() or push()')
