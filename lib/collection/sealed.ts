// What the collections have in common to the outside: they are told apart by the type checker and cannot be derived from.
import type { Header } from '../object/header.js'
import { hiddenHeader } from '../object/hidden-header.js'
import { quoted } from '../object/option-names.js'

/** Marks collections in the types, so that nothing else looks like one; there is no such property. */
export declare const nominal: unique symbol

/** The type of a collection's copy stands here, for the types alone. */
export declare const native: unique symbol

/** Any collection: a persistent object that is one, and can be referred to as such. */
export interface Collection {
  readonly [nominal]: true
}

/** Stops a constructor that was called by a derived class. */
export function forbidDerived(target: unknown, Class: { readonly name: string }): void {
  if (target === Class) return
  throw new TypeError(`${Class.name} cannot be extended: keep one in a field of a class that extends Persistent`)
}

/** What a constructor is given to begin with, which may be nothing. Throws TypeError for what cannot be gone through. */
export function given<T>(
  values: Iterable<T> | null | undefined,
  { name }: { readonly name: string },
  of: string,
): Iterable<T> {
  if (values === undefined || values === null) return []
  if (typeof (values as Partial<Iterable<T>>)[Symbol.iterator] === 'function') return values
  throw new TypeError(`new ${name}() expects ${of}, in an array or another iterable, not ${quoted(values)}`)
}

/** The header behind `this` of a method. */
export function headerBehind<H extends Header>(
  object: unknown,
  HeaderClass: abstract new (...args: never[]) => H,
  type: string,
): H {
  const header = hiddenHeader(object)
  if (header instanceof HeaderClass) return header
  throw new TypeError(`a method of ${type} was called on something that is no ${type}`)
}

/** Throws as the methods of Array and Map do, also when there is nothing to call it with. */
export function checkCallback(callback: unknown): void {
  if (typeof callback !== 'function') throw new TypeError(`${String(callback)} is not a function`)
}
