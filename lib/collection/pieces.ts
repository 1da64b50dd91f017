// A long sequence that is put together of two kinds of pieces: stretches of a stored list, and single items of a
// transaction. In runs of limited length, so that no operation moves many of them.

/** Stored items, by position. Never empty. */
export class Stretch {
  readonly from: number
  readonly to: number

  constructor(from: number, to: number) {
    this.from = from
    this.to = to
  }
}

/** An item of the transaction. */
export class Own {
  /** Names it among all of a list. */
  readonly key: number
  value: unknown

  constructor(key: number, value: unknown) {
    this.key = key
    this.value = value
  }
}

export type Piece = Stretch | Own

export function lengthOf(piece: Piece): number {
  return piece instanceof Stretch ? piece.to - piece.from : 1
}

const MOST_IN_RUN = 512

interface Run {
  pieces: Piece[]
  /** Of all its pieces. */
  length: number
}

export class Pieces {
  /** None is empty. */
  #runs: Run[] = []
  #length = 0
  // Where the last question led, because the next one often leads there too: a piece, and its position.
  #run = 0
  #index = 0
  #start = 0

  /** Number of items. */
  get length(): number {
    return this.#length
  }

  *[Symbol.iterator](): Generator<Piece, undefined> {
    for (const { pieces } of this.#runs) yield* pieces
  }

  /** The item at a position that there is: of the transaction, or its stored position. */
  at(position: number): Own | number {
    this.#find(position)
    const piece = this.#runs[this.#run]?.pieces[this.#index] as Piece
    return piece instanceof Own ? piece : piece.from + position - this.#start
  }

  /** Pieces of a stretch of it. */
  *between(from: number, to: number): Generator<Piece, undefined> {
    for (let at = from; at < to;) {
      this.#find(at)
      const piece = this.#runs[this.#run]?.pieces[this.#index] as Piece
      const start = this.#start
      const end = start + lengthOf(piece)
      yield piece instanceof Own ? piece : new Stretch(piece.from + at - start, piece.from + Math.min(end, to) - start)
      at = end
    }
  }

  /** Takes out and puts in; gives what was taken out. */
  splice(at: number, count: number, put: readonly Piece[]): Piece[] {
    const out = this.#takeOut(at, count)
    if (put.length > 0) this.#putIn(at, put)
    return out
  }

  /** Finds the piece at a position below the length. */
  #find(position: number): void {
    const last = this.#runs.at(-1)
    if (last && position >= this.#length - last.length) {
      if (this.#run !== this.#runs.length - 1 || position < this.#start)
        this.#be(this.#runs.length - 1, 0, this.#length - last.length)
    } else if (position < this.#start) this.#be(0, 0, 0)
    for (;;) {
      const run = this.#runs[this.#run] as Run
      if (this.#index === 0 && position >= this.#start + run.length) {
        this.#be(this.#run + 1, 0, this.#start + run.length)
        continue
      }
      const piece = run.pieces[this.#index]
      if (!piece) this.#be(this.#run + 1, 0, this.#start)
      else if (position >= this.#start + lengthOf(piece))
        this.#be(this.#run, this.#index + 1, this.#start + lengthOf(piece))
      else return
    }
  }

  #be(run: number, index: number, start: number): void {
    this.#run = run
    this.#index = index
    this.#start = start
  }

  /** A piece begins at the position afterwards. Gives where: behind the last one of a run, if it is the end of everything. */
  #cut(position: number): readonly [run: number, index: number] {
    const last = this.#runs.length - 1
    if (position >= this.#length) return [last, this.#runs[last]?.pieces.length ?? 0]
    this.#find(position)
    const [run, index, offset] = [this.#run, this.#index, position - this.#start]
    if (offset === 0) return [run, index]
    const { pieces } = this.#runs[run] as Run
    const { from, to } = pieces[index] as Stretch // only a stretch has an inside
    pieces.splice(index, 1, new Stretch(from, from + offset), new Stretch(from + offset, to))
    return [run, index + 1]
  }

  #takeOut(at: number, count: number): Piece[] {
    const out: Piece[] = []
    if (count === 0) return out
    this.#cut(at + count)
    const [first, from] = this.#cut(at)
    let run = first
    let index = from
    let left = count
    while (left > 0) {
      const { pieces } = this.#runs[run] as Run
      const start = index
      let taken = 0
      while (index < pieces.length && taken < left) taken += lengthOf(pieces[index++] as Piece)
      for (const piece of pieces.splice(start, index - start)) out.push(piece)
      ;(this.#runs[run] as Run).length -= taken
      left -= taken
      if (pieces.length === 0) this.#runs.splice(run, 1)
      else run++
      index = 0
    }
    this.#length -= count
    this.#be(0, 0, 0)
    return out
  }

  #putIn(at: number, put: readonly Piece[]): void {
    const [at0, index] = this.#cut(at)
    if (this.#runs.length === 0) this.#runs.push({ pieces: [], length: 0 })
    const run = Math.max(at0, 0)
    const { pieces } = this.#runs[run] as Run
    const atEnd = index === pieces.length && run === this.#runs.length - 1
    const rest = pieces.splice(index)
    for (const piece of put) pieces.push(piece)
    for (const piece of rest) pieces.push(piece)
    let added = 0
    for (const piece of put) added += lengthOf(piece)
    this.#length += added
    ;(this.#runs[run] as Run).length += added
    if (pieces.length > MOST_IN_RUN) {
      // What grows at its end keeps its runs full.
      const most = atEnd ? MOST_IN_RUN : MOST_IN_RUN >> 1
      const runs: Run[] = []
      for (let i = 0; i < pieces.length; i += most) runs.push(runOf(pieces.slice(i, i + most)))
      this.#runs = this.#runs.slice(0, run).concat(runs, this.#runs.slice(run + 1))
    }
    if (run <= this.#run) this.#be(0, 0, 0)
  }
}

function runOf(pieces: Piece[]): Run {
  let length = 0
  for (const piece of pieces) length += lengthOf(piece)
  return { pieces, length }
}
