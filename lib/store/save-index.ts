// When the index file of a generation is written anew. It is a cache: that it cannot be written is no failure of anything.
import type { Generation } from './generation.js'

/** What there is to read of the log behind it (see `toRead`), and that for each object. */
const ENOUGH = {
  'at close': [1 << 20, 4],
  /** Nothing was written, so that it is not known what is on disk: to make sure of that may take long. */
  'at close, unsynced': [8 << 20, 8],
  'after a sync': [32 << 20, 16],
} as const

export function saveIndex({ log, identity }: Generation): void {
  try {
    if (log.isWorthSaving(...ENOUGH['after a sync'], false)) log.save(identity.mode)
  } catch {
    // Who closes the store tries again, and everybody as soon as the log has grown by so much once more.
  }
}

/** `sync`: all that has been read is on disk behind it, or it throws. */
export function saveIndexAtClose({ log, identity }: Generation, sync: () => void): void {
  const [least, forEach] = ENOUGH[log.isOnDisk ? 'at close' : 'at close, unsynced']
  try {
    if (!log.isWorthSaving(least, forEach, true)) return
    sync()
    log.save(identity.mode)
  } catch {
    // Whoever opens the store next reads more.
  }
}
