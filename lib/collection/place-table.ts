// The places of what a collection has handed out, by key, and where things stood before the transaction did anything: that is
// how they stand again when it is undone.
import { KeyTable } from './key-table.js'
import type { StoredKey } from './key.js'
import type { Place } from './place.js'
import type { Source } from './tree/leaf.js'

const FEW = 1024

interface Before {
  readonly key: StoredKey
  readonly place: Place | undefined
  readonly source: Source | undefined
}

export class PlaceTable {
  #places = new KeyTable<Place>()
  /** What the transaction put another value in place of, or changed. */
  #before: KeyTable<Before> | undefined
  /** All, if the transaction has emptied the collection. */
  #beforeClear: KeyTable<Place> | undefined
  #sweepAt = FEW

  get size(): number {
    return this.#places.size
  }

  get(key: StoredKey): Place | undefined {
    return this.#places.get(key)
  }

  /** The first one from a key on; behind it, if so `open`. */
  from(key: StoredKey, open: boolean): Place | undefined {
    return this.#places.from(key, open)
  }

  [Symbol.iterator](): Iterator<Place, undefined> {
    return this.#places[Symbol.iterator]()
  }

  inOrder(): readonly Place[] {
    return this.#places.inOrder()
  }

  /** All from a key on, in order, to those who change keys but not their order. */
  onwards(low: StoredKey): Iterable<Place> {
    return this.#places.onwards(low)
  }

  sort(): void {
    this.#places.sort()
  }

  put(place: Place): void {
    this.#places.put(place)
    if (this.#places.size < this.#sweepAt) return
    for (const place of [...this.#places]) if (place.value === undefined) this.#places.delete(place.key)
    this.#sweepAt = Math.max(FEW, 2 * this.#places.size)
  }

  delete(key: StoredKey): void {
    this.#places.delete(key)
  }

  /** In the order of keys. */
  replaceAll(places: readonly Place[]): void {
    this.#places.clear()
    for (const place of places) this.#places.put(place)
  }

  // ---- what the transaction does ----

  /** There is something to undo. */
  get isChanged(): boolean {
    return this.#beforeClear !== undefined || this.#before !== undefined
  }

  /** Something else is going to stand at a key than what `place` tells of. */
  note(key: StoredKey, place: Place | undefined): void {
    this.#before ??= new KeyTable()
    if (!this.#before.get(key)) this.#before.put({ key, place, source: place?.source })
  }

  /** Nothing that is there agrees with what is stored any more. */
  spoilAll(): void {
    for (const place of this.#places) place.source = undefined
  }

  /** The collection has been emptied. */
  clear(): void {
    this.#restore()
    this.#beforeClear ??= this.#places
    this.#places = new KeyTable()
  }

  undo(): void {
    this.#restore()
    if (!this.#beforeClear) return
    this.#places = this.#beforeClear
    this.#beforeClear = undefined
    this.spoilAll()
  }

  #restore(): void {
    for (const { key, place, source } of this.#before ?? []) {
      if (place) {
        place.before = source
        place.source = undefined
        this.#places.put(place)
      } else {
        this.#places.delete(key)
      }
    }
    this.#before = undefined
  }

  /** All that the transaction did is stored. */
  settle(): void {
    this.#before = undefined
    this.#beforeClear = undefined
  }
}
