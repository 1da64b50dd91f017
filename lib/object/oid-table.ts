// Something for each of many objects, by oid. Oids that stand next to each other are mostly used together: a few of them share
// one entry of a map, which stays small and near for whoever goes through many.
import type { Oid } from '../store/types.js'

const PAGE = 16

export class OidTable<T> {
  readonly #pages = new Map<number, (T | undefined)[]>()
  #lastNumber = -1
  #last: (T | undefined)[] | undefined

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

  delete(oid: Oid): void {
    const number = Math.floor(oid / PAGE)
    const page = this.#page(number)
    if (page === undefined) return
    page[oid % PAGE] = undefined
    if (page.some(entry => entry !== undefined)) return
    this.#pages.delete(number)
    this.#last = undefined
  }

  *values(): Generator<T, undefined> {
    for (const page of this.#pages.values()) for (const entry of page) if (entry !== undefined) yield entry
  }

  /** An entry may be deleted as soon as it has been given. */
  *entries(): Generator<[Oid, T], undefined> {
    for (const [number, page] of this.#pages)
      for (let n = 0; n < PAGE; n++) {
        const entry = page[n]
        if (entry !== undefined) yield [(number * PAGE + n) as Oid, entry]
      }
  }

  #page(number: number): (T | undefined)[] | undefined {
    if (number !== this.#lastNumber) {
      this.#last = this.#pages.get(number)
      this.#lastNumber = number
    }
    return this.#last
  }
}
