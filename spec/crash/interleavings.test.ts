import t from 'tap'
import { Store } from '../../lib/store/store.js'
import { verify } from '../../lib/store/verify.js'
import { draft, put, record, textOf } from '../helpers/drafts.js'
import { beginning, PATH } from './counter.js'
import { seeded } from '../helpers/seeded.js'
import { exploreSchedules, sampleSchedules, type Scenario } from './schedules.js'
import type { SimulatedDisk } from './simulated-disk.js'
import { SteppedProcess, type Outcome } from './stepped-process.js'

const soak = process.env.PERDURE_SOAK !== undefined
t.setTimeout(soak ? 0 : 120_000)

const processes = Array.from({ length: 4 }, () => new SteppedProcess())
t.teardown(() => Promise.all(processes.map(process => process.end())))

/** The number in the root grows with every commit: it is one less than the number of the commit. */
function counting(tasks: readonly (readonly string[])[], switches: number, kills: number, created = true): Scenario {
  let acknowledged: number[] = []
  let seen: number[] = []
  return {
    tasks,
    switches,
    kills,
    prepare(machine) {
      acknowledged = []
      seen = []
      if (!created) return
      const store = Store.open(machine.process().disk, PATH, {}, beginning)
      put(store, record(-1, 'garbage'))
      store.close()
    },
    told(machine, process, name, args) {
      if (name !== 'acknowledged' && name !== 'seen') return undefined
      const [value = 0] = args as [number]
      if (name === 'acknowledged' && acknowledged.includes(value)) return `commit ${value} was acknowledged twice`
      if (name === 'acknowledged') acknowledged.push(value)
      if (value < (seen[process] ?? 0)) return `process ${process} saw ${seen[process]}, and then ${value}`
      seen[process] = value
      const there = valueIn(machine)
      return there < value ? `who opens the file sees ${there} when ${value} is known` : undefined
    },
    ended: (machine, outcomes) => problemAtEnd(machine, outcomes, acknowledged),
  }
}

function valueIn(machine: SimulatedDisk): number {
  const process = machine.process()
  const store = Store.open(process.disk, PATH, { readonly: true })
  const value = Number(textOf(store, 1))
  store.close()
  return value
}

function problemAtEnd(
  machine: SimulatedDisk,
  outcomes: readonly Outcome[],
  acknowledged: readonly number[],
): string | undefined {
  const failed = outcomes.find(({ code }) => code !== undefined && code !== 'PACK_INTERRUPTED')
  if (failed !== undefined) return `${failed.code}: ${failed.message}`
  const killed = outcomes.filter(({ message }) => message === 'killed').length
  const { disk } = machine.process()
  const store = Store.open(disk, PATH, {}, beginning)
  const value = Number(textOf(store, 1))
  if (value < acknowledged.length || value > acknowledged.length + killed) {
    return `${acknowledged.length} commits were acknowledged, ${killed} processes killed, and the number is ${value}`
  }
  if (store.commit(draft(record(1, String(value + 1))), store.latest(), [], false).outcome !== 'committed')
    return 'no commit is possible'
  store.close()
  const left = machine.names().filter(name => name !== PATH && name !== `${PATH}.lock`)
  if (left.length > 0) return `${left.join()} is left`
  const found: string[] = []
  verify(disk, PATH, ({ message }) => found.push(message))
  return found.length === 0 ? undefined : found.join()
}

const writer = ['open', 'increment', 'increment']
const durable = ['open', 'increment durably', 'look']
const creator = ['create', 'look', 'increment']
const packer = ['open', 'pack', 'look']
const reader = ['open readonly', 'look', 'look']

/** Who is there, and how far schedules are explored: one switch or one kill everyday. */
const scenarios: readonly { title: string; tasks: readonly (readonly string[])[]; created?: boolean }[] = [
  { title: 'two writers', tasks: [writer, durable] },
  { title: 'a writer and a packer', tasks: [writer, packer] },
  { title: 'a durable writer and a packer', tasks: [durable, packer] },
  { title: 'two packers', tasks: [packer, packer] },
  { title: 'a writer, a packer and a reader', tasks: [writer, packer, reader] },
  { title: 'two creators', tasks: [creator, creator], created: false },
]

/** Switches and kills in a schedule. Of three processes kills are left to the schedules at random. */
function boundsFor(processes: number): readonly (readonly [number, number])[] {
  if (soak) return [[2, 0], [1, 1]] // prettier-ignore
  return processes > 2 ? [[1, 0]] : [[1, 0], [0, 1]] // prettier-ignore
}

for (const { title, tasks, created } of scenarios) {
  t.test(`whatever ${title} do between two system calls of each other, no commit is lost`, async t => {
    for (const [switches, kills] of boundsFor(tasks.length)) {
      const { runs, states, problem } = exploreSchedules(counting(tasks, switches, kills, created), processes)
      t.equal(problem, undefined, `${runs} schedules with ${switches} switches and ${kills} kills, ${states} states`)
    }
  })
}

t.test('two writers, two packers and a kill, in schedules at random', async t => {
  const draw = seeded(t)
  const problem = sampleSchedules(
    counting([durable, packer, writer, packer], 0, 0),
    processes,
    draw,
    soak ? 50_000 : 60,
  )
  t.equal(problem, undefined, `PERDURE_SEED=${draw.seed} node ${process.argv[1]} repeats this`)
})
