// A set of oids: one bit each, in pages that exist only where there are enough members.
import type { Oid } from './types.js'

const PAGE_SHIFT = 15
const PAGE_BITS = 1 << PAGE_SHIFT
/** Members with which a page becomes bits: a few and far ones must not take a page each. */
const ENOUGH = 32

/** Most numbers are whole ones for the engine, which need no division. */
function pageOf(oid: Oid): number {
  return oid === (oid | 0) ? oid >> PAGE_SHIFT : Math.floor(oid / PAGE_BITS)
}

export class OidSet {
  readonly #pages = new Map<number, Uint8Array>()
  /** Pages with fewer members. */
  readonly #sparse = new Map<number, Set<number>>()
  /** The page that was asked for last. */
  #lastNumber = -1
  #lastPage: Uint8Array | undefined
  size = 0

  has(oid: Oid): boolean {
    const number = pageOf(oid)
    const bit = oid % PAGE_BITS
    const page = this.#page(number)
    if (page === undefined) return this.#sparse.get(number)?.has(bit) ?? false
    return ((page[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0
  }

  /** False if it was there already. */
  add(oid: Oid): boolean {
    const number = pageOf(oid)
    const bit = oid % PAGE_BITS
    const page = this.#page(number)
    if (page === undefined) return this.#addSparse(number, bit)
    const byte = page[bit >> 3] ?? 0
    const more = byte | (1 << (bit & 7))
    if (more === byte) return false
    page[bit >> 3] = more
    this.size++
    return true
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<Oid> {
    for (const number of [...this.#pages.keys(), ...this.#sparse.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(number)
      const bits = page === undefined ? [...(this.#sparse.get(number) ?? [])].sort((a, b) => a - b) : bitsIn(page)
      for (const bit of bits) yield (number * PAGE_BITS + bit) as Oid
    }
  }

  #page(number: number): Uint8Array | undefined {
    if (number !== this.#lastNumber) {
      this.#lastNumber = number
      this.#lastPage = this.#pages.get(number)
    }
    return this.#lastPage
  }

  #addSparse(number: number, bit: number): boolean {
    let members = this.#sparse.get(number)
    if (members === undefined) this.#sparse.set(number, (members = new Set<number>()))
    if (members.has(bit)) return false
    members.add(bit)
    this.size++
    if (members.size < ENOUGH) return true
    const page = new Uint8Array(PAGE_BITS / 8)
    for (const each of members) page[each >> 3] = (page[each >> 3] ?? 0) | (1 << (each & 7))
    this.#sparse.delete(number)
    this.#pages.set(number, page)
    this.#lastPage = page
    return true
  }
}

function bitsIn(page: Uint8Array): number[] {
  const bits: number[] = []
  for (const [at, byte] of page.entries()) {
    for (let bit = 0; byte >> bit > 0; bit++) if ((byte & (1 << bit)) !== 0) bits.push(at * 8 + bit)
  }
  return bits
}
