// Going through a map or set entry by entry, either way: the stored entries and those of the transaction, in one order.
import type { StoredKey } from './key.js'
import { compareKeys } from './key-order.js'
import type { KeyTable } from './key-table.js'
import type { Pending } from './keyed-changes.js'
import type { KeyedHeader } from './keyed-header.js'
import type { Interval } from './tree/reads.js'
import { Cursor, isAbove, isBelow, type Bound, type Found, type Range, type Tree } from './tree/tree.js'

/** An entry that a passage has come to: of the stored state, or of the transaction. */
export interface Entry {
  readonly key: StoredKey
  readonly stored: Found | undefined
  readonly own: Pending | undefined
}

/** What differs between the two ways to go. */
interface Way {
  start(tree: Tree, from: Bound | undefined): Cursor
  step(cursor: Cursor): void
  /** The transaction's next entry. */
  own(pending: KeyTable<Pending>, from: Bound | undefined): Pending | undefined
  /** 1: keys grow. */
  readonly order: 1 | -1
  isPast(key: StoredKey, range: Range): boolean
  /** What is left of a range. */
  rest(range: Range, from: Bound | undefined): Range
  begin(range: Range): Bound | undefined
  /** The interval has been passed as far as this; undefined: to its end. */
  note(interval: Interval, to: Bound | undefined): void
}

export const FORWARD: Way = {
  start: (tree, from) => (from ? new Cursor(tree).toFrom(from.key, from.open) : new Cursor(tree).toFirst()),
  step: cursor => cursor.next(),
  own: (pending, from) => pending.from(from?.key, from?.open ?? false),
  order: 1,
  isPast: (key, { high }) => isAbove(key, high),
  rest: ({ high }, low) => ({ low, high }),
  begin: ({ low }) => low,
  note(interval, to) {
    interval.high = to
  },
}

export const BACKWARD: Way = {
  start: (tree, from) => (from ? new Cursor(tree).toUpTo(from.key, from.open) : new Cursor(tree).toLast()),
  step: cursor => cursor.previous(),
  own: (pending, from) => pending.upTo(from?.key, from?.open ?? false),
  order: -1,
  isPast: (key, { low }) => isBelow(key, low),
  rest: ({ low }, high) => ({ low, high }),
  begin: ({ high }) => high,
  note(interval, to) {
    interval.low = to
  },
}

/** Goes, from the key that it gave last, to the next one that there is by then, also in another transaction. */
export function* passage(header: KeyedHeader, range: Range, values: boolean, way: Way): Generator<Entry, undefined> {
  const end = way === FORWARD ? range.high : range.low
  let left = range
  let meeting: Meeting | undefined
  let interval: Interval | undefined
  let serial = NaN
  for (;;) {
    header.touch()
    if (serial !== header.serial) {
      serial = header.serial
      interval = header.passes(left, values)
    }
    const { stored } = header
    if (meeting?.tree !== stored) meeting = new Meeting(stored, header.pending, left, way)
    const entry = meeting.next()
    const inside = entry && !way.isPast(entry.key, range)
    if (interval) {
      way.note(interval, inside ? { key: entry.key, open: false } : end)
      interval.empty = false
    }
    if (!inside) return
    left = way.rest(range, { key: entry.key, open: true })
    yield entry
  }
}

/** Two sorted sequences as one; where both have a key, the transaction's entry counts. */
export class Meeting {
  readonly tree: Tree
  readonly #pending: KeyTable<Pending>
  readonly #way: Way
  readonly #cursor: Cursor
  #from: Bound | undefined

  constructor(tree: Tree, pending: KeyTable<Pending>, range: Range, way: Way) {
    this.tree = tree
    this.#pending = pending
    this.#way = way
    this.#from = way.begin(range)
    this.#cursor = way.start(tree, this.#from)
  }

  next(): Entry | undefined {
    const cursor = this.#cursor
    const way = this.#way
    for (;;) {
      // What is pending may have changed since the last step; what is stored has not.
      const own = this.#pending.size > 0 ? way.own(this.#pending, this.#from) : undefined
      if (!own && cursor.ended) return undefined
      const order = !own ? -1 : cursor.ended ? 1 : way.order * compareKeys(cursor.key, own.key)
      if (own && order >= 0) {
        this.#from = { key: own.key, open: true }
        if (order === 0) way.step(cursor)
        if (own.gone) continue
        return { key: own.key, stored: undefined, own }
      }
      const { leaf, at, key } = cursor
      this.#from = { key, open: true }
      way.step(cursor)
      return { key, stored: { leaf, at }, own: undefined }
    }
  }
}
