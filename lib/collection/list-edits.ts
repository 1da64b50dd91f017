// A list as a transaction has made it: what it has changed at the front, the untouched middle of the stored list, and what
// it has changed at the end. So it can be done to a list with a longer or shorter middle as well: positions that were
// counted from the front stay, those that were counted from the end move with the end.
//
//   stored:   0 ... from | from ... to | to ... size
//   now:      front      | middle      | back
import { Own, Pieces, Stretch, type Piece } from './pieces.js'
import type { Splice } from './tree/splice.js'

/** From where a position was counted. */
export type Side = 'front' | 'end'

export class ListEdits {
  /** Of the stored list. */
  size: number
  readonly #front = new Pieces()
  #back = new Pieces()
  /** The middle, in stored positions. */
  #from = 0
  #to: number
  /** What stands at stored positions has changed in place. */
  #inPlace = new Map<number, object>()

  constructor(size: number) {
    this.size = size
    this.#to = size
  }

  get length(): number {
    return this.#front.length + this.#to - this.#from + this.#back.length
  }

  /** How many items from either end of the stored list are no part of the middle. */
  get reach(): Readonly<Record<Side, number>> {
    return { front: this.#from, end: this.size - this.#to }
  }

  /** Where the item at a position comes from: the transaction, or a position of the stored list. */
  at(position: number): Own | number {
    const middle = position - this.#front.length
    if (middle < 0) return this.#front.at(position)
    const behind = middle - (this.#to - this.#from)
    return behind < 0 ? this.#from + middle : this.#back.at(behind)
  }

  /** Pieces of a part of the list. */
  *between(start: number, end: number): Generator<Piece, undefined> {
    const middle = this.#front.length
    const back = middle + this.#to - this.#from
    yield* this.#front.between(start, Math.min(end, middle))
    const [from, to] = [Math.max(start, middle), Math.min(end, back)]
    if (from < to) yield new Stretch(this.#from + from - middle, this.#from + to - middle)
    yield* this.#back.between(Math.max(start, back) - back, end - back)
  }

  /** Is a position (of an item, or where something is put in) on the other side of the middle? */
  isAcross(position: number, side: Side): boolean {
    return side === 'front' ? position > this.#front.length + this.#to - this.#from : position < this.#front.length
  }

  /** Takes out and puts in, at a position that was counted from that side and is not across. */
  splice(start: number, count: number, put: readonly Piece[], side: Side): Piece[] {
    return side === 'front' ? this.#atFront(start, count, put) : this.#atEnd(start, count, put)
  }

  #atFront(start: number, count: number, put: readonly Piece[]): Piece[] {
    const front = this.#front
    const moved = Math.max(0, start - front.length)
    if (moved > 0) {
      front.splice(front.length, 0, [new Stretch(this.#from, this.#from + moved)])
      this.#from += moved
    }
    const first = Math.min(count, front.length - start)
    const second = Math.min(count - first, this.#to - this.#from)
    const out = front.splice(start, first, put)
    if (second > 0) out.push(new Stretch(this.#from, (this.#from += second)))
    if (count > first + second) out.push(...this.#back.splice(0, count - first - second, []))
    return out
  }

  #atEnd(start: number, count: number, put: readonly Piece[]): Piece[] {
    const [front, back] = [this.#front, this.#back]
    const behind = this.length - start - count
    const moved = Math.max(0, behind - back.length)
    if (moved > 0) {
      back.splice(0, 0, [new Stretch(this.#to - moved, this.#to)])
      this.#to -= moved
    }
    const before = back.length - behind
    const last = Math.min(count, before)
    const second = Math.min(count - last, this.#to - this.#from)
    const out = back.splice(before - last, last, put)
    if (second > 0) out.unshift(new Stretch((this.#to -= second), this.#to + second))
    const rest = count - last - second
    if (rest > 0) out.unshift(...front.splice(front.length - rest, rest, []))
    return out
  }

  /** Everything is this from now on. */
  replaceAll(pieces: readonly Piece[]): void {
    this.#front.splice(0, this.#front.length, pieces)
    this.#back.splice(0, this.#back.length, [])
    this.#from = this.#to
  }

  // ---- changes in place ----

  changeAt(stored: number, value: object): void {
    this.#inPlace.set(stored, value)
  }

  changedAt(stored: number): object | undefined {
    return this.#inPlace.get(stored)
  }

  /** Is the stored position behind the middle? */
  isInBack(stored: number): boolean {
    return stored >= this.#to
  }

  /** The middle ends before this stored position, from which on everything is counted from the end. */
  endMiddleAt(stored: number): void {
    if (stored < this.#from || stored >= this.#to) return
    this.#back.splice(0, 0, [new Stretch(stored, this.#to)])
    this.#to = stored
  }

  // ---- made to a stored list ----

  /**
   * The middle of the stored list has grown by `growth`: from now on it is that list. Gives where a stored position is now;
   * undefined: nowhere.
   */
  goOn(growth: number): (stored: number) => number | undefined {
    const to = this.#to
    const kept = this.#keptTo(growth)
    const moved = (stored: number): number | undefined =>
      stored < kept ? stored : stored < to ? undefined : stored + growth
    const back = Array.from(this.#back, piece =>
      piece instanceof Stretch ? new Stretch(piece.from + growth, piece.to + growth) : piece,
    )
    this.#back = new Pieces()
    this.#back.splice(0, 0, back)
    // What was changed is not lost: that would be a conflict.
    this.#inPlace = new Map(Array.from(this.#inPlace, ([stored, value]) => [moved(stored) as number, value]))
    this.#to += growth
    this.size += growth
    return moved
  }

  /** The middle has grown by `growth`: up to here its positions are still positions of it, and not of what is behind. */
  #keptTo(growth: number): number {
    return this.#to + Math.min(growth, 0)
  }

  /** All pieces, where the middle has grown by `growth`: stretches in positions of that list, with what was changed in them. */
  *piecesIn(growth: number): Generator<Piece, undefined> {
    const changed = [...this.#inPlace].sort(([a], [b]) => a - b)
    for (const piece of this.#front) yield* changedIn(piece, changed, 0)
    if (this.#from < this.#to + growth)
      yield* changedIn(new Stretch(this.#from, this.#to + growth), changed.filter(([at]) => at < this.#to), 0) // prettier-ignore
    for (const piece of this.#back) yield* changedIn(piece, changed, growth)
  }

  /** The keys by which values are known, with the positions at which they stand afterwards, in no order. */
  *moves(growth: number): Generator<readonly [key: number, length: number, position: number], undefined> {
    let position = 0
    const move = (piece: Piece): readonly [number, number, number] => {
      const [key, length] = piece instanceof Own ? [piece.key, 1] : [piece.from, piece.to - piece.from]
      position += length
      return [key, length, position - length]
    }
    for (const piece of this.#front) yield move(piece)
    const kept = this.#keptTo(growth)
    if (this.#from < kept) yield [this.#from, kept - this.#from, position]
    position += this.#to - this.#from + growth
    for (const piece of this.#back) yield move(piece)
  }
}

/** A piece, with `changed` items in place of the stored ones, moved by `by`. */
function* changedIn(
  piece: Piece,
  changed: readonly (readonly [at: number, value: object])[],
  by: number,
): Generator<Piece, undefined> {
  if (piece instanceof Own) {
    yield piece
    return
  }
  let from = piece.from
  if (changed.length > 0) {
    for (let i = firstFrom(changed, from); i < changed.length; i++) {
      const [at, value] = changed[i] as (typeof changed)[number]
      if (at >= piece.to) break
      if (from < at) yield new Stretch(from + by, at + by)
      yield new Own(at, value)
      from = at + 1
    }
  }
  if (from < piece.to) yield new Stretch(from + by, piece.to + by)
}

function firstFrom(changed: readonly (readonly [at: number, value: object])[], from: number): number {
  let low = 0
  let high = changed.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((changed[middle]?.[0] as number) < from) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * What is to be done to a stored list of `size` items so that it becomes these pieces. Stretches that stand in their old
 * order stay where they are; of the others `read` gives each item anew.
 */
export function splicesFor(pieces: Iterable<Piece>, size: number, read: (stored: number) => unknown): Splice[] {
  const splices: Splice[] = []
  let items: unknown[] = []
  let next = 0
  const upTo = (stored: number): void => {
    if (items.length > 0 || stored > next) splices.push({ at: next, removed: stored - next, items })
    items = []
  }
  for (const piece of pieces) {
    if (piece instanceof Own) {
      items.push(piece.value)
    } else if (piece.from >= next) {
      upTo(piece.from)
      next = piece.to
    } else {
      for (let at = piece.from; at < piece.to; at++) items.push(read(at))
    }
  }
  upTo(size)
  return splices
}
