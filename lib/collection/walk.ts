// Going through a map or set as applications do: a range of it, either way, no more than so many.
import { END, Iteration } from './iteration.js'
import type { KeyedHeader } from './keyed-header.js'
import type { Entry, Passage } from './passage.js'
import { PASSAGE, RANGE, rangeIn, type LooseRange, type RangeOptions } from './range.js'

/** What `out` makes of each entry; `values`: their values matter, too. The options are checked at once. */
export function walk<T>(
  header: KeyedHeader,
  options: RangeOptions | undefined,
  values: boolean,
  out: (entry: Entry) => T,
  names = PASSAGE,
): IteratorObject<T, undefined> {
  const { reverse = false, limit = Infinity } = options ?? {}
  const range = rangeIn(options, header, names)
  const passage = reverse ? header.entriesBack(range, values) : header.entriesIn(range, values)
  return new Walk(passage, limit, out).iterator
}

class Walk<T> extends Iteration<T> {
  readonly #passage: Passage
  readonly #out: (entry: Entry) => T
  #left: number

  constructor(passage: Passage, limit: number, out: (entry: Entry) => T) {
    super()
    this.#passage = passage
    this.#left = limit
    this.#out = out
  }

  protected step(): T | typeof END {
    if (this.#left-- <= 0) return END
    const entry = this.#passage.next()
    return entry ? this.#out(entry) : END
  }
}

export function count(header: KeyedHeader, range: LooseRange | undefined): number {
  return header.countIn(rangeIn(range, header, RANGE))
}
