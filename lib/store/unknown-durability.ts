// What is said where it is not known what is on disk: what stands in the file, who is kept from committing, and what to do.
import { CommitFailedError, DurabilityUnknownError, LockTimeoutError } from '../error.js'
import { isFailedOpen, systemErrorIn } from '../file/disk-error.js'

/** Until the next pack. */
export function unknownSince(path: string, why: string, cause?: unknown): DurabilityUnknownError {
  return new DurabilityUnknownError(
    `${path}: the disk did not confirm the last commits (${why}). They are in the file and visible, but may not survive a power ` +
      'cut. Nobody can commit any more until the store has been packed: check the disk, then pack, which writes a new file.',
    { cause },
  )
}

/** As nothing was done, that is no durability that is unknown. */
export function refused(path: string, failure: unknown): CommitFailedError {
  const { cause } = failure as DurabilityUnknownError
  const why = cause instanceof Error ? cause.message : 'another process was told so'
  return new CommitFailedError(
    `${path}: the disk did not confirm earlier commits (${why}), and nobody can commit before the store has been packed. Nothing was ` +
      'committed. Check the disk, then pack, which writes a new file, and try again.',
    { cause: failure },
  )
}

export function othersUntold(path: string, whyNot: Error): DurabilityUnknownError {
  const cause = systemErrorIn(whyNot) ?? systemErrorIn(whyNot.cause) ?? whyNot
  const why = cause instanceof LockTimeoutError ? `the lock was not free within ${cause.timeout} ms` : cause.message
  return new DurabilityUnknownError(
    `${path}: the disk did not confirm the last commits, and the file could not be marked (${why}): other processes do not know, and may ` +
      'commit on top of what a power cut may take. The store is closed. Check the disk, then pack, which writes a new file.',
    { cause },
  )
}

/** As the disk was not asked, it is asked again. */
export function notAsked(path: string, cause: unknown): DurabilityUnknownError {
  const why = (cause as Error).message
  const unknown = isFailedOpen(cause)
    ? `whether the name of the file is on disk: its directory could not be opened (${why})`
    : `whether they are on disk: Node did not let the disk be asked (${why})`
  return new DurabilityUnknownError(
    `${path}: the last commits are in the file and visible, but it is not known ${unknown}. Nobody else is kept from committing, and ` +
      'the next commit tries again.',
    { cause },
  )
}
