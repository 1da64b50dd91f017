// A Map takes 2^24 entries, and throws beyond that: here of fewer, so that a small store shows what a large one meets.
import type { Test } from 'tap'

type Set = (this: Map<unknown, unknown>, key: unknown, value: unknown) => Map<unknown, unknown>

/** Until the test ends. */
export function limitMaps(t: Test, most: number): void {
  const set = Object.getOwnPropertyDescriptor(Map.prototype, 'set')?.value as Set
  t.teardown(() => (Map.prototype.set = set))
  Map.prototype.set = function (this: Map<unknown, unknown>, key, value) {
    if (this.size >= most && !this.has(key)) throw new RangeError('Map maximum size exceeded')
    return set.call(this, key, value)
  }
}
