// The judge of histories. Commits are numbered without gaps, so doing again what the processes say that they did, in the
// order of the numbers, gives every state that there ever was. Then each transaction is done again: on the state of its
// snapshot, where every answer must be the one that it got; and, if it committed, on the state right before its commit,
// where what it relied on must be the same. So the commits, one after another, are a serial history with the same answers.
// It knows nothing of how the store works, and what a map or a queue is only from models.ts.
import { modelOf } from './models.js'
import type { Part, Recorded, Step } from './recorded.js'

export interface History {
  /** The state after commit `since`, before the first recorded transaction: all its parts. */
  readonly initial: ReadonlyMap<Part, unknown>
  readonly since: number
  readonly transactions: readonly Recorded[]
  /** What is there at the end. */
  readonly final: ReadonlyMap<Part, unknown>
  readonly until: number
}

interface Version {
  readonly tid: number
  readonly state: unknown
}

/** What is wrong with a history, one sentence each; empty: it is as serializable as each transaction asked for. */
export function check(history: History): string[] {
  const found: string[] = []
  const commits = inOrder(history.transactions)
  checkNumbers(history, commits, found)
  const states = new States(history.initial, history.since, commits)
  for (const each of history.transactions) {
    checkAnswers(each, states, found)
    if (each.outcome === 'committed') checkCommit(each, states, found)
    if (each.outcome === 'conflict') checkRefusal(each, states, commits, found)
  }
  checkTime(history, commits, found)
  for (const [part, state] of history.final) {
    const expected = JSON.stringify(states.at(part, history.until).state)
    if (JSON.stringify(state) !== expected)
      found.push(`at the end ${part} is ${JSON.stringify(state)}, not ${expected}`)
  }
  return found
}

/** How many commits used a collection that others had changed since the snapshot: it had to be merged. */
export function countMerged({ initial, since, transactions }: History): number {
  const commits = inOrder(transactions)
  const states = new States(initial, since, commits)
  const isMerged = ({ steps, snapshot, commit = NaN }: Recorded): boolean =>
    steps.some(({ part }) => !modelOf(part).whole && states.changes(part, snapshot, commit - 1).length > 0)
  return commits.filter(isMerged).length
}

function inOrder(transactions: readonly Recorded[]): Recorded[] {
  return transactions.filter(({ outcome }) => outcome === 'committed').sort((a, b) => numberOf(a) - numberOf(b))
}

/** Every version of every part, in order. */
class States {
  readonly #versions = new Map<Part, Version[]>()

  constructor(initial: ReadonlyMap<Part, unknown>, since: number, commits: readonly Recorded[]) {
    for (const [part, state] of initial) this.#versions.set(part, [{ tid: since, state }])
    for (const { steps, commit: tid = NaN } of commits) {
      const run = new Run(this, tid - 1)
      for (const step of steps) run.follow(step)
      for (const [part, state] of run.changed) this.#versions.get(part)?.push({ tid, state })
    }
  }

  /** The version of a part after commit `tid`. */
  at(part: Part, tid: number): Version {
    const versions = this.#versions.get(part)
    if (!versions) throw new RangeError(`${part} is not part of the initial state`)
    let [low, high] = [0, versions.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((versions[middle]?.tid ?? 0) <= tid) low = middle + 1
      else high = middle
    }
    return versions[low - 1] ?? { tid: NaN, state: 'nothing yet' }
  }

  /** The commits behind `from`, up to `to`, that changed a part. */
  changes(part: Part, from: number, to: number): number[] {
    const tids = (this.#versions.get(part) ?? []).map(({ tid }) => tid)
    return tids.filter(tid => tid > from && tid <= to)
  }
}

/** A transaction being done again, on the state after commit `tid`. */
class Run {
  /** What its own steps have made of the parts. */
  readonly changed = new Map<Part, unknown>()
  readonly #states: States
  readonly #tid: number

  constructor(states: States, tid: number) {
    this.#states = states
    this.#tid = tid
  }

  state(part: Part): unknown {
    return this.changed.has(part) ? this.changed.get(part) : this.#states.at(part, this.#tid).state
  }

  /** The step has the effect that it had when it was answered as it was. */
  follow(step: Step): void {
    const after = modelOf(step.part).after(this.state(step.part), step)
    if (after !== undefined) this.changed.set(step.part, after)
  }
}

function checkNumbers({ since, until }: History, commits: readonly Recorded[], found: string[]): void {
  let expected = since + 1
  for (const commit of commits) {
    const { commit: tid = NaN } = commit
    if (tid < expected) found.push(`${nameOf(commit)}: another one has that number`)
    else if (tid > expected) found.push(`commits ${expected} to ${tid - 1} were made by nobody`)
    expected = tid + 1
  }
  if (until !== expected - 1) found.push(`the last commit is ${until}, and ${expected - 1} was the last one made`)
}

function checkAnswers(each: Recorded, states: States, found: string[]): void {
  const run = new Run(states, each.snapshot)
  for (const step of each.steps) {
    const answer = JSON.stringify(step.answer)
    const expected = JSON.stringify(modelOf(step.part).answer(run.state(step.part), step))
    if (answer !== expected) {
      found.push(`${nameOf(each)} was told ${answer} by ${wordsOf(step)}; at ${each.snapshot} that was ${expected}`)
    }
    run.follow(step)
  }
}

function checkCommit(each: Recorded, states: States, found: string[]): void {
  const { snapshot, commit = NaN } = each
  if (commit <= snapshot) found.push(`${nameOf(each)} saw a state that is not before it: ${snapshot}`)
  const change = whatChanged(each, states, commit - 1)
  if (change) found.push(`${nameOf(each)} used ${change.words} of ${snapshot}, although ${change.tid} changed it`)
}

/** Was any state, up to what had begun when the commit had failed, in the way of the transaction? */
function checkRefusal(each: Recorded, states: States, commits: readonly Recorded[], found: string[]): void {
  const last = commits.findLast(({ began }) => began <= each.ended)
  const parts = new Set(each.steps.map(({ part }) => part))
  const tids = [...parts].flatMap(part => states.changes(part, each.snapshot, last ? numberOf(last) : 0))
  if (tids.some(tid => whatChanged(each, states, tid))) return
  found.push(`${nameOf(each)} was refused, although nothing that it used had changed after ${each.snapshot}`)
}

interface Change {
  readonly words: string
  readonly tid: number
}

/** What keeps a transaction from being committed right behind commit `now`; undefined: nothing. */
function whatChanged(each: Recorded, states: States, now: number): Change | undefined {
  const reads = each.isolation === 'serializable'
  const then = new Run(states, each.snapshot)
  const again = new Run(states, now)
  for (const step of each.steps) {
    const { part } = step
    const model = modelOf(part)
    const { tid } = states.at(part, now)
    if (tid > each.snapshot) {
      const [a, b] = [then.state(part), again.state(part)]
      const same = model.whole
        ? !reads && model.after(a, step) === undefined
        : (!reads || isSame(model.relies(a, step), model.relies(b, step))) &&
          isSame(model.writes(a, step), model.writes(b, step))
      if (!same) return { words: model.whole ? part : wordsOf(step), tid }
    }
    then.follow(step)
    again.follow(step)
  }
  return undefined
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What had ended before a transaction began is in its snapshot; and nothing is that had not begun when it ended. */
function checkTime({ transactions, since }: History, commits: readonly Recorded[], found: string[]): void {
  const byEnd = [...commits].sort((a, b) => a.ended - b.ended)
  const byBegin = [...transactions].sort((a, b) => a.began - b.began)
  let next = 0
  let ended: Recorded | undefined
  for (const each of byBegin) {
    for (let candidate = byEnd[next]; candidate && candidate.ended < each.began; candidate = byEnd[++next]) {
      if (ended === undefined || numberOf(candidate) > numberOf(ended)) ended = candidate
    }
    if (ended !== undefined && each.snapshot < numberOf(ended)) {
      found.push(`${nameOf(each)} began on ${each.snapshot}, after ${nameOf(ended)} had ended`)
    }
    const seen = commits[each.snapshot - since - 1]
    if (seen?.commit === each.snapshot && seen.began > each.ended) {
      found.push(`${nameOf(each)} saw ${nameOf(seen)}, which had not begun`)
    }
  }
}

const numberOf = ({ commit = NaN }: Recorded): number => commit
const nameOf = ({ who, what, commit }: Recorded): string =>
  `${what} of ${who}${commit === undefined ? '' : ` (${commit})`}`
const wordsOf = ({ part, does, given }: Step): string =>
  [part, does, ...given.map(each => JSON.stringify(each))].join(' ')
