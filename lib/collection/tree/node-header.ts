// A node of a tree on its way into a record: made by a commit, and forgotten after it. Reading goes past it (node.ts).
import { registerCollection } from '../../object/collection.js'
import type { Encoder } from '../../object/codec.js'
import { Header, type Kind } from '../../object/header.js'
import { unknownForm } from '../../object/values.js'
import type { StoredState } from '../../object/record-view.js'
import type { Oid } from '../../store/types.js'
import { encodeKeys, keyName, type StoredKey } from '../key.js'
import { EditedLeaf } from './edited-leaf.js'
import type { Leaf } from './leaf.js'
import { BARE_LEAF_FORM, COUNTED_FORM, INNER_FORM, ITEMS_FORM, LEAF_FORM, NODE_TYPE } from './node.js'
import { RawValue } from './raw-value.js'

/**
 * What a node holds. `values` and `items` of leaves: as a transaction put them there, or a RawValue; of a set: none.
 * `start`: position of the first item.
 */
export type Content =
  | EditedLeaf
  | { readonly items: readonly unknown[]; readonly start: number }
  | { readonly counts: readonly number[]; readonly children: readonly (NodeHeader | Oid)[] }
  | { readonly keys: readonly StoredKey[]; readonly values: readonly unknown[] | undefined }
  | { readonly separators: readonly StoredKey[]; readonly children: readonly (NodeHeader | Oid)[] }

export class NodeHeader extends Header {
  readonly #content: Content
  readonly #collection: Header

  /** `oid`: of the node that this is a new version of; 0: it is a new one. */
  constructor(content: Content, oid: Oid, collection: Header) {
    super(NODE)
    this.#content = content
    this.#collection = collection
    this.oid = oid
  }

  get object(): this {
    return this
  }

  /** In messages it is the collection that has the values. */
  override get name(): string {
    return this.#collection.name
  }

  override keyName(key: unknown): string {
    return this.#collection.keyName(key)
  }

  override eachSlot(visit: (value: unknown, key: unknown) => void): void {
    this.#collection.eachSlot(visit)
  }

  override get owner(): Header {
    return this.#collection
  }

  keys(): readonly string[] {
    const content = this.#content
    if (content instanceof EditedLeaf) return content.valued ? LEAF_FORM : BARE_LEAF_FORM
    if ('counts' in content) return COUNTED_FORM
    if ('children' in content) return INNER_FORM
    if ('items' in content) return ITEMS_FORM
    return content.values ? LEAF_FORM : BARE_LEAF_FORM
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
    for (const child of content.children) encoder.reference(child, '')
  }

  override made(state: StoredState): Leaf | undefined {
    return this.#content instanceof EditedLeaf ? this.#content.leaf(state) : undefined
  }

  get loaded(): boolean {
    return true
  }

  protected unload(): void {
    // nobody keeps one
  }

  decode(): void {
    unknownForm()
  }

  slot(): undefined {
    return undefined
  }

  putBack(): void {
    // the collection keeps what it hands out
  }

  override settled(): void {
    // the collection notes what has been stored
  }
}

export function encodeEntries(
  keys: readonly StoredKey[],
  values: readonly unknown[] | undefined,
  encoder: Encoder,
): void {
  encodeKeys(keys, encoder)
  if (!values) return
  encoder.array(values.length)
  for (let i = 0; i < values.length; i++) {
    const key = keys[i] as StoredKey
    encodeValue(values[i], typeof key === 'string' || typeof key === 'number' ? key : keyName(key), encoder)
  }
}

/** Items of a list, the first of which stands at `start`. */
export function encodeItems(items: readonly unknown[], start: number, encoder: Encoder): void {
  encoder.array(items.length)
  for (let i = 0; i < items.length; i++) encodeValue(items[i], start + i, encoder)
}

function encodeValue(value: unknown, name: string | number, encoder: Encoder): void {
  if (value instanceof RawValue) value.encode(encoder, name)
  else encoder.write(value, name)
}

/** Stands for nodes in the table of stored types; nobody ever has an object of it. */
abstract class TreeNode {}

const NODE: Kind = { type: NODE_TYPE, version: 1, Class: TreeNode, internal: true, ghost: unknownForm }
registerCollection(NODE)
