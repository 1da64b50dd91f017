// What the system refuses on the way to a commit: nothing has been committed then, and the error says so.
import { CommitFailedError } from '../error.js'
import { adviceOn, systemErrorIn } from '../file/disk-error.js'

/** Runs `act`; what the system refuses becomes a CommitFailedError. */
export function onCommit<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw asCommitFailure(path, error)
  }
}

/** CommitFailedError for an error of the system; any other as it is. */
export function asCommitFailure(path: string, error: unknown): unknown {
  const cause = systemErrorIn(error)
  if (cause === undefined) return error
  const advice = adviceOn(cause) ?? 'Try again when the cause is gone'
  const message = `${path}: ${cause.message}. Nothing was committed. ${advice}.`
  return new CommitFailedError(message, { cause })
}
