// The figures as one page that needs nothing else: how each figure of Perdure compares to the best peer and to the floor, how
// cost grows with the size, and all figures.
import { format } from './print.js'
import { compare, ratio, type Compared, type Results } from './results.js'
import type { Workload } from './workload.js'

const escape = (text: string): string => text.replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`)

const STYLE = `
  :root { color-scheme: light dark; --ink: #222; --faint: #999; --line: #ddd; --paper: #fff; --perdure: #0b7a5b;
    --perdure-plain: #5bb99c; --lmdb: #c2571a; --sqlite: #3366bb; --level: #8a5bb5; --floor: #888; --worse: #c0392b }
  @media (prefers-color-scheme: dark) { :root { --ink: #ddd; --line: #444; --paper: #181818; --faint: #888 } }
  body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
  h2 { margin-top: 2.5rem } svg text { font: 12px system-ui, sans-serif; fill: var(--ink) } .faint, svg text.faint { color: var(--faint); fill: var(--faint) }
  .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1rem }
  figure { margin: 0 } figcaption { font-size: 13px } table { border-collapse: collapse; font-size: 13px; width: 100% }
  td, th { text-align: right; padding: 1px 8px; border-bottom: 1px solid var(--line) } td:first-child, th:first-child { text-align: left }
  details { margin: .5rem 0 }`

export function reportPage(results: Results, workloads: readonly Workload[]): string {
  const compared = compare(results.rows, workloads)
  const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`)
  const peers = ratioChart(largest(compared), group => group.bestPeer)
  const floors = ratioChart(largest(compared), () => 'floor')
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Perdure measured</title>
<style>${STYLE}</style>
<h1>Perdure measured</h1>
<p>${escape(results.date)} · ${escape(results.machine)} · ${escape(versions.join(', '))} · median of ${results.rounds} rounds in
turn, each in a fresh process. What a workload does, and what remains to be done: see NOTES.md beside this page.</p>
<h2>To the best of the other stores</h2>
<p>Right of the line Perdure is better. The scale is logarithmic.</p>
${peers}
<h2>To the floor</h2>
<p>The floor makes the same system calls, encodes the same data and computes the same checksums, and is no store.</p>
${floors}
<h2>How cost grows</h2>
<p>Both scales are logarithmic. Flat is best for rates.</p>
<div class="grid">${growth(compared, workloads)}</div>
<h2>All figures</h2>
${tables(compared, workloads)}
</html>
`
}

/** Each figure at the largest size that was measured. */
function largest(compared: readonly Compared[]): Compared[] {
  const key = (group: Compared): string => `${group.workload} ${group.case} ${group.figure}`
  const sizes = new Map<string, number>()
  for (const group of compared) {
    if (!group.all.some(each => each.contender === 'perdure')) continue
    sizes.set(key(group), Math.max(sizes.get(key(group)) ?? 0, group.size))
  }
  return compared.filter(group => sizes.get(key(group)) === group.size)
}

const labelOf = (group: Compared): string =>
  [group.workload, group.case, Object.is(group.figure, 'commits') ? '' : group.figure].filter(Boolean).join(' ')

/** Bars from a line at 1, Perdure's ratio in each figure. */
function ratioChart(compared: readonly Compared[], to: (group: Compared) => string | undefined): string {
  const bars = compared.flatMap(group => {
    const value = ratio(group, 'perdure', to(group))
    return value === undefined ? [] : [{ group, value, against: to(group) ?? '' }]
  })
  if (bars.length === 0) return '<p class="faint">Nothing to compare.</p>'
  const [left, width, height] = [210, 900, 18]
  const reach = Math.max(2, ...bars.map(({ value }) => Math.max(value, 1 / value)))
  const scale = (width - left - 190) / (2 * Math.log(reach))
  const zero = left + Math.log(reach) * scale
  const lines = bars.map(({ group, value, against }, n) => {
    const length = Math.abs(Math.log(value)) * scale
    const x = value >= 1 ? zero : zero - length
    const fill = value >= 1 ? 'var(--perdure)' : 'var(--worse)'
    const y = n * height
    return `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escape(labelOf(group))}</text>
<rect x="${x.toFixed(1)}" y="${y + 3}" width="${Math.max(1, length).toFixed(1)}" height="12" fill="${fill}"/>
<text x="${width - 180}" y="${y + 13}">${value.toFixed(2)} x ${escape(against)}</text>`
  })
  const bottom = bars.length * height
  return `<svg viewBox="0 0 ${width} ${bottom + 4}" role="img" aria-label="Ratios">${lines.join('\n')}
<line x1="${zero}" x2="${zero}" y1="0" y2="${bottom}" stroke="var(--ink)"/></svg>`
}

/** One small plot for each figure that was measured at several sizes. */
function growth(compared: readonly Compared[], workloads: readonly Workload[]): string {
  const groups = new Map<string, Compared[]>()
  for (const group of compared) {
    const key = labelOf(group)
    groups.set(key, [...(groups.get(key) ?? []), group])
  }
  const plots = [...groups.values()].filter(sizes => sizes.length > 1).map(sizes => plot(sizes, workloads))
  return plots.length > 0 ? plots.join('\n') : '<p class="faint">Only one size was measured.</p>'
}

function plot(sizes: readonly Compared[], workloads: readonly Workload[]): string {
  const [first] = sizes
  if (first === undefined) return ''
  const names = new Set(sizes.flatMap(({ all }) => all.map(({ contender }) => contender)))
  const points = [...names]
    .filter(name => !name.includes('+'))
    .map(name => ({
      name,
      at: sizes.flatMap(({ size, all }) => {
        const median = all.find(each => each.contender === name)?.spread.median ?? NaN
        return median > 0 ? [{ size, median }] : []
      }),
    }))
    .filter(({ at }) => at.length > 0)
  const values = points.flatMap(({ at }) => at.map(({ median }) => Math.log10(median)))
  const spans = sizes.map(({ size }) => Math.log10(size))
  const [low, high] = [Math.floor(Math.min(...values)), Math.ceil(Math.max(...values) + 0.001)]
  const [from, until] = [Math.min(...spans), Math.max(...spans)]
  const x = (size: number): number => 46 + ((Math.log10(size) - from) / (until - from || 1)) * 168
  const y = (value: number): number => 150 - ((Math.log10(value) - low) / (high - low)) * 140
  const grid = Array.from({ length: high - low + 1 }, (_, n) => {
    const at = y(10 ** (low + n)).toFixed(1)
    return `<line x1="46" x2="214" y1="${at}" y2="${at}" stroke="var(--line)"/><text class="faint" x="42" y="${Number(at) + 4}" text-anchor="end">${short(10 ** (low + n))}</text>`
  })
  const below = sizes.map(
    ({ size }) => `<text class="faint" x="${x(size).toFixed(1)}" y="166" text-anchor="middle">${short(size)}</text>`,
  )
  const labels = points.map(({ name, at }) => ({ name, y: y(at.at(-1)?.median ?? 1) })).sort((a, b) => a.y - b.y)
  labels.forEach((label, n) => (label.y = Math.max(label.y, (labels[n - 1]?.y ?? -20) + 12)))
  const curves = points.map(({ name, at }) => {
    const way = at.map(({ size, median }) => `${x(size).toFixed(1)},${y(median).toFixed(1)}`).join(' ')
    return `<polyline points="${way}" fill="none" stroke="var(--${name})" stroke-width="${name === 'perdure' ? 2.5 : 1.3}"/>`
  })
  const words = labels.map(
    label =>
      `<text x="218" y="${(label.y + 4).toFixed(1)}" style="fill: var(--${label.name})">${escape(label.name)}</text>`,
  )
  const title = workloads.find(({ id }) => id === first.workload)?.title ?? ''
  return `<figure><figcaption><b>${escape(labelOf(first))}</b> (${escape(first.unit)}, ${first.better} is better)<br><span class="faint">${escape(title)}</span></figcaption>
<svg viewBox="0 0 300 172" role="img" aria-label="${escape(labelOf(first))}">${[...grid, ...below, ...curves, ...words].join('')}</svg></figure>`
}

/** 1k, 10M, 0.01. */
function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`
  if (value >= 1e3) return `${value / 1e3}k`
  return String(Number(value.toPrecision(2)))
}

function tables(compared: readonly Compared[], workloads: readonly Workload[]): string {
  return workloads
    .map(({ id, title }) => {
      const groups = compared.filter(group => group.workload === id)
      if (groups.length === 0) return ''
      return `<details><summary><b>${id}</b> ${escape(title)}</summary>${groups.map(table).join('')}</details>`
    })
    .join('\n')
}

function table(group: Compared): string {
  const size = group.size > 0 ? `of ${group.size.toLocaleString('en')}` : ''
  const label = [group.case, group.figure, size].filter(Boolean).join(', ')
  const rows = group.all.map(({ contender, spread }) => {
    const cells = [
      contender,
      format(spread.median),
      `${format(spread.least)} to ${format(spread.most)}`,
      ratio(group, contender, group.bestPeer)?.toFixed(2) ?? '',
      ratio(group, contender, 'floor')?.toFixed(2) ?? '',
    ]
    return `<tr>${cells.map(cell => `<td>${escape(cell)}</td>`).join('')}</tr>`
  })
  return `<table><tr><th>${escape(label)} (${escape(group.unit)}, ${group.better} is better)</th><th>median</th><th>spread</th><th>to best peer</th><th>to floor</th></tr>${rows.join('')}</table>`
}
