// Files that are being written beside a store: unpredictable names, and a lock by which a dead writer's leavings can be told.
import { basename, dirname, join } from 'node:path'
import { PackInterruptedError } from '../error.js'
import type { Disk, Fd } from '../file/disk.js'
import { letGo, unlockIfPossible } from '../file/let-go.js'

/** `new`: a store being created. `pack`: its next generation. `cache`: its index file. */
type TemporaryKind = 'new' | 'pack' | 'cache'

export interface Temporary {
  readonly path: string
  readonly fd: Fd
  /** Closes the file and takes its name away, unless it has become the store's. Never throws. */
  discard(): void
  /** The file has become the store's: it is not to be removed, and others may lock it, at the latest once it is discarded. Never throws. */
  keep(): void
}

const MOST_ATTEMPTS = 10

/** Creates `<path>.<16 hex digits>.<kind>` and holds its lock. */
export function createTemporary(disk: Disk, path: string, kind: TemporaryKind, mode: number): Temporary {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const temporary = tryCreate(disk, path, kind, mode)
    if (temporary !== undefined) return temporary
  }
  throw new PackInterruptedError(`${path}: other processes keep removing the new file while it is created: try again`)
}

/** Undefined: another process took it for a stray before it was locked. */
function tryCreate(disk: Disk, path: string, kind: TemporaryKind, mode: number): Temporary | undefined {
  const name = `${path}.${Buffer.from(disk.randomBytes(8)).toString('hex')}.${kind}`
  const fd = disk.create(name, mode)
  let mine = true
  const temporary = {
    path: name,
    fd,
    keep: () => {
      mine = false
      unlockIfPossible(disk, fd) // now, not at the end of the pack: this process may commit to it before that
    },
    discard: () => {
      try {
        if (mine) removeIfThere(disk, name)
      } catch {
        // It stays as a stray whose lock is free: the next writer or packer removes it.
      }
      letGo(disk, fd)
    },
  }
  try {
    if (disk.tryLock(fd) && disk.status(fd).links > 0) return temporary
  } catch (error) {
    temporary.discard()
    throw error
  }
  temporary.discard()
  return undefined
}

/**
 * Removes the temporary files of processes that have died: those whose lock is free, and a second name of the store
 * itself, which a creator leaves that dies right after it has published the store.
 */
export function removeStrays(disk: Disk, path: string): void {
  const directory = dirname(path)
  const prefix = `${basename(path)}.`
  for (const name of disk.list(directory)) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{16}\.(new|pack|cache)$/.test(name.slice(prefix.length))) continue
    const stray = join(directory, name)
    let fd: Fd
    try {
      fd = disk.open(stray, 'append')
    } catch {
      continue // gone already, or another user's
    }
    try {
      const { ino } = disk.status(fd)
      const dead = ino === disk.lookUp(path)?.ino || disk.tryLock(fd)
      if (dead && ino === disk.lookUp(stray)?.ino) removeIfThere(disk, stray)
    } finally {
      letGo(disk, fd)
    }
  }
}

/**
 * The same where it is in passing: it never stands in the way of what is being done. `most`: not in a directory of more bytes, in which
 * many other files stand.
 */
export function tidyUp(disk: Disk, path: string, most = Infinity): void {
  try {
    if (most < Infinity && (disk.lookUp(dirname(path))?.size ?? 0) > most) return
    removeStrays(disk, path)
  } catch {
    // The directory may not be ours to list; the next writer or packer tries again.
  }
}

function removeIfThere(disk: Disk, path: string): void {
  try {
    disk.unlink(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
