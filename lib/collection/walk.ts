// Going through a map or set as applications do: a range of it, either way, no more than so many.
import type { KeyedHeader } from './keyed-header.js'
import type { Entry } from './passage.js'
import { rangeIn, type RangeOptions } from './range.js'
import type { Range } from './tree/tree.js'

/** What `out` makes of each entry; `values`: their values matter, too. The options are checked at once. */
export function walk<T>(
  header: KeyedHeader,
  options: RangeOptions | undefined,
  values: boolean,
  out: (entry: Entry) => T,
): Generator<T, undefined> {
  const { reverse = false, limit = Infinity } = options ?? {}
  return walking(header, rangeIn(options, header), reverse, limit, values, out)
}

function* walking<T>(
  header: KeyedHeader,
  range: Range,
  reverse: boolean,
  limit: number,
  values: boolean,
  out: (entry: Entry) => T,
): Generator<T, undefined> {
  if (limit === 0) return
  let left = limit
  for (const entry of reverse ? header.entriesBack(range, values) : header.entriesIn(range, values)) {
    yield out(entry)
    if (--left <= 0) return
  }
}

export function count(header: KeyedHeader, options: RangeOptions | undefined): number {
  let sum = 0
  const entries = header.entriesIn(rangeIn(options, header), false)
  while (entries.next().done !== true) sum++
  return sum
}
