// A node of a tree on its way into a record.
import type { Encoder } from '../../object/encoder.js'
import type { Header } from '../../object/header.js'
import type { StoredState } from '../../object/record-view.js'
import type { Oid } from '../../store/types.js'
import { encodeKeys, hasReference, keyName, type StoredKey } from '../key.js'
import { EditedLeaf } from './edited-leaf.js'
import { BARE_LEAF_FORM, COUNTED_FORM, INNER_FORM, ITEMS_FORM, LEAF_FORM, NODE_TYPE, withApart } from './forms.js'
import type { Leaf } from './leaf.js'
import type { Inner } from './node.js'
import { PartHeader, partKind } from './part-header.js'
import { apartIn, encodeAllApart, encodeApart, encodeValue, referApart } from './raw-value.js'

const NODE = partKind(NODE_TYPE)

/**
 * What a node holds. `values` and `items` of leaves: as a transaction put them there, a RawValue, or the header of one that
 * stands apart; of a set: none. `start`: position of the first item.
 */
export type Content =
  | EditedLeaf
  | { readonly items: readonly unknown[]; readonly start: number }
  | { readonly counts: readonly number[]; readonly children: readonly (NodeHeader | Oid)[] }
  | { readonly keys: readonly StoredKey[]; readonly values: readonly unknown[] | undefined }
  | { readonly separators: readonly StoredKey[]; readonly children: readonly (NodeHeader | Oid)[] }

export class NodeHeader extends PartHeader {
  readonly #content: Content

  /** `oid`: of the node that this is a new version of; 0: it is a new one. */
  constructor(content: Content, oid: Oid, collection: Header) {
    super(NODE, oid, collection)
    this.#content = content
  }

  keys(): readonly string[] {
    const content = this.#content
    if (content instanceof EditedLeaf) return content.form
    if ('counts' in content) return COUNTED_FORM
    if ('children' in content) return INNER_FORM
    if ('items' in content) return formFor(ITEMS_FORM, content.items)
    return content.values ? formFor(LEAF_FORM, content.values) : BARE_LEAF_FORM
  }

  encode(encoder: Encoder): void {
    const content = this.#content
    if (content instanceof EditedLeaf) return content.encode(encoder)
    if ('items' in content) return encodeItems(content.items, content.start, encoder)
    if ('keys' in content) return encodeEntries(content.keys, content.values, encoder)
    if ('counts' in content) {
      encoder.array(content.counts.length)
      for (const count of content.counts) encoder.write(count, '')
    } else {
      encodeKeys(content.separators, encoder)
    }
    encoder.array(content.children.length)
    if (encoder.refers) for (const child of content.children) encoder.reference(child, '')
    else encoder.inOrder(content.children.map(child => encoder.refer(child, '')))
  }

  override get readByParts(): boolean {
    return true
  }

  override made(state: StoredState): Leaf | Inner | undefined {
    const content = this.#content
    if (content instanceof EditedLeaf) return content.leaf(state)
    return 'children' in content ? innerMade(content, state) : undefined
  }
}

/** Undefined: it has to be read. */
function innerMade(content: Extract<Content, { readonly children: unknown }>, state: StoredState): Inner | undefined {
  const children = content.children.map(child => (typeof child === 'number' ? child : child.oid))
  const [separators, counts] = 'counts' in content ? [[], content.counts] : [content.separators, undefined]
  if (separators.some(hasReference)) return undefined
  state.keepBytes(false)
  return { separators, counts, children }
}

/** The form of a leaf, or small collection, that holds these values. */
export function formFor(form: readonly string[], values: readonly unknown[]): readonly string[] {
  return apartIn(values) === undefined ? form : withApart(form)
}

export function encodeEntries(
  keys: readonly StoredKey[],
  values: readonly unknown[] | undefined,
  encoder: Encoder,
): void {
  encodeKeys(keys, encoder)
  if (!values) return
  if (!encoder.refers && apartIn(values) === true) {
    encodeAllApart(
      values.map((value, i) => referApart(value, encoder, keyName(keys[i] as StoredKey))),
      encoder,
    )
    return
  }
  encoder.array(values.length)
  for (let i = 0; i < values.length; i++) {
    const key = keys[i] as StoredKey
    encodeValue(values[i], encoder, typeof key === 'string' || typeof key === 'number' ? key : keyName(key))
  }
  encodeApart(apartIn(values), encoder)
}

/** Items of a list, the first of which stands at `start`. */
export function encodeItems(items: readonly unknown[], start: number, encoder: Encoder): void {
  encoder.array(items.length)
  for (let i = 0; i < items.length; i++) encodeValue(items[i], encoder, start + i)
  encodeApart(apartIn(items), encoder)
}
