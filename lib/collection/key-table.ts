// Entries in memory by their keys, each key once, and in the order of their keys for those who ask: what a transaction has
// done to a map or set, and what was handed out of it. Entries are sorted into runs of limited length when somebody asks for
// an order, or puts in one that no native Map finds at once; until then they wait in one.
import { isHashed, type StoredKey } from './key.js'
import { compareKeys } from './key-order.js'

const MOST_IN_RUN = 512
/** Most tables stay empty, and there are several for each collection. */
const NO_RUNS: never[] = []

export class KeyTable<E extends { readonly key: StoredKey }> {
  /** Sorted. None is empty. */
  #runs: E[][] = NO_RUNS
  #inRuns = 0
  /** Those that are not in the runs yet. */
  #waiting: Map<StoredKey, E> | undefined

  get size(): number {
    return this.#inRuns + (this.#waiting?.size ?? 0)
  }

  get(key: StoredKey): E | undefined {
    const waiting = this.#waiting?.get(key)
    if (waiting !== undefined || this.#inRuns === 0) return waiting
    const run = this.#runs[this.#runFor(key)]
    const at = run ? find(run, key) : -1
    return at < 0 ? undefined : run?.[at]
  }

  /** Takes the place of an entry of the same key. */
  put(entry: E): void {
    const { key } = entry
    if (this.#inRuns === 0 && isHashed(key)) {
      this.#waiting ??= new Map()
      this.#waiting.set(key, entry)
      return
    }
    this.#sortIn()
    this.#putInRun(entry)
  }

  delete(key: StoredKey): void {
    if (this.#waiting?.delete(key) === true || this.#inRuns === 0) return
    const at = this.#runFor(key)
    const run = this.#runs[at]
    const place = run ? find(run, key) : -1
    if (!run || place < 0) return
    run.splice(place, 1)
    this.#inRuns--
    if (run.length === 0) this.#runs.splice(at, 1)
  }

  /** Those of which `test` is true. Where these are most, what stays is put together anew: to delete them from a native Map takes ten times as long. */
  deleteWhere(test: (entry: E) => boolean): void {
    const gone: E[] = []
    const stays: E[] = []
    const tell = (entry: E): void => void (test(entry) ? gone : stays).push(entry)
    this.#waiting?.forEach(tell)
    for (const run of this.#runs) run.forEach(tell)
    if (gone.length <= stays.length) for (const { key } of gone) this.delete(key)
    else if (this.#inRuns > 0) this.fill(stays)
    else this.#waiting = new Map(stays.map(entry => [entry.key, entry]))
  }

  clear(): void {
    this.#runs = NO_RUNS
    this.#inRuns = 0
    this.#waiting = undefined
  }

  /** The first entry from `key` on (behind it, if `open`); the first of all without a key. */
  from(key: StoredKey | undefined, open: boolean): E | undefined {
    this.#sortIn()
    if (key === undefined) return this.#runs[0]?.[0]
    const at = this.#runFor(key)
    const run = this.#runs[at]
    if (!run) return undefined
    const place = find(run, key)
    return run[place < 0 ? ~place : open ? place + 1 : place] ?? this.#runs[at + 1]?.[0]
  }

  /** The last entry up to `key` (before it, if `open`); the last of all without a key. */
  upTo(key: StoredKey | undefined, open: boolean): E | undefined {
    this.#sortIn()
    if (key === undefined) return this.#runs.at(-1)?.at(-1)
    const at = this.#runFor(key)
    const run = this.#runs[at]
    if (!run) return undefined
    const place = find(run, key)
    const to = place < 0 ? ~place - 1 : open ? place - 1 : place
    return to >= 0 ? run[to] : at > 0 ? this.#runs[at - 1]?.at(-1) : undefined
  }

  /** In the order of the keys. */
  inOrder(): E[] {
    this.#sortIn()
    const all: E[] = []
    for (const run of this.#runs) for (const entry of run) all.push(entry) // `flat` takes five times as long
    return all
  }

  /** In any order. */
  *[Symbol.iterator](): Generator<E, undefined> {
    if (this.#waiting) yield* this.#waiting.values()
    for (const run of this.#runs) yield* run
  }

  /**
   * All entries from the first one on whose key is `low` or behind it (undefined: of all), in order, to those who change keys but not
   * their order.
   */
  *onwards(low: StoredKey | undefined): Generator<E, undefined> {
    this.#sortIn()
    const first = low === undefined ? 0 : this.#runFor(low)
    for (let at = first; at < this.#runs.length; at++) {
      const run = this.#runs[at] as E[]
      const start = at === first && low !== undefined ? find(run, low) : 0
      for (let place = start < 0 ? ~start : start; place < run.length; place++) yield run[place] as E
    }
  }

  /** The order of the keys has changed. */
  sort(): void {
    this.fill([...this])
  }

  /** As long as there is an entry in the runs, none waits. */
  #sortIn(): void {
    if (this.#waiting) this.fill([...this.#waiting.values()])
  }

  /** In place of all that is there: entries of which no two have the same key. What throws (the stack may be full) has changed nothing. */
  fill(entries: E[]): void {
    // Keys often come in order.
    if (entries.some((entry, i) => i > 0 && compareKeys((entries[i - 1] as E).key, entry.key) > 0))
      entries.sort((a, b) => compareKeys(a.key, b.key))
    const runs: E[][] = entries.length > 0 ? [] : NO_RUNS
    for (let i = 0; i < entries.length; i += MOST_IN_RUN) runs.push(entries.slice(i, i + MOST_IN_RUN))
    this.#runs = runs
    this.#inRuns = entries.length
    this.#waiting = undefined
  }

  #putInRun(entry: E): void {
    const at = this.#runFor(entry.key)
    const run = this.#runs[at]
    if (!run) {
      this.#runs = [[entry]]
      this.#inRuns++
      return
    }
    const place = find(run, entry.key)
    if (place >= 0) {
      run[place] = entry
      return
    }
    run.splice(~place, 0, entry)
    this.#inRuns++
    if (run.length <= MOST_IN_RUN) return
    // Keys often come in order: then the runs stay full.
    const keep = ~place === run.length - 1 && at === this.#runs.length - 1 ? MOST_IN_RUN : run.length >> 1
    this.#runs.splice(at + 1, 0, run.splice(keep))
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
