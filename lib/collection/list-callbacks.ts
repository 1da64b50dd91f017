// The methods of PersistentList that call a function for each item, with the meanings that they have for Array.
import type { PersistentList } from './persistent-list.js'
import type { ListHeader } from './list-header.js'
import { visit } from './list-visits.js'
import { checkCallback } from './sealed.js'

export type Callback<T, R> = (value: T, index: number, list: PersistentList<T>) => R
export type Guard<T, S extends T> = (value: T, index: number, list: PersistentList<T>) => value is S
export type Reducer<T, U> = (previous: U, value: T, index: number, list: PersistentList<T>) => U

type Visit = Generator<readonly [item: unknown, at: number], void>

export function search<T>(
  list: PersistentList<T>,
  visit: Visit,
  test: Callback<T, unknown>,
  thisArg: unknown,
): { value: T; at: number } | undefined {
  checkCallback(test)
  for (const [value, at] of visit) if (test.call(thisArg, value as T, at, list)) return { value: value as T, at }
  return undefined
}

export function mapped<T, U>(
  list: PersistentList<T>,
  header: ListHeader,
  callback: Callback<T, U>,
  thisArg: unknown,
): U[] {
  checkCallback(callback)
  const result = new Array<U>(header.length)
  for (const [value, at] of visit(header)) result[at] = callback.call(thisArg, value as T, at, list)
  return result
}

export function fold<T>(
  list: PersistentList<T>,
  visit: Visit,
  callback: Reducer<T, never>,
  initial: unknown[],
): unknown {
  checkCallback(callback)
  let has = initial.length > 0
  let result = initial[0]
  for (const [value, at] of visit) {
    result = has ? callback(result as never, value as T, at, list) : value
    has = true
  }
  if (!has) throw new TypeError('reduce of an empty list needs an initial value')
  return result
}
