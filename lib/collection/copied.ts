// Copies of the values that a passage through a collection gives, where it is asked for these: how it is, and their types.
import type { Mentioned } from '../object/mentioned.js'
import { checkNames } from '../object/option-names.js'
import type { Persistent } from '../object/persistent.js'
import { plain, type PlainOptions } from '../object/plain.js'
import type { Collection, native } from './sealed.js'

/** What a map or list gives of its values. */
export interface CopyOptions {
  /**
   * True: copies of the values as ordinary data, as `plain(value)` makes them, of which the connection keeps nothing. So millions
   * can be gone through without a pause, and in less time. Of objects they have fields only: no methods, no accessors, no transient fields.
   */
  readonly plain: true
}

/** The values themselves. */
export interface NoCopyOptions {
  readonly plain?: false | undefined
}

export const COPYING: ReadonlySet<string> = new Set<keyof CopyOptions>(['plain'])

/** Whether these ask for copies. Throws TypeError. */
export function wantsCopies(options: CopyOptions | NoCopyOptions | undefined): boolean {
  const copies: unknown = options?.plain
  if (copies === undefined || typeof copies === 'boolean') return copies === true
  throw new TypeError(`plain must be true or false, not of type ${typeof copies}`)
}

/** The same where there are no other options. Throws TypeError. */
export function wantsOnlyCopies(options: CopyOptions | NoCopyOptions | undefined, of: string): boolean {
  if (options !== undefined) checkNames(options, COPYING, of)
  return wantsCopies(options)
}

/**
 * `V` as ordinary data, as `plain(value)` gives it, and collections that are asked for copies: of an object its fields, and what they refer
 * to as type and oid; of a collection its native counterpart. (Accessors and transient fields look to types as fields do; no copy has them.)
 */
export type Plain<V> = V extends { readonly [native]: infer N }
  ? N
  : V extends Persistent
    ? CopiedFields<V>
    : CopiedPart<V>

/**
 * A copy of the value as ordinary objects and arrays, with no tie to the store. Persistent objects become plain objects,
 * collections their native counterparts. An object met twice is one object in the copy, cycles included. Methods, accessors and transient
 * fields are not copied. Objects beyond `depth` are only named, as `{ type, oid }`, which cannot be stored in their place.
 */
export const plainCopy = plain as {
  <V>(value: V): Plain<V>
  (value: unknown, options: PlainOptions): unknown
}

// Without methods; accessors, which a copy has not got either, look to types as fields do.
type CopiedFields<T> = { [F in keyof T as T[F] extends (...args: never[]) => unknown ? never : F]: CopiedPart<T[F]> }

/** What a copy has of a part of what it is made of. */
export type CopiedPart<T> = T extends Persistent | Collection
  ? Mentioned
  : T extends Date | NodeJS.TypedArray
    ? T
    : T extends readonly (infer E)[]
      ? number extends T['length']
        ? CopiedPart<E>[] // not as tuples are: that would not end where the elements are such arrays themselves
        : { -readonly [I in keyof T]: CopiedPart<T[I]> }
      : T extends object
        ? { [F in keyof T]: CopiedPart<T[F]> }
        : T
