// Where the newest version of every object stands: typed arrays in pages, absent while empty; about 8 bytes an object.
// Knows one generation, up to the tail that its owner has applied.
import type { Offset, Oid } from './types.js'

const PAGE = 4096

export class OffsetIndex {
  readonly #pages = new Map<number, Float64Array>()
  #lastNumber = -1
  #lastPage: Float64Array | undefined
  /** How many objects have an entry. */
  size = 0

  /** 0: no such object. */
  get(oid: Oid): Offset {
    const page = this.#page(Math.floor(oid / PAGE))
    return (page === undefined ? 0 : (page[oid % PAGE] ?? 0)) as Offset
  }

  set(oid: Oid, offset: Offset): void {
    const number = Math.floor(oid / PAGE)
    let page = this.#page(number)
    if (page === undefined) {
      page = new Float64Array(PAGE)
      this.#pages.set(number, page)
      this.#lastPage = page
    }
    if (page[oid % PAGE] === 0) this.size++
    page[oid % PAGE] = offset
  }

  /** All objects in order of oid. */
  *entries(): Generator<[Oid, Offset]> {
    for (const number of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(number) ?? []
      for (const [at, offset] of page.entries()) if (offset !== 0) yield [(number * PAGE + at) as Oid, offset as Offset]
    }
  }

  #page(number: number): Float64Array | undefined {
    if (number !== this.#lastNumber) {
      this.#lastNumber = number
      this.#lastPage = this.#pages.get(number)
    }
    return this.#lastPage
  }
}
