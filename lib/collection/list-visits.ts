// Going through a list item by item, while it may change.
import { END, Iteration } from './iteration.js'
import type { ListHeader } from './list-header.js'

/** Each item that was there at the start and is when its turn comes: what the methods of Array visit. */
export function* visit(header: ListHeader): Generator<readonly [item: unknown, at: number], void> {
  header.touch()
  const { lengthNow } = header
  for (let at = 0; at < lengthNow; at++) {
    header.touch()
    if (at < header.lengthNow) yield [header.item(at, 'front'), at]
  }
  header.touch()
  header.noteLength()
}

/** The same from the end. */
export function* visitBack(header: ListHeader): Generator<readonly [item: unknown, at: number], void> {
  header.touch()
  for (let at = header.length - 1; at >= 0; at--) {
    header.touch()
    if (at < header.length) yield [header.item(at, 'front'), at]
  }
}

/** Each item, those that are added meanwhile included; `copies`: as ordinary data. */
export function* iterate(
  header: ListHeader,
  copies = false,
): Generator<readonly [at: number, item: unknown], undefined> {
  for (let at = 0; ; at++) {
    header.touch()
    if (at >= header.lengthNow) {
      header.noteLength()
      return
    }
    yield [at, copies ? header.copyOf(at, 'front') : header.item(at, 'front')]
  }
}

/** Reads no item: only how many there are. */
export function* positionsOf(header: ListHeader): Generator<number, undefined> {
  for (let at = 0; ; at++) {
    header.touch()
    if (at >= header.length) return
    yield at
  }
}

export function itemsOf(header: ListHeader, copies = false): IteratorObject<unknown, undefined> {
  return new Items(header, copies).iterator
}

class Items extends Iteration<unknown> {
  readonly #header: ListHeader
  readonly #copies: boolean
  #at = 0

  constructor(header: ListHeader, copies: boolean) {
    super()
    this.#header = header
    this.#copies = copies
  }

  protected step(): unknown {
    const header = this.#header
    header.touch()
    if (this.#at < header.lengthNow)
      return this.#copies ? header.copyOf(this.#at++, 'front') : header.item(this.#at++, 'front')
    header.noteLength()
    return END
  }
}
