// The words that the layers exchange: numbers with meaning, records as bytes and references, drafts of commits.
// Nothing here knows of classes or of system calls.

declare const kind: unique symbol
/** Object number: 1 is the root, 2 to 15 are reserved, given out by the commit that first stores an object, never reused. */
export type Oid = number & { readonly [kind]: 'oid' }
/** Commit number: dense from 1, continued by packs. 0 is "before the first commit". */
export type Tid = number & { readonly [kind]: 'tid' }
/** A byte offset in one data file. 0 is "nowhere": the header stands there, so no record can. */
export type Offset = number & { readonly [kind]: 'offset' }

export const ROOT_OID = 1 as Oid
export const FIRST_FREE_OID = 16 as Oid

/** Stands in place of a shape: the record says that the transaction with this id has been committed (see transaction-id.ts). */
export const ID_SHAPE = 2 as Oid
/** Stands in place of a shape: nothing is left of this object, which `recover` could not save. */
export const LOST_SHAPE = 3 as Oid

/** Part of other bytes, without a view of its own: there are many of these. */
export interface Stretch {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
}

export function stretchOf(bytes: Uint8Array): Stretch {
  return { bytes, from: 0, to: bytes.length }
}

/** A copy of a stretch, which keeps nothing else in memory. */
export function copyOf({ bytes, from, to }: Stretch): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, from, to) // that of a Buffer copies nothing
}

/** One version of one object, as it stands in the file; the stretch is its state. */
export interface StoredRecord extends Stretch {
  readonly oid: Oid
  /** Oid of the shape record; 0: this record is itself a shape. */
  readonly shape: Oid
  /** The commit that wrote this version. */
  readonly tid: Tid
  /** Where the version stands that this one replaced; 0: none in this file. */
  readonly previous: Offset
  /** What the state refers to, by its index in this list. */
  readonly refs: readonly Oid[]
  /** Position-independent: a MessagePack array of values in the shape's key order. A view of bytes that do not change. */
  readonly state: Uint8Array
  readonly offset: Offset
  /** Bytes that the record takes in the file. */
  readonly length: number
}

/**
 * A record to be committed. Numbers below zero stand for oids that the commit gives out: -1 is its first new
 * object, -2 the second, and so on; they are given out in that order. Shapes are records too (`shape` 0). The stretch is the state.
 */
export interface DraftRecord extends Stretch {
  readonly oid: number
  readonly shape: number
  readonly refs: readonly number[]
}

/** What a transaction wants to append, bytes already encoded; built before the lock. */
export interface Draft {
  readonly records: readonly DraftRecord[]
  /** How many oids below zero the records use. */
  readonly fresh: number
  /** A MessagePack map with `note` and `meta`; empty: none. */
  readonly annotation: Uint8Array
}
