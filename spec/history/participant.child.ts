// A process that takes part in a history: four connections at work at once, on random transactions, and at times a pack.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { open, PackInterruptedError, type Connection, type Isolation } from '../../lib/index.js'
import { random, type Random } from '../helpers/seeded.js'
import { serve } from '../helpers/serve.js'
import { bankOptions, type Bank } from './bank.js'
import type { Recorded } from './recorded.js'
import { isGone, tryToCommit } from './try-to-commit.js'
import { View, type Held } from './view.js'
import { audit, change, type Work } from './work.js'

export interface Part {
  readonly path: string
  readonly who: string
  readonly seed: number
  readonly milliseconds: number
  readonly durability: 'fsync' | 'os'
  readonly isolation: Isolation
  /** Packs again and again, instead of writing by hand. */
  readonly packs: boolean
  /** Where the history is written to. */
  readonly into: string
}

const clock = (): number => Number(process.hrtime.bigint()) / 1e6
const isolations: readonly Isolation[] = ['serializable', 'snapshot']

/** One connection's transactions, one after another. */
class Activity {
  readonly history: Recorded[] = []
  readonly r: Random
  readonly db: Connection<Bank>
  readonly isolation: Isolation
  readonly #who: string
  #began = 0
  #runs = 0
  readonly #held: Held = new Map()

  constructor(db: Connection<Bank>, { who, seed, isolation }: Part, n: number) {
    this.db = db
    this.isolation = isolation
    this.r = random(seed + n)
    this.#who = `${who}.${n}`
  }

  /** Before the snapshot is taken. */
  begins(at = clock()): void {
    this.#began = at
  }

  view(): View {
    return new View(this.db.root, `${this.#who}:${++this.#runs}`, this.#held)
  }

  ends(
    work: Work,
    view: View,
    snapshot: number,
    outcome: Recorded['outcome'],
    isolation = this.isolation,
    ended = clock(),
  ): void {
    const commit = outcome === 'committed' ? { commit: this.db.tid } : {}
    const { steps } = view
    if (outcome === 'read' && steps.length === 0) return // who asks nothing begins no transaction
    if (outcome === 'committed') view.committed()
    const { what } = work
    const who = this.#who
    this.history.push({ who, what, isolation, began: this.#began, ended, snapshot, outcome, ...commit, steps })
  }
}

/** With `transact` and `transactAsync`, in all their forms; audits without either. */
async function byFunction(activity: Activity): Promise<void> {
  const { db, r } = activity
  if (r.chance(0.25)) return auditAtOnce(activity)
  const work = r.chance(0.15) ? audit(r) : change(r)
  const isolation = r.pick([activity.isolation, ...isolations])
  const fails = r.chance(0.05)
  const options = {
    isolation,
    ...(r.chance(0.2) ? { attempts: 1 + r.int(2) } : {}),
    ...(r.chance(0.1) ? { timeout: 1 } : {}),
  }
  let last: { view: View; snapshot: number; ended: number } | undefined
  const runOnce = (): void => {
    if (last) {
      activity.ends(work, last.view, last.snapshot, 'repeated', isolation, last.ended)
      activity.begins(last.ended)
    }
    const view = activity.view()
    last = { view, snapshot: db.tid, ended: 0 }
    for (const step of work.steps) {
      if (r.chance(0.1)) db.transact(() => step(view))
      else step(view)
      if (r.chance(0.15)) letOthersWork(r)
    }
    last.ended = clock()
    if (fails) throw new Changed()
  }
  activity.begins()
  let outcome: Recorded['outcome'] | undefined
  try {
    if (r.chance(0.5)) db.transact(runOnce, options)
    else await db.transactAsync(runOnce, options)
  } catch (error) {
    if (!(error instanceof Changed || isGone(error, isolation))) throw error
    outcome = 'undone'
  }
  if (last) activity.ends(work, last.view, last.snapshot, outcome ?? outcomeOf(last.view), isolation)
}

class Changed extends Error {}

const outcomeOf = (view: View): 'committed' | 'read' => (view.wrote ? 'committed' : 'read')

/** Reading in one synchronous stretch is one transaction. */
function auditAtOnce(activity: Activity): void {
  const work = audit(activity.r)
  activity.begins()
  const view = activity.view()
  for (const step of work.steps) step(view)
  activity.ends(work, view, activity.db.tid, 'read')
}

/** By hand, on a connection of `connect()`, with other things happening between the steps. */
async function byHand(activity: Activity): Promise<void> {
  const { db, r } = activity
  const work = r.chance(0.2) ? audit(r) : change(r)
  if (r.chance(0.1)) await paused(activity)
  activity.begins()
  const view = activity.view()
  db.get(1) // begins the transaction, whatever the first step does
  const snapshot = db.tid
  for (const step of work.steps) {
    step(view)
    if (db.tid !== snapshot) throw new Error(`the snapshot has moved from ${snapshot} to ${db.tid}`)
    await aMoment(r)
  }
  if (r.chance(0.1) || (!view.wrote && r.chance(0.5))) {
    if (view.wrote || r.chance(0.5)) db.abort()
    else db.refresh()
    return activity.ends(work, view, snapshot, view.wrote ? 'undone' : 'read')
  }
  let outcome = tryToCommit(db, activity.isolation)
  if (outcome === 'conflict' && r.chance(0.2)) {
    lookAfterConflict(db)
    outcome = tryToCommit(db, activity.isolation)
  }
  const ended = clock()
  if (outcome !== 'committed') db.abort()
  activity.ends(work, view, snapshot, outcome === 'committed' ? outcomeOf(view) : outcome, activity.isolation, ended)
}

/** What could not be committed is still there, and whole. It can be tried again: what was in the way may be gone. */
function lookAfterConflict(db: Connection<Bank>): void {
  for (const map of [db.root.notes, db.root.pages]) assert.equal([...map].length, map.size)
  assert.equal([...db.root.jobs].length, db.root.jobs.size)
  assert.equal(db.changed, true)
}

/** Holds the snapshot over any number of turns. */
async function paused(activity: Activity): Promise<void> {
  const { db, r } = activity
  const works = Array.from({ length: 1 + r.int(3) }, () => audit(r))
  activity.begins()
  using _pause = db.pause()
  const snapshot = db.tid
  const view = activity.view()
  for (const step of works.flatMap(({ steps }) => steps)) {
    step(view)
    if (r.chance(0.2)) await aMoment(r)
  }
  activity.ends({ what: 'a pause', steps: [] }, view, snapshot, 'read')
}

async function packs({ db, r }: Activity): Promise<void> {
  try {
    await db.pack()
  } catch (error) {
    if (!(error instanceof PackInterruptedError)) throw error
  }
  await setTimeout(r.int(20))
}

/** For a moment this process does nothing at all, in the middle of a synchronous stretch. */
function letOthersWork(r: Random): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1 + r.int(3))
}

const aMoment = (r: Random): Promise<unknown> => (r.chance(0.7) ? setImmediate() : setTimeout(r.int(4)))

const methods = {
  /** Takes part for so long; returns how many transactions it recorded, and how often it packed. */
  async take(part: Part) {
    const { path, milliseconds, durability, isolation, into } = part
    const db = open(path, { ...bankOptions, durability, isolation, lockTimeout: 60_000 })
    const until = clock() + milliseconds
    const connections = [db, db.connect(), db.connect(), db.connect()]
    const activities = connections.map((connection, n) => new Activity(connection, part, n))
    const acts = [byFunction, part.packs ? packs : byHand, byHand, paused]
    let packed = 0
    await Promise.all(
      activities.map(async (activity, n) => {
        const act = acts[n] ?? byFunction
        while (clock() < until) {
          await act(activity)
          if (act === packs) packed++
          if (activity.r.chance(0.3)) await aMoment(activity.r)
        }
      }),
    )
    for (const connection of connections) connection.close()
    const history = activities.flatMap(activity => activity.history)
    writeFileSync(into, JSON.stringify(history))
    return { transactions: history.length, packed }
  },
}
export type ParticipantMethods = typeof methods

serve(methods)
