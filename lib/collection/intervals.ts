// A set of whole numbers as disjoint stretches of them: which positions of a list a transaction has asked for.

export class Intervals {
  // Ascending; stretch i is from starts[i] on and before ends[i], and does not touch the next one.
  #starts: number[] = []
  #ends: number[] = []

  clear(): void {
    this.#starts = []
    this.#ends = []
  }

  /** Above all its numbers. */
  get end(): number {
    return this.#ends.at(-1) ?? 0
  }

  has(number: number): boolean {
    const at = lowest(this.#ends, number + 1)
    return at < this.#starts.length && (this.#starts[at] as number) <= number
  }

  add(from: number, to: number): void {
    if (from >= to) return
    const starts = this.#starts
    const ends = this.#ends
    const first = lowest(ends, from)
    let last = first
    while (last < starts.length && (starts[last] as number) <= to) last++
    if (first === last) {
      starts.splice(first, 0, from)
      ends.splice(first, 0, to)
      return
    }
    const start = Math.min(from, starts[first] as number)
    const end = Math.max(to, ends[last - 1] as number)
    if (last - first > 1) {
      starts.splice(first + 1, last - first - 1)
      ends.splice(first + 1, last - first - 1)
    }
    starts[first] = start
    ends[first] = end
  }

  *[Symbol.iterator](): Generator<readonly [from: number, to: number], undefined> {
    for (let i = 0; i < this.#starts.length; i++) yield [this.#starts[i] as number, this.#ends[i] as number]
  }
}

/** The first of the ascending numbers that is not below `bound`; mostly it is the last one. */
function lowest(numbers: readonly number[], bound: number): number {
  let low = 0
  let high = numbers.length
  if (high > 1 && (numbers[high - 2] as number) < bound) low = high - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] as number) < bound) low = middle + 1
    else high = middle
  }
  return low
}
