// Medians, and how far single runs lie from them.

/** Of sorted numbers. */
export function middle(sorted: readonly number[]): number {
  const at = sorted.length >> 1
  const upper = sorted[at] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[at - 1] ?? NaN) + upper) / 2
}

export interface Spread {
  readonly least: number
  readonly median: number
  readonly most: number
}

export function spread(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b)
  return { least: sorted[0] ?? NaN, median: middle(sorted), most: sorted.at(-1) ?? NaN }
}
