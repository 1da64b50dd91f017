// PersistentList: the class that applications use. The methods of Array that make sense without indexed fields and
// holes, with their meanings; those that make an array make a native one.
import { inspectable, registerCollection } from '../object/collection.js'
import type { Kind } from '../object/header.js'
import { StateError } from '../error.js'
import { ListHeader } from './list-header.js'
import { fold, mapped, search, type Callback, type Reducer } from './list-callbacks.js'
import { checkCallback, forbidDerived, headerBehind, type nominal } from './sealed.js'

const behind = (list: unknown): ListHeader => {
  const header = headerBehind(list, ListHeader, 'PersistentList')
  header.touch()
  return header
}

/**
 * A list that is a persistent object: the methods of `Array` with their meanings, and `at`, `set` and `insert` where an
 * array has brackets. It has no holes. A plain value belongs to the list: it is copied in, moved within the list, and
 * changing it in place changes the list. After an abort or a reload read it again from the list, because something else
 * may stand at its position.
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

  constructor(items?: Iterable<T> | null) {
    forbidDerived(new.target, PersistentList)
    const header = new ListHeader(LIST, this, true)
    header.replace(0, 0, [...(items ?? [])])
  }

  get length(): number {
    return behind(this).length
  }

  // ---- single items ----

  /** The item at this position, negative ones counted from the end; undefined outside of the list. */
  at(index: number): T | undefined {
    const header = behind(this)
    const at = toInteger(index)
    return header.item(at < 0 ? at + header.length : at) as T | undefined
  }

  /** Replaces the item at this position, negative ones counted from the end. Throws RangeError outside of the list. */
  set(index: number, value: T): this {
    const header = behind(this)
    header.replace(position(header, 'set', index, header.length - 1), 1, [value])
    return this
  }

  /** Puts values in before this position; at `length`, at the end. Gives the new length. Throws RangeError outside. */
  insert(index: number, ...values: T[]): number {
    const header = behind(this)
    header.replace(position(header, 'insert', index, header.length), 0, values)
    return header.length
  }

  // ---- both ends ----

  push(...values: T[]): number {
    const header = behind(this)
    header.replace(header.length, 0, values)
    return header.length
  }

  pop(): T | undefined {
    const header = behind(this)
    return header.length === 0 ? undefined : (header.splice(header.length - 1, 1, [])[0] as T)
  }

  shift(): T | undefined {
    const header = behind(this)
    return header.length === 0 ? undefined : (header.splice(0, 1, [])[0] as T)
  }

  unshift(...values: T[]): number {
    const header = behind(this)
    header.replace(0, 0, values)
    return header.length
  }

  // ---- parts and order ----

  /** Takes out and puts in; gives what was taken out. */
  splice(start: number, deleteCount?: number, ...values: T[]): T[]
  splice(...args: unknown[]): unknown[] {
    const header = behind(this)
    const [start, deleteCount, ...values] = args
    const from = clamp(toInteger(start), header.length)
    const rest = args.length === 0 ? 0 : header.length - from
    const count = args.length < 2 ? rest : Math.max(0, Math.min(toInteger(deleteCount), rest))
    return header.splice(from, count, values)
  }

  clear(): void {
    const header = behind(this)
    header.replace(0, header.length, [])
  }

  /** Sorts in place, as Array does: without `compare` by the items as strings. */
  sort(compare?: (a: T, b: T) => number): this {
    const header = behind(this)
    const items = header.slice()
    const { edition } = header
    items.sort(compare as ((a: unknown, b: unknown) => number) | undefined)
    header.touch()
    if (header.edition !== edition) throw new StateError('the list was changed by the function that compares its items')
    header.reorder(items)
    return this
  }

  reverse(): this {
    behind(this).reverse()
    return this
  }

  slice(start?: number, end?: number): T[] {
    return behind(this).slice(start, end) as T[]
  }

  /** A native array of these items and the others; arrays and lists among the arguments stand for their items. */
  concat(...others: (T | readonly T[] | PersistentList<T>)[]): T[] {
    const all = others.map(other => (other instanceof PersistentList ? other.slice() : other))
    return (behind(this).slice() as T[]).concat(...all)
  }

  toSorted(compare?: (a: T, b: T) => number): T[] {
    return (behind(this).slice() as T[]).sort(compare)
  }

  toReversed(): T[] {
    return behind(this).slice().reverse() as T[]
  }

  toArray(): T[] {
    return behind(this).slice() as T[]
  }

  toJSON(): T[] {
    return behind(this).slice() as T[]
  }

  join(separator?: string): string {
    return behind(this).slice().join(separator)
  }

  // ---- searching: as `===` has it; a plain value is found by what the list gave out, not by what was put in ----

  includes(value: T, ...from: [fromIndex?: number]): boolean {
    return behind(this)
      .comparable(value)
      .includes(value, ...from)
  }

  indexOf(value: T, ...from: [fromIndex?: number]): number {
    return behind(this)
      .comparable(value)
      .indexOf(value, ...from)
  }

  lastIndexOf(value: T, ...from: [fromIndex?: number]): number {
    const items = behind(this).comparable(value)
    return items.lastIndexOf(value, ...(from as [number]))
  }

  find<S extends T>(
    test: (value: T, index: number, list: PersistentList<T>) => value is S,
    thisArg?: unknown,
  ): S | undefined
  find(test: Callback<T, unknown>, thisArg?: unknown): T | undefined
  find(test: Callback<T, unknown>, thisArg?: unknown): T | undefined {
    return search(this, behind(this).visit(), test, thisArg)?.value
  }

  findIndex(test: Callback<T, unknown>, thisArg?: unknown): number {
    return search(this, behind(this).visit(), test, thisArg)?.at ?? -1
  }

  findLast<S extends T>(
    test: (value: T, index: number, list: PersistentList<T>) => value is S,
    thisArg?: unknown,
  ): S | undefined
  findLast(test: Callback<T, unknown>, thisArg?: unknown): T | undefined
  findLast(test: Callback<T, unknown>, thisArg?: unknown): T | undefined {
    return search(this, behind(this).visitBack(), test, thisArg)?.value
  }

  findLastIndex(test: Callback<T, unknown>, thisArg?: unknown): number {
    return search(this, behind(this).visitBack(), test, thisArg)?.at ?? -1
  }

  some(test: Callback<T, unknown>, thisArg?: unknown): boolean {
    return search(this, behind(this).visit(), test, thisArg) !== undefined
  }

  every(test: Callback<T, unknown>, thisArg?: unknown): boolean {
    checkCallback(test)
    const fails: Callback<T, boolean> = (value, index) => !test.call(thisArg, value, index, this)
    return search(this, behind(this).visit(), fails, undefined) === undefined
  }

  // ---- going through ----

  forEach(callback: Callback<T, void>, thisArg?: unknown): void {
    const header = behind(this)
    checkCallback(callback)
    for (const [value, at] of header.visit()) callback.call(thisArg, value as T, at, this)
  }

  map<U>(callback: Callback<T, U>, thisArg?: unknown): U[] {
    return mapped(this, behind(this), callback, thisArg)
  }

  flatMap<U>(callback: Callback<T, U | readonly U[]>, thisArg?: unknown): U[] {
    return mapped(this, behind(this), callback, thisArg).flat() as U[]
  }

  filter<S extends T>(test: (value: T, index: number, list: PersistentList<T>) => value is S, thisArg?: unknown): S[]
  filter(test: Callback<T, unknown>, thisArg?: unknown): T[]
  filter(test: Callback<T, unknown>, thisArg?: unknown): T[] {
    const header = behind(this)
    checkCallback(test)
    const result: T[] = []
    for (const [value, at] of header.visit()) if (test.call(thisArg, value as T, at, this)) result.push(value as T)
    return result
  }

  reduce(callback: Reducer<T, T>, initial?: T): T
  reduce<U>(callback: Reducer<T, U>, initial: U): U
  reduce(callback: Reducer<T, never>, ...initial: unknown[]): unknown {
    return fold(this, behind(this).visit(), callback, initial)
  }

  reduceRight(callback: Reducer<T, T>, initial?: T): T
  reduceRight<U>(callback: Reducer<T, U>, initial: U): U
  reduceRight(callback: Reducer<T, never>, ...initial: unknown[]): unknown {
    return fold(this, behind(this).visitBack(), callback, initial)
  }

  keys(): ArrayIterator<number> {
    return positionsOf(behind(this)) as ArrayIterator<number>
  }

  values(): ArrayIterator<T> {
    return itemsOf(behind(this)) as ArrayIterator<T>
  }

  entries(): ArrayIterator<[number, T]> {
    return behind(this).iterate() as Generator<[number, unknown], undefined> as ArrayIterator<[number, T]>
  }

  [Symbol.iterator](): ArrayIterator<T> {
    return itemsOf(behind(this)) as ArrayIterator<T>
  }

  get [Symbol.toStringTag](): string {
    return 'PersistentList'
  }
}

function* positionsOf(header: ListHeader): Generator<number, undefined> {
  for (const [at] of header.iterate()) yield at
}

function* itemsOf(header: ListHeader): Generator<unknown, undefined> {
  for (const [, item] of header.iterate()) yield item
}

// As Array does with its arguments: what is no number is 0.
function toInteger(value: unknown): number {
  return Math.trunc(Number(value)) || 0
}

function clamp(index: number, length: number): number {
  return index < 0 ? Math.max(index + length, 0) : Math.min(index, length)
}

function position(header: ListHeader, method: string, index: number, highest: number): number {
  const at = index < 0 ? index + header.length : index
  if (Number.isInteger(at) && at >= 0 && at <= highest) return at
  throw new RangeError(
    `PersistentList.${method}: there is no position ${String(index)} in a list of ${header.length} items`,
  )
}

const LIST: Kind = {
  type: 'PersistentList',
  version: 1,
  Class: PersistentList,
  ghost: () => new ListHeader(LIST, Object.create(PersistentList.prototype) as object, false),
}
registerCollection(LIST)
inspectable(PersistentList.prototype)
