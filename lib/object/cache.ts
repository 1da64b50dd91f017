// The identity map of one connection: at most one object for an oid. Loaded objects are held strongly, so that their
// state is kept; ghosts weakly. Knows nothing of when a loaded version is the right one.
import type { Header } from './header.js'
import type { Oid } from '../store/types.js'

export class ObjectCache {
  readonly #loaded = new Map<Oid, Header>()
  readonly #ghosts = new Map<Oid, WeakRef<Header>>()
  readonly #collected = new FinalizationRegistry<Oid>(oid => {
    if (this.#ghosts.get(oid)?.deref() === undefined) this.#ghosts.delete(oid)
  })

  get(oid: Oid): Header | undefined {
    return this.#loaded.get(oid) ?? this.#ghosts.get(oid)?.deref()
  }

  addGhost(header: Header): void {
    this.#ghosts.set(header.oid, new WeakRef(header))
    this.#collected.register(header, header.oid)
  }

  /** It has a state now. */
  keep(header: Header): void {
    this.#loaded.set(header.oid, header)
  }

  loaded(): Iterable<Header> {
    return this.#loaded.values()
  }
}
