// The places of what a collection has handed out, by key, and where things stood before the transaction did anything: that is
// how they stand again when it is undone.
import { compareKeys } from './key-order.js'
import { KeyTable } from './key-table.js'
import type { StoredKey } from './key.js'
import type { Place } from './place.js'
import { FEWEST, PlaceSample } from './place-sample.js'
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
  #sample: PlaceSample | undefined

  get size(): number {
    return this.#places.size
  }

  get(key: StoredKey): Place | undefined {
    return this.#places.get(key)
  }

  [Symbol.iterator](): Iterator<Place, undefined> {
    return this.#places[Symbol.iterator]()
  }

  sort(): void {
    this.#places.sort()
  }

  put(place: Place): void {
    this.#places.put(place)
    const { size } = this.#places
    if (size >= this.#sweepAt) this.#sweep()
    else if (size >= FEWEST) (this.#sample ??= new PlaceSample()).offer(place, size)
  }

  delete(key: StoredKey): void {
    this.#places.delete(key)
  }

  /**
   * Lets go of the places of what nobody has any more, once these are most: going through all is paid for by what it finds. When
   * values are gone is up to the collector, so this is to be called again and again.
   */
  prune(): void {
    if (this.#sample?.mostAreGone() === true) this.#sweep()
  }

  #sweep(): void {
    this.#places.deleteWhere(place => place.value === undefined)
    this.#sweepAt = Math.max(FEW, 2 * this.#places.size)
    this.#sample = undefined
    if (this.#places.size < FEWEST) return
    this.#sample = new PlaceSample()
    let size = 0
    for (const place of this.#places) this.#sample.offer(place, ++size)
  }

  // ---- what stands elsewhere from now on ----

  /** What stands at each key is found at another from now on, or (undefined) nowhere; `to` is asked in the order of keys. */
  moveAll(to: (key: StoredKey) => StoredKey | undefined): void {
    const moved: Place[] = []
    for (const place of this.#places.inOrder()) {
      const key = to(place.key)
      if (key === place.key) {
        moved.push(place)
        continue
      }
      const value = place.value
      if (key === undefined || value === undefined) continue
      place.key = key
      moved.push(place)
    }
    this.#replaceAll(moved.sort((a, b) => compareKeys(a.key, b.key)))
  }

  /** The same where nothing changes before `low`, nor the order. */
  moveOnwards(low: StoredKey, to: (key: StoredKey) => StoredKey | undefined): void {
    const nowhere = new Set<Place>()
    for (const place of this.#places.onwards(low)) {
      const key = to(place.key)
      if (key === undefined) nowhere.add(place)
      else place.key = key
    }
    if (nowhere.size > 0) this.#replaceAll(this.#places.inOrder().filter(place => !nowhere.has(place)))
  }

  /** Keys from one on, and before another one, at which something stands that somebody may have. */
  keysBetween(low: StoredKey, high: StoredKey): StoredKey[] {
    const keys: StoredKey[] = []
    for (const { key } of this.#places.onwards(low)) {
      if (compareKeys(key, high) >= 0) break
      keys.push(key)
    }
    return keys
  }

  /** What stands at one key is found at another from now on. */
  move(from: StoredKey, to: StoredKey): void {
    const place = this.get(from)
    if (!place) return
    this.delete(from)
    place.key = to
    this.put(place)
  }

  /** In the order of keys. */
  #replaceAll(places: readonly Place[]): void {
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
    for (const place of this.#places) place.undone(place.origin)
  }

  #restore(): void {
    for (const { key, place, source } of this.#before ?? []) {
      if (place) {
        place.undone(source)
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
    this.prune()
  }
}
