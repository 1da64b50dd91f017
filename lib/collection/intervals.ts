// A set of whole numbers as disjoint stretches of them: which positions of a list a transaction has asked for.
import { KeyTable } from './key-table.js'

/** From `key` on and before `end`. */
interface Interval {
  key: number
  end: number
}

export class Intervals {
  /** None touches another one. */
  readonly #table = new KeyTable<Interval>()

  clear(): void {
    this.#table.clear()
  }

  /** Above all its numbers. */
  get end(): number {
    return this.#table.upTo(undefined, false)?.end ?? 0
  }

  has(number: number): boolean {
    const before = this.#table.upTo(number, false)
    return before !== undefined && number < before.end
  }

  add(from: number, to: number): void {
    if (from >= to) return
    const table = this.#table
    const before = table.upTo(from, false)
    let grown = before && before.end >= from ? before : undefined
    if (grown && grown.end >= to) return
    let end = to
    for (let next = table.from(from, true); next && next.key <= to; next = table.from(from, true)) {
      end = Math.max(end, next.end)
      if (grown) table.delete(next.key)
      else (grown = next).key = from // nothing stands in between, so the order stays as it is
    }
    if (grown) grown.end = end
    else table.put({ key: from, end })
  }

  *[Symbol.iterator](): Generator<readonly [from: number, to: number], undefined> {
    for (const { key, end } of this.#table.inOrder()) yield [key, end]
  }
}
