// Lists that may be long, as people read them.

/** Of longer ones only so many are printed; `--json` has all. */
export const MOST_SHOWN = 20

/** A line for each of the first ones, and one that tells how many `what` there are besides. */
export function* listed<T>(items: readonly T[], what: string, line: (item: T) => string): Generator<string> {
  for (const item of items.slice(0, MOST_SHOWN)) yield line(item)
  yield* more(items.length, what)
}

/** Of so many, what is not shown. */
export function* more(all: number, what: string): Generator<string> {
  if (all > MOST_SHOWN) yield `\u2026 and ${all - MOST_SHOWN} more ${what}: --json lists them all`
}
