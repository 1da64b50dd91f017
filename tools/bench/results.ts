// What a run has measured, as it is written to a file and shown: every single figure, never only a median.
import { isPeer } from './contenders.js'
import { spread, type Spread } from './statistics.js'
import type { Figure, Workload } from './workload.js'

export interface Row {
  readonly workload: string
  readonly case: string
  readonly figure: string
  readonly contender: string
  /** Objects; 0: the workload does not depend on it. */
  readonly size: number
  readonly values: number[]
}

export interface Results {
  readonly date: string
  /** Versions of Node and of all that took part. */
  readonly versions: Readonly<Record<string, string>>
  readonly machine: string
  readonly rounds: number
  readonly scale: number
  readonly rows: Row[]
}

/** One figure at one size, of everybody. */
export interface Compared {
  readonly workload: string
  readonly case: string
  readonly figure: string
  readonly size: number
  readonly better: Figure['better']
  readonly unit: string
  readonly all: readonly { readonly contender: string; readonly spread: Spread; readonly values: readonly number[] }[]
  readonly bestPeer: string | undefined
}

export function compare(rows: readonly Row[], workloads: readonly Workload[]): Compared[] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = JSON.stringify([row.workload, row.size, row.case, row.figure])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return [...groups.values()].flatMap(group => {
    const [first] = group
    const figure = workloads.find(({ id }) => id === first?.workload)?.figures[first?.figure ?? '']
    if (first === undefined || figure === undefined) return []
    const all = group.map(({ contender, values }) => ({ contender, values, spread: spread(values) }))
    const peers = all
      .filter(({ contender }) => isPeer(contender))
      .sort((a, b) => (a.spread.median - b.spread.median) * (figure.better === 'more' ? -1 : 1))
    return [{ ...first, ...figure, all, bestPeer: peers[0]?.contender }]
  })
}

/** Of `contender` to `other`, above 1 where it is better: the median of the ratios round by round. */
export function ratio(compared: Compared, contender: string, other: string | undefined): number | undefined {
  const mine = compared.all.find(each => each.contender === contender)
  const theirs = compared.all.find(each => each.contender === other)
  if (mine === undefined || theirs === undefined) return undefined
  const ratios = mine.values.flatMap((value, round) => {
    const against = theirs.values[round]
    if (against === undefined || !(value > 0 && against > 0)) return []
    return [compared.better === 'more' ? value / against : against / value]
  })
  const { median } = spread(ratios)
  return Number.isFinite(median) ? median : undefined
}
