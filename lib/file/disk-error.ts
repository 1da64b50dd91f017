// What becomes of an error of the system on its way up: it gets the store's path and a type. Errors of ours pass as they are.
import { DiskError, PerdureError } from '../error.js'

/** EIO, ENOSPC, EACCES and the like; not the errors of Node itself (ERR_...). */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || error instanceof PerdureError) return false
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)
}

/** The system's error behind `error`, if there is one. */
export function systemErrorIn(error: unknown): NodeJS.ErrnoException | undefined {
  const found = error instanceof DiskError ? error.cause : error
  return isSystemError(found) ? found : undefined
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
  return isSystemError(error) ? new DiskError(path, error) : error
}
