// The figures as lines of text.
import type { Compared } from './results.js'
import { ratio } from './results.js'
import type { Workload } from './workload.js'

export function format(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(size >= 1 ? 3 : 2)
}

const times = (value: number | undefined): string => (value === undefined ? '' : `${value.toFixed(2)}x`)

export function print(compared: readonly Compared[], workloads: readonly Workload[]): void {
  let shown = ''
  for (const group of compared) {
    const { workload, size, unit, better } = group
    if (workload !== shown) {
      shown = workload
      console.log(`\n${workload}  ${workloads.find(({ id }) => id === workload)?.title ?? ''}`)
    }
    const label = [group.case, group.figure, size > 0 ? `of ${size.toLocaleString('en')}` : '']
      .filter(Boolean)
      .join(', ')
    console.log(
      `    ${label} (${unit}, ${better} is better)${' '.repeat(Math.max(1, 44 - label.length))}to best peer  to floor`,
    )
    for (const { contender, spread } of group.all) {
      const figures = `${format(spread.median).padStart(12)}   ${`${format(spread.least)} to ${format(spread.most)}`.padEnd(26)}`
      const toPeer = times(contender === group.bestPeer ? undefined : ratio(group, contender, group.bestPeer))
      const toFloor = times(contender === 'floor' ? undefined : ratio(group, contender, 'floor'))
      console.log(`      ${contender.padEnd(17)}${figures}${toPeer.padStart(9)}${toFloor.padStart(10)}`)
    }
  }
}
