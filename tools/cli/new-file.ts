// Where a command is told to write a new file: what can be said of that before any work is done; and one that is no store, which has
// its name when it is whole.
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Fd } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { NewStore } from '../../lib/store/new-store.js'
import { EXIT, Refusal } from './exit-code.js'

/** Throws Refusal: there is no such directory. That the file itself does not exist is seen when it is made. */
export function checkNewFile(path: string): void {
  const directory = dirname(path)
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return
  throw new Refusal(EXIT.couldNot, `${path}: there is no directory ${directory}`)
}

/** As a store's: what is in it is nobody else's business. */
const MODE = 0o600
const NO_LINKS: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP'])

/**
 * The file is on disk when this returns, or not there. No lock is held on the unfinished one, as taking one needs an add-on that
 * reading does without: what a killed process leaves is `<path>.<16 hex digits>.part`, and stays.
 */
export async function intoNewFile<T>(path: string, fill: (fd: Fd) => Promise<T>): Promise<T> {
  const target = NewStore.pathFor(systemDisk, path)
  const part = `${target}.${Buffer.from(systemDisk.randomBytes(8)).toString('hex')}.part`
  const fd = systemDisk.create(part, MODE)
  let hasMoved = false
  try {
    const result = await fill(fd)
    systemDisk.sync(fd)
    hasMoved = giveName(part, target)
    systemDisk.syncDirectory(dirname(target))
    return result
  } finally {
    systemDisk.close(fd)
    if (!hasMoved) systemDisk.unlink(part)
  }
}

/** Replaces nothing. True: `part` is no name of the file any more. */
function giveName(part: string, target: string): boolean {
  try {
    systemDisk.link(part, target)
    return false
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') NewStore.pathFor(systemDisk, target) // throws, and says so
    if (!NO_LINKS.has(code)) throw error
  }
  // The name is taken first, so that nothing that is there can be replaced.
  systemDisk.close(systemDisk.create(target, MODE))
  systemDisk.rename(part, target)
  return true
}
