// A group commit: transactions that run one after the other and become one commit. Each has its own outcome.
import { CommitTooLargeError, GoneError, PerdureError, SchemaError, StaleDataError, StateError } from '../error.js'
import { asCommitFailure, onCommit } from '../store/commit-failure.js'
import { encodeAnnotation } from './annotation.js'
import { awaitConfirmation, confirmAsync } from './confirm.js'
import type { LoopTurn } from './loop-turn.js'
import type { Isolation, Session } from './session.js'
import {
  askerOf,
  attempt,
  checkIdle,
  lastAttempt,
  resultOf,
  type Done,
  type Plan,
  type TransactPlan,
  type Work,
} from './transact.js'

/** Milliseconds in which they run: who changes what they read makes all of them run again. */
const LONGEST = 5

/** A transaction that somebody waits for. */
export interface Asked {
  readonly work: Work<unknown, unknown>
  readonly plan: Plan
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** It shares its commit with no other. */
  readonly alone?: true
}

/** All that one connection was asked for. */
export interface Waiters {
  /** What is in a group from `from` on, and is to run behind it, before anything that was asked for later. Throws before it is, or not at all. */
  giveBack(group: Asked[], from: number, alone?: true): void
  /** So many are committed, or refused. */
  settled(count: number): void
}

/**
 * What one of them does, or wants to store, is at fault (code of a class that runs at the commit may throw anything): then the others can
 * be committed without it. What else this package throws there is of the lock, the disk, the file or the connection, and concerns all.
 */
function isOfContent(error: unknown): boolean {
  const ofContent = [GoneError, StaleDataError, SchemaError, StateError, CommitTooLargeError]
  return !(error instanceof PerdureError) || ofContent.some(kind => error instanceof kind)
}

/** Transactions that become one commit. Shrinks to those before one that throws, and to what has run for long enough. */
export class Group implements TransactPlan {
  readonly asked: Asked[]
  readonly #session: Session
  readonly #waiting: Waiters
  readonly #plan: Plan
  #isSettled = false

  /** At least one. */
  constructor(session: Session, waiting: Waiters, asked: Asked[]) {
    this.#session = session
    this.#waiting = waiting
    this.asked = asked
    this.#plan = (asked[0] as Asked).plan
  }

  get annotation(): Uint8Array {
    const count = this.asked.length
    return count === 1 ? this.#plan.annotation : encodeAnnotation(this.#plan, count)
  }

  get isolation(): Isolation {
    return this.#plan.isolation
  }

  get id(): string | undefined {
    return this.#plan.id
  }

  isLast(run: number): boolean {
    return this.#plan.isLast(run)
  }

  pauseAfter(run: number): number {
    return this.#plan.pauseAfter(run)
  }

  /** One run of all. Where something cannot be stored, none of them is in the group any more, and each is to run by itself. */
  run<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      if (this.asked.length > 1 && isOfContent(error)) this.#waiting.giveBack(this.asked, 0, true)
      throw error
    }
  }

  /** Rejects with what kept it from being committed. Once it is committed, everybody is told. */
  async commit(turn: LoopTurn): Promise<void> {
    const { value, wrote, snapshot } = await this.#committed()
    try {
      if (wrote) await confirmAsync(this.#session, snapshot)
    } catch (error) {
      for (const { reject } of this.asked) reject(error)
      return
    } finally {
      snapshot.generation.release()
    }
    if (turn.isDue) await turn.next()
    // No run counts, where the id was known.
    this.asked.forEach(({ resolve }, n) => {
      resolve(value?.[n])
    })
  }

  async #committed(): Promise<Done<unknown[]>> {
    try {
      return await commitAsync(this.#session, this.#session.root, this.#work, this)
    } finally {
      this.settled()
    }
  }

  /** Those that are still in the group are committed, or refused: for the first time that this is called. */
  settled(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#waiting.settled(this.asked.length)
  }

  /** All of them, one after the other. Gives what each of those gave that are in the group afterwards. */
  readonly #work = (root: unknown): unknown[] => {
    const { asked } = this
    const values: unknown[] = []
    const session = this.#session
    const { disk } = session.store
    const until = disk.ticks() + LONGEST
    for (let n = 0; n < asked.length; n++) {
      const each = asked[n] as Asked
      try {
        values[n] = resultOf(session, root, each.work)
      } catch (error) {
        if (n === 0) {
          this.#endAt(1)
          throw error
        }
        // Those before it once more, without it; then it is the first of the next group, on what they have left.
        this.#endAt(n)
        session.undo()
        onCommit(session.store.path, () => session.begin())
        n = -1
        continue
      }
      if (n + 1 < asked.length && disk.ticks() >= until) this.#endAt(n + 1)
    }
    return values
  }

  #endAt(count: number): void {
    if (count < this.asked.length) this.#waiting.giveBack(this.asked, count)
  }
}

/** Whoever gets the result is to release its generation: until that is on disk, the session may go on in the next one. */
async function commitAsync<R, T>(session: Session, root: R, work: Work<R, T>, group: Group): Promise<Done<T>> {
  const { store } = session
  const asker = askerOf(session, 'transactAsync()')
  const check = (): void => {
    asker.checkOpen()
    checkIdle(session)
  }
  for (let run = 1; !group.isLast(run); run++) {
    check()
    try {
      if (store.isFarBehind()) await store.catchUpAsync(asker)
    } catch (error) {
      throw asCommitFailure(store.path, error)
    }
    check()
    const result = group.run(() => attempt(session, root, work, group, false))
    if (typeof result === 'object') return waitingForDisk(session, group, result)
    if (result === 'busy') await store.untilFree(asker)
    else {
      const pause = group.pauseAfter(run)
      if (pause > 0) await store.disk.wait(pause)
    }
  }
  check()
  return store.underLockAsync(() => {
    check()
    session.end()
    return waitingForDisk(
      session,
      group,
      group.run(() => lastAttempt(session, root, work, group)),
    )
  }, asker)
}

function waitingForDisk<T>(session: Session, group: Group, done: Done<T>): Done<T> {
  group.settled()
  if (done.wrote) awaitConfirmation(session, done.snapshot)
  done.snapshot.generation.retain()
  return done
}
