// The judge of histories. Commits are numbered without gaps, so what the processes say that they wrote, in the order of the
// numbers, is every state that there ever was; then each read must equal the state at its snapshot, and no commit may build
// on what was changed in between. It knows nothing of how the store works.
import type { Key, Recorded } from './recorded.js'

export interface History {
  /** The state after commit `since`, before the first recorded transaction. */
  readonly initial: ReadonlyMap<Key, unknown>
  readonly since: number
  readonly transactions: readonly Recorded[]
  /** What is there at the end. */
  readonly final: ReadonlyMap<Key, unknown>
  readonly until: number
}

interface Version {
  readonly tid: number
  /** JSON. */
  readonly value: string
}

/** What is wrong with a history, one sentence each; empty: it is as serializable as each transaction asked for. */
export function check(history: History): string[] {
  const found: string[] = []
  const commits = history.transactions
    .filter(({ outcome }) => outcome === 'committed')
    .sort((a, b) => numberOf(a) - numberOf(b))
  checkNumbers(history, commits, found)
  const states = new States(history.initial, history.since, commits)
  for (const each of history.transactions) checkOne(each, states, found)
  checkTime(history, commits, found)
  for (const [key, value] of history.final) {
    const expected = states.at(key, history.until).value
    if (JSON.stringify(value) !== expected) found.push(`at the end ${key} is ${JSON.stringify(value)}, not ${expected}`)
  }
  return found
}

/** Every version of every key, in order. */
class States {
  readonly #versions = new Map<Key, Version[]>()

  constructor(initial: ReadonlyMap<Key, unknown>, since: number, commits: readonly Recorded[]) {
    for (const [key, value] of initial) this.#versions.set(key, [{ tid: since, value: JSON.stringify(value) }])
    for (const commit of commits) {
      for (const [key, value] of commit.writes) {
        this.#versions.get(key)?.push({ tid: numberOf(commit), value: JSON.stringify(value) })
      }
    }
  }

  /** The version of `key` after commit `tid`. */
  at(key: Key, tid: number): Version {
    const versions = this.#versions.get(key)
    if (!versions) throw new RangeError(`${key} is not part of the initial state`)
    let [low, high] = [0, versions.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((versions[middle]?.tid ?? 0) <= tid) low = middle + 1
      else high = middle
    }
    return versions[low - 1] ?? { tid: NaN, value: 'nothing yet' }
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

function checkOne(each: Recorded, states: States, found: string[]): void {
  const { snapshot, commit, outcome, reads, writes, isolation } = each
  for (const [key, value] of reads) {
    const read = JSON.stringify(value)
    const expected = states.at(key, snapshot)
    if (read === expected.value) continue
    found.push(`${nameOf(each)} read ${key} as ${read}; at ${snapshot} it was ${expected.value}, since ${expected.tid}`)
  }
  const keysOf = (pairs: Recorded['reads']): Key[] => pairs.map(([key]) => key)
  if (outcome === 'committed' && commit !== undefined) {
    if (commit <= snapshot) found.push(`${nameOf(each)} saw a state that is not before it: ${snapshot}`)
    const checked = new Set([...keysOf(writes), ...(isolation === 'serializable' ? keysOf(reads) : [])])
    for (const key of checked) {
      const { tid } = states.at(key, commit - 1)
      if (tid > snapshot) found.push(`${nameOf(each)} used ${key} of ${snapshot}, although ${tid} changed it`)
    }
  }
  if (outcome === 'conflict') {
    const accessed = new Set([...keysOf(writes), ...keysOf(reads)])
    const reason = [...accessed].some(key => states.at(key, Infinity).tid > snapshot)
    if (!reason) found.push(`${nameOf(each)} was refused, although nothing that it accessed changed after ${snapshot}`)
  }
}

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
