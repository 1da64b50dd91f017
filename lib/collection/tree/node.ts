// The stored form of a map or set, and of the nodes of its tree (spec/format.md). What is read is never changed: a commit
// makes new versions of it (rewrite.ts).
import type { RecordView, StoredState } from '../../object/record-view.js'
import { sameKeys } from '../../object/shapes.js'
import { readCount, readReference, unpackWith } from '../../object/unpack.js'
import { unknownForm } from '../../object/values.js'
import type { Offset, Oid } from '../../store/types.js'
import type { StoredKey } from '../key.js'
import { Leaf, NO_LEAF, readKeys } from './leaf.js'
import { referenceIn } from './raw-value.js'

/** The stored name of a tree's nodes. */
export const NODE_TYPE = 'perdure.node'
/** Field names of the records, by which they are told apart. */
export const TREE_FORM: readonly string[] = ['size', 'height', 'root']
export const INNER_FORM: readonly string[] = ['separators', 'children']
export const LEAF_FORM: readonly string[] = ['keys', 'values']
/** Of a set. */
export const BARE_LEAF_FORM: readonly string[] = ['keys']

/** `children[i]` has the keys from `separators[i - 1]` on and below `separators[i]`. */
export interface Inner {
  readonly separators: readonly StoredKey[]
  readonly children: readonly Oid[]
}

/** What the collection's own record says. `height`: how many levels of inner nodes there are; 0: `leaf` is everything. */
export type Root =
  | { readonly height: 0; readonly size: number; readonly leaf: Leaf }
  | { readonly height: number; readonly size: number; readonly root: Oid; readonly leaf?: undefined }

export const NO_ENTRIES: Root = { height: 0, size: 0, leaf: NO_LEAF }

/** The root of a collection whose small form has the fields `small`. Throws SchemaError. */
export function rootOf(state: StoredState, small: readonly string[]): Root {
  return (state.made ??= readRoot(state, small)) as Root
}

function readRoot(state: StoredState, small: readonly string[]): Root {
  if (sameKeys(state.keys, TREE_FORM)) {
    const [size, height, root] = state.raw
    if (!isCount(size) || !isCount(height) || height === 0) return unknownForm()
    return { size, height, root: referenceIn(root, state.refs) ?? unknownForm() }
  }
  if (!sameKeys(state.keys, small)) return unknownForm()
  const leaf = Leaf.read(state, small.length > 1)
  return { height: 0, size: leaf.keys.length, leaf }
}

export function leafOf(view: RecordView, oid: Oid): Leaf {
  const state = view.read(oid)
  return (state.made ??= readLeaf(state)) as Leaf
}

export function innerOf(view: RecordView, oid: Oid): Inner {
  const state = view.read(oid)
  return (state.made ??= readInner(state)) as Inner
}

/** The version of a leaf that stands at `at`; undefined: the record there is of a tree, and has no entries itself. */
export function leafAt(view: RecordView, at: Offset, small: readonly string[]): Leaf | undefined {
  const state = view.readAt(at)
  return state.shape.type === NODE_TYPE ? readLeaf(state) : rootOf(state, small).leaf
}

function readLeaf(state: StoredState): Leaf {
  const { keys, shape } = state
  const valued = sameKeys(keys, LEAF_FORM)
  if (shape.type !== NODE_TYPE || !(valued || sameKeys(keys, BARE_LEAF_FORM))) return unknownForm()
  return Leaf.read(state, valued)
}

function readInner(state: StoredState): Inner {
  const { keys, refs, shape, packed } = state
  if (shape.type !== NODE_TYPE || !sameKeys(keys, INNER_FORM)) return unknownForm()
  const inner = unpackWith(packed, () => {
    if (readCount() !== 2) unknownForm()
    const separators = readKeys(refs)
    if (readCount() !== separators.length + 1) unknownForm()
    const children: Oid[] = []
    while (children.length <= separators.length) children.push(refs[readReference()] ?? unknownForm())
    return { separators, children }
  })
  state.keepBytes(false)
  return inner
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
