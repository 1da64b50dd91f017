// Entries in memory in the order of their keys, each key once: sorted runs of limited length. For what a transaction has
// done to a map or set, and for what was handed out of it.
import type { StoredKey } from './key.js'
import { compareKeys } from './key-order.js'

const MOST_IN_RUN = 512

export class KeyTable<E extends { readonly key: StoredKey }> {
  /** None is empty. */
  #runs: E[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: StoredKey): E | undefined {
    const run = this.#runs[this.#runFor(key)]
    const at = run ? find(run, key) : -1
    return at < 0 ? undefined : run?.[at]
  }

  /** Takes the place of an entry of the same key. */
  put(entry: E): void {
    const at = this.#runFor(entry.key)
    const run = this.#runs[at]
    if (!run) {
      this.#runs.push([entry])
      this.#size++
      return
    }
    const place = find(run, entry.key)
    if (place >= 0) {
      run[place] = entry
      return
    }
    run.splice(~place, 0, entry)
    this.#size++
    if (run.length <= MOST_IN_RUN) return
    // Keys often come in order: then the runs stay full.
    const keep = ~place === run.length - 1 && at === this.#runs.length - 1 ? MOST_IN_RUN : run.length >> 1
    this.#runs.splice(at + 1, 0, run.splice(keep))
  }

  delete(key: StoredKey): void {
    const at = this.#runFor(key)
    const run = this.#runs[at]
    const place = run ? find(run, key) : -1
    if (!run || place < 0) return
    run.splice(place, 1)
    this.#size--
    if (run.length === 0) this.#runs.splice(at, 1)
  }

  clear(): void {
    this.#runs = []
    this.#size = 0
  }

  /** The first entry from `key` on (behind it, if `open`); the first of all without a key. */
  from(key: StoredKey | undefined, open: boolean): E | undefined {
    if (key === undefined) return this.#runs[0]?.[0]
    const at = this.#runFor(key)
    const run = this.#runs[at]
    if (!run) return undefined
    const place = find(run, key)
    return run[place < 0 ? ~place : open ? place + 1 : place] ?? this.#runs[at + 1]?.[0]
  }

  /** The last entry up to `key` (before it, if `open`); the last of all without a key. */
  upTo(key: StoredKey | undefined, open: boolean): E | undefined {
    if (key === undefined) return this.#runs.at(-1)?.at(-1)
    const at = this.#runFor(key)
    const run = this.#runs[at]
    if (!run) return undefined
    const place = find(run, key)
    const to = place < 0 ? ~place - 1 : open ? place - 1 : place
    return to >= 0 ? run[to] : at > 0 ? this.#runs[at - 1]?.at(-1) : undefined
  }

  *[Symbol.iterator](): Generator<E, undefined> {
    for (const run of this.#runs) yield* run
  }

  /** The order of the keys has changed. */
  sort(): void {
    const all = [...this].sort((a, b) => compareKeys(a.key, b.key))
    this.clear()
    for (const entry of all) this.put(entry)
  }

  /** The run in which the key stands, if it does. */
  #runFor(key: StoredKey): number {
    let low = 0
    let high = this.#runs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (compareKeys(key, (this.#runs[middle]?.[0] as E).key) < 0) high = middle - 1
      else low = middle
    }
    return low
  }
}

/** Where the key stands, or the complement of where it would. */
function find<E extends { readonly key: StoredKey }>(run: readonly E[], key: StoredKey): number {
  let low = 0
  let high = run.length
  if (high > 0 && compareKeys(key, (run[high - 1] as E).key) > 0) return ~high
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareKeys(key, (run[middle] as E).key)
    if (order === 0) return middle
    if (order < 0) high = middle
    else low = middle + 1
  }
  return ~low
}
