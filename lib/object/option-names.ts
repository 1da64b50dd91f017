// What options are refused with. A misspelt one would do nothing, in silence: what gives less than was asked for, or deletes more.
import { inspect, types } from 'node:util'

/**
 * Throws TypeError unless `options` is an object with no other names than these, its own or inherited, and no array, date, map or the like;
 * `of`: whose options they are, for the message.
 */
export function checkNames(options: unknown, known: ReadonlySet<string>, of: string): void {
  if (!canHaveNames(options))
    throw new TypeError(
      `${of}: expects an object of options, not ${quoted(options)}; there are ${[...known].join(', ')}`,
    )
  // What is inherited counts as an option, and so when it is misspelt; a name that a program has put into all objects nobody has misspelt.
  for (const name in options) {
    if (known.has(name) || (name in Object.prototype && !Object.hasOwn(options, name))) continue
    const meant = [...known].find(each => each.toLowerCase() === name.toLowerCase())
    const hint = meant === undefined ? `there are ${[...known].join(', ')}` : `did you mean ${meant}?`
    throw new TypeError(`${of}: there is no option ${name}; ${hint}`)
  }
}

/** Any object that is for names: also of a class, or a module with all that it exports. */
function canHaveNames(options: unknown): options is object {
  return (
    typeof options === 'object' &&
    options !== null &&
    !(Symbol.iterator in options) && // arrays, maps, sets, typed arrays
    (Object.getPrototypeOf(options) === Object.prototype || !NO_OPTIONS.some(isOne => isOne(options)))
  )
}

const NO_OPTIONS: readonly ((value: object) => boolean)[] = [
  types.isDate,
  types.isRegExp,
  types.isPromise,
  types.isNativeError,
  types.isBoxedPrimitive,
  types.isAnyArrayBuffer,
  types.isDataView,
  types.isWeakMap,
  types.isWeakSet,
]

/** A value that is refused, in messages: '1' is not 1. */
export function quoted(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity, customInspect: false })
}
