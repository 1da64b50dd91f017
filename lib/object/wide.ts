// Plain objects of many fields. The engine keeps one as a hash table to which more than 18 fields were given by names that are
// computed, and that takes six times the memory and twice the time of what a literal or JSON.parse makes. Most wide objects
// have the keys of one before, and copies of an object that JSON.parse has made stay as it is.

import { sameKeys } from './shapes.js'

/** Fewer fields are never a hash table. */
const MANY = 16
/** More always are, or soon. */
const MOST = 128
/** So many lists of keys are remembered. */
const REMEMBERED = 4

interface Form {
  readonly keys: readonly string[]
  /** Made when the keys are met again. */
  empty: object | undefined
}

const forms: Form[] = []
let next = 0

/**
 * An ordinary object that has these keys already, in this order, to be given a value at each; undefined: `{}` serves as well. The list
 * must not be changed afterwards.
 */
export function roomFor(keys: readonly string[]): Record<string, unknown> | undefined {
  if (keys.length <= MANY || keys.length > MOST) return undefined
  for (const form of forms) {
    if (!sameKeys(form.keys, keys)) continue
    form.empty ??= JSON.parse(`{${keys.map(key => `${JSON.stringify(key)}:null`).join()}}`) as object
    return { ...form.empty }
  }
  forms[next] = { keys, empty: undefined }
  next = (next + 1) % REMEMBERED
  return undefined
}
