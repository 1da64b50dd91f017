// From the path that somebody names to a store that can be opened there: links resolved, file systems that cannot be trusted
// refused, a missing store made. Opens nothing.
import { dirname, resolve } from 'node:path'
import { NotAStoreError, StoreNotFoundError, UnsupportedError } from '../error.js'
import type { Disk } from '../file/disk.js'
import { createStore } from './create.js'
import type { StoreOptions } from './store-options.js'
import type { Draft } from './types.js'

/** Returns the path without links. A missing store is created with `initial` as its first commit (whoever is first, wins). */
export function locateStore(disk: Disk, path: string, options: StoreOptions, initial: Draft | undefined): string {
  const isMade = options.readonly !== true && initial !== undefined
  const real = canonicalPath(disk, path, isMade)
  if (options.unsafeFilesystem !== true) refuseNetwork(disk, real)
  const there = disk.lookUp(real)
  if (there === undefined) {
    if (options.readonly === true || initial === undefined) throw new StoreNotFoundError(real)
    createStore(disk, real, initial, options.mode ?? 0o600)
  } else if (!there.isFile) {
    throw new NotAStoreError(real, 'this is not a regular file')
  }
  return real
}

/** `isMade`: a store that is missing is. */
function canonicalPath(disk: Disk, path: string, isMade: boolean): string {
  try {
    return disk.canonical(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    const whole = resolve(path)
    const directory = dirname(whole)
    if (!isMade || disk.lookUp(directory) !== undefined) throw new StoreNotFoundError(path)
    throw new StoreNotFoundError(whole, `the directory ${directory} does not exist: make it first`)
  }
}

function refuseNetwork(disk: Disk, path: string): void {
  const name = disk.networkFileSystem(path.slice(0, path.lastIndexOf('/') + 1))
  if (name === undefined) return
  throw new UnsupportedError(
    `${path} is on ${name}, where file locks and appends of several machines cannot be trusted. Use a local disk; ` +
      'or, if only this machine uses the file (a local FUSE mount, say), open it with { unsafeFilesystem: true }.',
  )
}
