// What a stored collection holds, for looking at: its own kind decodes it, and references become what they are shown as.
// Knows no collection by name.
import type { Oid, StoredRecord } from '../store/types.js'
import { Decoder } from './codec.js'
import { CollectionHeader } from './collection.js'
import { unresolved, unresolvedOid, type Kind } from './header.js'
import { MergingHeader } from './merging.js'
import type { RecordView } from './record-view.js'
import { define } from './plain-node.js'

export type Entries = readonly (readonly [key: unknown, value: unknown])[]

/** The entries in their order; of a list or set, the key is the position. */
export function collectionEntries(
  kind: Kind,
  keys: readonly string[],
  raw: readonly unknown[],
  record: StoredRecord,
  view: RecordView,
  reference: (oid: Oid) => unknown,
): Entries {
  const header = kind.ghost()
  if (header instanceof MergingHeader) {
    const { content } = header.look(view.take(record), view, reference, Infinity)
    return content instanceof Map ? [...content] : [...content].map((value, position) => [position, value])
  }
  header.decode(keys, raw, new Decoder(record.refs.map(unresolved), undefined))
  if (!(header instanceof CollectionHeader)) throw new TypeError(`${kind.type} is no collection`)
  const content = header.toPlain(value => shown(value, reference))
  if (content instanceof Map) return [...(content as Map<unknown, unknown>)]
  return [...(content as Iterable<unknown>)].map((value, position) => [position, value])
}

/** A copy with every reference replaced. */
function shown(value: unknown, reference: (oid: Oid) => unknown): unknown {
  if (typeof value === 'symbol') return reference(unresolvedOid(value))
  if (Array.isArray(value)) return value.map(part => shown(part, reference))
  if (!isPlainObject(value)) return value
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as Record<string, unknown>
  for (const [key, part] of Object.entries(value)) define(copy, key, shown(part, reference))
  return copy
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
