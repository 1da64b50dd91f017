// A node of a tree on its way into a record: made by a commit, and forgotten after it. Reading goes past it (node.ts).
import { registerCollection } from '../../object/collection.js'
import type { Encoder } from '../../object/codec.js'
import { Header, type Kind } from '../../object/header.js'
import { Packed } from '../../object/packed.js'
import { unknownForm, type Packable } from '../../object/values.js'
import type { Oid } from '../../store/types.js'
import { encodeKey, keyName, type StoredKey } from '../key.js'
import { arrayOf, EditedLeaf } from './edited-leaf.js'
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

  override encodeWhole(encoder: Encoder): Uint8Array | undefined {
    const content = this.#content
    if (content instanceof EditedLeaf) return content.encode(encoder)
    return 'keys' in content ? packEntries(content.keys, content.values, encoder) : undefined
  }

  encode(encoder: Encoder): Packable[] {
    const content = this.#content
    if (content instanceof EditedLeaf) return [] // encodes itself
    if ('children' in content) {
      const children = content.children.map(child => encoder.reference(child, ''))
      if ('counts' in content) return [[...content.counts], children]
      return [content.separators.map(key => encodeKey(key, encoder)), children]
    }
    if ('items' in content) return encodeItems(content.items, content.start, encoder)
    return encodeEntries(content.keys, content.values, encoder)
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

/** The state put together from values that are packed already; undefined: it has none. */
export function packEntries(
  keys: readonly StoredKey[],
  values: readonly unknown[] | undefined,
  encoder: Encoder,
): Uint8Array | undefined {
  if (!values?.some(value => value instanceof Packed)) return undefined
  const parts = [Uint8Array.of(0x92), encoder.pack(keys.map(key => encodeKey(key, encoder))), arrayOf(values.length)]
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    const bytes = value instanceof Packed || value instanceof RawValue ? value.bytes : undefined
    parts.push(bytes ?? encoder.pack(encodeValue(value, keys[i] as StoredKey, encoder)))
  }
  return Buffer.concat(parts)
}

export function encodeEntries(
  keys: readonly StoredKey[],
  values: readonly unknown[] | undefined,
  encoder: Encoder,
): Packable[] {
  const packed = keys.map(key => encodeKey(key, encoder))
  if (!values) return [packed]
  return [packed, values.map((value, i) => encodeValue(value, keys[i] as StoredKey, encoder))]
}

function encodeValue(value: unknown, key: StoredKey, encoder: Encoder): Packable {
  const name = typeof key === 'string' || typeof key === 'number' ? key : keyName(key)
  return value instanceof RawValue ? value.encode(encoder, name) : encoder.value(value, name)
}

/** Items of a list, the first of which stands at `start`. */
export function encodeItems(items: readonly unknown[], start: number, encoder: Encoder): Packable[] {
  const encode = (value: unknown, i: number): Packable => {
    const name = String(start + i)
    return value instanceof RawValue ? value.encode(encoder, name) : encoder.value(value, name)
  }
  return [items.map(encode)]
}

/** Stands for nodes in the table of stored types; nobody ever has an object of it. */
abstract class TreeNode {}

const NODE: Kind = { type: NODE_TYPE, version: 1, Class: TreeNode, internal: true, ghost: unknownForm }
registerCollection(NODE)
