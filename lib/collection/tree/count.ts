// How many entries of a stored state are in a range: leaf by leaf, as only the first one and the last may have some outside.
import { unknownForm } from '../../object/values.js'
import type { Leaf } from './leaf.js'
import { Cursor, isAbove, type Bound, type Range, type Tree } from './tree.js'

export function countStored(tree: Tree, { low, high }: Range): number {
  if (!low && !high) return tree.size
  const cursor = new Cursor(tree)
  if (low) cursor.toFrom(low.key, low.open)
  else cursor.toFirst()
  let sum = 0
  for (; !cursor.ended; cursor.passLeaf()) {
    const { leaf, at } = cursor
    const last = leaf.keys.at(-1) ?? unknownForm()
    if (high && isAbove(last, high)) return sum + Math.max(0, endIn(leaf, high) - at)
    sum += leaf.size - at
  }
  return sum
}

/** Where the entries of a leaf end that are not above. */
function endIn(leaf: Leaf, { key, open }: Bound): number {
  const at = leaf.find(key)
  return at < 0 ? ~at : open ? at : at + 1
}
