// What a transaction depends on in a list: which items, by position, and whether it is as long as it was. Positions that
// were counted from the front are compared with the same ones of a later state, those counted from the end with those that
// are as far from its end. The answers are not kept: the state that gave them is still in the file.
import { Intervals } from './intervals.js'
import type { Side } from './list-edits.js'
import { passSameLeaf, sameValue } from './tree/reads.js'
import { Cursor, type Tree } from './tree/tree.js'

/** Stands for the number of items. */
export const LENGTH = Symbol('length')

/** Of stored items: those counted from the end by how many stand behind them. */
export class Positions {
  readonly #sides: Readonly<Record<Side, Intervals>> = { front: new Intervals(), end: new Intervals() }
  /** It matters how many items there are. */
  length = false

  clear(): void {
    this.#sides.front.clear()
    this.#sides.end.clear()
    this.length = false
  }

  /** Stored items of a list of so many. */
  add(side: Side, from: number, to: number, size: number): void {
    if (side === 'front') this.#sides.front.add(from, to)
    else this.#sides.end.add(size - to, size - from)
  }

  /** Is it the end from which alone a stored item of a list of so many was counted? */
  isFromEnd(stored: number, size: number): boolean {
    return this.#sides.end.has(size - 1 - stored) && !this.#sides.front.has(stored)
  }

  /** How many items from that side on it has to do with. */
  reach(side: Side): number {
    return this.#sides[side].end
  }

  /** Positions, in the older state, of items that are others in the newer one. Both reach far enough. */
  *differences(before: Tree, now: Tree): Generator<number, undefined> {
    for (const [from, to] of this.#sides.front) yield* differences(before, from, now, from, to - from)
    for (const [from, to] of this.#sides.end)
      yield* differences(before, before.size - to, now, now.size - to, to - from)
  }
}

export class ListNotes {
  readonly reads = new Positions()
  /** Replaced, removed, put aside. */
  readonly writes = new Positions();

  /** What is otherwise in `now`; `reach`: how far the changes reach from either end. */
  *overwritten(before: Tree, now: Tree, reach: Readonly<Record<Side, number>>): Generator<number | symbol, undefined> {
    const both = Math.max(reach.front, this.writes.reach('front')) + Math.max(reach.end, this.writes.reach('end'))
    yield* compare(this.writes, both, before, now)
  }

  *reread(before: Tree, now: Tree, reach: Readonly<Record<Side, number>>): Generator<number | symbol, undefined> {
    const far = (side: Side): number => Math.max(reach[side], this.writes.reach(side), this.reads.reach(side))
    yield* compare(this.reads, far('front') + far('end'), before, now)
  }
}

/** If the list has another length, it must reach from one end to the other without the ends meeting. */
function* compare(positions: Positions, reach: number, before: Tree, now: Tree): Generator<number | symbol, undefined> {
  const changed = before.size !== now.size
  if (changed && (positions.length || reach > Math.min(before.size, now.size))) yield LENGTH
  else yield* positions.differences(before, now)
}

/** Positions in `a` of items that differ, of as many items of `a` and `b`. */
function* differences(a: Tree, from: number, b: Tree, bFrom: number, count: number): Generator<number, undefined> {
  const [one, other] = [new Cursor(a).toPosition(from), new Cursor(b).toPosition(bFrom)]
  let left = count
  while (left > 0) {
    const whole = one.leafCount
    if (passSameLeaf(one, a, other, b, true)) {
      left -= whole
      continue
    }
    if (!sameValue(a, one, b, other)) yield from + count - left
    one.next()
    other.next()
    left--
  }
}
