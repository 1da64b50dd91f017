// A set of whole numbers as disjoint stretches of them: which positions of a list a transaction has asked for. They are numbers in
// arrays, and no entries of a table: noting a position is a part of what it takes to read one.

/** Few stretches move to make room for another one. */
const MOST_IN_RUN = 512

/** Ascending stretches, none of which touches the next one: from `starts[i]` on and before `ends[i]`. */
interface Run {
  readonly starts: number[]
  readonly ends: number[]
}

export class Intervals {
  /** Ascending as well. None is empty. */
  #runs: Run[] = []

  clear(): void {
    this.#runs = []
  }

  /** Above all its numbers. */
  get end(): number {
    return this.#runs.at(-1)?.ends.at(-1) ?? 0
  }

  has(number: number): boolean {
    const run = this.#runs[this.#runFor(number)]
    if (!run) return false
    const place = lastUpTo(run.starts, number)
    return place >= 0 && number < (run.ends[place] as number)
  }

  add(from: number, to: number): void {
    if (from >= to) return
    const at = this.#runFor(from)
    const run = this.#runs[at]
    if (!run) {
      this.#runs.push({ starts: [from], ends: [to] })
      return
    }
    const { starts, ends } = run
    const before = lastUpTo(starts, from)
    if (before >= 0 && (ends[before] as number) >= from) {
      if ((ends[before] as number) < to) this.#grow(at, before, to)
      return
    }
    const place = before + 1
    if (place < starts.length && (starts[place] as number) <= to) starts[place] = from
    else {
      starts.splice(place, 0, from)
      ends.splice(place, 0, to)
    }
    this.#grow(at, place, to)
    if (starts.length > MOST_IN_RUN) this.#divide(at, place)
  }

  *[Symbol.iterator](): Generator<readonly [from: number, to: number], undefined> {
    for (const { starts, ends } of this.#runs)
      for (let i = 0; i < starts.length; i++) yield [starts[i] as number, ends[i] as number]
  }

  /** The last run that begins up to the number, or the first one. */
  #runFor(number: number): number {
    const runs = this.#runs
    let low = 0
    let high = runs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (number < ((runs[middle] as Run).starts[0] as number)) high = middle - 1
      else low = middle
    }
    return low
  }

  /** A stretch goes up to `to` at least, with all that it touches then. */
  #grow(at: number, place: number, to: number): void {
    const runs = this.#runs
    const run = runs[at] as Run
    let end = takeOut(run, place + 1, Math.max(to, run.ends[place] as number))
    let next = at + 1
    if (place === run.starts.length - 1)
      for (; next < runs.length; next++) {
        const following = runs[next] as Run
        end = takeOut(following, 0, end)
        if (following.starts.length > 0) break
      }
    if (next > at + 1) runs.splice(at + 1, next - at - 1)
    run.ends[place] = end
  }

  /** Two runs in place of one that has become too long by the stretch at that place. */
  #divide(at: number, place: number): void {
    const { starts, ends } = this.#runs[at] as Run
    // Where they come in order, the runs stay full.
    const keep = place === MOST_IN_RUN && at === this.#runs.length - 1 ? MOST_IN_RUN : MOST_IN_RUN >> 1
    this.#runs.splice(at + 1, 0, { starts: starts.splice(keep), ends: ends.splice(keep) })
  }
}

/** The last of the ascending numbers that is not above `bound`; -1: there is none. */
function lastUpTo(numbers: readonly number[], bound: number): number {
  let low = 0
  let high = numbers.length
  // Mostly it is the last one.
  if (high > 0 && (numbers[high - 1] as number) <= bound) return high - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] as number) <= bound) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Takes out stretches, from that place on, that one touches which goes up to `end`; gives where they all end together. */
function takeOut({ starts, ends }: Run, place: number, end: number): number {
  let next = place
  let last = end
  while (next < starts.length && (starts[next] as number) <= last) last = Math.max(last, ends[next++] as number)
  if (next > place) {
    starts.splice(place, next - place)
    ends.splice(place, next - place)
  }
  return last
}
