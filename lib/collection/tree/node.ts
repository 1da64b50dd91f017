// The stored form of a collection, and of the nodes of its tree (spec/format.md). What is read is never changed: a commit
// makes new versions of it (rewrite.ts).
import type { RecordView, StoredState } from '../../object/record-view.js'
import { sameKeys, type Shape } from '../../object/shapes.js'
import { readCount, readReference, readValue, unpackWith } from '../../object/unpack.js'
import { unknownForm } from '../../object/values.js'
import type { Offset, Oid, StoredRecord } from '../../store/types.js'
import type { StoredKey } from '../key.js'
import {
  BARE_LEAF_FORM,
  COUNTED_FORM,
  DRAINED_FORM,
  INNER_FORM,
  ITEMS_FORM,
  LEAF_FORM,
  NODE_TYPE,
  QUEUE_TYPE,
  TREE_FORM,
  VALUE_FORM,
  VALUE_TYPE,
  withApart,
} from './forms.js'
import { Leaf, NO_LEAF } from './leaf.js'
import { referenceIn } from './raw-value.js'
import { readApartValue, readItems, readKeyed, readKeys } from './read-leaf.js'

/** More than any tree has; a crafted one must not keep a reader busy. */
const HIGHEST = 64

/** `children[i]` has the keys from `separators[i - 1]` on and below `separators[i]`, or, in a list, the next `counts[i]` items. */
export interface Inner {
  readonly separators: readonly StoredKey[]
  /** Undefined: not of a list. */
  readonly counts: readonly number[] | undefined
  readonly children: readonly Oid[]
}

/**
 * What the collection's own record says. `height`: how many levels of inner nodes there are; 0: `leaf` is everything. `next`: of a
 * queue without items, the number of the next one, if it has had any.
 */
export type Root =
  | { readonly height: 0; readonly size: number; readonly leaf: Leaf; readonly next?: number }
  | { readonly height: number; readonly size: number; readonly root: Oid; readonly leaf?: undefined }

export const NO_ENTRIES: Root = { height: 0, size: 0, leaf: NO_LEAF }

/** The root of a collection whose small form has the fields `small`. Throws SchemaError. */
export function rootOf(state: StoredState, small: readonly string[]): Root {
  return (state.made ??= state.read(() => readRoot(state, small))) as Root
}

function readRoot(state: StoredState, small: readonly string[]): Root {
  if (sameKeys(state.keys, TREE_FORM)) {
    const [size, height, root] = state.raw
    if (!isCount(size) || !isCount(height) || height === 0 || height > HIGHEST) return unknownForm()
    return { size, height, root: referenceIn(root, state.refs) ?? unknownForm() }
  }
  if (state.shape.type === QUEUE_TYPE && sameKeys(state.keys, DRAINED_FORM)) {
    const [next] = state.raw
    return isCount(next) && next > 0 ? { height: 0, size: 0, leaf: NO_LEAF, next } : unknownForm()
  }
  const leaf = readEntries(state, small)
  return leaf ? { height: 0, size: leaf.size, leaf } : unknownForm()
}

export function leafOf(view: RecordView, oid: Oid): Leaf {
  const state = view.read(oid)
  const made = (state.made ??= state.read(() => readLeaf(state)))
  return made instanceof Leaf ? made : unknownForm() // a crafted tree may lead to one record in two ways
}

/** A value that stands apart: a leaf of nothing else. */
export function apartOf(view: RecordView, oid: Oid): Leaf {
  const record = view.readOnce(oid)
  return readApart(record, view.shapeOf(record), view.snapshot.generation.number)
}

export function innerOf(view: RecordView, oid: Oid): Inner {
  const state = view.read(oid)
  const made = (state.made ??= state.read(() => readInner(state))) as Inner | Leaf | Root
  return 'children' in made ? made : unknownForm()
}

/** The version of a leaf that stands at `at`; undefined: the record there is of a tree, and has no entries itself. */
export function leafAt(view: RecordView, at: Offset, small: readonly string[]): Leaf | undefined {
  const record = view.recordAt(at)
  const state = view.unpack(record)
  if (state.shape.type === VALUE_TYPE) return readApart(record, state.shape, state.generation)
  return state.shape.type === NODE_TYPE ? readLeaf(state) : rootOf(state, small).leaf
}

function readLeaf(state: StoredState): Leaf {
  if (state.shape.type !== NODE_TYPE) return unknownForm()
  return (
    readEntries(state, LEAF_FORM) ??
    readEntries(state, ITEMS_FORM) ??
    readEntries(state, BARE_LEAF_FORM) ??
    unknownForm()
  )
}

/** The entries of a record of this form, or the same with values that stand apart; undefined: it is of another one. */
function readEntries(state: StoredState, form: readonly string[]): Leaf | undefined {
  const { keys } = state
  const counted = sameKeys(form, ITEMS_FORM)
  const valued = counted || form.length > 1
  const someApart = valued && keys.length === form.length + 1
  if (!sameKeys(keys, someApart ? withApart(form) : form)) return undefined
  return counted ? readItems(state, someApart) : readKeyed(state, valued, someApart)
}

function readApart(record: StoredRecord, { type, keys }: Shape, generation: number): Leaf {
  if (type !== VALUE_TYPE || keys === null || !sameKeys(keys, VALUE_FORM)) return unknownForm()
  return readApartValue(record, generation)
}

function readInner(state: StoredState): Inner {
  const { keys, refs, shape, packed } = state
  const counted = sameKeys(keys, COUNTED_FORM)
  if (shape.type !== NODE_TYPE || !(counted || sameKeys(keys, INNER_FORM))) return unknownForm()
  const inner = unpackWith(packed, () => {
    if (readCount() !== 2) unknownForm()
    const counts = counted ? readCounts() : undefined
    const separators = counted ? [] : readKeys(refs)
    const children: Oid[] = []
    const count = counts ? counts.length : separators.length + 1
    if (readCount() !== count) unknownForm()
    while (children.length < count) children.push(refs[readReference()] ?? unknownForm())
    return { separators, counts, children }
  })
  state.keepBytes(false)
  return inner
}

function readCounts(): number[] {
  const counts: number[] = []
  for (let left = readCount(); left > 0; left--) {
    const count = readValue()
    counts.push(isCount(count) && count > 0 ? count : unknownForm())
  }
  return counts
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
