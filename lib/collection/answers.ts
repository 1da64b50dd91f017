// What a map found at the keys that it was asked for last, so that asking again is one look-up in memory. Holds for one stored
// state; who changes anything in a transaction must not ask here. Only of keys that are equal if they are the same to JavaScript.
import type { StoredKey } from './key.js'
import type { Place } from './place.js'

export interface Answer {
  /** There is such a key. */
  readonly there: boolean
  /** As it is handed out ... */
  readonly value: unknown
  /** ... or plain data, which may have been forgotten. */
  readonly place: Place | undefined
  /** The transaction that took note of having asked for the value. */
  serial: number
}

/** So many are kept at least, and twice as many at most: those that were not asked for since go first. */
const MOST = 1 << 14

export class Answers {
  #young = new Map<StoredKey, Answer>()
  #old = new Map<StoredKey, Answer>()
  #state = 0

  /** `state` numbers the stored state. */
  get(key: StoredKey, state: number): Answer | undefined {
    if (state !== this.#state) return undefined
    const young = this.#young.get(key)
    if (young !== undefined || this.#old.size === 0) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.#add(key, old)
    return old
  }

  put(key: StoredKey, state: number, answer: Answer): void {
    if (state !== this.#state) {
      if (this.#young.size > 0) this.#young = new Map()
      if (this.#old.size > 0) this.#old = new Map()
      this.#state = state
    }
    this.#add(key, answer)
  }

  #add(key: StoredKey, answer: Answer): void {
    if (this.#young.size >= MOST) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, answer)
  }
}
