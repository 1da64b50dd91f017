// The identity map of one connection: at most one object for an oid. Loaded objects are held strongly, so that their
// state is kept, until they are let go; ghosts weakly. Knows nothing of when a loaded version is the right one.
import type { Header } from './header.js'
import type { Oid } from '../store/types.js'

export class ObjectCache {
  readonly #held = new Map<Oid, Header>()
  /** What is not held, and some of what is. */
  readonly #known = new Map<Oid, WeakRef<Header>>()
  readonly #collected = new FinalizationRegistry<Oid>(oid => {
    if (this.#known.get(oid)?.deref() === undefined) this.#known.delete(oid)
  })

  get(oid: Oid): Header | undefined {
    return this.#held.get(oid) ?? this.#known.get(oid)?.deref()
  }

  addGhost(header: Header): void {
    this.#known.set(header.oid, new WeakRef(header))
    this.#collected.register(header, header.oid)
  }

  /** It has a state now. */
  keep(header: Header): void {
    this.#held.set(header.oid, header)
  }

  /** From now on only the program may hold it. */
  letGo(header: Header): void {
    if (!this.#held.delete(header.oid)) return
    if (this.#known.get(header.oid)?.deref() !== header) this.addGhost(header)
  }

  held(): Iterable<Header> {
    return this.#held.values()
  }

  /** All that have a state. */
  *loaded(): Generator<Header, undefined> {
    yield* this.#held.values()
    for (const [oid, reference] of this.#known) {
      const header = this.#held.has(oid) ? undefined : reference.deref()
      if (header?.loaded === true) yield header
    }
  }
}
