// A set of oids: one bit each, in pages that exist only where there is a member.
import type { Oid } from './types.js'

const PAGE_BITS = 1 << 15

export class OidSet {
  readonly #pages = new Map<number, Uint8Array>()
  size = 0

  has(oid: Oid): boolean {
    const page = this.#pages.get(Math.floor(oid / PAGE_BITS))
    const bit = oid % PAGE_BITS
    return page !== undefined && ((page[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0
  }

  /** False if it was there already. */
  add(oid: Oid): boolean {
    const number = Math.floor(oid / PAGE_BITS)
    let page = this.#pages.get(number)
    if (page === undefined) this.#pages.set(number, (page = new Uint8Array(PAGE_BITS / 8)))
    const bit = oid % PAGE_BITS
    const before = page[bit >> 3] ?? 0
    const after = before | (1 << (bit & 7))
    if (after === before) return false
    page[bit >> 3] = after
    this.size++
    return true
  }
}
