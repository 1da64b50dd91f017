// Closing what is only left. All that must be on disk has been synced by then, and whose sync has failed has been told. Whatever closing
// throws, the descriptor is free and must not be closed again: so nobody could do anything about it, and what the file was left for must
// not fail by it, a commit that is made or the way to the file of a pack.
import type { Disk, Fd } from './disk.js'

/** Never throws. */
export function letGo(disk: Disk, fd: Fd): void {
  try {
    disk.close(fd)
  } catch {
    // See above.
  }
}
