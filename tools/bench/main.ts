// Measures Perdure beside other stores, and beside what the machine allows.
//   npm run bench [-- --only B1,B6 --contenders perdure,lmdb,floor --sizes 10000,100000 --rounds 5 --scale 1 --output <dir>]
//   npm run bench:short
// Everybody runs in turn, several times, each in a fresh process; ratios are taken round by round, so that a machine that is
// slow for a while is slow for all. A ratio above 1 is in favour of the store in whose line it stands.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { canRun, kindOf, PEERS } from './contenders.js'
import { isInstalled, versionOf } from './peer.js'
import { ROOT, workPlace } from './places.js'
import { print } from './print.js'
import { reportPage } from './report.js'
import { compare, type Results, type Row } from './results.js'
import type { Measured, Workload } from './workload.js'
import { WORKLOADS, workload } from './workloads.js'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    contenders: { type: 'string' },
    sizes: { type: 'string' },
    rounds: { type: 'string' },
    /** Repetitions, as a part of the full number. */
    scale: { type: 'string' },
    /** A few repetitions of everything: does it still work? */
    short: { type: 'boolean', default: false },
    /** Where results.json and report.html go. */
    output: { type: 'string' },
    /** Minutes for one process. */
    patience: { type: 'string', default: '20' },
  },
})
const { short } = options
const list = (text: string): string[] => text.split(',').map(part => part.trim())
const sizes = list(options.sizes ?? (short ? '500' : '10000,100000,1000000')).map(Number)
const rounds = Number(options.rounds ?? (short ? 1 : 5))
const scale = Number(options.scale ?? (short ? 0.002 : 1))
const output = options.output ?? (short ? join(ROOT, '.build', 'bench') : join(ROOT, 'tools', 'bench'))
const chosen =
  options.only === undefined ? WORKLOADS.filter(each => each.optional !== true) : list(options.only).map(workload)
const wanted = options.contenders === undefined ? undefined : list(options.contenders)
if ([...sizes, rounds, scale].some(number => !(number > 0)))
  throw new RangeError('sizes, rounds and scale are numbers above 0')

const missing = PEERS.filter(name => !isInstalled(name))
if (missing.length > 0) {
  console.log(`Without ${missing.join(', ')}: to compare with other stores, run \`npm install --prefix tools/bench\`.`)
}
const work = workPlace()
const rows: Row[] = []
const failures: string[] = []
try {
  for (const each of chosen.filter(({ grows }) => !grows)) measureInTurn(each, 0)
  for (const size of sizes) {
    for (const each of chosen.filter(({ grows }) => grows)) measureInTurn(each, size)
    rmSync(join(work, 'prepared'), { recursive: true, force: true })
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
const order = (row: Row): number => WORKLOADS.findIndex(({ id }) => id === row.workload)
rows.sort((a, b) => order(a) - order(b))
const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  versions: {
    node: process.versions.node,
    ...Object.fromEntries(PEERS.filter(isInstalled).map(name => [name, versionOf(name)])),
  },
  machine: `${cpus().length} cores, ${process.platform} ${process.arch}`,
  rounds,
  scale,
  rows,
}
print(compare(rows, WORKLOADS), WORKLOADS)
mkdirSync(output, { recursive: true })
writeFileSync(join(output, 'results.json'), JSON.stringify(results) + '\n')
writeFileSync(join(output, 'report.html'), reportPage(results, WORKLOADS))
console.log(`\nWritten: results.json and report.html in ${output}`)
for (const failure of failures) console.error(`failed: ${failure}`)
process.exitCode = failures.length > 0 ? 1 : 0

/** One workload at one size: all cases of everybody, round by round. */
function measureInTurn(each: Workload, size: number): void {
  const contenders = each.contenders.filter(
    name => (wanted ?? (short && name.includes('+') ? [] : [name])).includes(name) && canRun(name),
  )
  const cases = (short ? each.shortCases : undefined) ?? each.cases ?? ['']
  const given = new Set<string>()
  for (let round = 0; round < rounds; round++) {
    for (const label of cases) {
      for (const contender of contenders) {
        const key = `${contender} ${label}`
        if (given.has(key)) continue
        const measured = measureOnce(each, contender, label, size)
        if (measured === undefined || Object.keys(measured).length === 0) given.add(key)
        else note(each.id, label, contender, size, measured)
      }
    }
    console.error(`${each.id}${size > 0 ? ` of ${size}` : ''}, round ${round + 1} of ${rounds}`)
  }
}

function note(id: string, label: string, contender: string, size: number, measured: Measured): void {
  for (const [figure, value] of Object.entries(measured)) {
    const same = (row: Row): boolean =>
      row.workload === id &&
      row.case === label &&
      row.figure === figure &&
      row.contender === contender &&
      row.size === size
    const row = rows.find(same)
    if (row === undefined) rows.push({ workload: id, case: label, figure, contender, size, values: [value] })
    else row.values.push(value)
  }
}

/** undefined: it failed. */
function measureOnce(each: Workload, contender: string, label: string, size: number): Measured | undefined {
  const own = join(work, 'own')
  mkdirSync(own, { recursive: true })
  try {
    let dir = own
    if (each.begins !== 'empty') {
      const prepared = prepare(each, contender, size)
      if (each.spoils === true) cpSync(prepared, own, { recursive: true })
      else dir = prepared
    }
    return JSON.parse(runChild('measure', each, contender, label, dir, size)) as Measured
  } catch (error) {
    failures.push(`${each.id} ${label} of ${contender}, size ${size}: ${(error as Error).message}`)
    return undefined
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

/** The directory of a store with what the workload begins with; built once for all that read it. */
function prepare(each: Workload, contender: string, size: number): string {
  // lmdb's `structures` are in the file; its other modes are only ways to use it.
  const kind = contender.endsWith('+structures') ? contender : kindOf(contender)
  const dir = join(work, 'prepared', `${kind}-${each.begins}-${size}`)
  if (mkdirSync(dir, { recursive: true }) !== undefined) runChild('prepare', each, contender, '', dir, size)
  return dir
}

function runChild(act: string, each: Workload, contender: string, label: string, dir: string, size: number): string {
  const script = fileURLToPath(new URL('./child.js', import.meta.url))
  const args = ['--expose-gc', '--max-old-space-size=8192', script, act, each.id, contender, label, dir]
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [...args, String(size), String(scale)], {
    encoding: 'utf8',
    timeout: Number(options.patience) * 60_000,
  })
  if (status !== 0)
    throw new Error(`ended with ${signal ?? status}: ${stderr.trim().split('\n').slice(0, 8).join(' / ')}`)
  return stdout
}
