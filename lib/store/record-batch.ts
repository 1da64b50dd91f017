// Many records, read in the order in which they stand, and handed out in the order in which they were asked for: what is scattered
// over a file is read with few and large reads. Checks nothing: it gives the bytes where a record is said to stand.
import type { DataFile } from '../file/data-file.js'
import { recordLength } from './record.js'

/** Most records in a batch. */
const MOST = 1 << 18
/** Bytes that are held for each record on average, and at most in all; what does not fit is read when it is asked for. */
const HELD_EACH = 512
const HELD = 32 << 20
/** Records that are longer are not held. */
const LONG = 1 << 14
/** Bytes that are read at once. */
const WINDOW = 1 << 18
/** Most records are shorter. What lies between two records is read with them, if it is not more than this. */
const GAP = 1 << 12
/** Records that are read in one step. */
const STEP = 1 << 12

export class RecordBatch {
  /** How many records a batch may have: place and number of each must fit into one number. */
  readonly most: number
  /** Where the record stands that was asked for, and how long it says it is. Good until the next one is asked for. */
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  length = 0
  readonly #file: DataFile
  /** Nothing is read from here on. */
  readonly #end: number
  #held: Buffer = Buffer.alloc(0)
  /** Where each record is held; -1: it is not. */
  #heldAt = new Int32Array(0)
  #window: Buffer = Buffer.alloc(0)

  constructor(file: DataFile, end: number) {
    this.#file = file
    this.#end = end
    this.most = Math.max(1, Math.min(MOST, Math.floor(Number.MAX_SAFE_INTEGER / end)))
  }

  /** Reads the records that stand at `places`, in steps; at most `most`. */
  *read(places: Float64Array): Generator<void> {
    const { most } = this
    this.#makeRoom(places.length)
    const sorted = places.map((place, n) => place * most + n).sort()
    const placeOf = (k: number): number => Math.floor((sorted[k] ?? 0) / most)
    let window = this.#window.subarray(0, 0)
    let from = 0
    let used = 0
    for (let k = 0; k < sorted.length; k++) {
      if (k % STEP === STEP - 1) yield
      const place = placeOf(k)
      let length = place < from + window.length ? whole(window, place - from) : 0
      if (length === 0) {
        let last = place
        for (let next = k + 1; next < sorted.length; next++) {
          const other = placeOf(next)
          if (other - last > GAP || other - place > WINDOW) break
          last = other
        }
        window = this.#window.subarray(0, Math.max(0, Math.min(last - place + GAP, this.#end - place)))
        window = window.subarray(0, this.#file.read(window, place))
        from = place
        length = whole(window, 0)
      }
      const fits = length > 0 && length <= LONG && used + length <= this.#held.length
      this.#heldAt[(sorted[k] ?? 0) % most] = fits ? used : -1
      if (fits) used += window.copy(this.#held, used, place - from, place - from + length)
    }
  }

  #makeRoom(count: number): void {
    const bytes = Math.min(HELD, count * HELD_EACH)
    if (bytes > this.#held.length) this.#held = Buffer.allocUnsafe(bytes)
    if (count > this.#heldAt.length) this.#heldAt = new Int32Array(count)
    const window = Math.min(WINDOW + GAP, this.#end)
    if (window > this.#window.length) this.#window = Buffer.allocUnsafe(window)
  }

  /** The nth of them, which stands at `place`. */
  get(n: number, place: number): void {
    const at = this.#heldAt[n] ?? -1
    this.at = Math.max(0, at)
    this.bytes = at < 0 ? this.#readAlone(place) : this.#held
    this.length = recordLength(this.bytes, this.at)
  }

  #readAlone(place: number): Buffer {
    const first = this.#window.subarray(0, Math.max(0, Math.min(GAP, this.#end - place)))
    const bytes = first.subarray(0, this.#file.read(first, place))
    const length = recordLength(bytes, 0)
    if (length <= bytes.length || length > this.#end - place) return bytes
    const all = Buffer.allocUnsafe(length)
    return all.subarray(0, this.#file.read(all, place))
  }
}

/** Length of the record, if all of it is there; otherwise 0. */
function whole(bytes: Buffer, at: number): number {
  const length = recordLength(bytes, at)
  return at + length <= bytes.length ? length : 0
}
