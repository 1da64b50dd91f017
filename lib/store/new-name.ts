// A new file has been given its name, which is to be put on disk. A failed fsync of the directory is never called again: a second one that
// succeeds would prove nothing. So the name is taken away, and who tries again gives it to another file.
import { dirname } from 'node:path'
import { DurabilityUnknownError } from '../error.js'
import type { Disk, FileStatus } from '../file/disk.js'
import { provesNothing } from '../file/disk-error.js'
import { FailedSyncs } from './failed-syncs.js'
import { unknownSince } from './unknown-durability.js'

/**
 * `file`: the new one, whose lock the caller holds: nobody has committed to it. Throws what the system refuses; where it did not let the
 * directory be opened, the first commit tries that again.
 */
export function syncNewName(disk: Disk, path: string, file: FileStatus): void {
  const failed = FailedSyncs.on(disk)
  try {
    disk.syncDirectory(dirname(path))
    failed.forgetName(path) // that was of a file before this one
  } catch (cause) {
    if (!provesNothing(cause) && !takenAway(disk, path, file))
      failed.noteName(path, unknownSince(path, (cause as Error).message, cause))
    throw cause
  }
}

/**
 * The same of a file that is whole, and may be used by whoever finds it: where it keeps its name although that could not be put on disk,
 * DurabilityUnknownError says so.
 */
export function syncNameOfWhole(disk: Disk, path: string, file: FileStatus): void {
  try {
    syncNewName(disk, path, file)
  } catch (cause) {
    if (!isThere(disk, path, file)) throw cause
    const why = (cause as Error).message
    throw new DurabilityUnknownError(
      `${path}: the file is there, whole and on disk, but its name may not survive a power cut (${why}). Check the disk, then remove the ` +
        'file and write it anew, or copy it.',
      { cause },
    )
  }
}

function isThere(disk: Disk, path: string, { dev, ino }: FileStatus): boolean {
  try {
    const there = disk.lookUp(path)
    return there?.ino === ino && there.dev === dev
  } catch {
    return true // as far as anybody knows
  }
}

/** False: another file stands there, of somebody who was quicker, or the system refuses it. */
function takenAway(disk: Disk, path: string, { dev, ino }: FileStatus): boolean {
  try {
    const there = disk.lookUp(path)
    if (there?.ino !== ino || there.dev !== dev) return false
    disk.unlink(path)
    return true
  } catch {
    return false
  }
}
