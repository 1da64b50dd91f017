// When the index file of a generation is written anew. It is a cache: that it cannot be written is no failure of anything.
import type { Generation } from './generation.js'

/** What there is to read of the log behind it (see `toRead`), and that for each object. */
const ENOUGH = {
  'at close': [1 << 20, 4],
  'after a sync': [32 << 20, 16],
} as const

export function saveIndex({ log, identity }: Generation, when: keyof typeof ENOUGH): void {
  const [least, forEach] = ENOUGH[when]
  try {
    if (log.isWorthSaving(least, forEach, when === 'at close')) log.save(identity.mode)
  } catch {
    // Who closes the store tries again, and everybody as soon as the log has grown by so much once more.
  }
}
