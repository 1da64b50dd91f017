// Going through a map or set as applications do: a range of it, either way, no more than so many.
import type { KeyedHeader } from './keyed-header.js'
import type { Entry, Passage } from './passage.js'
import { rangeIn, type RangeOptions } from './range.js'

/** What `out` makes of each entry; `values`: their values matter, too. The options are checked at once. */
export function walk<T>(
  header: KeyedHeader,
  options: RangeOptions | undefined,
  values: boolean,
  out: (entry: Entry) => T,
): IteratorObject<T, undefined> {
  const { reverse = false, limit = Infinity } = options ?? {}
  const range = rangeIn(options, header)
  const passage = reverse ? header.entriesBack(range, values) : header.entriesIn(range, values)
  return new Walk(passage, limit, out) as unknown as IteratorObject<T, undefined>
}

/** The prototype of all iterators of the language, with the methods that those have. */
const ITERATOR = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object

/** As a generator would go, without the cost of one: whoever goes through a million entries waits for nothing else. */
class Walk<T> {
  readonly #passage: Passage
  readonly #out: (entry: Entry) => T
  #left: number

  constructor(passage: Passage, limit: number, out: (entry: Entry) => T) {
    this.#passage = passage
    this.#left = limit
    this.#out = out
  }

  next(): IteratorResult<T, undefined> {
    const left = this.#left
    // What throws ends it.
    this.#left = 0
    const entry = left > 0 ? this.#passage.next() : undefined
    if (!entry) return { value: undefined, done: true }
    const value = this.#out(entry)
    this.#left = left - 1
    return { value, done: false }
  }

  return(value?: undefined): IteratorResult<T, undefined> {
    this.#left = 0
    return { value, done: true }
  }
}
Object.setPrototypeOf(Walk.prototype, ITERATOR)

export function count(header: KeyedHeader, options: RangeOptions | undefined): number {
  let sum = 0
  const entries = header.entriesIn(rangeIn(options, header), false)
  while (entries.next()) sum++
  return sum
}
