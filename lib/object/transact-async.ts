// The form of `transact` that waits without blocking. What is asked for in one stretch of code runs together at its end, or as soon
// as the connection is used again: transactions that are alike run one after the other and become one commit (a group commit), which
// takes one lock, one write and one fsync. Each has its own outcome all the same, and none is undone for what another did.
import { AsyncResource } from 'node:async_hooks'
import { StateError } from '../error.js'
import { refuseIfEditing } from './editing.js'
import { watchPending } from './exit-warning.js'
import { LoopTurn, queueMicrotask } from './loop-turn.js'
import type { Session } from './session.js'
import { isInsideOther, Plan, type TransactOptions, type Work } from './transact.js'
import { Group, type Asked, type Waiters } from './transaction-group.js'

/** Transactions in a group at most. */
const MOST = 1000

export function transactAsync<R, T>(session: Session, work: Work<R, T>, options: TransactOptions = {}): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    session.checkOpen()
    refuseIfEditing('transactAsync()')
    if (session.inside > 0)
      throw new StateError('transactAsync() cannot be called inside transact(): call transact(), which joins')
    const plan = new Plan(session, work, options)
    const waiting = (session.waiting ??= new Waiting(session)) as Waiting
    // Whoever comes first runs all that waits, each in the context of who asked for it: its AsyncLocalStorage says whose request it is.
    const context = new AsyncResource('PerdureTransaction')
    const inContext = (root: R): T => context.runInAsyncScope(work, undefined, root)
    waiting.add({ work: inContext, plan, resolve, reject } as Asked)
  })
}

/** What one connection was asked for and has not begun, in that order. */
class Waiting implements Waiters {
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
    this.#forgetTaken()
    this.#asked.push(asked)
    this.#open++
  }

  /** Where more are asked for all the time, there is always a next one, and those before it would never go. */
  #forgetTaken(): void {
    if (this.#next === 0 || 2 * this.#next < this.#asked.length) return
    this.#asked = this.#asked.slice(this.#next)
    this.#next = 0
  }

  settled(count: number): void {
    this.#open -= count
    if (this.#open === 0) watchPending(this.#session, false, 'transactions')
  }

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
