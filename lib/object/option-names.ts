// What options are refused with. A misspelt one would do nothing, in silence: what gives less than was asked for, or deletes more.
import { inspect } from 'node:util'
import { isPlainObject } from './adopt.js'

/** Throws TypeError unless `options` is a plain object with no other names than these; `of`: whose options they are, for the message. */
export function checkNames(options: unknown, known: ReadonlySet<string>, of: string): void {
  if (typeof options !== 'object' || options === null || !isPlainObject(options))
    throw new TypeError(
      `${of}: expects a plain object of options, not ${quoted(options)}; there are ${[...known].join(', ')}`,
    )
  for (const name of Object.keys(options)) {
    if (known.has(name)) continue
    const meant = [...known].find(each => each.toLowerCase() === name.toLowerCase())
    const hint = meant === undefined ? `there are ${[...known].join(', ')}` : `did you mean ${meant}?`
    throw new TypeError(`${of}: there is no option ${name}; ${hint}`)
  }
}

/** A value that is refused, in messages: '1' is not 1. */
export function quoted(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity })
}
