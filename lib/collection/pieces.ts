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

function lengthOf(piece: Piece): number {
  return piece instanceof Stretch ? piece.to - piece.from : 1
}

const MOST_IN_RUN = 512

export class Pieces {
  /** None is empty. */
  #runs: Piece[][] = []
  /** How many items each has: apart from them, so that going past many is quick. */
  #lengths: number[] = []
  #length = 0
  // Where the last question or change led, because the next one is often near: a run, where it begins, and a piece of it
  // (or behind its last one) with its position.
  #run = 0
  #runStart = 0
  #index = 0
  #start = 0

  /** Number of items. */
  get length(): number {
    return this.#length
  }

  *[Symbol.iterator](): Generator<Piece, undefined> {
    for (const run of this.#runs) yield* run
  }

  /** The item at a position that there is: of the transaction, or its stored position. */
  at(position: number): Own | number {
    const piece = this.#find(position)
    return piece instanceof Own ? piece : piece.from + position - this.#start
  }

  /** Pieces of a stretch of it. */
  *between(from: number, to: number): Generator<Piece, undefined> {
    for (let at = from; at < to;) {
      const piece = this.#find(at)
      const start = this.#start
      const end = start + lengthOf(piece)
      yield piece instanceof Own ? piece : new Stretch(piece.from + at - start, piece.from + Math.min(end, to) - start)
      at = end
    }
  }

  /** Takes out and puts in; gives what was taken out. */
  splice(at: number, count: number, put: readonly Piece[]): Piece[] {
    const out = count > 0 ? this.#takeOut(at, count) : []
    if (put.length > 0) this.#putIn(at, put)
    return out
  }

  /** Goes to the piece at a position below the length. */
  #find(position: number): Piece {
    this.#findRun(position)
    const run = this.#runs[this.#run] as Piece[]
    while (position < this.#start) {
      // Both or neither, also where the stack is full.
      const length = lengthOf(run[this.#index - 1] as Piece)
      this.#index--
      this.#start -= length
    }
    for (;;) {
      const piece = run[this.#index] as Piece
      const end = this.#start + lengthOf(piece)
      if (position < end) return piece
      this.#index++
      this.#start = end
    }
  }

  /** From where it is, or from one end of all if that is nearer. */
  #findRun(position: number): void {
    const lengths = this.#lengths
    if (position < this.#runStart / 2) this.#enter(0, 0)
    else if (position >= this.#runStart) {
      if (position < this.#runStart + (lengths[this.#run] as number)) return
      if (this.#length - position < position - this.#runStart) this.#enterLast()
    }
    let run = this.#run
    let start = this.#runStart
    if (position < start) {
      while (position < start) start -= lengths[--run] as number
      // It is likely to go on that way: from its end.
      this.#enter(run, start)
      this.#index = (this.#runs[run] as Piece[]).length
      this.#start = start + (lengths[run] as number)
      return
    }
    for (let length = 0; position >= start + (length = lengths[run] as number); run++) start += length
    if (run !== this.#run) this.#enter(run, start)
  }

  /** At the first piece of a run. */
  #enter(run: number, start: number): void {
    this.#run = run
    this.#runStart = start
    this.#index = 0
    this.#start = start
  }

  #enterLast(): void {
    const last = this.#runs.length - 1
    this.#enter(last, this.#length - (this.#lengths[last] as number))
  }

  /** Goes to a position at which a piece begins afterwards, or behind the last one. There is a run. */
  #cut(position: number): void {
    if (position >= this.#length) {
      this.#enterLast()
      this.#index = (this.#runs[this.#run] as Piece[]).length
      this.#start = this.#length
      return
    }
    this.#find(position)
    if (position === this.#start) return
    if ((this.#runs[this.#run] as Piece[]).length >= MOST_IN_RUN) {
      this.#divide(MOST_IN_RUN >> 1)
      this.#find(position)
    }
    const run = this.#runs[this.#run] as Piece[]
    const { from, to } = run[this.#index] as Stretch // only a stretch has an inside
    const middle = from + position - this.#start
    run.splice(this.#index, 1, new Stretch(from, middle), new Stretch(middle, to))
    this.#index++
    this.#start = position
  }

  /** The run becomes several of so many pieces. */
  #divide(most: number): void {
    const at = this.#run
    const pieces = this.#runs[at] as Piece[]
    const runs: Piece[][] = []
    for (let i = 0; i < pieces.length; i += most) runs.push(pieces.slice(i, i + most))
    this.#runs = this.#runs.slice(0, at).concat(runs, this.#runs.slice(at + 1))
    this.#lengths = this.#lengths.slice(0, at).concat(runs.map(lengthOfAll), this.#lengths.slice(at + 1))
    this.#enter(at, this.#runStart)
  }

  #takeOut(at: number, count: number): Piece[] {
    this.#cut(at + count)
    this.#cut(at)
    const out: Piece[] = []
    const [runs, lengths] = [this.#runs, this.#lengths]
    // Some of the pieces of a first run and of a last one, and all of those between.
    const firstWhole = this.#index === 0 ? this.#run : this.#run + 1
    let whole = 0
    for (let at = this.#run, index = this.#index, left = count; left > 0; at++, index = 0) {
      const run = runs[at] as Piece[]
      let end = index
      let taken = 0
      while (end < run.length && taken < left) taken += lengthOf(run[end++] as Piece)
      left -= taken
      lengths[at] = (lengths[at] as number) - taken
      const isWhole = index === 0 && end === run.length
      if (isWhole) whole++
      for (const piece of isWhole ? run : run.splice(index, end - index)) out.push(piece)
    }
    if (whole > 0) {
      runs.splice(firstWhole, whole)
      lengths.splice(firstWhole, whole)
    }
    this.#length -= count
    return out
  }

  #putIn(at: number, put: readonly Piece[]): void {
    if (this.#runs.length === 0) {
      this.#runs.push([])
      this.#lengths.push(0)
    }
    this.#cut(at)
    const atEnd = at === this.#length
    const run = this.#runs[this.#run] as Piece[]
    const rest = run.splice(this.#index)
    for (const piece of put) run.push(piece)
    for (const piece of rest) run.push(piece)
    const added = lengthOfAll(put)
    this.#length += added
    this.#lengths[this.#run] = (this.#lengths[this.#run] as number) + added
    // What grows at its end keeps its runs full.
    if (run.length > MOST_IN_RUN) this.#divide(atEnd ? MOST_IN_RUN : MOST_IN_RUN >> 1)
  }
}

function lengthOfAll(pieces: readonly Piece[]): number {
  let length = 0
  for (const piece of pieces) length += lengthOf(piece)
  return length
}
