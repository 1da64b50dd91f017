// Filling an empty collection: a map or set with what is sorted already.
import { StateError } from '../error.js'
import { compareKeys } from './key-order.js'
import type { Pending } from './keyed-changes.js'
import type { KeyedHeader } from './keyed-header.js'

/** Throws StateError. */
export function checkEmpty(size: number, label: string): void {
  if (size > 0) throw new StateError(`${label}: bulkLoad() fills an empty collection, and this one is not`)
}

/** Nothing is changed before everything has been found in order. Throws StateError, RangeError, ValueError. */
export function bulkLoad(header: KeyedHeader, entries: Iterable<readonly [unknown, unknown]>): void {
  checkEmpty(header.size, header.label)
  const given: Pending[] = []
  for (const [key, value] of entries) {
    const own = header.keyIn(key)
    const last = given.at(-1)
    if (last && compareKeys(last.key, own) >= 0) {
      const names = `${header.keyName(own)} comes behind ${header.keyName(last.key)}`
      throw new RangeError(`${header.label}: bulkLoad() needs keys in their order, each once: ${names}`)
    }
    given.push({ key: own, value: header.adoptValue(value, own), gone: false, existed: false })
  }
  header.touch()
  header.putAll(given)
}
