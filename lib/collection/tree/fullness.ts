// How full the nodes of a tree are, and where one that is more than full is cut.
//
// A node is as full as the shares of its entries (or children) add up to. At most 1, and at least LEAST for all but a
// root; no entry counts for more than a quarter, so that this can always be kept, however large values are. Cutting what is
// more than full leaves each half (1 - 1/4) / 2 > LEAST.
import type { StoredKey } from '../key.js'
import { weigh } from './raw-value.js'

export const LEAST = 1 / 3
const LARGEST_SHARE = 1 / 4
/** A full node has so many entries, or so many bytes in them, whatever is reached first. */
const FULL_LEAF = { entries: 96, bytes: 3072 }
const FULL_INNER = { entries: 128, bytes: 3072 }
/** As much as always goes into two nodes. */
const LARGEST_PAIR = 2 - LARGEST_SHARE
/** A leaf to which entries are added at the end of everything is split here: more will follow there. */
const APPENDING = 0.64

/** Of an entry or child whose key, value or reference have so many bytes. */
export function shareOf(level: number, bytes: number): number {
  const full = level === 0 ? FULL_LEAF : FULL_INNER
  return Math.min(LARGEST_SHARE, Math.max(1 / full.entries, bytes / full.bytes))
}

/** `key` undefined: of an item of a list. */
export function leafShare(key: StoredKey | undefined, value: unknown): number {
  return shareOf(0, (key === undefined ? 0 : weigh(key)) + weigh(value))
}

/** `separator` undefined: of the first child, or of any in a list. */
export function innerShare(separator: StoredKey | undefined): number {
  return shareOf(1, (separator === undefined ? 0 : weigh(separator)) + 7)
}

/** What takes up a share of a node. */
export interface Weighed {
  readonly share: number
}

export function fill(items: readonly Weighed[]): number {
  let sum = 0
  for (const { share } of items) sum += share
  return sum
}

/** As few parts as it takes, none too full or too empty: what is not more than full stays whole, a lot is packed full. */
export function cut<I extends Weighed>(items: readonly I[], appending: boolean): (readonly I[])[] {
  const total = fill(items)
  if (total <= 1) return [items]
  return total <= LARGEST_PAIR ? cutInTwo(items, total, appending) : pack(items)
}

function cutInTwo<I extends Weighed>(items: readonly I[], total: number, appending: boolean): (readonly I[])[] {
  const [left, at] = cutAt(items, appending ? total * APPENDING : total / 2)
  if (appending && (left > 1 || total - left < LEAST)) return cutInTwo(items, total, false)
  return [items.slice(0, at), items.slice(at)]
}

/** Where the items before come next to `wanted`, and what they are. */
function cutAt(items: readonly Weighed[], wanted: number): [sum: number, at: number] {
  let sum = 0
  let at = 0
  for (;;) {
    const { share } = items[at] as Weighed
    if (sum + share / 2 > wanted) return [sum, at]
    sum += share
    at++
  }
}

function pack<I extends Weighed>(items: readonly I[]): (readonly I[])[] {
  const filling = new Filling<I>()
  const parts: (readonly I[])[] = []
  for (const item of items) {
    const full = filling.add(item)
    if (full) parts.push(full)
  }
  return [...parts, ...filling.rest()]
}

/** Cuts, as soon as can be, what comes item by item: each part as full as it can be. */
export class Filling<I extends Weighed> {
  /** The part before the one that is being filled may have to give it something. */
  #before: I[] | undefined
  #last: I[] = []
  #sum = 0

  /** Gives a part that stays as it is, whatever else comes. */
  add(item: I): readonly I[] | undefined {
    if (this.#sum + item.share <= 1) {
      this.#last.push(item)
      this.#sum += item.share
      return undefined
    }
    const full = this.#before
    this.#before = this.#last
    this.#last = [item]
    this.#sum = item.share
    return full
  }

  /** What is left, when nothing else comes. */
  rest(): (readonly I[])[] {
    const last = this.#last
    const before = this.#before
    if (!before || this.#sum >= LEAST) return before ? [before, last] : [last]
    const both = before.concat(last)
    return cutInTwo(both, fill(both), false)
  }
}
