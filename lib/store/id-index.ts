// Which records name ids of transactions, found by the hashes of these (transaction-id.ts): 16 bytes an id, as there may be millions. That a
// hash is here says only where to look: the record has the id. Begins empty, or with what is stored, whose parts are read when they are
// asked for; what comes later is kept apart, so that taking note of it never reads.
import { OidSet } from './oid-set.js'
import type { Oid } from './types.js'

/** Hash and oid of each of some ids, one behind the other, ascending. */
export type IdRun = Float64Array

/** What was stored before. Whatever reads it may throw DamagedIndexError. */
export interface StoredIds {
  readonly size: number
  /** Of records whose id may have this hash. */
  oids(hash: number): Oid[]
  /** All of them, ascending; each is to be used before the next one is asked for. */
  runs(): Iterable<IdRun>
}

/** Ids in a page of a table. */
export const IDS_IN_PAGE = 512
const PAIR = 2

/** Those that come later are kept sorted in buckets. Who chooses ids chooses hashes: a bucket of so many is split, whatever they are. */
const IDS_IN_BUCKET = 512
/** Numbers for which there is room at first. */
const FIRST_ROOM = 4

/** Some ids, all before those of the next bucket. */
interface Bucket {
  pairs: IdRun
  /** Numbers that are used. */
  used: number
}

export class IdIndex implements StoredIds {
  readonly #loadStored: (() => StoredIds) | undefined
  #stored: StoredIds | undefined
  readonly #buckets: [Bucket, ...Bucket[]] = [{ pairs: new Float64Array(FIRST_ROOM), used: 0 }]
  #added = 0

  constructor(loadStored?: () => StoredIds) {
    this.#loadStored = loadStored
  }

  get size(): number {
    return this.#added + (this.#before?.size ?? 0)
  }

  get #before(): StoredIds | undefined {
    return (this.#stored ??= this.#loadStored?.())
  }

  add(hash: number, oid: Oid): void {
    const bucket = this.#roomyBucket(hash, oid)
    const { pairs, used } = bucket
    const at = placeOf(pairs, used, hash, oid)
    if (at < used && pairs[at] === hash && pairs[at + 1] === oid) return
    if (used === pairs.length) {
      bucket.pairs = new Float64Array(used * 2)
      bucket.pairs.set(pairs)
    }
    bucket.pairs.copyWithin(at + PAIR, at, used)
    bucket.pairs[at] = hash
    bucket.pairs[at + 1] = oid
    bucket.used += PAIR
    this.#added++
  }

  /** The one where this id belongs, which is not full. */
  #roomyBucket(hash: number, oid: Oid): Bucket {
    const number = this.#bucketOf(hash, oid)
    const bucket = this.#buckets[number] ?? this.#buckets[0]
    const { pairs, used } = bucket
    const most = IDS_IN_BUCKET * PAIR
    if (used < most) return bucket
    const half = most / 2
    const second = { pairs: new Float64Array(most), used: half }
    second.pairs.set(pairs.subarray(half))
    bucket.used = half
    this.#buckets.splice(number + 1, 0, second)
    return isBehind(second.pairs, hash, oid) ? bucket : second
  }

  /** The last one that begins with this id or before it; if there is none, the first. */
  #bucketOf(hash: number, oid: number): number {
    let low = 1
    let high = this.#buckets.length
    while (low < high) {
      const middle = (low + high) >> 1
      const { pairs } = this.#buckets[middle] ?? this.#buckets[0]
      if (isBehind(pairs, hash, oid)) high = middle
      else low = middle + 1
    }
    return low - 1
  }

  oids(hash: number): Oid[] {
    const found = this.#before?.oids(hash) ?? []
    for (let number = this.#bucketOf(hash, 0); number < this.#buckets.length; number++) {
      const { pairs, used } = this.#buckets[number] ?? this.#buckets[0]
      if ((pairs[0] ?? 0) > hash) break
      for (const oid of oidsIn(pairs.subarray(0, used), hash)) found.push(oid)
    }
    return found
  }

  /** The records, in steps: of those that come meanwhile, some or none. */
  *gather(): Generator<void, OidSet> {
    const found = new OidSet()
    for (const run of this.runs()) {
      for (let n = 1; n < run.length; n += PAIR) found.add(run[n] as Oid)
      yield
    }
    return found
  }

  *runs(): Generator<IdRun> {
    yield* this.#before?.runs() ?? []
    yield* this.#addedRuns()
  }

  *#addedRuns(): Generator<IdRun> {
    // What is split meanwhile comes again in part, and is not passed over.
    for (const { pairs, used } of this.#buckets) yield pairs.subarray(0, used)
  }

  /** All of them in runs of equal length, the last one shorter, ascending also from one to the next. */
  *pages(): Generator<IdRun, undefined> {
    const before = new Ids(this.#before?.runs() ?? [])
    const added = new Ids(this.#addedRuns())
    let page = new Float64Array(IDS_IN_PAGE * PAIR)
    let used = 0
    for (;;) {
      const from = before.hash <= added.hash ? before : added
      if (from.hash === Infinity) break
      page[used++] = from.hash
      page[used++] = from.oid
      from.advance()
      if (used < page.length) continue
      yield page
      page = new Float64Array(page.length)
      used = 0
    }
    if (used > 0) yield page.subarray(0, used)
    return undefined
  }
}

/** Goes from id to id of several runs; behind the last one, `hash` is Infinity. */
class Ids {
  hash = Infinity
  oid = 0
  readonly #runs: Iterator<IdRun>
  #run: IdRun = new Float64Array()
  #at = 0

  constructor(runs: Iterable<IdRun>) {
    this.#runs = runs[Symbol.iterator]()
    this.advance()
  }

  advance(): void {
    while (this.#at === this.#run.length) {
      const next = this.#runs.next()
      this.hash = Infinity
      if (next.done === true) return
      this.#run = next.value
      this.#at = 0
    }
    this.hash = this.#run[this.#at++] ?? 0
    this.oid = this.#run[this.#at++] ?? 0
  }
}

/** Of those in `run` that have this hash. */
export function oidsIn(run: IdRun, hash: number): Oid[] {
  const oids: Oid[] = []
  for (let at = placeOf(run, run.length, hash, 0); run[at] === hash; at += PAIR) oids.push((run[at + 1] ?? 0) as Oid)
  return oids
}

/** Where the first stands in `run` that is not before `hash` and `oid`. */
function placeOf(run: IdRun, used: number, hash: number, oid: number): number {
  let low = 0
  let high = used / PAIR
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBefore(run, middle * PAIR, hash, oid)) low = middle + 1
    else high = middle
  }
  return low * PAIR
}

/** Whether what stands at `at` in `run` is before `hash` and `oid`. */
function isBefore(run: IdRun, at: number, hash: number, oid: number): boolean {
  const other = run[at] ?? 0
  return other < hash || (other === hash && (run[at + 1] ?? 0) < oid)
}

/** Whether `run` begins behind `hash` and `oid`. */
function isBehind(run: IdRun, hash: number, oid: number): boolean {
  const first = run[0] ?? 0
  return first > hash || (first === hash && (run[1] ?? 0) > oid)
}
