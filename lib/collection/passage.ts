// Going through a map or set entry by entry, either way: the stored entries and those of the transaction, in one order.
import type { Gap } from './gaps.js'
import type { StoredKey } from './key.js'
import { compareKeys } from './key-order.js'
import type { KeyTable } from './key-table.js'
import type { KeyedChanges, Pending } from './keyed-changes.js'
import type { KeyedHeader } from './keyed-header.js'
import { NO_LEAF, type Leaf } from './tree/leaf.js'
import type { Interval } from './tree/interval.js'
import { Cursor, isAbove, isBelow, type Bound, type Found, type Range, type Tree } from './tree/tree.js'

/** An entry that a passage has come to: of the stored state, or of the transaction. */
export interface Entry {
  readonly key: StoredKey
  readonly stored: Found | undefined
  readonly own: Pending | undefined
}

/** What differs between the two ways to go. */
interface Way {
  start(cursor: Cursor, from: Bound | undefined): void
  step(cursor: Cursor): void
  /** The transaction's next entry. */
  own(pending: KeyTable<Pending>, from: Bound | undefined): Pending | undefined
  /** The end of a gap to which this way leads. */
  endOf(gap: Gap): StoredKey
  /** 1: keys grow. */
  readonly order: 1 | -1
  isPast(key: StoredKey, range: Range): boolean
  /** What is left of a range. */
  rest(range: Range, from: Bound | undefined): Range
  begin(range: Range): Bound | undefined
  end(range: Range): Bound | undefined
  /** The interval has been passed as far as this; undefined: to its end. */
  note(interval: Interval, to: Bound | undefined): void
}

export const FORWARD: Way = {
  start: (cursor, from) => (from ? cursor.toFrom(from.key, from.open) : cursor.toFirst()),
  step: cursor => cursor.next(),
  own: (pending, from) => pending.from(from?.key, from?.open ?? false),
  endOf: ({ last }) => last,
  order: 1,
  isPast: (key, { high }) => isAbove(key, high),
  rest: ({ high }, low) => ({ low, high }),
  begin: ({ low }) => low,
  end: ({ high }) => high,
  note(interval, to) {
    interval.high = to
  },
}

export const BACKWARD: Way = {
  start: (cursor, from) => (from ? cursor.toUpTo(from.key, from.open) : cursor.toLast()),
  step: cursor => cursor.previous(),
  own: (pending, from) => pending.upTo(from?.key, from?.open ?? false),
  endOf: ({ key }) => key,
  order: -1,
  isPast: (key, { low }) => isBelow(key, low),
  rest: ({ low }, high) => ({ low, high }),
  begin: ({ high }) => high,
  end: ({ low }) => low,
  note(interval, to) {
    interval.low = to
  },
}

/** Goes, from the key that it gave last, to the next one that there is by then, also in another transaction. */
export class Passage {
  readonly #header: KeyedHeader
  readonly #range: Range
  readonly #values: boolean
  readonly #way: Way
  #meeting: Meeting | undefined
  /** Of the transaction that it was in last ... */
  #serial = NaN
  /** ... the stretch that it has passed in that, as far as this. */
  #interval: Interval | undefined
  readonly #passed: { key: StoredKey; open: boolean } = { key: 0, open: false }
  /** It has given an entry: the last one's key is that in `#passed`. */
  #begun = false
  /** That key is one of the transaction alone: gives what it is in another one; undefined: as if none had been given. */
  #lasting: (() => StoredKey | undefined) | undefined
  /** The last one that it has given and that was none of these. */
  #stored: StoredKey | undefined

  constructor(header: KeyedHeader, range: Range, values: boolean, way: Way) {
    this.#header = header
    this.#range = range
    this.#values = values
    this.#way = way
  }

  /** Holds until the next call; undefined: there is none, at this time. */
  next(): Entry | undefined {
    const header = this.#header
    const range = this.#range
    const way = this.#way
    header.touch()
    if (this.#serial !== header.serial) {
      this.#serial = header.serial
      if (this.#lasting) this.#carryOver(this.#lasting())
      this.#interval = header.passes(this.#left(), this.#values)
    } else if (this.#interval?.settled === true) {
      this.#interval = header.passes(this.#left(), this.#values)
    }
    const { stored } = header
    let meeting = this.#meeting
    if (meeting?.tree !== stored) meeting = this.#meeting = new Meeting(stored, header.pending, this.#left(), way)
    const entry = meeting.next()
    const inside = entry !== undefined && !way.isPast(entry.key, range)
    if (inside) {
      this.#passed.key = entry.key
      this.#begun = true
      this.#lasting = entry.own && header.lasting(entry.key, this.#stored)
      if (!this.#lasting) this.#stored = entry.key
    }
    const interval = this.#interval
    if (interval) {
      way.note(interval, inside ? this.#passed : way.end(range))
      interval.empty = false
    }
    return inside ? entry : undefined
  }

  #carryOver(key: StoredKey | undefined): void {
    this.#begun = key !== undefined
    if (key !== undefined) this.#passed.key = key
    this.#meeting = undefined
  }

  /** What it has not passed yet. */
  #left(): Range {
    return this.#begun ? this.#way.rest(this.#range, { key: this.#passed.key, open: true }) : this.#range
  }

  *[Symbol.iterator](): Generator<Entry, undefined> {
    for (let entry = this.next(); entry; entry = this.next()) yield entry
  }
}

/** Who has gone past so many entries in a row that are gone spares others, and itself another time, to do so again. */
const MANY_GONE = 8

/** Two sorted sequences as one; where both have a key, the transaction's entry counts. */
export class Meeting {
  readonly tree: Tree
  readonly #changes: KeyedChanges
  readonly #way: Way
  /** At the first stored entry behind `#from`. */
  readonly #cursor: Cursor
  /** Behind the key that was met last; undefined: at the beginning. */
  #from: { key: StoredKey; open: boolean } | undefined
  readonly #found: { leaf: Leaf; at: number } = { leaf: NO_LEAF, at: 0 }
  readonly #entry: { key: StoredKey; stored: Found | undefined; own: Pending | undefined } = {
    key: 0,
    stored: undefined,
    own: undefined,
  }

  constructor(tree: Tree, changes: KeyedChanges, range: Range, way: Way) {
    this.tree = tree
    this.#changes = changes
    this.#way = way
    const from = way.begin(range)
    this.#from = from && { key: from.key, open: from.open }
    this.#cursor = new Cursor(tree)
    way.start(this.#cursor, from)
  }

  /** Holds until the next call. */
  next(): Entry | undefined {
    const cursor = this.#cursor
    const entry = this.#entry
    // What is pending may have changed since the last step; what is stored has not.
    let own = this.#own()
    let order = this.#order(own)
    if (own?.gone === true && order >= 0) {
      own = this.#passGone(own, order)
      order = this.#order(own)
    }
    if (own && order >= 0) {
      this.#pass(own.key)
      if (order === 0) this.#way.step(cursor)
      entry.key = own.key
      entry.stored = undefined
      entry.own = own
      return entry
    }
    if (cursor.ended) return undefined
    const found = this.#found
    found.leaf = cursor.leaf
    found.at = cursor.at
    entry.key = cursor.key
    entry.stored = found
    entry.own = undefined
    this.#pass(entry.key)
    this.#way.step(cursor)
    return entry
  }

  /** The transaction's next entry. */
  #own(): Pending | undefined {
    const { table } = this.#changes
    return table.size > 0 ? this.#way.own(table, this.#from) : undefined
  }

  /** Negative: the stored entry comes before it. 0: it has the same key. */
  #order(own: Pending | undefined): number {
    if (!own) return -1
    return this.#cursor.ended ? 1 : this.#way.order * compareKeys(this.#cursor.key, own.key)
  }

  /** Goes past an entry that is gone, and all that follow up to one that is left; gives the transaction's next one. */
  #passGone(gone: Pending, order: number): Pending | undefined {
    const gaps = this.#changes.gapsIn(this.tree)
    let own: Pending | undefined = gone
    let last = gone.key
    let steps = 0
    let spared = false
    do {
      const gap = gaps.at(own.key)
      last = gap ? this.#way.endOf(gap) : own.key
      this.#pass(last)
      if (gap) this.#way.start(this.#cursor, this.#from)
      else if (order === 0) this.#way.step(this.#cursor)
      steps++
      spared ||= gap !== undefined
      own = this.#own()
      order = this.#order(own)
    } while (own?.gone === true && order >= 0)
    // One that is known already grows with each step beyond it.
    if (steps >= MANY_GONE || (spared && steps > 1)) gaps.note(gone.key, last)
    return own
  }

  #pass(key: StoredKey): void {
    if (this.#from) {
      this.#from.key = key
      this.#from.open = true
    } else {
      this.#from = { key, open: true }
    }
  }
}
