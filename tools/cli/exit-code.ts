// What the tool's exit codes mean, and which one an error stands for. `--help` prints this table.
import { getSystemErrorMap } from 'node:util'
import { DiskError, PerdureError } from '../../lib/error.js'

export const EXIT = {
  done: 0,
  no: 1,
  usage: 2,
  couldNot: 3,
  withLoss: 4,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export const EXIT_CODES = `Exit codes:
  0    done
  1    the answer is no: damage was found, no such path, object or commit, no store or dump there
  2    the command was not understood
  3    it could not be done: I/O error, no permission, locked, not supported here
  4    done, but not everything could be kept
  129  interrupted by a hangup (SIGHUP)
  130  interrupted (Ctrl-C)
  143  interrupted by a request to end (SIGTERM)`

/** An answer that the tool itself gives; the message is all that is printed. */
export class Refusal extends Error {
  readonly exitCode: ExitCode
  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

const NO: ReadonlySet<string> = new Set([
  'NOT_FOUND',
  'COMMIT_NOT_FOUND',
  'NOT_A_STORE',
  'CORRUPT_LOG',
  'BAD_DUMP',
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
])

/** How an error is told. */
export interface Explanation {
  readonly exitCode: ExitCode
  /** For stderr. */
  readonly message: string
  /** Of a mistake in the tool or the library: whoever reports it needs to know where. */
  readonly trace?: string | undefined
}

export function explain(error: unknown): Explanation {
  if (error instanceof Refusal) return error
  if (!(error instanceof Error)) return { exitCode: EXIT.couldNot, message: String(error) }
  const cause = error instanceof DiskError ? (error.cause as Error) : error
  const { code, errno, path = error instanceof DiskError ? error.path : undefined } = cause as NodeJS.ErrnoException
  const exitCode = code !== undefined && NO.has(code) ? EXIT.no : EXIT.couldNot
  const meaning = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
  if (meaning !== undefined) return { exitCode, message: path === undefined ? meaning : `${path}: ${meaning}` }
  if (error instanceof PerdureError) return { exitCode, message: error.message }
  const { stack = '' } = error
  const at = stack.indexOf('\n    at ')
  return { exitCode, message: String(error), trace: at < 0 ? undefined : stack.slice(at + 1) }
}
