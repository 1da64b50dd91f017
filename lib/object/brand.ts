// What tells persistent objects from others that look like them: those of another copy of the package, which has classes of the same
// names, and copies of ours that no constructor has made.

/** Every copy of the package marks its classes so; and this one in a way of its own. */
const BRAND = Symbol.for('perdure.Persistent')
const OURS = Symbol('perdure.Persistent')

export const ONE_COPY = 'another copy of perdure: only one may be installed (see `npm ls perdure`)'

/** Marks a class of persistent objects, and those derived from it. */
export function brand(Class: object): void {
  for (const mark of [BRAND, OURS]) Object.defineProperty(Class, mark, { value: true })
}

/** Is it marked by another copy of the package? */
export function isOfAnotherCopy(Class: unknown): boolean {
  return has(Class, BRAND) && !has(Class, OURS)
}

function has(Class: unknown, mark: symbol): boolean {
  return typeof Class === 'function' && (Class as unknown as Record<symbol, unknown>)[mark] === true
}

/** What is to be said of an object that looks like a persistent one, and is none of ours; undefined: it looks like none. */
export function lookAlike(value: object): string | undefined {
  const Class = (value as { constructor?: unknown }).constructor
  if (!has(Class, BRAND)) return undefined
  const name = `the class ${(Class as { name: string }).name || 'without a name'}`
  return isOfAnotherCopy(Class)
    ? `an object of ${name} belongs to ${ONE_COPY}`
    : `this is a copy of an object of ${name}, which no constructor has made: take the object itself, or store plain(it)`
}
