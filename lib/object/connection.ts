// What applications hold of a store: one identity map over one snapshot. Checks in which state each call is allowed
// (spec/semantics.md has the table) and hands the work on.
import { inspect } from 'node:util'
import { StateError } from '../error.js'
import { pack, type PackOptions, type PackResult } from '../store/pack.js'
import { usageOf, type Usage } from '../store/usage.js'
import type { Oid } from '../store/types.js'
import { encodeAnnotation, type Annotation } from './annotation.js'
import { checkedLogOptions, logOf, type Commit, type LogOptions } from './commit-log.js'
import { commitSession } from './commit.js'
import { confirm, flush } from './confirm.js'
import { refuseIfEditing } from './editing.js'
import { inspectOther, setLooking } from './inspection.js'
import { refuseAssignment } from './refuse-assignment.js'
import { Session } from './session.js'
import { SessionLooking } from './session-looking.js'
import { headerNeeded } from './single-objects.js'
import { checkNames, quoted } from './option-names.js'
import { checkedSince, resolved, type Resolved, type ResolveOptions } from './resolve.js'
import { askerOf, checkId, refuseInsideOther, transact, type TransactOptions } from './transact.js'
import { transactAsync } from './transact-async.js'

/**
 * A promise is not a result that a transaction can have: the compiler says why. A generic function that calls `transact` with another one
 * declares that as `(root: Root) => Sync<T>`.
 */
export type Sync<T> = T extends PromiseLike<unknown> ? 'a transaction does not wait: await first, then transact' : T

/** With an id, there is a result only if the transaction was not applied before. */
type WithoutId = TransactOptions & { readonly id?: undefined }

const PACK_OPTIONS: ReadonlySet<string> = new Set<keyof PackOptions>(['onProgress', 'signal'])
const ANNOTATION: ReadonlySet<string> = new Set<keyof Annotation>(['note', 'meta'])

/** Ends one `pause()`, once. */
export interface Pause extends Disposable {
  continue(): void
}

const connections = new WeakMap<Session, Connection>()

/**
 * An open store, as `open` and `connect` give it. A transaction begins at the first access and sees one state until it ends; once closed,
 * every access throws ClosedError. Section 4 of spec/semantics.md says what each call does in each state.
 */
export class Connection<Root = unknown> {
  readonly #session: Session
  readonly #again: () => Session
  readonly #pauses: Pause[] = []

  /** Not for applications: use `open()`. */
  constructor(session: Session, again: () => Session) {
    this.#session = session
    this.#again = again
    connections.set(session, this)
  }

  /** The object with oid 1, from which everything that is kept can be reached. */
  get root(): Root {
    this.#session.checkOpen()
    return this.#session.root as Root
  }

  /** The data file. */
  get path(): string {
    return this.#session.store.path
  }

  /** Number of the last commit that this connection sees. */
  get tid(): number {
    return this.#session.tid
  }

  /** There are changes that were not committed. */
  get changed(): boolean {
    return this.#session.changed.size > 0
  }

  [inspect.custom](_depth: number, options: object): string {
    if (!(#session in this)) return inspectOther(this, options)
    const { path, tid, changed } = this
    return `Connection ${inspect({ path, tid, changed, closed: this.#session.closed }, options)}`
  }

  /** The object with this number (see `oidOf`); undefined: there is none in this snapshot. Throws TypeError for what is no number. */
  get(oid: number): object | undefined {
    if (typeof oid !== 'number')
      throw new TypeError(
        `get: expects the number of an object, as oidOf() gives it, not ${quoted(oid)}; what has a key is asked of its map`,
      )
    refuseIfEditing('get()')
    this.#session.begin()
    return this.#session.present(oid as Oid)?.object
  }

  /**
   * Runs `work` as one transaction and commits; after a conflict runs it again, in the end with the lock held, so that it
   * never throws WriteConflictError. Whatever `work` throws undoes everything and is passed on. Nested calls join.
   * Gives what `work` gave; undefined if a transaction with this `id` was committed before.
   * Throws StateError with changes pending or while paused, TypeError for a promise as the result, and what `commit` throws.
   */
  transact<T>(work: (root: Root) => Sync<T>, options?: WithoutId): T
  /** The same with an `id`: undefined if a transaction with it was committed before, and `work` was not run. */
  transact<T>(work: (root: Root) => Sync<T>, options?: TransactOptions): T | undefined
  transact<T>(work: (root: Root) => Sync<T>, options?: TransactOptions): T | undefined {
    const run = work as (root: Root) => T
    return transact(this.#session, this.root, run, options)
  }

  /**
   * The same for the same synchronous function; waits for lock, back-off and disk without blocking the event loop. It runs at the
   * end of this stretch of code, or when the connection is used next; what was asked for meanwhile, with the same note and options,
   * becomes one commit with it. Rejects with what `transact` throws, and with ClosedError if the connection is closed before it is done.
   */
  transactAsync<T>(work: (root: Root) => Sync<T>, options?: WithoutId): Promise<T>
  /** The same with an `id`: undefined if a transaction with it was committed before, and `work` was not run. */
  transactAsync<T>(work: (root: Root) => Sync<T>, options?: TransactOptions): Promise<T | undefined>
  transactAsync<T>(work: (root: Root) => Sync<T>, options?: TransactOptions): Promise<T | undefined> {
    const run = work as (root: Root) => T
    return transactAsync(this.#session, run, options)
  }

  /**
   * What became of the transaction with this id, as the newest state of the file has it. `unknown`: ids of that age may have been dropped by
   * a pack, or lost in a damaged file; with `since`, a time before which it was certainly not begun, the answer is `not committed` if none
   * so young was dropped. As long as another process may still be running it, `not committed` can change: running it again with the same
   * id is safe. With 'fsync', what is `committed` has been made durable, whoever committed it; opened readonly or with 'os', it is in the
   * file, and may not survive a power cut. Opened with `until`, only the commits up to that are known.
   * Throws TypeError for what is no id, no time or no such option, DurabilityUnknownError where an fsync of the file has failed, and what
   * catching up throws (CorruptLogError, StoreReplacedError, DiskError).
   */
  resolve(id: string, options: ResolveOptions = {}): Resolved {
    checkId(id)
    const since = checkedSince(options)
    this.#session.checkOpen()
    refuseIfEditing('resolve()')
    this.#session.waiting?.run()
    return resolved(this.#session, id, since)
  }

  /**
   * Makes all changes one commit, and returns its number; with nothing changed, that of the snapshot.
   * Throws WriteConflictError: then call `abort()` and start over. A commit that fails leaves everything as it was, but that one which is in
   * the file, and not known to be on disk, throws DurabilityUnknownError or StoreReplacedError with nothing pending afterwards. `changed`
   * tells the two apart. Until that is known, a later `commit()`, with nothing changed, throws the same.
   * Also throws LockTimeoutError, CommitFailedError, CommitTooLargeError, StaleDataError, GoneError, SchemaError and ValueError.
   */
  commit(annotation: Annotation = {}): number {
    checkNames(annotation, ANNOTATION, 'commit')
    const session = this.#session
    this.#check('commit()', { paused: 'a paused connection does not commit: call continue() first' })
    const bytes = encodeAnnotation(annotation)
    const wrote = session.changed.size > 0
    if (wrote) refuseInsideOther(session)
    commitSession(session, { annotation: bytes, isolation: session.options.isolation }, true)
    if (wrote) confirm(session, session.snapshot)
    else if (session.unconfirmed > 0) flush(session)
    return session.tid
  }

  /** Undoes all changes. New objects that were never stored stay as they are. */
  abort(): void {
    this.#check('abort()', {})
    if (this.#session.pauses === 0) this.#session.undo()
  }

  /** Ends the transaction and catches up. Throws StateError with changes pending or while paused. */
  refresh(): void {
    const session = this.#session
    this.#check('refresh()', {
      changes: 'there are changes that were not committed: call commit() or abort() first',
      paused: 'the connection is paused: call continue() first',
    })
    session.end()
    session.moveTo(session.store.latest())
  }

  /** All that this connection has committed or read is on disk afterwards. Throws DurabilityUnknownError, StoreReplacedError. */
  flush(): void {
    this.#session.checkOpen()
    refuseIfEditing('flush()')
    this.#session.waiting?.run()
    if (!this.#session.store.readonly) flush(this.#session)
  }

  /** Catches up, then holds the snapshot until `continue()`; meanwhile nothing can be changed. Nests; disposable. */
  pause(): Pause {
    const session = this.#session
    this.#check('pause()', {
      changes: 'there are changes that were not committed: call commit() or abort() before pause()',
    })
    if (session.pauses === 0) {
      session.end()
      session.begin()
      session.hold()
    }
    session.pauses++
    const end = (): void => {
      const at = this.#pauses.indexOf(pause)
      if (at < 0) return
      this.#pauses.splice(at, 1)
      if (session.closed || --session.pauses > 0) return
      session.end()
    }
    const pause: Pause = { continue: end, [Symbol.dispose]: end }
    this.#pauses.push(pause)
    return pause
  }

  /** Ends the latest `pause()`. */
  continue(): void {
    this.#check('continue()', {})
    const pause = this.#pauses.at(-1)
    if (!pause) throw new StateError('continue(): the connection is not paused')
    pause.continue()
  }

  /**
   * Another connection to the same store, with a snapshot of its own. Its transactions do not end with the stretch of code, but by
   * `commit()`, `abort()` or `refresh()`: for work across awaits. `transact`, `transactAsync` and `pause` end one that has only read, too: what
   * was read before them is not checked any more, so read it again inside. Throws StoreReplacedError.
   */
  connect(): Connection<Root> {
    this.#session.checkOpen()
    refuseIfEditing('connect()')
    return new Connection<Root>(this.#again(), this.#again)
  }

  /**
   * The commits up to the one that this connection sees, the oldest first, as far back as the last pack (no audit: keep one in a list): see
   * `LogOptions`. Reads as it goes, and no more than it is asked for; `[...db.log({ reverse: true, limit: 10 })]` are the last ten. It is an
   * access that no commit checks. Throws CorruptLogError where the log is damaged, in the commits that are asked for or on both sides of them, and
   * DiskError.
   */
  log(options: LogOptions = {}): IteratorObject<Commit, undefined> {
    const checked = checkedLogOptions(options)
    this.#session.checkOpen()
    refuseIfEditing('log()')
    return logOf(this.#session, checked)
  }

  /**
   * How large the file is, and was when it was packed last: to tell whether it is time for another pack. It is of the newest state of the
   * file: what others have committed is read for it, but what this connection sees stays, and no transaction begins. It costs next to
   * nothing besides. (How much of it is of use only a walk over all that can be reached tells, as `perdure inspect` makes it.) Opened with
   * `until`, it is of the file that is read, also where a pack has put another one in its place since. Throws DiskError, CorruptLogError,
   * StoreReplacedError.
   */
  usage(): Usage {
    this.#session.checkOpen()
    refuseIfEditing('usage()')
    return usageOf(this.#session.store.latest().generation)
  }

  /**
   * Makes a new file of what is reachable, while others go on reading and writing. See `PackOptions`. Rejects with ClosedError if this
   * connection is closed meanwhile, with the reason of `signal`, and with PackInterruptedError if another pack was first; with
   * LockTimeoutError, ReadonlyError, UnsupportedError, CorruptLogError, DiskError or StoreReplacedError: nothing is changed by any of
   * these. DurabilityUnknownError: the pack is done, and its name may not be on disk.
   */
  async pack(options: PackOptions = {}): Promise<PackResult> {
    checkNames(options, PACK_OPTIONS, 'pack')
    this.#check('pack()', {})
    return pack(this.#session.store, options, askerOf(this.#session, 'pack()'))
  }

  /**
   * Afterwards every access throws ClosedError, and a pack that is under way is given up. The last one of a store in the process waits
   * until all is on disk, with 'os' too, and throws DurabilityUnknownError and StoreReplacedError of what was not known to be, unless they were
   * thrown before; closed all the same. Throws StateError with changes pending. Closing twice does nothing.
   */
  close(): void {
    if (this.#session.closed) return
    this.#check('close()', {
      changes: 'there are changes that were not committed: call commit() or abort() before close()',
    })
    this.#session.close()
  }

  /** Like `close()`, but undoes pending changes, with a warning. */
  [Symbol.dispose](): void {
    if (this.#session.closed) return
    this.#check('the end of a using block', {})
    if (this.changed) {
      this.#session.undo()
      process.emitWarning(
        `changes to ${this.path} that were not committed are undone, because the connection is disposed of`,
        {
          type: 'PerdureWarning',
          code: 'PERDURE_UNDONE',
        },
      )
    }
    this.#session.close()
  }

  #check(call: string, refuse: { readonly changes?: string; readonly paused?: string }): void {
    const session = this.#session
    session.checkOpen()
    refuseIfEditing(call)
    session.waiting?.run()
    if (session.inside > 0) throw new StateError(`${call} cannot be called inside transact(), which commits by itself`)
    if (refuse.changes !== undefined && session.changed.size > 0) throw new StateError(refuse.changes)
    if (refuse.paused !== undefined && session.pauses > 0) throw new StateError(refuse.paused)
  }
}

refuseAssignment(
  Connection.prototype,
  {
    root: 'assign fields of root',
    path: 'it is the one that open() was given',
    tid: 'it is the number of the last commit',
    changed: 'call commit() or abort()',
  },
  'a connection has no such property of its own, and what is to be stored is assigned to fields of root',
)

/** The connection that the object belongs to; undefined: it was never stored. Throws TypeError for what is no persistent object. */
export function connectionOf(object: object): Connection | undefined {
  const { scope } = headerNeeded(object)
  return scope instanceof Session ? connections.get(scope) : undefined
}

setLooking(({ scope }) => (scope instanceof Session ? new SessionLooking(scope) : undefined))
