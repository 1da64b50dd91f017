// Snapshots that somebody holds for longer, and for each of them where the objects stood that were changed since: so that a load there
// does not walk back over all later versions. What catching up displaces is noted once, for the newest pinned snapshot that saw it.
import type { Offset, Oid } from './types.js'

/** The object was not there yet. */
const ABSENT = -1

interface Pin {
  readonly offset: Offset
  holders: number
  /** Made when there is something to note. */
  displaced: Map<Oid, number> | undefined
}

export class PinnedSnapshots {
  /** In order of their offsets. */
  readonly #pins: Pin[] = []

  get any(): boolean {
    return this.#pins.length > 0
  }

  /** Holds the snapshot at `offset` until what is returned is called. */
  pin(offset: Offset): () => void {
    const after = this.#pins.findIndex(pin => pin.offset >= offset)
    let pin = this.#pins[after]
    if (pin?.offset !== offset) {
      pin = { offset, holders: 0, displaced: undefined }
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
    if (newest === undefined || before >= newest.offset || newest.displaced?.has(oid) === true) return
    note(newest, oid, before)
  }

  /** From where to walk back to the version that is visible below `below`; undefined: nothing is noted. */
  startOf(oid: Oid, below: Offset): Offset | undefined {
    for (const { offset, displaced } of this.#pins) {
      const found = offset < below ? undefined : displaced?.get(oid)
      if (found !== undefined) return Math.max(0, found) as Offset
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
    if (older === undefined) return
    for (const [oid, before] of pin.displaced ?? [])
      if (before < older.offset && older.displaced?.has(oid) !== true) note(older, oid, before)
  }
}

function note(pin: Pin, oid: Oid, at: number): void {
  pin.displaced ??= new Map()
  pin.displaced.set(oid, at <= 0 ? ABSENT : at)
}
