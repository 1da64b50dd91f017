// Keys that a transaction has asked for, which are of interest only if it has to be asked again: they are put in order then.
import type { StoredKey } from './key.js'
import { compareKeys } from './key-order.js'

/** Of a few keys that are asked for again and again, no more notes are kept than this. */
const MANY = 10_000

export class KeyNotes {
  #keys: StoredKey[] = []
  /** With so many, those that are there twice are dropped. */
  #most = MANY

  get size(): number {
    return this.#keys.length
  }

  add(key: StoredKey): void {
    if (this.#keys.push(key) >= this.#most) this.#most = Math.max(MANY, 2 * this.inOrder().length)
  }

  /** Each once. */
  inOrder(): readonly StoredKey[] {
    this.#keys.sort(compareKeys)
    return (this.#keys = this.#keys.filter(
      (key, i, keys) => i === 0 || compareKeys(keys[i - 1] as StoredKey, key) !== 0,
    ))
  }
}
