// The class of dates. Tests put another one in its place, whose dates begin at their own time: what is stored is of this one.

/** The prototype of `Date` itself, in whatever realm: above it is nothing but that of `Object`. */
function isOfDate(prototype: object | null | undefined): boolean {
  const above = prototype ? (Object.getPrototypeOf(prototype) as object | null) : null
  return above !== null && Object.getPrototypeOf(above) === null
}

function builtIn(): DateConstructor {
  let prototype: object | null = globalThis.Date.prototype
  while (prototype !== null && !isOfDate(prototype)) prototype = Object.getPrototypeOf(prototype) as object | null
  // Fake timers name `Date` only there, and what a program has put there need not be a class at all.
  const named: unknown = prototype?.constructor
  const isIt = typeof named === 'function' && named.prototype === prototype
  return isIt ? (named as DateConstructor) : globalThis.Date
}

/** That of the language, whatever a program's tests put in its place. */
export const Date = builtIn()

/** Is it a date of no class of its own, but of `Date`, in whatever realm, or of what tests put in its place? */
export function isOrdinaryDate(date: object): boolean {
  const prototype = Object.getPrototypeOf(date) as object | null
  if (isOfDate(prototype) || prototype === globalThis.Date.prototype) return true
  // Made while there was another one: fake timers derive that from `Date`, and name `Date` in each date as its constructor.
  const named = Object.getOwnPropertyDescriptor(date, 'constructor')?.value as { prototype?: object } | undefined
  return isOfDate(named?.prototype) && Object.getPrototypeOf(prototype) === named?.prototype
}
