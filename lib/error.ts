// Every error that Perdure throws, each with a stable `code`. Facts are fields; the message says what to do next.
// This file imports nothing.

/**
 * Base of all error classes that this package has of its own but `ValueError`, which is a TypeError, and has a `code` as well. Misuse (a wrong
 * argument, an option that there is not) is a TypeError or RangeError of the language, without one. `code` is stable across versions;
 * messages are not.
 */
export class PerdureError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** One object in the way of a commit: `read` if the transaction only read it, `write` if it changed it. */
export interface Conflict {
  readonly oid: number
  readonly type: string
  readonly kind: 'read' | 'write'
  /** Of a collection that merges: what is in the way, a few keys of it, as they are named in messages. */
  readonly keys?: readonly string[]
}

/** Another process (or connection) changed what this transaction accessed. Abort and run it again, or use `transact`. */
export class WriteConflictError extends PerdureError {
  readonly conflicts: readonly Conflict[]
  /** How often the transaction had been run when this was thrown. */
  readonly attempts: number
  constructor(conflicts: readonly Conflict[], attempts = 1) {
    const named = conflicts.slice(0, 5).map(({ type, oid, kind, keys }) => {
      const at = keys === undefined ? '' : ` at ${keys.join(', ')}`
      return `${type} ${oid}${at} (${kind})`
    })
    if (conflicts.length > named.length) named.push(`and ${conflicts.length - named.length} more`)
    super(
      'WRITE_CONFLICT',
      `changed by another commit since this transaction began: ${named.join(', ')}. ` +
        'Call abort() and do the work again, or let transact() repeat it.',
    )
    this.conflicts = conflicts
    this.attempts = attempts
  }
}

/** A call that does not fit the connection's state (changes pending, paused, inside transact). Nothing was done. */
export class StateError extends PerdureError {
  constructor(message: string, options?: ErrorOptions) {
    super('STATE', message, options)
  }
}

/** The connection, or the connection of this object, is closed. */
export class ClosedError extends PerdureError {
  constructor(message: string) {
    super('CLOSED', message)
  }
}

/** A write on a store that was opened `readonly`. */
export class ReadonlyError extends PerdureError {
  constructor(message: string) {
    super('READONLY', message)
  }
}

/** A value that cannot be stored exactly, refused at `path` (such as `Account.tags.2`). */
export class ValueError extends TypeError {
  readonly code = 'VALUE'
  readonly path: string
  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`)
    this.path = path
  }
}

/** Plain data whose place in its owner is gone since it was handed out. Read it again from its owner. */
export class StaleDataError extends PerdureError {
  readonly oid: number
  constructor(oid: number, message: string) {
    super('STALE_DATA', message)
    this.oid = oid
  }
}

/** The object had become unreachable and a pack has removed it. `path` says where the reference stood, when it was met in a commit. */
export class GoneError extends PerdureError {
  readonly oid: number
  readonly path: string | undefined
  constructor(oid: number, message: string, path?: string) {
    super('GONE', message)
    this.oid = oid
    this.path = path
  }
}

/** Stored state and registered class do not fit each other. What code of the class has thrown is the `cause`. */
export class SchemaError extends PerdureError {
  /** The object, where it is one that does not fit. */
  readonly oid: number | undefined
  constructor(message: string, oid?: number, options?: ErrorOptions) {
    super('SCHEMA', message, options)
    this.oid = oid
  }
}

/** The lock was not free within `timeout` milliseconds. `pid` is its holder, where the system tells. */
export class LockTimeoutError extends PerdureError {
  readonly path: string
  readonly timeout: number
  readonly pid: number | undefined
  constructor(path: string, timeout: number, pid: number | undefined) {
    const isOwn = pid === process.pid
    const isKnown = pid !== undefined
    const who = isOwn
      ? 'this process holds it, by another copy of perdure or in another thread'
      : isKnown
        ? `process ${pid} holds it`
        : 'the system does not tell which process holds it: it may be in another container'
    const advice = isOwn
      ? 'Use one copy, or do not commit by one inside transact() of another'
      : `See whether ${isKnown ? 'that process' : 'a process that uses the store'} is stopped or hangs`
    super(
      'LOCK_TIMEOUT',
      `${path}: the commit lock was not free within ${timeout} ms; ${who}. ` +
        `Nothing was committed. ${advice}, or raise lockTimeout.`,
    )
    this.path = path
    this.timeout = timeout
    this.pid = pid
  }
}

/**
 * The disk refused the commit (full, too large, I/O error: see `cause`). Nothing was committed; the store goes on when the cause is gone:
 * where that is a DurabilityUnknownError, when the store has been packed.
 */
export class CommitFailedError extends PerdureError {
  constructor(message: string, options?: ErrorOptions) {
    super('COMMIT_FAILED', message, options)
  }
}

/**
 * The system refused to open, read or write a file of the store, outside of a commit: `cause` is its error (EIO, ENOSPC, EACCES ...).
 * The store is as it was; try again when the cause is gone.
 */
export class DiskError extends PerdureError {
  readonly path: string
  constructor(path: string, cause: Error, advice?: string) {
    const found = cause.message.includes(path) ? cause.message : `${path}: ${cause.message}`
    super('DISK', advice === undefined ? found : `${found}. ${advice}.`, { cause })
    this.path = path
  }
}

/** One commit would be larger than a frame may be (1 GiB). Commit in smaller steps. */
export class CommitTooLargeError extends PerdureError {
  readonly bytes: number
  constructor(bytes: number) {
    super('COMMIT_TOO_LARGE', `this commit has ${bytes} bytes, and one commit may have 1 GiB: commit in smaller steps`)
    this.bytes = bytes
  }
}

/**
 * What was committed is in the file and visible, but the disk did not confirm it. Only a pack makes the store durable again, unless the
 * message says otherwise.
 */
export class DurabilityUnknownError extends PerdureError {
  constructor(message: string, options?: ErrorOptions) {
    super('DURABILITY_UNKNOWN', message, options)
  }
}

/** Bytes in the log are wrong at `offset`; the last whole commit before them is `lastGoodTid`. 0: there is none, or the packed state is damaged. */
export class CorruptLogError extends PerdureError {
  readonly path: string
  readonly offset: number
  readonly lastGoodTid: number
  /** What is wrong there. */
  readonly what: string
  /** Where the next whole frame behind the damage begins; undefined: there is none. */
  readonly nextGoodOffset: number | undefined
  constructor(path: string, offset: number, lastGoodTid: number, what: string, nextGoodOffset?: number) {
    const behind = nextGoodOffset === undefined ? '' : `; sound data follows from ${nextGoodOffset} on`
    const isGood = lastGoodTid > 0
    const before = isGood ? `the last good commit before it is ${lastGoodTid}` : 'no commit before it is whole'
    const reading = isGood ? `open(path, { readonly: true, until: ${lastGoodTid} }) reads that commit; ` : ''
    // Of what is missing, no place tells.
    const where = offset === 0 ? '' : ` at offset ${offset}`
    super(
      'CORRUPT_LOG',
      `${path}: ${what}${where}; ${before}${behind}. Keep the file as it is. \`perdure verify\` lists all findings; ` +
        `${reading}\`perdure recover\` saves what is sound into a new file.`,
    )
    this.path = path
    this.offset = offset
    this.lastGoodTid = lastGoodTid
    this.what = what
    this.nextGoodOffset = nextGoodOffset
  }
}

/** The file at the path is another store than the one that was opened: replaced, removed or restored from a copy. */
export class StoreReplacedError extends PerdureError {
  readonly path: string
  /** What has become of the file. */
  readonly what: string
  constructor(
    path: string,
    what: string,
    advice = 'Close this connection and open the store again',
    options?: ErrorOptions,
  ) {
    super('STORE_REPLACED', `${path}: ${what}. ${advice}.`, options)
    this.path = path
    this.what = what
  }
}

/** There is no store at the path, and none is made: opened `readonly`, or by a tool, or the directory is missing. */
export class StoreNotFoundError extends PerdureError {
  readonly path: string
  constructor(path: string, what = 'there is no such file') {
    super('NOT_FOUND', `${path}: ${what}`)
    this.path = path
  }
}

/** The commit that `until` names is not in the file: a pack has taken it away, or there is none of that number yet. */
export class CommitNotFoundError extends PerdureError {
  readonly path: string
  readonly tid: number
  /** The commit in the file that comes nearest: the first one that the pack has kept, or the last one. */
  readonly nearest: number
  constructor(path: string, tid: number, nearest: number) {
    super(
      'COMMIT_NOT_FOUND',
      tid < nearest
        ? `${path}: commit ${tid} is not in the file any more; a pack has kept only ${nearest} and later. ` +
            'Open one of these, or a copy of the file that was made before the pack.'
        : `${path}: there is no commit ${tid}; the last one is ${nearest}`,
    )
    this.path = path
    this.tid = tid
    this.nearest = nearest
  }
}

/** The file at the path is not a Perdure store. It was not changed. */
export class NotAStoreError extends PerdureError {
  readonly path: string
  constructor(path: string, what: string) {
    super('NOT_A_STORE', `${path}: ${what}. The file was not changed.`)
    this.path = path
  }
}

/** The text is no whole dump of a store: `line` (from 1) is not what stands there in one. No store was made of it. */
export class BadDumpError extends PerdureError {
  readonly path: string
  readonly line: number
  constructor(path: string, line: number, what: string) {
    super('BAD_DUMP', `${path}, line ${line}: ${what}. No store was made. Load what \`perdure dump\` wrote, all of it.`)
    this.path = path
    this.line = line
  }
}

/** The file needs a newer version of this package. */
export class NewerFormatError extends PerdureError {
  readonly path: string
  constructor(path: string, what: string) {
    super('NEWER_FORMAT', `${path}: ${what}. Install a newer version of perdure.`)
    this.path = path
  }
}

/** Another pack finished first, or the file changed under this one. Nothing was changed; pack again if need be. */
export class PackInterruptedError extends PerdureError {
  constructor(message: string, options?: ErrorOptions) {
    super('PACK_INTERRUPTED', message, options)
  }
}

/** This machine, file system, thread or installation cannot do what was asked; the message says what would help. */
export class UnsupportedError extends PerdureError {
  constructor(message: string, options?: ErrorOptions) {
    super('UNSUPPORTED', message, options)
  }
}

// As errors of the language have theirs: minifiers change the names of classes, and leave those of fields alone.
const named = {
  PerdureError,
  WriteConflictError,
  StateError,
  ClosedError,
  ReadonlyError,
  ValueError,
  StaleDataError,
  GoneError,
  SchemaError,
  LockTimeoutError,
  CommitFailedError,
  DiskError,
  CommitTooLargeError,
  DurabilityUnknownError,
  CorruptLogError,
  StoreReplacedError,
  StoreNotFoundError,
  CommitNotFoundError,
  NotAStoreError,
  BadDumpError,
  NewerFormatError,
  PackInterruptedError,
  UnsupportedError,
}
for (const [name, { prototype }] of Object.entries(named))
  Object.defineProperty(prototype, 'name', { value: name, writable: true, configurable: true })
