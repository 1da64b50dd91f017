// Objects that are still to be dealt with: those that were found last come first, and those that were found together in the order in
// which they were found. In pieces, so that millions are never moved to other memory, and what is done with is used again.
import type { Oid } from './types.js'

const PIECE = 1 << 12

class Piece {
  readonly oids = new Float64Array(PIECE)
  from = 0
  to = 0
}

export class Backlog {
  /** The last one comes next. */
  readonly #next: Piece[] = []
  /** In the order in which they were found. */
  readonly #found: Piece[] = []
  #spare: Piece | undefined

  /** Found: is taken behind what was found since the last `turn`, but before all else. */
  add(oid: Oid): void {
    let piece = this.#found.at(-1)
    if (piece === undefined || piece.to === PIECE) {
      piece = this.#spare ?? new Piece()
      this.#spare = undefined
      this.#found.push(piece)
    }
    piece.oids[piece.to++] = oid
  }

  /** What was found until now is to be taken. */
  turn(): void {
    for (let piece = this.#found.pop(); piece !== undefined; piece = this.#found.pop()) this.#next.push(piece)
  }

  /** undefined: there is none. */
  take(): Oid | undefined {
    for (let piece = this.#next.at(-1); piece !== undefined; piece = this.#next.at(-1)) {
      if (piece.from < piece.to) return (piece.oids[piece.from++] ?? 0) as Oid
      this.#next.pop()
      piece.from = piece.to = 0
      this.#spare = piece
    }
    return undefined
  }
}
