// The identity map of one connection: at most one object for an oid. Loaded objects are held strongly, so that their state is
// kept, until they are let go; ghosts from the end on of the transaction that met them first, as most are loaded in it, weakly.
// Knows nothing of when a loaded version is the right one.
import type { Header } from './header.js'
import { OidTable } from './oid-table.js'
import type { Oid } from '../store/types.js'

const FEW = 1 << 12

export class ObjectCache {
  readonly #known = new OidTable<Header | WeakRef<Header>>()
  /** How many were let go since those that are gone were last looked for. */
  #letGo = 0
  /** After so many it is worth while: entries that stay are gone through, too. */
  #lookAfter = FEW
  /** Ghosts that the current transaction has met. */
  #met: Header[] = []

  get(oid: Oid): Header | undefined {
    const known = this.#known.get(oid)
    return known instanceof WeakRef ? known.deref() : known
  }

  addGhost(header: Header): void {
    this.#hold(header)
    this.#met.push(header)
  }

  /** It has a state now. */
  keep(header: Header): void {
    if (!header.held) this.#hold(header)
  }

  #hold(header: Header): void {
    header.held = true
    this.#known.set(header.oid, header)
  }

  /** From now on only the program may hold it. */
  letGo(header: Header): void {
    if (!header.held) return
    header.held = false
    this.#known.set(header.oid, new WeakRef(header))
    if (++this.#letGo >= this.#lookAfter) this.#forget()
  }

  /** Entries of objects that nobody has any more. */
  #forget(): void {
    let left = 0
    for (const [oid, known] of this.#known.entries()) {
      if (known instanceof WeakRef && known.deref() === undefined) this.#known.delete(oid)
      else left++
    }
    this.#letGo = 0
    this.#lookAfter = Math.max(FEW, left)
  }

  /** The transaction has ended. */
  weaken(): void {
    if (this.#met.length === 0) return
    for (const header of this.#met) if (!header.loaded) this.letGo(header)
    this.#met = []
  }

  /** All that somebody may have. */
  *known(): Generator<Header, undefined> {
    for (const known of this.#known.values()) {
      const header = known instanceof WeakRef ? known.deref() : known
      if (header) yield header
    }
  }
}
