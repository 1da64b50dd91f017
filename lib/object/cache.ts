// The identity map of one connection: at most one object for an oid. Loaded objects are held strongly, so that their state is
// kept, until they are let go; ghosts from the end on of the transaction that met them first, as most are loaded in it, weakly.
// Knows nothing of when a loaded version is the right one.
import type { Header } from './header.js'
import { OidTable } from './oid-table.js'
import type { Oid } from '../store/types.js'

/** After so many have been let go ... */
const NOW_AND_THEN = 1 << 6
/** ... so many entries are looked at: more, as each of these may be a new one, and who looks has to come round. */
const AT_ONCE = 2 * NOW_AND_THEN

export class ObjectCache {
  readonly #known = new OidTable<Header | WeakRef<Header>>()
  /** How many were let go since some entries were looked at, for those of objects that nobody has any more. */
  #letGo = 0
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
    if (++this.#letGo < NOW_AND_THEN) return
    this.#letGo = 0
    this.#known.deleteNext(AT_ONCE, isForgotten)
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

/** An entry of an object that nobody has any more. */
function isForgotten(known: Header | WeakRef<Header>): boolean {
  return known instanceof WeakRef && known.deref() === undefined
}
