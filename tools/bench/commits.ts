// One small object changed per commit, not synced: commits per second beside a bare loop of the same system calls.
// Each contender runs in a fresh process, in turn, several times; the median and the ratio to the floor are printed.
//   npm run bench [-- --rounds 5 --commits 100000]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const CONTENDERS = ['floor', 'perdure'] as const
type Contender = (typeof CONTENDERS)[number]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    commits: { type: 'string', default: '100000' },
    json: { type: 'string' },
  },
})
const rates: Record<Contender, number[]> = { floor: [], perdure: [] }

for (let round = 0; round < Number(values.rounds); round++) {
  for (const contender of CONTENDERS) rates[contender].push(run(contender))
}
const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN
const floor = median(rates.floor)
for (const contender of CONTENDERS) {
  const all = rates[contender]
  const [least, most] = [Math.min(...all), Math.max(...all)].map(Math.round)
  const rate = median(all)
  console.log(
    `${contender.padEnd(8)} ${Math.round(rate).toLocaleString('en').padStart(10)} commits/s   ${(rate / floor).toFixed(2)} of the floor   (${least} to ${most})`,
  )
}
if (values.json !== undefined)
  writeFileSync(values.json, JSON.stringify({ workload: 'commits', rates }, null, 2) + '\n')

function run(contender: Contender): number {
  const dir = mkdtempSync(join(process.env.PERDURE_BENCH_DIR ?? tmpdir(), 'perdure-bench-'))
  try {
    const script = fileURLToPath(new URL(`./commits-${contender}.js`, import.meta.url))
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, join(dir, 'bench.db'), values.commits], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`${contender} failed: ${stderr}`)
    return Number(stdout)
  } finally {
    rmSync(dir, { recursive: true })
  }
}
