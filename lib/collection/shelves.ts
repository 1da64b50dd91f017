// Plain data that was handed out of a stored state since that was loaded, and to which nothing has happened since: kept by the
// leaf that it was read from, weakly. That is all there is of a scan. As soon as anything happens to the collection, it is
// taken off the shelves, and each value gets a place of its own (handed.ts).
import type { Seat } from '../object/plain-node.js'
import type { Oid } from '../store/types.js'
import type { StoredKey } from './key.js'
import { Kin, type Place } from './place.js'
import type { Leaf, Source } from './tree/leaf.js'
import type { Found } from './tree/tree.js'

/** Stands above all that is on it: they tell their keys themselves. */
export class Shelf implements Seat {
  readonly key = undefined
  readonly kin: WeakRef<Kin>
  readonly source: Source

  constructor(kin: WeakRef<Kin>, source: Source) {
    this.kin = kin
    this.source = source
  }
}

const FEW = 64

export class Shelves {
  /** Only while there is any. */
  #byLeaf: Map<Oid, Shelf> | undefined
  #sweepAt = FEW
  // What was used last:
  #leaf: Leaf | undefined
  #shelf: Shelf | undefined
  #kin: Kin | undefined

  get size(): number {
    return this.#byLeaf?.size ?? 0
  }

  /** What was handed out of an entry, if somebody may have it. */
  get({ leaf, at }: Found): object | undefined {
    if (!this.#byLeaf) return undefined
    if (leaf !== this.#leaf) this.#find(leaf)
    return this.#kin?.values[at]
  }

  #find(leaf: Leaf): void {
    this.#leaf = leaf
    this.#shelf = leaf.source && this.#byLeaf?.get(leaf.source.oid)
    this.#kin = this.#shelf?.kin.deref()
  }

  /** Is that so of the record of any leaf? */
  some(test: (source: Source) => boolean): boolean {
    for (const { source } of this.#byLeaf?.values() ?? []) if (test(source)) return true
    return false
  }

  /** The shelf for what is handed out of an entry, and the kin to which it belongs then. */
  for({ leaf, at }: Found, key: StoredKey, source: Source): { readonly shelf: Shelf; readonly kin: Kin } {
    if (leaf !== this.#leaf) this.#find(leaf)
    if (this.#shelf && this.#kin) return { shelf: this.#shelf, kin: this.#kin }
    const shelves = this.#swept()
    const kin = new Kin(leaf.keys, leaf.counted ? (key as number) - at : 0)
    const shelf = new Shelf(kin.ref, source)
    shelves.set(source.oid, shelf)
    this.#leaf = leaf
    this.#shelf = shelf
    this.#kin = kin
    return { shelf, kin }
  }

  #swept(): Map<Oid, Shelf> {
    const shelves = (this.#byLeaf ??= new Map<Oid, Shelf>())
    if (shelves.size < this.#sweepAt) return shelves
    for (const [oid, { kin }] of shelves) if (kin.deref() === undefined) shelves.delete(oid)
    this.#sweepAt = Math.max(FEW, 2 * shelves.size)
    return shelves
  }

  /** Where the value stands that has just been handed out of an entry. */
  placeOf(found: Found, key: StoredKey, load: number): Place | undefined {
    const { source } = found.leaf
    if (!source || this.get(found) === undefined) return undefined
    return this.#kin?.place(found.at, key, load, source)
  }

  /** Takes everything off: each value that somebody may have, and its place. `load`: the owner's in which all was handed out. */
  clear(load: number, visit: (value: object, place: Place, shelf: Shelf) => void): void {
    for (const shelf of this.#byLeaf?.values() ?? []) {
      const { kin, source } = shelf
      const all = kin.deref()
      all?.values.forEach((value, index) => {
        if (value) visit(value, all.place(index, all.keyAt(index), load, source), shelf)
      })
    }
    this.#byLeaf = undefined
    this.#leaf = this.#shelf = this.#kin = undefined
    this.#sweepAt = FEW
  }
}
