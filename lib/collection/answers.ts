// What a map found at the keys that it was asked for last, so that asking again is one look-up in memory. Holds for one stored
// state; who changes anything in a transaction must not ask here. Only of keys that are hashed (key.ts).
import { headerOf } from '../object/header.js'
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

/** What an answer takes in memory, roughly, by itself. */
const EACH = 128
/** An object that is not loaded. */
const OBJECT = 512
/** What part of the bytes that the connection keeps may be taken by the young ones, and by the old ones again. */
const PART = 1 / 8
/** So many are kept at least, unless they are large, and twice as many at most: those that were not asked for since go first. */
const MOST = 1 << 14

export class Answers {
  #young: Map<StoredKey, Answer> | undefined
  #old: Map<StoredKey, Answer> | undefined
  /** Bytes that the young ones take. */
  #bytes = 0
  #state = 0

  /** `state` numbers the stored state; `cacheBytes`: what the connection keeps of all that was read. */
  get(key: StoredKey, state: number, cacheBytes: number): Answer | undefined {
    if (state !== this.#state) return undefined
    const young = this.#young?.get(key)
    if (young !== undefined || !this.#old) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.#add(key, old, cacheBytes)
    return old
  }

  put(key: StoredKey, state: number, answer: Answer, cacheBytes: number): void {
    if (state !== this.#state) {
      this.#young = this.#old = undefined
      this.#bytes = 0
      this.#state = state
    }
    this.#add(key, answer, cacheBytes)
  }

  #add(key: StoredKey, answer: Answer, cacheBytes: number): void {
    const bytes = EACH + weightOf(key) + weightOf(answer.value)
    const most = cacheBytes * PART
    if (bytes > most) return
    if (this.#young && (this.#young.size >= MOST || this.#bytes + bytes > most)) {
      this.#old = this.#young
      this.#young = undefined
      this.#bytes = 0
    }
    this.#bytes += bytes
    this.#young ??= new Map()
    this.#young.set(key, answer)
  }
}

/** What is kept for an answer: text, or an object, of which its connection cannot let go meanwhile. */
function weightOf(value: unknown): number {
  if (typeof value === 'string') return 2 * value.length
  const header = headerOf(value)
  return header === undefined ? 0 : Math.max(OBJECT, header.weight)
}
