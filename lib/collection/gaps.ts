// Stretches of keys at which nothing is left: a transaction has removed all that is stored there, and has put nothing there.
// Whoever has gone past many such entries notes that here, so that the next one need not. Says nothing that the changes do not.
import type { StoredKey } from './key.js'
import { compareKeys } from './key-order.js'
import { KeyTable } from './key-table.js'
import type { Pending } from './keyed-changes.js'
import type { Tree } from './tree/tree.js'

/** Both ends are keys of entries that are gone. */
export interface Gap {
  /** Its first key. */
  readonly key: StoredKey
  readonly last: StoredKey
}

export class Gaps {
  readonly stored: Tree
  readonly #changes: KeyTable<Pending>
  /** No two have a key in common. */
  readonly #table = new KeyTable<Gap>()

  /** Of this stored state, with these changes. */
  constructor(stored: Tree, changes: KeyTable<Pending>) {
    this.stored = stored
    this.#changes = changes
  }

  /** The one that the key is in. */
  at(key: StoredKey): Gap | undefined {
    if (this.#table.size === 0) return undefined
    const gap = this.#table.upTo(key, false)
    return gap && compareKeys(key, gap.last) <= 0 ? gap : undefined
  }

  /** From one of these keys to the other, both included, somebody has met nothing that is left. */
  note(one: StoredKey, other: StoredKey): void {
    let [key, last] = compareKeys(one, other) <= 0 ? [one, other] : [other, one]
    for (let known = this.#within(key, last); known; known = this.#within(key, last)) {
      if (compareKeys(known.key, key) < 0) key = known.key
      if (compareKeys(known.last, last) > 0) last = known.last
      this.#table.delete(known.key)
    }
    this.#table.put({ key, last })
  }

  /** One that has a key of this stretch. */
  #within(key: StoredKey, last: StoredKey): Gap | undefined {
    const gap = this.#table.upTo(last, false)
    return gap && compareKeys(gap.last, key) >= 0 ? gap : undefined
  }

  /** Something is put at this key. */
  open(key: StoredKey): void {
    const gap = this.at(key)
    if (!gap) return
    this.#table.delete(gap.key)
    const before = this.#changes.upTo(key, true)
    if (before && compareKeys(before.key, gap.key) >= 0) this.#table.put({ key: gap.key, last: before.key })
    const behind = this.#changes.from(key, true)
    if (behind && compareKeys(behind.key, gap.last) <= 0) this.#table.put({ key: behind.key, last: gap.last })
  }
}
