// What a stored collection holds, for looking at: its own kind reads it, and references become what they are shown as.
// Knows no collection by name.
import type { Oid, StoredRecord } from '../store/types.js'
import type { Kind } from './header.js'
import { MergingHeader } from './merging.js'
import type { RecordView } from './record-view.js'

export type Entries = readonly (readonly [key: unknown, value: unknown])[]

/** The entries in their order; of a list or set, the key is the position. */
export function collectionEntries(
  kind: Kind,
  record: StoredRecord,
  view: RecordView,
  reference: (oid: Oid) => unknown,
): Entries {
  const header = kind.ghost()
  if (!(header instanceof MergingHeader)) throw new TypeError(`${kind.type} is no collection`)
  const { content } = header.look(view.take(record), view, reference, Infinity)
  return content instanceof Map ? [...content] : [...content].map((value, position) => [position, value])
}
