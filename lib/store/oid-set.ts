// A set of oids: one bit each, in pages that exist only where there are enough members.
import type { Oid } from './types.js'

const PAGE_BITS = 1 << 15
/** Members with which a page becomes bits: a few and far ones must not take a page each. */
const ENOUGH = 32

export class OidSet {
  readonly #pages = new Map<number, Uint8Array>()
  /** Pages with fewer members. */
  readonly #sparse = new Map<number, Set<number>>()
  size = 0

  has(oid: Oid): boolean {
    const number = Math.floor(oid / PAGE_BITS)
    const bit = oid % PAGE_BITS
    const page = this.#pages.get(number)
    if (page === undefined) return this.#sparse.get(number)?.has(bit) ?? false
    return ((page[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0
  }

  /** False if it was there already. */
  add(oid: Oid): boolean {
    if (this.has(oid)) return false
    this.size++
    const number = Math.floor(oid / PAGE_BITS)
    const bit = oid % PAGE_BITS
    const page = this.#pages.get(number)
    if (page === undefined) this.#addSparse(number, bit)
    else page[bit >> 3] = (page[bit >> 3] ?? 0) | (1 << (bit & 7))
    return true
  }

  #addSparse(number: number, bit: number): void {
    let members = this.#sparse.get(number)
    if (members === undefined) this.#sparse.set(number, (members = new Set<number>()))
    members.add(bit)
    if (members.size < ENOUGH) return
    const page = new Uint8Array(PAGE_BITS / 8)
    for (const each of members) page[each >> 3] = (page[each >> 3] ?? 0) | (1 << (each & 7))
    this.#sparse.delete(number)
    this.#pages.set(number, page)
  }
}
