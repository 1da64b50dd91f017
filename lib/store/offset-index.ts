// Where the newest version of every object stands: typed arrays in pages; about 8 bytes an object. A page becomes an array only
// when it holds enough of them (the first one always, unless told): few and far numbers must not take many times a file's size in memory.
// Pages of a stored table are read when they are asked for. Knows one generation, up to the tail that its owner has applied.
import type { Offset, Oid } from './types.js'

const PAGE_SHIFT = 12
export const PAGE = 1 << PAGE_SHIFT
/** Bytes of a page in memory. */
export const PAGE_BYTES = PAGE * 8
/** Entries with which a page becomes an array. */
const ENOUGH = 128

/** Pages that were written before, in order of their numbers. */
export interface StoredPages {
  /** How many there are. */
  readonly count: number
  /** Number of the nth of them. */
  number(n: number): number
  /** Objects in all of them. */
  readonly size: number
  /** The page, owned by the caller; undefined: there is none. Throws when it cannot be had. */
  read(number: number): Float64Array | undefined
}

/** The same number: engines hold what comes out of a Float64Array in a box of its own unless it is made an integer. */
function small(number: number): number {
  const integer = number | 0
  return integer === number ? integer : number
}

/** The same of most oids: those need no division. */
function pageOf(oid: Oid): number {
  return oid === (oid | 0) ? oid >> PAGE_SHIFT : Math.floor(oid / PAGE)
}

/** Places that are not empty; an iterator of the array itself would make an object of each of the others, too. */
function* filled(page: Float64Array): Generator<[number, number]> {
  for (let at = 0; at < page.length; at++) {
    const offset = page[at] ?? 0
    if (offset !== 0) yield [at, offset]
  }
}

export class OffsetIndex {
  readonly #pages = new Map<number, Float64Array>()
  /** Pages with fewer entries: position in the page to offset. */
  readonly #sparse = new Map<number, Map<number, Offset>>()
  readonly #stored: StoredPages | undefined
  readonly #areFew: boolean
  #lastNumber = -1
  #lastPage: Float64Array | undefined
  /** How many objects have an entry. */
  size: number

  /** `areFew`: it is for so few that the first page, too, begins without an array. */
  constructor(stored?: StoredPages, areFew = false) {
    this.#stored = stored
    this.#areFew = areFew
    this.size = stored?.size ?? 0
  }

  /** 0: no such object. */
  get(oid: Oid): Offset {
    const number = pageOf(oid)
    const page = this.#page(number)
    if (page !== undefined) return small(page[oid % PAGE] ?? 0) as Offset
    return this.#sparse.get(number)?.get(oid % PAGE) ?? (0 as Offset)
  }

  set(oid: Oid, offset: Offset): void {
    const number = pageOf(oid)
    const page = this.#page(number) ?? this.#setSparse(number, oid % PAGE, offset)
    if (page === undefined) return
    if (page[oid % PAGE] === 0) this.size++
    page[oid % PAGE] = offset
  }

  /** All objects in order of oid. */
  *entries(): Generator<[Oid, Offset]> {
    for (const number of this.pageNumbers()) {
      const sparse = this.#sparse.get(number)
      const page = sparse === undefined ? filled(this.page(number)) : [...sparse].sort(([a], [b]) => a - b)
      for (const [at, offset] of page) yield [(number * PAGE + at) as Oid, offset as Offset]
    }
  }

  /** Numbers of the pages that hold anything, ascending. */
  pageNumbers(): number[] {
    const numbers = new Set([...this.#pages.keys(), ...this.#sparse.keys()])
    for (let n = 0; n < (this.#stored?.count ?? 0); n++) numbers.add(this.#stored?.number(n) ?? 0)
    return [...numbers].sort((a, b) => a - b)
  }

  /** One page as an array; not to be changed. */
  page(number: number): Float64Array {
    const page = this.#page(number)
    if (page !== undefined) return page
    const array = new Float64Array(PAGE)
    for (const [at, offset] of this.#sparse.get(number) ?? []) array[at] = offset
    return array
  }

  /** The page, once it has become an array. */
  #setSparse(number: number, at: number, offset: Offset): Float64Array | undefined {
    if (number === 0 && !this.#areFew) return this.#widen(number, [])
    let entries = this.#sparse.get(number)
    if (entries === undefined) this.#sparse.set(number, (entries = new Map<number, Offset>()))
    if (entries.size === ENOUGH && !entries.has(at)) return this.#widen(number, entries)
    const before = entries.size
    entries.set(at, offset)
    this.size += entries.size - before
    return undefined
  }

  #widen(number: number, entries: Iterable<readonly [number, Offset]>): Float64Array {
    const page = new Float64Array(PAGE)
    for (const [at, offset] of entries) page[at] = offset
    this.#sparse.delete(number)
    return this.#keep(number, page)
  }

  #keep(number: number, page: Float64Array): Float64Array {
    this.#pages.set(number, page)
    this.#lastNumber = number
    this.#lastPage = page
    return page
  }

  #page(number: number): Float64Array | undefined {
    if (number !== this.#lastNumber) {
      const page = this.#pages.get(number) ?? this.#readStored(number)
      this.#lastNumber = number
      this.#lastPage = page
    }
    return this.#lastPage
  }

  #readStored(number: number): Float64Array | undefined {
    if (this.#stored === undefined || this.#sparse.has(number)) return undefined
    const page = this.#stored.read(number)
    return page && this.#keep(number, page)
  }
}
