// Closing what is only left, and unlocking what others wait for. All that must be on disk has been synced by then, and whose sync has
// failed has been told. Whatever closing throws, the descriptor is free and must not be closed again: so nobody could do anything about
// it, and what the file was left for must not fail by it, a commit that is made or the way to the file of a pack.
import type { Disk, Fd } from './disk.js'

/** Never throws. */
export function letGo(disk: Disk, fd: Fd): void {
  try {
    disk.close(fd)
  } catch {
    // See above.
  }
}

/**
 * An unlock that fails is called again: others must be let in. Never throws, as what was done under the lock stands; false: the file
 * stays locked, until the next time that it is unlocked, or is closed.
 */
export function unlockIfPossible(disk: Disk, fd: Fd): boolean {
  for (const isLast of [false, true]) {
    try {
      disk.unlock(fd)
      return true
    } catch {
      if (isLast) return false
    }
  }
  return false
}
