// Where a command is told to write a new file: what can be said of that before any work is done; and one that is no store, which has
// its name when it is whole.
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Fd } from '../../lib/file/disk.js'
import { asDiskError } from '../../lib/file/disk-error.js'
import { letGo } from '../../lib/file/let-go.js'
import { checkSyncing, systemDisk } from '../../lib/file/system-disk.js'
import { syncNameOfWhole } from '../../lib/store/new-name.js'
import { alreadyThere, NewStore } from '../../lib/store/new-store.js'
import { EXIT, Refusal } from './exit-code.js'

/** Throws Refusal: there is no such directory; UnsupportedError. That the file itself does not exist is seen when it is made. */
export function checkNewFile(path: string): void {
  if (path === '-')
    throw new Refusal(EXIT.usage, '-o -: a store cannot be written to standard output; a file of this name is ./-')
  checkSyncing()
  const directory = path.endsWith('/') ? path : dirname(path)
  if (isDirectory(directory)) return
  throw new Refusal(EXIT.couldNot, `${path}: there is no directory ${directory}`)
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code)) return false
    throw error
  }
}

/** As a store's: what is in it is nobody else's business. */
const MODE = 0o600
const NOT_THERE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR'])
const NO_LINKS: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP'])

/**
 * The file is on disk when this returns, or not there; where its name could be neither put on disk nor taken away, DurabilityUnknownError
 * says so. No lock is held on the unfinished one, as taking one needs an add-on that reading does without: what a killed process leaves is
 * `<path>.<16 hex digits>.part`, and stays.
 */
export async function intoNewFile<T>(path: string, fill: (fd: Fd) => Promise<T>): Promise<T> {
  const target = NewStore.pathFor(systemDisk, path)
  const part = `${target}.${Buffer.from(systemDisk.randomBytes(8)).toString('hex')}.part`
  const fd = systemDisk.create(part, MODE)
  let hasMoved = false
  try {
    const result = await fill(fd)
    systemDisk.sync(fd)
    const status = systemDisk.status(fd) // before it has its name: what fails behind that has to take it away
    hasMoved = giveName(part, target)
    syncNameOfWhole(systemDisk, target, status)
    return result
  } catch (error) {
    throw asDiskError(path, error) // what is written to a descriptor is refused without a name
  } finally {
    letGo(systemDisk, fd)
    if (!hasMoved) unlinkIfPossible(part)
  }
}

function unlinkIfPossible(path: string): void {
  try {
    systemDisk.unlink(path)
  } catch {
    // What has become of the file itself is what is to be told.
  }
}

/** Replaces nothing. True: `part` is no name of the file any more. */
function giveName(part: string, target: string): boolean {
  try {
    if (hasLinked(part, target)) return false
    // The name is taken first, so that nothing that is there can be replaced.
    letGo(systemDisk, systemDisk.create(target, MODE))
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? alreadyThere(target) : error
  }
  systemDisk.rename(part, target)
  return true
}

/** False: this file system has no hard links. */
function hasLinked(part: string, target: string): boolean {
  try {
    systemDisk.link(part, target)
    return true
  } catch (error) {
    if (NO_LINKS.has((error as NodeJS.ErrnoException).code)) return false
    throw error
  }
}
