// Arguments of the methods of PersistentList, which mean what they mean to Array: and what of the list they depend on.
import type { Side } from './list-edits.js'
import type { ListHeader } from './list-header.js'
import { checkCallback } from './sealed.js'

export function allOf(header: ListHeader): unknown[] {
  return header.items(0, header.length, 'front')
}

// As Array does with its arguments: what is no number is 0.
export function toInteger(value: unknown): number {
  return Math.trunc(Number(value)) || 0
}

/** A position, and from which side it was counted. */
export function counted(header: ListHeader, index: number): { at: number; side: Side } {
  return index < 0 ? { at: index + header.lengthNow, side: 'end' } : { at: index, side: 'front' }
}

/** What `splice` takes out, when it was given so many arguments. `isAll`: whatever there is, not so many items. */
export function removed(
  header: ListHeader,
  given: number,
  start: unknown,
  deleteCount: unknown,
): { from: number; count: number; side: Side; isAll: boolean } {
  const { lengthNow } = header
  const { at, side } = counted(header, toInteger(start))
  const from = Math.max(0, Math.min(at, lengthNow))
  const rest = given === 0 ? 0 : lengthNow - from
  const wanted = given < 2 ? rest : Math.max(0, toInteger(deleteCount))
  // Where the list ends decides: but not from the end to the end.
  const meetsEnd = from !== at || wanted > rest || (given === 1 && side === 'front')
  if (meetsEnd) header.noteLength()
  const count = Math.min(wanted, rest)
  return { from, count, side, isAll: meetsEnd && count > 0 && count === lengthNow }
}

/** What `slice` gives. */
export function sliced(header: ListHeader, start: unknown, end: unknown): { from: number; to: number; side: Side } {
  const { lengthNow } = header
  const [first, last] = [
    counted(header, toInteger(start)),
    counted(header, end === undefined ? Infinity : toInteger(end)),
  ]
  const toEnd = end === undefined
  // From the end to the end, or from the front to the front, it does not matter where the other one is.
  const side = first.side === 'end' && (toEnd || last.side === 'end') ? 'end' : 'front'
  const isInside = ({ at }: { at: number }): boolean => at >= 0 && at <= lengthNow
  if (!isInside(first) || !(toEnd || isInside(last)) || (side === 'front' && (toEnd || first.side !== last.side)))
    header.noteLength()
  const clamp = (at: number): number => Math.max(0, Math.min(at, lengthNow))
  return { from: clamp(first.at), to: Math.max(clamp(first.at), clamp(last.at)), side }
}

/** Where a search begins that goes towards the end. */
export function start(header: ListHeader, fromIndex: unknown): number {
  const { at, side } = counted(header, toInteger(fromIndex))
  if (side === 'end') header.noteLength()
  return Math.max(0, at)
}

/** The answer depends on where the list ends. */
export function noted<A>(header: ListHeader, answer: A): A {
  header.noteLength()
  return answer
}

export function isIdentical(a: unknown, b: unknown): boolean {
  return a === b
}

/** As `includes` has it. */
export function isEqual(a: unknown, b: unknown): boolean {
  return a === b || (a !== a && b !== b)
}

export function position(
  header: ListHeader,
  method: string,
  index: number,
  highest: number,
): { at: number; side: Side } {
  const found = counted(header, index)
  if (Number.isInteger(found.at) && found.at >= 0 && found.at <= highest) return found
  header.noteLength()
  throw new RangeError(
    `PersistentList.${method}: there is no position ${String(index)} in a list of ${header.lengthNow} items`,
  )
}

/** Which item comes where: undefined ones at the end, as Array has it. */
export function sortedOrder<T>(items: readonly T[], compare: ((a: T, b: T) => number) | undefined): number[] {
  if (compare !== undefined) checkCallback(compare)
  const positions = items.map((_, i) => i)
  const [there, missing] = [true, false].map(wanted => positions.filter(i => (items[i] !== undefined) === wanted)) as [
    number[],
    number[],
  ]
  if (compare) return [...there.sort((a, b) => compare(items[a] as T, items[b] as T)), ...missing]
  const texts = items.map(String)
  const byText = (a: number, b: number): number => ((texts[a] as string) < (texts[b] as string) ? -1 : Number(texts[a] !== texts[b])) // prettier-ignore
  return [...there.sort(byText), ...missing]
}
