// The keys of a map or set, sorted, each once, and where one stands among them. Knows nothing of values.
// Positions hold until the edition changes; a reload changes it too, so that whoever goes through the keys finds on.
import { CollectionHeader } from '../object/collection.js'
import { NOWHERE, type Header } from '../object/header.js'
import { copyLeaf } from '../object/values.js'
import { headersIn, keyIn, keyName, keyOut, type StoredKey } from './key.js'
import { compareKeys, findKey } from './key-order.js'

export abstract class KeyedHeader extends CollectionHeader {
  /** null: not loaded. */
  #sorted: StoredKey[] | null = null
  #edition = 0
  /** New objects among the keys of a new collection. */
  #unstored: Header[] = []

  get loaded(): boolean {
    return this.#sorted !== null
  }

  protected unload(): void {
    this.setKeys(null)
    this.#unstored = []
  }

  protected setKeys(sorted: StoredKey[] | null): void {
    this.#sorted = sorted
    this.#edition++
  }

  /** Only of a loaded collection. */
  get sorted(): readonly StoredKey[] {
    return this.#sorted as StoredKey[]
  }

  override touch(): void {
    super.touch()
    if (this.#unstored.length > 0) this.keepOrder()
  }

  /**
   * Objects get oids from commits in the order of creation, but not necessarily from the same commit. While a collection
   * itself is not stored, some of its keys may be, and then stand before the others. (Afterwards whatever stores one new
   * key of a collection stores them all.)
   */
  protected keepOrder(): void {
    if (!this.#unstored.some(({ oid }) => oid !== 0)) return
    this.#unstored = this.#unstored.filter(({ oid }) => oid === 0)
    const before = this.sorted
    const order = before.map((_, i) => i).sort((a, b) => compareKeys(before[a] as StoredKey, before[b] as StoredKey))
    this.setKeys(order.map(i => before[i] as StoredKey))
    this.rearrange(order)
  }

  /** Whatever goes with the keys: `order` has the former position for each new one. */
  protected rearrange(_order: readonly number[]): void {
    // a set has nothing else
  }

  // ---- looking up ----

  /** See `findKey`. */
  find(key: StoredKey): number {
    return findKey(this.sorted, key)
  }

  keyIn(value: unknown): StoredKey {
    return keyIn(value, this, `${this.name} key`)
  }

  /** The key at this position as it is handed out. */
  keyOut(at: number): unknown {
    const key = this.sorted[at] as StoredKey
    const out = keyOut(key, reference => this.handOut(reference))
    if (typeof key === 'symbol') (this.#sorted as StoredKey[])[at] = out as object
    return out
  }

  /** All positions, one after another: goes on behind the key that it gave last, whatever happened meanwhile. */
  *positions(): Generator<number, void> {
    this.touch()
    if (this.sorted.length === 0) return
    let at = 0
    for (;;) {
      const edition = this.#edition
      const last = this.sorted[at] as StoredKey
      yield at++
      this.touch()
      if (edition !== this.#edition) {
        at = this.find(last)
        at = at < 0 ? ~at : at + 1
      }
      if (at >= this.sorted.length) return
    }
  }

  // ---- changing: after `change()` ----

  protected insertKey(at: number, key: StoredKey): void {
    ;(this.#sorted as StoredKey[]).splice(at, 0, key)
    this.#edition++
    this.#noteUnstored(key)
  }

  protected removeKey(at: number): void {
    ;(this.#sorted as StoredKey[]).splice(at, 1)
    this.#edition++
  }

  /** All keys of a new collection. */
  protected startWith(sorted: StoredKey[]): void {
    this.setKeys(sorted)
    for (const key of sorted) this.#noteUnstored(key)
  }

  #noteUnstored(key: StoredKey): void {
    if (this.scope !== NOWHERE || typeof key !== 'object') return
    for (const header of headersIn(key)) if (header.oid === 0) this.#unstored.push(header)
  }

  // ---- for the object layer ----

  override keyName(key: unknown): string {
    return keyName(key as StoredKey)
  }

  protected plainKey(key: StoredKey, convert: (value: unknown) => unknown): unknown {
    if (Array.isArray(key)) return (key as readonly StoredKey[]).map(part => this.plainKey(part, convert))
    return key instanceof Uint8Array ? copyLeaf(key) : convert(key)
  }
}
