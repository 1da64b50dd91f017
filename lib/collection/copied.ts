// The types of copies that a passage through a collection gives, where it is asked for these.
import type { Persistent } from '../object/persistent.js'
import type { Collection } from './sealed.js'

/** What a copy has in place of an object that something refers to. */
export interface Mentioned {
  /** Stored name of its class. */
  readonly type: string
  readonly oid: number | undefined
}

/** `V` as ordinary data, as `plain(value)` gives it: of an object its fields, and what they refer to as type and oid. */
export type Copied<V> = V extends Persistent ? CopiedFields<V> : CopiedPart<V>

// Without methods, as far as types can tell them from fields.
type CopiedFields<T> = { [F in keyof T as T[F] extends (...args: never[]) => unknown ? never : F]: CopiedPart<T[F]> }

type CopiedPart<T> = T extends Persistent | Collection
  ? Mentioned
  : T extends Date | NodeJS.TypedArray
    ? T
    : T extends readonly unknown[]
      ? { -readonly [I in keyof T]: CopiedPart<T[I]> }
      : T extends object
        ? { [F in keyof T]: CopiedPart<T[F]> }
        : T
