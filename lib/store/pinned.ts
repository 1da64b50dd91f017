// Snapshots that somebody holds for longer, and for each of them where the objects stood that were changed since: so that a load there
// does not walk back over all later versions. What catching up displaces is noted once, for the newest pinned snapshot that saw it.
// What did not exist then is not noted, however much of it comes later.
import { OffsetIndex } from './offset-index.js'
import type { Snapshot } from './snapshot.js'
import type { Offset, Oid } from './types.js'

/** The object was not there, though its number had been given out: one of the reserved ones. */
const ABSENT = -1 as Offset

/** What is to be known of a snapshot. No object in it has the number `nextOid`, or a higher one. */
type Pinned = Pick<Snapshot, 'offset' | 'nextOid'>

interface Pin extends Pinned {
  holders: number
  /** Made when there is something to note. */
  displaced: OffsetIndex | undefined
}

export class PinnedSnapshots {
  /** In order of their offsets. */
  readonly #pins: Pin[] = []

  get any(): boolean {
    return this.#pins.length > 0
  }

  /** Holds the snapshot until what is returned is called. */
  pin({ offset, nextOid }: Pinned): () => void {
    const after = this.#pins.findIndex(pin => pin.offset >= offset)
    let pin = this.#pins[after]
    if (pin?.offset !== offset) {
      pin = { offset, nextOid, holders: 0, displaced: undefined }
      this.#pins.splice(after < 0 ? this.#pins.length : after, 0, pin)
    }
    const held = pin
    held.holders++
    let released = false
    return () => {
      if (released) return
      released = true
      if (--held.holders === 0) this.#drop(held)
    }
  }

  /** An entry is about to be replaced that stood at `before`; 0: there was none. */
  displace(oid: Oid, before: Offset): void {
    const newest = this.#pins.at(-1)
    if (newest !== undefined && before < newest.offset) noteFirst(newest, oid, before)
  }

  /** From where to walk back to the version that is visible below `below`; undefined: nothing is noted. */
  startOf(oid: Oid, below: Offset): Offset | undefined {
    for (const { offset, nextOid, displaced } of this.#pins) {
      if (offset < below) continue
      if (oid >= nextOid) return 0 as Offset
      const found = displaced?.get(oid) ?? 0
      if (found !== 0) return Math.max(0, found) as Offset
    }
    return undefined
  }

  /** Takes note of what a walk has found; only where that snapshot is pinned. */
  found(oid: Oid, below: Offset, at: Offset): void {
    const pin = this.#pins.find(({ offset }) => offset === below)
    if (pin !== undefined) note(pin, oid, at)
  }

  /** Forgets all notes. */
  forget(): void {
    for (const pin of this.#pins) pin.displaced = undefined
  }

  /** What was noted for it goes to the next older one that saw the same. */
  #drop(pin: Pin): void {
    const at = this.#pins.indexOf(pin)
    this.#pins.splice(at, 1)
    const older = this.#pins[at - 1]
    if (older === undefined || pin.displaced === undefined) return
    for (const [oid, before] of pin.displaced.entries()) if (before < older.offset) noteFirst(older, oid, before)
  }
}

/** Unless something is noted of it. */
function noteFirst(pin: Pin, oid: Oid, at: Offset): void {
  if ((pin.displaced?.get(oid) ?? 0) === 0) note(pin, oid, at)
}

function note(pin: Pin, oid: Oid, at: Offset): void {
  if (oid >= pin.nextOid) return
  pin.displaced ??= new OffsetIndex(undefined, true)
  pin.displaced.set(oid, at <= 0 ? ABSENT : at)
}
