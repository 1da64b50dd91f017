// Keys that a transaction has asked for, which are of interest only if it has to be asked again: they are put in order then.
import type { StoredKey } from './key.js'
import { compareKeys } from './key-order.js'

/** Of a few keys that are asked for again and again, no more notes are kept than this, ... */
const MANY = 10_000
/** ... nor more bytes of text and byte arrays in them. */
const MANY_BYTES = 1 << 20

export class KeyNotes {
  #keys: StoredKey[] = []
  #bytes = 0
  /** With so many, those that are there twice are dropped. */
  #most = MANY
  #mostBytes = MANY_BYTES

  get size(): number {
    return this.#keys.length
  }

  add(key: StoredKey): void {
    this.#bytes += bytesIn(key)
    if (this.#keys.push(key) < this.#most && this.#bytes < this.#mostBytes) return
    const left = this.inOrder()
    this.#bytes = 0
    for (const each of left) this.#bytes += bytesIn(each)
    this.#most = Math.max(MANY, 2 * left.length)
    this.#mostBytes = Math.max(MANY_BYTES, 2 * this.#bytes)
  }

  /** Each once. */
  inOrder(): readonly StoredKey[] {
    this.#keys.sort(compareKeys)
    return (this.#keys = this.#keys.filter(
      (key, i, keys) => i === 0 || compareKeys(keys[i - 1] as StoredKey, key) !== 0,
    ))
  }
}

/** Of text and byte arrays: anything else is small. */
function bytesIn(key: StoredKey): number {
  if (typeof key === 'string') return key.length
  if (typeof key !== 'object') return 0
  if (ArrayBuffer.isView(key)) return key.byteLength
  if (!Array.isArray(key)) return 0
  let sum = 0
  for (const part of key as readonly StoredKey[]) sum += bytesIn(part)
  return sum
}
