// What the commit asks of a collection whose changes merge with those of others: it is no member of the accessed set, but
// knows what the transaction asked it and did to it. Its own record changes with every change of the collection, so a
// commit checks that one record; if it changed, the collection evaluates the questions again on the newer state.
import type { Conflict } from '../error.js'
import { CollectionHeader } from './collection.js'
import type { Looked } from './inspection.js'
import type { Oid } from '../store/types.js'
import type { RecordView, StoredState } from './record-view.js'

export abstract class MergingHeader extends CollectionHeader {
  override get keyed(): boolean {
    return true
  }

  override get readByParts(): boolean {
    return true
  }

  /**
   * What, of all that the transaction asked (only if `reads`) and wrote, has another answer in `now` than in `before`;
   * undefined: nothing, and the changes can be made to `now` as well.
   */
  abstract conflict(before: RecordView, now: RecordView, reads: boolean): Conflict | undefined

  /**
   * The transaction, which has changed it, is to go on from a later snapshot: what it did belongs to the state there. Reads what
   * that takes; it has gone on when what is given has been called, which is done when the connection shows that snapshot.
   */
  abstract goOn(view: RecordView): () => void

  /** The transaction has ended: what it asked is of no interest any more. */
  abstract forget(): void

  /** Takes over a stored state. */
  abstract take(state: StoredState): void

  /** The entries of a stored state, at most so many, as native data; references as what `reference` makes of them. */
  abstract look(state: StoredState, view: RecordView, reference: (oid: Oid) => unknown, most: number): Looked

  /** The entries that `text` may name in a path, in their order, with few others read; undefined: only who looks at all can tell. */
  lookFor(text: string, state: StoredState, view: RecordView, reference: (oid: Oid) => unknown): Entries | undefined {
    const position = positionIn(text)
    if (position === undefined || position >= this.look(state, view, reference, 0).size) return []
    const value = [...this.look(state, view, reference, position + 1).content].slice(position)
    return value.map(each => [position, each])
  }

  /** Whether what is loaded is what the snapshot shows, or will be when it is committed. */
  get isCurrent(): boolean {
    if (this.changed || this.oid === 0 || this.at === 0) return true
    const { view } = this.scope
    return view?.snapshot.generation.number === this.generation && view.locate(this.oid) === this.at
  }

  /** The same of what is loaded and changed here, if it is current. Begins no transaction, and is no access. */
  abstract lookNow(mark: (value: unknown) => unknown, most: number): Looked

  /** The file is left for the next one, in which are no older versions than `view` shows of what is in it. What cannot be read is no error. */
  abstract leave(view: RecordView): void

  /** A pack has left it out of the next file: takes all of it into memory, or throws and has taken nothing. What is loaded is the last version in the file left. */
  abstract keepAll(): void
}

/** As they are shown: of a list or set, the key is the position. */
export type Entries = readonly (readonly [key: unknown, value: unknown])[]

/** Which position a text names, if it is that of a number. */
export function positionIn(text: string): number | undefined {
  return /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : undefined
}

let merging = true

/** Off: whoever used a collection conflicts with whoever changed it. For measurements. */
export function switchMerging(on: boolean): void {
  merging = on
}

export function mergingIsOn(): boolean {
  return merging
}
