// What a stored collection holds, for looking at: its own kind reads it, and references become what they are shown as.
// Knows no collection by name.
import type { Oid, StoredRecord } from '../store/types.js'
import type { Kind } from './header.js'
import { MergingHeader, type Entries } from './merging.js'
import type { RecordView } from './record-view.js'

type Show = (oid: Oid) => unknown

/** Some of the entries of a collection, and how many it has. */
export interface Part {
  readonly entries: Entries
  readonly size: number
}

/** The first entries, at most so many, in their order. No more than these is read. */
export function firstEntries(kind: Kind, record: StoredRecord, view: RecordView, reference: Show, most: number): Part {
  const { content, size } = behind(kind).look(view.take(record), view, reference, most)
  const entries: Entries =
    content instanceof Map ? [...content] : [...content].map((value, position) => [position, value])
  return { entries, size }
}

/** Those of them that `text` may name; undefined: only who goes through all can tell. */
export function entriesNamed(
  text: string,
  kind: Kind,
  record: StoredRecord,
  view: RecordView,
  reference: Show,
): Entries | undefined {
  return behind(kind).lookFor(text, view.take(record), view, reference)
}

function behind(kind: Kind): MergingHeader {
  const header = kind.ghost()
  if (!(header instanceof MergingHeader)) throw new TypeError(`${kind.type} is no collection`)
  return header
}
