// What the system refuses on the way to a commit: nothing has been committed then, and the error says so.
import { CommitFailedError } from '../error.js'
import { adviceOn, systemErrorIn } from '../file/disk-error.js'

/** CommitFailedError for an error of the system; any other as it is. */
export function asCommitFailure(path: string, error: unknown): unknown {
  const cause = systemErrorIn(error)
  if (cause === undefined) return error
  const advice = adviceOn(cause) ?? 'Try again when the cause is gone'
  const message = `${path}: ${cause.message}. Nothing was committed. ${advice}.`
  return new CommitFailedError(message, { cause })
}
