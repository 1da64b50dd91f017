// The references of a record that is being written, each of which stands in it as its index in this list. Names each object once.
import type { Oid } from '../store/types.js'
import type { Recordable } from './recordable.js'

/** From so many on, they are looked up in a Map. */
const MANY = 128

export class ReferenceList {
  #refs: (Recordable | Oid)[] | undefined
  #indexOf: Map<Recordable | Oid, number> | undefined

  /** undefined: there are none. */
  get all(): readonly (Recordable | Oid)[] | undefined {
    return this.#refs
  }

  /** Of the next record. `all`: what it refers to, each once, as far as that is known. */
  begin(all?: (Recordable | Oid)[]): void {
    this.#refs = all
    this.#indexOf = undefined
  }

  /** The index of `to`, which is added if it is new. */
  indexOf(to: Recordable | Oid): number {
    const refs = (this.#refs ??= [])
    if (refs.length >= MANY) this.#indexOf ??= new Map(refs.map((ref, index) => [ref, index]))
    const known = this.#indexOf ? this.#indexOf.get(to) : refs.indexOf(to)
    if (known !== undefined && known >= 0) return known
    this.#indexOf?.set(to, refs.length)
    return refs.push(to) - 1
  }
}

/** What stands for a reference in a draft: the oid of an object, or the number of a new one. */
export function numberOf(ref: Recordable | Oid): number {
  return typeof ref === 'number' ? ref : ref.oid || ref.number
}
