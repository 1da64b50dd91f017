// When the index file of a generation is written anew. It is a cache: that it cannot be written is no failure of anything.
import type { Generation } from './generation.js'
import type { KnownLog } from './known-log.js'

/**
 * What there is to read of the log behind it (see IndexDue), and that for each object: writing it takes half a millisecond, and up to 30 ns
 * and 4 bytes for each object (measured).
 */
const ENOUGH = {
  'at close': [1 << 20, 4],
  'after a sync': [4 << 20, 32],
} as const

export function saveIndex({ log, identity }: Generation, when: keyof typeof ENOUGH): void {
  quietly(() => {
    if (isDue(log, when)) log.save(identity.mode)
  })
}

/**
 * Before an fsync behind which commits go on: others may be in the log when it is done, which it need not cover. What is returned is to be
 * called then, if it has succeeded.
 */
export function saveIndexBehindSync({ log, identity }: Generation): () => void {
  const save = quietly(() => (isDue(log, 'after a sync') ? log.saveBehindSync(identity.mode) : undefined))
  return () => {
    quietly(() => save?.())
  }
}

function isDue(log: KnownLog, when: keyof typeof ENOUGH): boolean {
  const [least, forEach] = ENOUGH[when]
  return log.isWorthSaving(least, forEach, when === 'at close')
}

/** Where it fails, who closes the store tries again, and everybody as soon as the log has grown by so much once more. */
function quietly<T>(save: () => T): T | undefined {
  try {
    return save()
  } catch {
    return undefined
  }
}
