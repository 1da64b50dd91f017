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

/** Beyond that, all are forgotten. */
const MOST = 8192

export class Answers {
  readonly #byKey = new Map<StoredKey, Answer>()
  #state = 0

  /** `state` numbers the stored state. */
  get(key: StoredKey, state: number): Answer | undefined {
    return state === this.#state ? this.#byKey.get(key) : undefined
  }

  put(key: StoredKey, state: number, answer: Answer): void {
    if (state !== this.#state || this.#byKey.size >= MOST) this.#byKey.clear()
    this.#state = state
    this.#byKey.set(key, answer)
  }
}
