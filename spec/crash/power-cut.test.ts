import t from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { Store } from '../../lib/store/store.js'
import { verify } from '../../lib/store/verify.js'
import { initialDraft, put, record } from '../helpers/drafts.js'
import { random, seeded, type Random } from '../helpers/seeded.js'
import { compare, Ledger, type Promised } from './ledger.js'
import type { Photograph, Remains } from './photograph.js'
import { SimulatedDisk } from './simulated-disk.js'
import { PATH, Workload } from './workload.js'

const soak = process.env.PERDURE_SOAK !== undefined
t.setTimeout(soak ? 0 : 240_000)

/** The disk at one moment, and what had been promised then. */
interface Moment {
  readonly photograph: Photograph
  readonly promised: Promised
  /** What was about to happen. */
  readonly before: string
  /** What a power cut before this one has left behind the last commit, which nobody may lose. */
  readonly torn?: Torn
}

interface Torn {
  readonly offset: number
  readonly bytes: Buffer
}

/** Notes every moment that makes a difference. */
function observe(
  machine: SimulatedDisk,
  ledger: Ledger,
  moments: Moment[],
): (operation: string, process: number) => void {
  let seen = ''
  return (operation, process) => {
    const promised = ledger.promised()
    const now = `${machine.version} ${promised.durable} ${promised.commits.length} ${promised.pending.length}`
    if (now === seen) return
    seen = now
    moments.push({ photograph: machine.photograph(), promised, before: `${operation} of process ${process}` })
  }
}

/** What was met how often: a simulation that never damages anything would prove nothing. */
type Met = Record<string, number>
const count = (met: Met, what: string): void => void (met[what] = (met[what] ?? 0) + 1)

function findings(disk: Disk): string[] {
  const found: string[] = []
  verify(disk, PATH, ({ kind, message }) => found.push(`${kind}: ${message}`))
  return found
}

function savedParts(machine: SimulatedDisk): string[] {
  return machine.names().filter(name => name.startsWith(`${PATH}.torn-`))
}

/** Starts the machine again, looks whether all promises are kept, writes; returns what happened on the disk meanwhile. */
function startAgain(remains: Remains, promised: Promised, met: Met): Moment[] {
  const machine = SimulatedDisk.startedAgain(remains)
  const [reading, writing] = [machine.process().disk, machine.process().disk]
  if (machine.contentOf(PATH) === undefined) {
    must(promised.durable === 0, 'the store is gone')
    count(met, 'not created')
    return []
  }
  // Reading comes first, and is not disturbed by what the writer does.
  const reader = Store.open(reading, PATH, { readonly: true })
  const status = reader.current.reader.advance()
  count(met, status)
  const { problem, found } = compare(reader, promised)
  must(problem === undefined, problem)
  if (found.durable > promised.durable) count(met, 'more than was promised')
  if (found.durable < promised.commits.length - 1) count(met, 'less than was appended')
  const tail = findings(reading)
  must(
    tail.every(each => each.startsWith('tail')),
    tail.join(),
  )
  must(tail.length === (status === 'short' || status === 'torn' ? 1 : 0), `${status}: ${tail.join()}`)
  const { offset } = reader.latest()
  const torn = machine.contentOf(PATH)!.subarray(offset)
  const before = savedParts(machine)

  const ledger = new Ledger(found, found.durable)
  const moments: Moment[] = []
  machine.watch = observe(machine, ledger, moments)
  const writer = Store.open(writing, PATH, {}, initialDraft)
  const { problem: forWriter } = compare(writer, found)
  must(forWriter === undefined, forWriter)
  const text = `${found.durable + 1} after the power cut`
  ledger.intend({ records: [record(1, text, ledger.refsOf(1))], fresh: 0, annotation: new Uint8Array() })
  put(writer, record(1, text, ledger.refsOf(1)))
  ledger.settle(true)
  writer.makeDurable(writer.latest())
  ledger.durable = ledger.tid
  machine.watch('the end', 0, [])
  machine.watch = () => undefined

  for (const store of [writer, reader]) {
    const { problem: after } = compare(store, ledger.promised())
    must(after === undefined, `and then: ${after}`)
  }
  must(findings(reading).length === 0, findings(reading).join())
  const parts = savedParts(machine)
  const saved = parts.filter(name => !before.includes(name))
  const wanted = status === 'torn' ? 1 : 0
  must(saved.length <= wanted, `${saved.length} parts were saved of a file that was ${status}`)
  must(machine.warnings.length === wanted, machine.warnings.join())
  if (wanted > 0) {
    // What an earlier power cut has left elsewhere may be the same bytes, all zeros, say.
    const ofThisPlace = parts.filter(name => name.startsWith(`${PATH}.torn-${offset}-`))
    const copies = ofThisPlace.filter(name => machine.contentOf(name)!.equals(torn))
    must(copies.length === 1, `${copies.length} copies are there of what was cut off`)
    must(
      saved.every(name => copies.includes(name)),
      'what was cut off is not what was saved',
    )
  }
  // An earlier power cut may have come between the copy and the cut: then that copy was used.
  if (wanted > saved.length) count(met, 'saved before')
  if (wanted > 0) for (const [n, moment] of moments.entries()) moments[n] = { ...moment, torn: { offset, bytes: torn } }
  const left = machine.names().filter(name => /\.(new|pack|cache)$/.test(name))
  must(left.length === 0, `${left.join()} is left`)
  writer.close()
  reader.close()
  return moments
}

/** What was torn stays in the file until it is saved beside it. */
function isKept({ files }: Remains, { offset, bytes }: Torn): boolean {
  const contentsOf = (isIt: (name: string) => boolean): Buffer[] =>
    files.flatMap(({ names, content }) => (names.some(isIt) ? [content] : []))
  const inFile = contentsOf(name => name === PATH).map(content => content.subarray(offset))
  const saved = contentsOf(name => name.startsWith(`${PATH}.torn-${offset}-`))
  return [...inFile, ...saved].some(each => each.equals(bytes))
}

class Broken extends Error {}

function must(holds: boolean, otherwise = ''): void {
  if (!holds) throw new Broken(otherwise)
}

interface Effort {
  readonly boots: number
  /** In each boot. */
  readonly processes: number
  readonly actions: number
  /** Disks of each moment, and how many of them are cut off again while they recover. */
  readonly variants: number
  readonly again: number
  /** How likely a sync fails. */
  readonly failing?: number
}

/**
 * Runs a workload, cuts the power at every moment, and again while what is left recovers; goes on with one of the disks that
 * are left. Returns the first problem.
 */
async function simulate(
  seed: number,
  effort: Effort,
  met: Met,
  through?: (disk: Disk) => Disk,
): Promise<string | undefined> {
  const draw = random(seed)
  let machine = new SimulatedDisk(seed)
  let ledger = new Ledger()
  for (let boot = 1; ; boot++) {
    const moments: Moment[] = []
    const note = observe(machine, ledger, moments)
    const workload = new Workload(machine, ledger, draw, through)
    machine.shortWrites = 0.1
    if (boot > 1) machine.failingSyncs = machine.failingDirectorySyncs = effort.failing ?? 0
    machine.watch = (operation, process) => {
      note(operation, process)
      workload.watch(process)
    }
    await workload.run(effort.processes, effort.actions)
    machine.watch('the end', 0, [])
    for (const [what, times] of Object.entries(workload.done)) met[what] = (met[what] ?? 0) + times
    const problem = cutEverywhere(moments, effort.variants, effort.again, draw, met)
    if (problem !== undefined) return `boot ${boot}: ${problem}`
    if (boot === effort.boots) return undefined
    const { photograph, promised } = draw.pick(moments)
    machine = SimulatedDisk.startedAgain(draw.pick([...photograph.variants(effort.variants, draw)]))
    ledger = takeStock(machine, promised)
  }
}

/** What is left after a power cut is what must be there from now on. */
function takeStock(machine: SimulatedDisk, promised: Promised): Ledger {
  if (machine.contentOf(PATH) === undefined) return new Ledger()
  const reader = Store.open(machine.process().disk, PATH, { readonly: true })
  const { found } = compare(reader, promised)
  reader.close()
  return new Ledger(found, found.durable)
}

function cutEverywhere(
  moments: readonly Moment[],
  variants: number,
  again: number,
  draw: Random,
  met: Met,
): string | undefined {
  const seen = new Set<string>()
  for (const [n, { photograph, promised, before, torn }] of moments.entries()) {
    count(met, 'power cuts')
    let variant = 0
    for (const remains of photograph.variants(variants, draw)) {
      variant++
      const key = `${remains.key} ${promised.durable} ${promised.commits.length} ${promised.pending.length}`
      if (seen.has(key)) continue
      seen.add(key)
      count(met, 'disks')
      const where = `power cut ${n} (before ${before}), disk ${variant}`
      try {
        must(torn === undefined || isKept(remains, torn), 'what the power cut before has left is lost')
        const second = startAgain(remains, promised, met)
        if (again === 0 || !draw.chance(again / variants)) continue
        const problem = cutEverywhere(second, variants, 0, draw, met)
        if (problem !== undefined) return `${where}; then ${problem}`
      } catch (error) {
        return `${where}: ${error instanceof Broken ? error.message : (error as Error).stack}`
      }
    }
  }
  return undefined
}

const effort: Effort = soak
  ? { boots: 3, processes: 3, actions: 32, variants: 10, again: 1 }
  : { boots: 3, processes: 3, actions: 24, variants: 10, again: 0.5 }

t.test(
  'whenever the power is cut, what was durable is there, all commits are whole, and the store goes on',
  async t => {
    const draw = seeded(t)
    const met: Met = {}
    for (let run = 0; run < (soak ? 1000 : 2); run++) {
      const problem = await simulate(draw.int(2 ** 32), effort, met)
      if (problem === undefined) continue
      t.fail(`run ${run}: ${problem}. PERDURE_SEED=${draw.seed} node ${process.argv[1]} repeats it`)
      break
    }
    t.comment(met)
    for (const what of [
      'torn',
      'short',
      'superseded',
      'end',
      'not created',
      'killed',
      'packs',
      'saved before',
      'less than was appended',
    ]) {
      t.ok((met[what] ?? 0) > 0, `it has met: ${what}`)
    }
  },
)

t.test('the same of a disk whose syncs fail now and then: what was said to be durable is there', async t => {
  const draw = seeded(t)
  const met: Met = {}
  for (let run = 0; run < (soak ? 1000 : 2); run++) {
    const problem = await simulate(draw.int(2 ** 32), { ...effort, boots: 2, variants: 6, failing: 0.15 }, met)
    if (problem === undefined) continue
    t.fail(`run ${run}: ${problem}. PERDURE_SEED=${draw.seed} node ${process.argv[1]} repeats it`)
    break
  }
  t.comment(met)
  for (const what of ['DURABILITY_UNKNOWN', 'packs', 'durable', 'committed', 'torn'])
    t.ok((met[what] ?? 0) > 0, `it has met: ${what}`)
})

const liars: readonly { lie: string; through: (disk: Disk) => Disk }[] = [
  { lie: 'does not sync', through: disk => ({ ...disk, sync: () => undefined, syncAsync: () => Promise.resolve() }) },
  { lie: 'does not sync directories', through: disk => ({ ...disk, syncDirectory: () => undefined }) },
  { lie: 'only promises to sync', through: disk => ({ ...disk, syncAsync: () => Promise.resolve() }) },
]

for (const { lie, through } of liars) {
  t.test(`the simulation notices a disk that ${lie}`, async t => {
    const draw = seeded(t)
    const problems: string[] = []
    for (let run = 0; run < 5 && problems.length === 0; run++) {
      const problem = await simulate(draw.int(2 ** 32), { ...effort, boots: 1, again: 0 }, {}, through)
      if (problem !== undefined) problems.push(problem)
    }
    t.comment(problems)
    t.equal(problems.length, 1)
  })
}
