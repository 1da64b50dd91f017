// How much of what is loaded stays loaded: bytes by the store's own reckoning, as nobody can ask an engine. Over its budget it lets
// go of clean objects, those first that were not used for longest: their state is dropped, or, where plain data of it was handed out,
// left to whoever holds that. Whoever still holds an object finds it loaded again when it is used.
import type { ObjectCache } from './cache.js'
import type { Header } from './header.js'
import { EntityHeader } from './persistent.js'

/** What an object takes in memory, roughly (measured): so much by itself, and so much for each byte of its record. */
const EACH = 500
const PER_BYTE = 3
/** And so much where it is also known how large plain data stands in it: the record, and where its parts are. */
const PER_BYTE_LAID = 5
/** Down to this part of the budget, so that there is something to do only now and then. */
const ENOUGH = 0.75

/** Bytes of loaded objects that a connection keeps unless told. */
export const CACHE_BYTES = 64 << 20

export class CacheBudget {
  readonly #cache: ObjectCache
  readonly #most: number
  #bytes = 0
  /** All that has a weight, in the order in which it is looked at. */
  #line: Header[] = []
  /** When to look again: after a look in vain, not at once. */
  #limit: number
  /** The transaction in which it looked last. */
  #sweptIn = 0
  /** Dropped, and held as long as the transaction runs. */
  #dropped: Header[] = []

  constructor(cache: ObjectCache, most: number) {
    this.#cache = cache
    this.#most = most
    this.#limit = most
  }

  /** Bytes of what is kept loaded. */
  get bytes(): number {
    return this.#bytes
  }

  /** An object has a state now, of a record with so many bytes. `serial`: the running transaction; `isLaid`: there are layouts of it. */
  took(header: Header, length: number, serial: number, isLaid = false): void {
    const weight = EACH + (isLaid ? PER_BYTE_LAID : PER_BYTE) * length
    this.#bytes += weight - header.weight
    if (header.weight === 0) this.#line.push(header)
    header.weight = weight
    if (this.#bytes > this.#limit) this.#trimWithin(serial, header)
  }

  /** The transaction `serial` has ended. */
  trim(serial: number): void {
    if (this.#dropped.length > 0) {
      for (const header of this.#dropped) if (!header.loaded) this.#cache.letGo(header)
      this.#dropped = []
    }
    if (this.#bytes <= this.#most) return
    this.#sweep(serial, header => {
      if (canBeDropped(header)) header.drop()
      this.#cache.letGo(header)
      return true
    })
  }

  /** Only what holds all its state itself, and of which nothing was handed out; not `used`, which is in use right now. */
  #trimWithin(serial: number, used: Header): void {
    this.#sweep(serial, header => {
      if (header === used || !canBeDropped(header)) return false
      header.drop()
      this.#dropped.push(header)
      return true
    })
  }

  /** Those first that were not used since the last time. */
  #sweep(serial: number, letGo: (header: Header) => boolean): void {
    const enough = this.#most * ENOUGH
    for (const before of [this.#sweptIn, Infinity]) {
      if (this.#bytes <= enough) break
      const line = this.#line
      const stays: Header[] = []
      let next = 0
      while (next < line.length && this.#bytes > enough) {
        const header = line[next++] as Header
        const { weight } = header
        // What is not in the file, and what was changed, is nowhere else.
        const mayGo = !header.changed && header.at !== 0 && header.serial <= before
        if (mayGo && letGo(header)) {
          this.#bytes -= weight
          header.weight = 0
        } else {
          stays.push(header)
        }
      }
      this.#line = line.slice(next).concat(stays)
    }
    this.#sweptIn = serial
    this.#limit = Math.max(this.#most, this.#bytes + this.#most / 4)
  }
}

function canBeDropped(header: Header): boolean {
  return header.loaded && header instanceof EntityHeader && header.placed.length === 0 && !header.hasLeaves
}
