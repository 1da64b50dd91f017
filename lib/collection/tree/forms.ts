// The records that collections are kept in are told apart by their field names (spec/format.md).

/** The stored name of a tree's nodes ... */
export const NODE_TYPE = 'perdure.node'
/** ... and of values that stand apart from their entries. */
export const VALUE_TYPE = 'perdure.value'
/** Of a collection that is a tree. */
export const TREE_FORM: readonly string[] = ['size', 'height', 'root']
export const INNER_FORM: readonly string[] = ['separators', 'children']
export const LEAF_FORM: readonly string[] = ['keys', 'values']
/** Of a set. */
export const BARE_LEAF_FORM: readonly string[] = ['keys']
/** Of a list: a small one, and a leaf. */
export const ITEMS_FORM: readonly string[] = ['items']
/** The stored name of queues ... */
export const QUEUE_TYPE = 'PersistentQueue'
/** ... and the form of one that has nothing left. */
export const DRAINED_FORM: readonly string[] = ['next']
/** Inner nodes of a list. */
export const COUNTED_FORM: readonly string[] = ['counts', 'children']
export const VALUE_FORM: readonly string[] = ['value']

const APART = 'apart'
const LEAF_APART_FORM: readonly string[] = [...LEAF_FORM, APART]
const ITEMS_APART_FORM: readonly string[] = [...ITEMS_FORM, APART]

/** Which values of a leaf stand apart; undefined: none. */
export type Apart = true | readonly number[] | undefined

/** The form of a leaf, or of a small collection, some of whose values stand apart. */
export function withApart(form: readonly string[]): readonly string[] {
  if (form === LEAF_FORM) return LEAF_APART_FORM
  return form === ITEMS_FORM ? ITEMS_APART_FORM : [...form, APART]
}
