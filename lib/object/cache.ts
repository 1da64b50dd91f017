// The identity map of one connection: at most one object for an oid. Loaded objects are held strongly, so that their
// state is kept; ghosts weakly, from the end on of the transaction that met them first, as most of them are loaded in it.
// Knows nothing of when a loaded version is the right one.
import type { Header } from './header.js'
import { OidTable } from './oid-table.js'
import type { Oid } from '../store/types.js'

export class ObjectCache {
  readonly #known = new OidTable<Header | WeakRef<Header>>()
  readonly #collected = new FinalizationRegistry<Oid>(oid => {
    const known = this.#known.get(oid)
    if (known instanceof WeakRef && known.deref() === undefined) this.#known.delete(oid)
  })
  /** Ghosts that the current transaction has met. */
  #met: Header[] = []

  get(oid: Oid): Header | undefined {
    const known = this.#known.get(oid)
    return known instanceof WeakRef ? known.deref() : known
  }

  addGhost(header: Header): void {
    this.#known.set(header.oid, header)
    header.held = true
    this.#met.push(header)
  }

  /** It has a state now. */
  keep(header: Header): void {
    if (header.held) return
    header.held = true
    this.#known.set(header.oid, header)
  }

  /** The transaction has ended. */
  weaken(): void {
    if (this.#met.length === 0) return
    for (const header of this.#met) {
      if (header.loaded) continue
      header.held = false
      this.#known.set(header.oid, new WeakRef(header))
      this.#collected.register(header, header.oid)
    }
    this.#met = []
  }

  /** Those that are held. */
  *loaded(): Generator<Header, undefined> {
    for (const known of this.#known.values()) if (!(known instanceof WeakRef)) yield known
  }
}
