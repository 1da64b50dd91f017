// Leaves whose values all stand apart have them in their list of references alone, in the order of the entries (spec/format.md,
// Collections). In the text of a dump, which has no such list, they stand where those of other leaves do; this file puts them there
// and takes them away again.
import { sameKeys, type Shape } from '../../object/shapes.js'
import type { Packable } from '../../object/values.js'
import type { Oid } from '../../store/types.js'
import { LEAF_FORM, NODE_TYPE, withApart } from './forms.js'
import { referenceIn } from './raw-value.js'

const FORM = withApart(LEAF_FORM)
const VALUES = FORM.indexOf('values')
const APART = FORM.indexOf('apart')
const TYPES: ReadonlySet<string> = new Set([NODE_TYPE, 'PersistentMap', 'PersistentQueue'])

function isOfForm({ type, keys }: Shape): boolean {
  return TYPES.has(type) && keys !== null && sameKeys(keys, FORM)
}

/** The number of the field that stands in the list of references alone; -1: none does. `raw`: the fields as they are in the state. */
export function listedField(shape: Shape, raw: readonly unknown[], refs: readonly Oid[]): number {
  return isOfForm(shape) && raw[VALUES] === null && raw[APART] === true && refs.length > 0 ? VALUES : -1
}

/** The fields as a state has them, where references stand in all of them: without those that the list tells by its order. */
export function withoutListed(shape: Shape, fields: Packable[], refs: readonly Oid[]): Packable[] {
  const values = fields[VALUES]
  if (!isOfForm(shape) || fields[APART] !== true || !Array.isArray(values)) return fields
  const isAll = values.length > 0 && values.length === refs.length
  const inOrder = isAll && values.every((value, n) => referenceIn(value, refs) === refs[n])
  return inOrder ? fields.map((field, n) => (n === VALUES ? null : field)) : fields
}
