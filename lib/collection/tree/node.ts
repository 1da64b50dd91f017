// The stored form of a map or set, and of the nodes of its tree (spec/format.md). What is read is never changed: a commit
// makes new versions of it (rewrite.ts).
import type { Decoder } from '../../object/codec.js'
import { Decoder as Reader } from '../../object/codec.js'
import { unresolved } from '../../object/header.js'
import type { RecordView, StoredState } from '../../object/record-view.js'
import { sameKeys } from '../../object/shapes.js'
import { unknownForm } from '../../object/values.js'
import type { Oid, Offset, Tid } from '../../store/types.js'
import { decodeKey, type StoredKey } from '../key.js'

/** The stored name of a tree's nodes. */
export const NODE_TYPE = 'perdure.node'
/** Field names of the records, by which they are told apart. */
export const TREE_FORM: readonly string[] = ['size', 'height', 'root']
export const INNER_FORM: readonly string[] = ['separators', 'children']
export const LEAF_FORM: readonly string[] = ['keys', 'values']
/** Of a set. */
export const BARE_LEAF_FORM: readonly string[] = ['keys']

/** Names the version of the record that something was read from. */
export interface Source {
  readonly oid: Oid
  readonly tid: Tid
  readonly at: Offset
  readonly generation: number
}

/** Entries in the order of their keys: all of a small collection, or one leaf of a tree. */
export interface Leaf {
  readonly keys: readonly StoredKey[]
  /** Undecoded; of a set: none. */
  readonly values: readonly unknown[] | undefined
  /** What references in the values lead to. */
  readonly refs: readonly Oid[]
  /** The same as marks of references that nobody followed. */
  readonly marks: readonly symbol[]
  /** Undefined: not from a file. */
  readonly source: Source | undefined
}

/** `children[i]` has the keys from `separators[i - 1]` on and below `separators[i]`. */
export interface Inner {
  readonly separators: readonly StoredKey[]
  readonly children: readonly Oid[]
}

/** What the collection's own record says. `height`: how many levels of inner nodes there are; 0: `leaf` is everything. */
export type Root =
  | { readonly height: 0; readonly size: number; readonly leaf: Leaf }
  | { readonly height: number; readonly size: number; readonly root: Oid; readonly leaf?: undefined }

export const NO_ENTRIES: Root = {
  height: 0,
  size: 0,
  leaf: { keys: [], values: undefined, refs: [], marks: [], source: undefined },
}

/** The root of a collection whose small form has the fields `small`. Throws SchemaError. */
export function decodeRoot(
  names: readonly string[],
  raw: readonly unknown[],
  decoder: Decoder,
  refs: readonly Oid[],
  source: Source | undefined,
  small: readonly string[],
): Root {
  if (sameKeys(names, TREE_FORM)) {
    const [size, height, root] = raw
    if (!isCount(size) || !isCount(height) || height === 0) return unknownForm()
    return { size, height, root: referred(root, refs) }
  }
  if (!sameKeys(names, small)) return unknownForm()
  const leaf = decodeLeaf(raw, decoder, refs, source, small.length > 1)
  return { height: 0, size: leaf.keys.length, leaf }
}

export function rootOf(state: StoredState, small: readonly string[]): Root {
  return (state.made ??= decodeRoot(state.keys, state.raw, reader(state.refs), state.refs, state, small)) as Root
}

export function leafOf(view: RecordView, oid: Oid): Leaf {
  const state = view.read(oid)
  return (state.made ??= decodeLeafNode(state)) as Leaf
}

export function innerOf(view: RecordView, oid: Oid): Inner {
  const state = view.read(oid)
  return (state.made ??= decodeInner(state)) as Inner
}

/** The version of a leaf that stands at `at`; undefined: the record there is of a tree, and has no entries itself. */
export function leafAt(view: RecordView, at: Offset, small: readonly string[]): Leaf | undefined {
  const state = view.readAt(at)
  return state.shape.type === NODE_TYPE ? decodeLeafNode(state) : rootOf(state, small).leaf
}

function decodeLeafNode(state: StoredState): Leaf {
  const { keys, raw, refs, shape } = state
  const valued = sameKeys(keys, LEAF_FORM)
  if (shape.type !== NODE_TYPE || !(valued || sameKeys(keys, BARE_LEAF_FORM))) return unknownForm()
  return decodeLeaf(raw, reader(refs), refs, state, valued)
}

function decodeLeaf(
  [keys, values]: readonly unknown[],
  decoder: Decoder,
  refs: readonly Oid[],
  source: Source | undefined,
  valued: boolean,
): Leaf {
  if (!Array.isArray(keys)) return unknownForm()
  if (valued && !(Array.isArray(values) && values.length === keys.length)) return unknownForm()
  return {
    keys: keys.map(key => decodeKey(key, decoder)),
    values: valued ? (values as unknown[]) : undefined,
    refs,
    marks: refs.map(unresolved),
    source: source && { oid: source.oid, tid: source.tid, at: source.at, generation: source.generation },
  }
}

function decodeInner({ keys, raw, refs, shape }: StoredState): Inner {
  const [separators, children] = raw
  if (shape.type !== NODE_TYPE || !sameKeys(keys, INNER_FORM)) return unknownForm()
  if (!Array.isArray(separators) || !Array.isArray(children) || children.length !== separators.length + 1)
    return unknownForm()
  const decoder = reader(refs)
  return {
    separators: separators.map(key => decodeKey(key, decoder)),
    children: children.map(child => referred(child, refs)),
  }
}

function reader(refs: readonly Oid[]): Decoder {
  return new Reader(refs.map(unresolved), undefined)
}

/** The oid that an undecoded value refers to; undefined: it is no reference, but may be data with an empty key among others. */
export function referenceIn(raw: unknown, refs: readonly Oid[]): Oid | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const index = (raw as { readonly ['']?: unknown })['']
  if (typeof index !== 'number' || Object.keys(raw).length > 1) return undefined
  return refs[index] ?? unknownForm()
}

function referred(raw: unknown, refs: readonly Oid[]): Oid {
  return referenceIn(raw, refs) ?? unknownForm()
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
