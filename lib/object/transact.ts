// Running a function as one transaction: fresh snapshot, run, commit, again after a conflict. The last run holds the lock,
// so that it cannot fail for that reason. This is the form that blocks; transact-async.ts waits.
import { ClosedError, StateError, WriteConflictError } from '../error.js'
import { onCommit } from '../store/commit-failure.js'
import type { Asker } from '../store/store-options.js'
import { encodeAnnotation } from './annotation.js'
import { refuseIfEditing } from './editing.js'
import { commitSession, type CommitPlan } from './commit.js'
import { confirm } from './confirm.js'
import { checkNames, quoted } from './option-names.js'
import type { Isolation, Session } from './session.js'
import { refusePromise } from './refuse-promise.js'
import { isOrdinaryString } from './values.js'

export interface TransactOptions {
  /** How often the function is run at most; the last run holds the commit lock. 4 unless told. */
  readonly attempts?: number | undefined
  /** Milliseconds: once so long has passed, the next run is the last one, which holds the lock. */
  readonly timeout?: number | undefined
  /** Kept with the commit; the function's name unless told. */
  readonly note?: string | undefined
  /** Plain JSON-like data, kept with the commit. Where it differs, calls of `transactAsync` share no commit. */
  readonly meta?: unknown
  /** `snapshot`: only objects that were changed must not have been changed by others meanwhile. */
  readonly isolation?: Isolation | undefined
  /**
   * Names the transaction, in up to 1,024 bytes of UTF-8: once one with this id has been committed, by whatever process, it is not
   * run again, and the result is undefined: let the function give something, or nothing tells that from a run. Kept for at least
   * seven days. So a program that was killed before it learned the outcome can simply run it again. A run that changes nothing leaves no id.
   */
  readonly id?: string | undefined
}

const OPTIONS: ReadonlySet<string> = new Set<keyof TransactOptions>([
  'attempts',
  'timeout',
  'note',
  'meta',
  'isolation',
  'id',
])

export type Work<R, T> = (root: R) => T

const DEFAULT_ATTEMPTS = 4
const MOST_ID_BYTES = 1024
/** Runs that follow at once; after that, with a pause. */
const IMMEDIATE = 3
const SHORTEST_PAUSE = 2
const LONGEST_PAUSE = 100

/** Which sessions run a transact, the innermost last: its last run holds the lock of the store, and another commit would wait for it in vain. */
const running: Session[] = []

export function isInsideOther(session: Session): boolean {
  if (running.length === 0) return false
  const innermost = running.findLast(({ store }) => store === session.store)
  return innermost !== undefined && innermost !== session
}

export function refuseInsideOther(session: Session): void {
  if (isInsideOther(session)) {
    throw new StateError(
      'inside transact() of another connection to the same store: nothing can be committed here until that has ended',
    )
  }
}

/** Gives what the function gave; undefined: a transaction with this id has been committed before. */
export function transact<R, T>(session: Session, root: R, work: Work<R, T>, options?: TransactOptions): T | undefined {
  session.checkOpen()
  refuseIfEditing('transact()')
  if (session.inside > 0) {
    if (options !== undefined) checkNested(options)
    return nested(session, root, work)
  }
  const plan = new Plan(session, work, options ?? {})
  for (let run = 1; !plan.isLast(run); run++) {
    checkIdle(session)
    const result = attempt(session, root, work, plan, true)
    if (typeof result === 'object') return made(session, result).value
    const pause = plan.pauseAfter(run)
    if (pause > 0) session.store.disk.sleep(pause)
  }
  checkIdle(session)
  session.end()
  return made(
    session,
    session.store.underLock(() => lastAttempt(session, root, work, plan), session.options.lockTimeout),
  ).value
}

// ---- one run ----------------------------------------------------------------------------------------------------

export interface Done<T> {
  /** Of the run that was committed; undefined: there was none, as the id was known. */
  readonly value: T | undefined
  readonly wrote: boolean
  readonly snapshot: Session['snapshot']
}

/** How a transaction is to be run and committed: what its options come to. */
export interface TransactPlan extends CommitPlan {
  isLast(run: number): boolean
  /** Milliseconds. */
  pauseAfter(run: number): number
}

export class Plan implements TransactPlan {
  readonly note: string
  readonly meta: unknown
  readonly annotation: Uint8Array
  readonly isolation: Isolation
  readonly id: string | undefined
  readonly attempts: number
  /** Of the disk's clock; Infinity: there is none. */
  readonly deadline: number
  readonly #session: Session

  constructor(session: Session, work: (...args: never[]) => unknown, options: TransactOptions) {
    checkOptions(options)
    const { attempts = DEFAULT_ATTEMPTS, timeout, note, meta, isolation, id } = options
    if (typeof work !== 'function') throw new TypeError('transact: expects a function')
    checkIdle(session)
    refuseInsideOther(session)
    this.#session = session
    this.attempts = attempts
    this.deadline = timeout === undefined ? Infinity : session.store.disk.ticks() + timeout
    this.note = note === undefined ? String(work.name) : note // a class may have a static field of that name
    this.meta = meta
    this.annotation = encodeAnnotation(this)
    this.isolation = isolation ?? session.options.isolation
    this.id = id
  }

  isLast(run: number): boolean {
    const { store } = this.#session
    // Whoever cannot write cannot conflict, and must not take the lock.
    if (store.readonly) return false
    return run >= this.attempts || (this.deadline !== Infinity && run > 1 && store.disk.ticks() >= this.deadline)
  }

  /** Full jitter: anything from nothing to a bound that doubles. */
  pauseAfter(run: number): number {
    if (run < IMMEDIATE || this.isLast(run + 1)) return 0
    return this.#session.store.disk.random() * Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (run - IMMEDIATE))
  }
}

export function attempt<R, T>(
  session: Session,
  root: R,
  work: Work<R, T>,
  plan: CommitPlan,
  wait: boolean,
): Done<T> | 'conflict' | 'busy' {
  session.end()
  try {
    onCommit(session.store.path, () => session.begin())
    if (isCommitted(session, plan.id)) return committedBefore(session)
    const value = run(session, root, work)
    const wrote = session.changed.size > 0
    const outcome = commitSession(session, plan, wait)
    if (outcome === 'done') return { value, wrote, snapshot: session.snapshot }
    session.undo()
    return outcome === 'busy' ? 'busy' : committedBefore(session)
  } catch (error) {
    // Where the stack is full the call may fail: then this is undone before the next access.
    // What an earlier failure has left so is still waiting: nothing has been changed since.
    if (session.abandoned === undefined) {
      session.abandoned = session.changed
      session.changed = session.spare
    }
    session.serial++
    session.undo()
    if (error instanceof RunError) throw error.thrown
    if (error instanceof WriteConflictError) return 'conflict'
    throw error
  }
}

/** Its commit is in this snapshot, and must be durable before anybody is told so. */
function committedBefore<T>(session: Session): Done<T> {
  session.end()
  session.moveTo(session.store.latest())
  return { value: undefined, wrote: true, snapshot: session.snapshot }
}

function isCommitted({ snapshot }: Session, id: string | undefined): boolean {
  return id !== undefined && snapshot.generation.committed(id) !== undefined
}

/** Under the lock nobody else can commit. */
export function lastAttempt<R, T>(session: Session, root: R, work: Work<R, T>, plan: CommitPlan): Done<T> {
  const result = attempt(session, root, work, plan, true)
  if (typeof result !== 'object') throw new StateError('a commit conflicted although it held the lock')
  return result
}

/** Carries what the function threw past what the commit may throw. */
class RunError extends Error {
  readonly thrown: unknown
  constructor(thrown: unknown) {
    super()
    this.thrown = thrown
  }
}

function run<R, T>(session: Session, root: R, work: Work<R, T>): T {
  session.inside++
  running.push(session)
  try {
    session.begin()
    return resultOf(session, root, work)
  } catch (error) {
    throw new RunError(error)
  } finally {
    session.inside--
    running.pop()
  }
}

/** What the function gives, if its changes may be committed. */
export function resultOf<R, T>(session: Session, root: R, work: Work<R, T>): T {
  const value = work(root)
  refusePromise(value, NO_PROMISE)
  if (session.doomed) throw new StateError('a nested transact has failed, so the whole transaction has', session.doomed)
  return value
}

/** Those of a transaction that joins another one have no effect, and are mistakes where they would be elsewhere. */
function checkNested(options: TransactOptions): void {
  checkOptions(options)
  if (options.id !== undefined) throw new StateError('a nested transact has no id of its own: give it to the outer one')
  encodeAnnotation(options)
}

function nested<R, T>(session: Session, root: R, work: Work<R, T>): T {
  session.inside++
  try {
    if (session.doomed)
      throw new StateError('a nested transact has failed, so the whole transaction will', session.doomed)
    const value = work(root)
    refusePromise(value, NO_PROMISE)
    return value
  } catch (error) {
    session.doomed ??= { cause: error }
    throw error
  } finally {
    session.inside--
  }
}

function made<T>(session: Session, done: Done<T>): Done<T> {
  if (done.wrote) confirm(session, done.snapshot)
  return done
}

const NO_PROMISE =
  'the function given to transact() returned a promise, and a transaction does not wait: await first and transact then, ' +
  'or use a connection of your own (connect()) and commit by hand. What it does behind its first await is not undone: ' +
  'it comes later, outside of this transaction'

// ---- states -----------------------------------------------------------------------------------------------------

/** For what the store does without blocking: others may have it open when this session is closed. `call`: that was asked for it. */
export function askerOf(session: Session, call: string): Asker {
  const { store, options } = session
  const checkOpen = (): void => {
    if (!session.closed) return
    throw new ClosedError(
      `the connection to ${store.path} was closed before ${call} was done, which is given up: await ${call} before close()`,
    )
  }
  return { lockTimeout: options.lockTimeout, checkOpen }
}

export function checkIdle(session: Session): void {
  session.checkOpen()
  if (session.changed.size > 0)
    throw new StateError('there are changes that were not committed: call commit() or abort() before transact()')
  if (session.pauses > 0) throw new StateError('the connection is paused: call continue() before transact()')
}

/** Throws TypeError, RangeError. The note and the data are checked where they are encoded. */
function checkOptions(options: TransactOptions): void {
  checkNames(options, OPTIONS, 'transact')
  const { attempts, timeout, isolation, id } = options
  if (attempts !== undefined && (!Number.isSafeInteger(attempts) || attempts < 1))
    throw new RangeError(`attempts must be a whole number of at least 1, not ${quoted(attempts)}`)
  if (timeout !== undefined && !(timeout >= 0))
    throw new RangeError(`timeout must be a number of milliseconds, not ${quoted(timeout)}`)
  checkIsolation(isolation)
  if (id !== undefined) checkId(id)
}

/** Throws TypeError for what cannot be the id of a transaction. */
export function checkId(id: unknown): void {
  if (typeof id !== 'string' || id === '' || !isOrdinaryString(id) || Buffer.byteLength(id) > MOST_ID_BYTES) {
    throw new TypeError(
      `the id of a transaction is a well-formed string of 1 to ${MOST_ID_BYTES} bytes of UTF-8, and begins with no byte order mark`,
    )
  }
}

export function checkIsolation(isolation: unknown): void {
  if (isolation !== undefined && isolation !== 'serializable' && isolation !== 'snapshot') {
    throw new TypeError(`isolation must be 'serializable' or 'snapshot', not ${JSON.stringify(isolation)}`)
  }
}
