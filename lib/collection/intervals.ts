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
  // The one that was grown last, as the next number mostly grows it, too, ...
  #last: Interval | undefined
  /** ... how far it may grow downwards before it touches the one before it; undefined: that has not been looked for ... */
  #above: number | undefined
  /** ... and upwards. */
  #below: number | undefined

  clear(): void {
    this.#table.clear()
    this.#last = undefined
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
    if (from >= to || this.#growsLast(from, to)) return
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
    else table.put((grown = { key: from, end }))
    this.#last = grown
    this.#above = this.#below = undefined
  }

  #growsLast(from: number, to: number): boolean {
    const last = this.#last
    if (!last || from > last.end || to < last.key) return false
    if (from < last.key) {
      this.#above ??= this.#table.upTo(last.key, true)?.end ?? -Infinity
      if (from <= this.#above) return false
    }
    if (to > last.end) {
      this.#below ??= this.#table.from(last.key, true)?.key ?? Infinity
      if (to >= this.#below) return false
    }
    last.key = Math.min(last.key, from)
    last.end = Math.max(last.end, to)
    return true
  }

  *[Symbol.iterator](): Generator<readonly [from: number, to: number], undefined> {
    for (const { key, end } of this.#table.inOrder()) yield [key, end]
  }
}
