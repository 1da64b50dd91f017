// The form of `transact` that waits without blocking. What is asked for in one stretch of code runs together at its end, or as soon
// as the connection is used again: transactions that are alike run one after the other and become one commit (a group commit), which
// takes one lock, one write and one fsync. Each has its own outcome all the same, and none is undone for what another did.
import { CommitTooLargeError, GoneError, PerdureError, SchemaError, StaleDataError, StateError } from '../error.js'
import { asCommitFailure } from '../store/commit-failure.js'
import { encodeAnnotation } from './annotation.js'
import { onCommit } from './commit.js'
import { awaitConfirmation, confirmAsync } from './confirm.js'
import { refuseIfEditing } from './editing.js'
import { watchPending } from './exit-warning.js'
import { LoopTurn, queueMicrotask } from './loop-turn.js'
import type { Isolation, Session } from './session.js'
import {
  askerOf,
  attempt,
  checkIdle,
  checkOpen,
  isInsideOther,
  lastAttempt,
  Plan,
  resultOf,
  type Done,
  type TransactOptions,
  type TransactPlan,
  type Work,
} from './transact.js'

/** Transactions in a group at most, ... */
const MOST = 1000
/** ... and milliseconds in which they run: who changes what they read makes all of them run again. */
const LONGEST = 5

export function transactAsync<R, T>(session: Session, work: Work<R, T>, options: TransactOptions = {}): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    checkOpen(session)
    refuseIfEditing('transactAsync()')
    if (session.inside > 0)
      throw new StateError('transactAsync() cannot be called inside transact(): call transact(), which joins')
    const plan = new Plan(session, work, options)
    const waiting = (session.waiting ??= new Waiting(session)) as Waiting
    waiting.add({ work, plan, resolve, reject } as Asked)
  })
}

/** A transaction that somebody waits for. */
interface Asked {
  readonly work: Work<unknown, unknown>
  readonly plan: Plan
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** It shares its commit with no other. */
  readonly alone?: true
}

/** What one connection was asked for and has not begun, in that order. */
class Waiting {
  readonly #session: Session
  readonly #turn: LoopTurn
  /** What groups have given back, the first one last: it comes before all others. */
  readonly #back: Asked[] = []
  /** Those before the next one have begun. */
  #asked: Asked[] = []
  #next = 0
  /** The next group. */
  #taken: Asked[] = []
  #isComing = false
  #isRunning = false
  /** Neither committed nor refused. */
  #open = 0

  constructor(session: Session) {
    this.#session = session
    this.#turn = new LoopTurn(session.store.disk)
  }

  /** Throws before anything is asked for, or not at all. */
  add(asked: Asked): void {
    if (this.#first === undefined) this.#session.end() // so that the next access begins a transaction, before which they run
    this.#come()
    if (this.#open === 0) watchPending(this.#session, true, 'transactions')
    this.#asked.push(asked)
    this.#open++
  }

  /** So many are committed, or refused. */
  settled(count: number): void {
    this.#open -= count
    if (this.#open === 0) watchPending(this.#session, false, 'transactions')
  }

  /** What is in a group from `from` on, and is to run behind it, before anything that was asked for later. Throws before it is, or not at all. */
  giveBack(group: Asked[], from: number, alone?: true): void {
    this.#come()
    const count = this.#back.length
    try {
      for (let n = group.length - 1; n >= from; n--) {
        const each = group[n] as Asked
        this.#back.push(alone ? { ...each, alone } : each)
      }
    } catch (error) {
      this.#back.length = count
      throw error
    }
    group.length = from
  }

  #come(): void {
    if (this.#isComing) return
    queueMicrotask(this.#runBehind)
    this.#isComing = true
  }

  readonly #runBehind = (): void => {
    this.#isComing = false
    this.run(true)
  }

  /**
   * Begins everything: each runs, up to where it has to wait for something. What cannot begin, where the stack is full, begins later.
   * `inTurns`: nobody waits for all of it at once, so that the event loop turns now and then.
   */
  run(inTurns = false): void {
    if (this.#isRunning || this.#session.inside > 0 || isInsideOther(this.#session)) return
    this.#isRunning = true
    const turn = this.#turn
    try {
      turn.begin()
      for (let n = 0; this.#taken.length > 0 || this.#first !== undefined; n++) {
        // One at least has begun in each turn, however slow that is.
        if (inTurns && n > 0 && turn.isDue) {
          if (!this.#isComing) void turn.next().then(this.#runBehind)
          this.#isComing = true
          return
        }
        if (this.#taken.length === 0) this.#takeGroup(this.#taken)
        const group = new Group(this.#session, this, this.#taken)
        const done = group.commit(turn)
        this.#taken = []
        done.catch(async (error: unknown) => {
          if (turn.isDue) await turn.next()
          for (const { reject } of group.asked) reject(error)
        })
      }
    } finally {
      this.#isRunning = false
    }
  }

  get #first(): Asked | undefined {
    return this.#back.at(-1) ?? this.#asked[this.#next]
  }

  /** Takes the first one, and what can be one group with it. */
  #takeGroup(group: Asked[]): void {
    const first = this.#take(group)
    if (!mayShare(first)) return
    while (group.length < MOST) {
      const next = this.#first
      if (next === undefined || !mayShare(next) || !isAlike(first.plan, next.plan)) break
      this.#take(group)
    }
  }

  /** Of the queue and the group, the first one is always in one. */
  #take(group: Asked[]): Asked {
    const asked = this.#first as Asked
    group.push(asked)
    if (this.#back.length > 0) this.#back.length--
    else if (++this.#next >= this.#asked.length) {
      this.#asked = []
      this.#next = 0
    }
    return asked
  }
}

/** An id is that of a commit, and who is in a hurry waits for nobody. */
function mayShare({ plan: { id, deadline }, alone }: Asked): boolean {
  return alone !== true && id === undefined && deadline === Infinity
}

function isAlike(a: Plan, b: Plan): boolean {
  const sameSay = a.annotation === b.annotation || Buffer.compare(a.annotation, b.annotation) === 0
  return sameSay && a.isolation === b.isolation && a.attempts === b.attempts
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
class Group implements TransactPlan {
  readonly asked: Asked[]
  readonly #session: Session
  readonly #waiting: Waiting
  readonly #plan: Plan
  #isSettled = false

  /** At least one. */
  constructor(session: Session, waiting: Waiting, asked: Asked[]) {
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
        onCommit(session, () => session.begin())
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
