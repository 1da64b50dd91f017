// What becomes of an error of the system on its way up: it gets the store's path and a type. Errors of ours pass as they are.
import { constants } from 'node:os'
import { types } from 'node:util'
import { DiskError, PerdureError } from '../error.js'

/** EIO, ENOSPC, EACCES and the like, of whatever realm (jest gives tests one of their own); not the errors of Node itself (ERR_...). */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  if (!types.isNativeError(error) || error instanceof PerdureError) return false
  const { code, errno } = error as NodeJS.ErrnoException
  // For some Node has no name ("Unknown system error -122"), but they have a number.
  return typeof code === 'string' && (/^E[A-Z0-9]+$/.test(code) || (typeof errno === 'number' && !isOfNode(error)))
}

/** The system's error behind `error`, if there is one. */
export function systemErrorIn(error: unknown): NodeJS.ErrnoException | undefined {
  const found = error instanceof DiskError ? error.cause : error
  return isSystemError(found) ? found : undefined
}

/** Node itself has refused, before it asked the system. */
function isOfNode(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && code.startsWith('ERR_')
}

/** An fsync that the system has not been asked for, or of a file that could not be opened for it, says nothing of what is on disk. */
export function provesNothing(error: unknown): boolean {
  return isOfNode(error) || isFailedOpen(error)
}

/** Nothing was done with the file but trying to open it. */
export function isFailedOpen(error: unknown): error is NodeJS.ErrnoException {
  return isSystemError(error) && error.syscall === 'open'
}

/** Runs `act`; what the system refuses becomes a DiskError. */
export function onDisk<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw asDiskError(path, error)
  }
}

export function asDiskError(path: string, error: unknown): unknown {
  return isSystemError(error) ? new DiskError(path, error, adviceOn(error)) : error
}

const PERMISSION =
  'Reading takes { readonly: true }, permission to read the file, and to search (x) each directory that leads to it; writing takes ' +
  'permission to write the file and the lock file beside it; making a store, its lock file or its packed form takes permission to read and write the directory, too'
const READ_ONLY_DISK =
  'The disk is mounted read-only, or the file is marked immutable: open the store with { readonly: true }'
/** Node has no name for this one. */
const QUOTA = 'The quota of disk space is used up (EDQUOT): delete something, or have it raised'
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: PERMISSION,
  EPERM: PERMISSION,
  EROFS: READ_ONLY_DISK,
  ELOOP: 'A symbolic link stands in place of a file that must not be one: remove it',
}

/** What to do about it; undefined: what the system says has to do. */
export function adviceOn({ code = '', errno }: NodeJS.ErrnoException): string | undefined {
  if (code === 'EDQUOT' || errno === -constants.errno.EDQUOT) return QUOTA
  return Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined
}
