// What a commit writes as one record: an object, by its header, or a part of a collection. Holds no more than writing takes: a commit
// may have a million of them.
import type { StoredRecord, Oid, Stretch } from '../store/types.js'
import type { Encoder } from './encoder.js'
import type { Header, Kind } from './header.js'
import type { RecordView, StoredState } from './record-view.js'
import type { Shape } from './shapes.js'

const NO_OTHERS: readonly Recordable[] = []
let births = 0
let oidsGiven = 0

/** What was new gets its oid. */
export function giveOid(recordable: Recordable, oid: Oid): void {
  recordable.oid = oid
  oidsGiven++
}

/** Grows whenever something that was new has got its oid. */
export function countOidsGiven(): number {
  return oidsGiven
}

export abstract class Recordable {
  readonly kind: Kind
  /** Order of creation: in this order what is new gets its oids. */
  readonly born = ++births
  /** 0: never stored. */
  oid = 0 as Oid
  /** The encoding that it was last part of. */
  met = 0
  /** In that, if it is new: the number that stands for its oid. */
  number = 0

  constructor(kind: Kind) {
    this.kind = kind
  }

  /** The record that is written again as it was read. */
  abstract readonly inert: StoredRecord | undefined
  /** That it had when it was written last, or read. */
  abstract readonly shape: Shape | undefined
  /** The object whose state this is: another one's, if this is only a part of that. */
  abstract readonly owner: Header
  /** Its state as it is to be written, if that is packed already, and refers to nothing. */
  get packedState(): Stretch | undefined {
    return undefined
  }

  abstract keys(): readonly string[]
  /** Writes one value for each of its `keys()`. */
  abstract encode(encoder: Encoder, keys: readonly string[]): void
  /** Every plain container that stands directly in the state, with the key that leads to it, or undefined if none does for long. */
  abstract eachSlot(visit: (value: unknown, key: unknown) => void): void

  /** An encoding against `view` includes it: builds what must be written; gives other records to write with its own. */
  prepare(_view: RecordView | undefined): readonly Recordable[] {
    return NO_OTHERS
  }

  /** Its record is read by parts, and so it is worth to keep what has been written. */
  get readByParts(): boolean {
    return false
  }

  /** What those who read the record that has been written make of it; undefined: they have to read it. */
  made(_state: StoredState): unknown {
    return undefined
  }

  get name(): string {
    return this.kind.type || 'root'
  }

  /** Name of a key in messages. */
  keyName(key: unknown): string {
    return String(key)
  }

  /** Of a part that has one value, and that a container: its key. */
  get onlyContainer(): string | undefined {
    return undefined
  }
}
