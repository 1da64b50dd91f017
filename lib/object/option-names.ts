// What options are refused with. A misspelt one would do nothing, in silence: what gives less than was asked for, or deletes more.
import { inspect } from 'node:util'

/**
 * Throws TypeError unless `options` is an object with no other names than these, its own or inherited, and no array, date, map or the like;
 * `of`: whose options they are, for the message.
 */
export function checkNames(options: unknown, known: ReadonlySet<string>, of: string): void {
  if (Object.prototype.toString.call(options) !== '[object Object]')
    throw new TypeError(
      `${of}: expects an object of options, not ${quoted(options)}; there are ${[...known].join(', ')}`,
    )
  // What is inherited counts as an option, and so when it is misspelt.
  for (const name in options as object) {
    if (known.has(name)) continue
    const meant = [...known].find(each => each.toLowerCase() === name.toLowerCase())
    const hint = meant === undefined ? `there are ${[...known].join(', ')}` : `did you mean ${meant}?`
    throw new TypeError(`${of}: there is no option ${name}; ${hint}`)
  }
}

/** A value that is refused, in messages: '1' is not 1. */
export function quoted(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity, customInspect: false })
}
