// Something for each of many objects, by oid. Oids that stand next to each other are mostly used together: a few of them share
// one entry of a map, which stays small and near for whoever goes through many.
import type { Oid } from '../store/types.js'

const PAGE = 16

export class OidTable<T> {
  readonly #pages = new Map<number, (T | undefined)[]>()
  #lastNumber = -1
  #last: (T | undefined)[] | undefined
  /** How far `deleteNext` has come. */
  #round = this.#pages.entries()

  get(oid: Oid): T | undefined {
    return this.#page(Math.floor(oid / PAGE))?.[oid % PAGE]
  }

  set(oid: Oid, entry: T): void {
    const number = Math.floor(oid / PAGE)
    let page = this.#page(number)
    if (page === undefined) {
      page = new Array<T | undefined>(PAGE).fill(undefined)
      this.#pages.set(number, page)
      this.#last = page
    }
    page[oid % PAGE] = entry
  }

  *values(): Generator<T, undefined> {
    for (const page of this.#pages.values()) for (const entry of page) if (entry !== undefined) yield entry
  }

  /**
   * Goes on through the entries, round and round, past `most` of them or all on the pages where that ends, and deletes those of
   * which `isOver` says so.
   */
  deleteNext(most: number, isOver: (entry: T) => boolean): void {
    for (let met = 0; met < most;) {
      const { value: next } = this.#round.next()
      if (next === undefined) {
        this.#round = this.#pages.entries()
        return
      }
      met += this.#deleteIn(next[0], next[1], isOver)
    }
  }

  /** Gives how many entries there were. */
  #deleteIn(number: number, page: (T | undefined)[], isOver: (entry: T) => boolean): number {
    let met = 0
    let left = 0
    for (let n = 0; n < PAGE; n++) {
      const entry = page[n]
      if (entry === undefined) continue
      met++
      if (isOver(entry)) page[n] = undefined
      else left++
    }
    if (left > 0) return met
    this.#pages.delete(number)
    this.#lastNumber = -1
    return met
  }

  #page(number: number): (T | undefined)[] | undefined {
    if (number !== this.#lastNumber) {
      this.#last = this.#pages.get(number)
      this.#lastNumber = number
    }
    return this.#last
  }
}
