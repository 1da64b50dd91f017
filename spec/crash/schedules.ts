// Runs processes in every order that is to be explored: each runs on until it ends or must wait, except where a schedule switches
// to another one or kills it. Schedules that lead to a state met before are not followed further.
import type { Random } from '../helpers/seeded.js'
import { SimulatedDisk } from './simulated-disk.js'
import type { Outcome, SteppedProcess, Task } from './stepped-process.js'

/** Before step `at`, the process `to` goes on, or is killed. */
export interface Decision {
  readonly at: number
  readonly to: number
  readonly kill: boolean
}

export interface Scenario {
  /** What each process does. */
  readonly tasks: readonly (readonly string[])[]
  /** How often a process is left that could go on, and how many are killed. */
  readonly switches: number
  readonly kills: number
  prepare(machine: SimulatedDisk): void
  /** Called with each call that is no system call but news; what is wrong with it. */
  told(machine: SimulatedDisk, process: number, name: string, args: readonly unknown[]): string | undefined
  /** Called when all have ended; what is wrong. */
  ended(machine: SimulatedDisk, outcomes: readonly Outcome[]): string | undefined
}

export interface Findings {
  readonly runs: number
  /** Different states in which a decision was to be made. */
  readonly states: number
  readonly problem: string | undefined
}

/** The moment before a step. */
interface Point {
  readonly at: number
  /** The same for the same state of everything. */
  readonly key: string
  readonly current: number
  /** Which processes could go on. */
  readonly enabled: readonly number[]
  /** Nobody else can notice the step. */
  readonly isPrivate: boolean
}

const MOST_STEPS = 5000

export function exploreSchedules(scenario: Scenario, processes: readonly SteppedProcess[]): Findings {
  const seen = new Set<string>()
  let runs = 0
  const explore = (decisions: readonly Decision[], switches: number, kills: number): string | undefined => {
    runs++
    const points: Point[] = []
    const keyOf = ({ key, current, enabled }: Point): string =>
      `${key} ${enabled.includes(current) ? current : ''} ${switches} ${kills}`
    const problem = runOnce(scenario, processes, decisions, point => points.push(point) > 0 && seen.has(keyOf(point)))
    if (problem !== undefined) return `${problem}; schedule ${JSON.stringify(decisions)}`
    for (const point of points) {
      const { at, current, enabled, isPrivate } = point
      if (seen.has(keyOf(point))) break
      seen.add(keyOf(point))
      if (isPrivate) continue
      const forced = at === 0 || !enabled.includes(current)
      for (const to of enabled) {
        if (to === (enabled.includes(current) ? current : enabled[0]) || (!forced && switches === 0)) continue
        const deeper = explore([...decisions, { at, to, kill: false }], forced ? switches : switches - 1, kills)
        if (deeper !== undefined) return deeper
      }
      if (kills === 0 || forced) continue
      const deeper = explore([...decisions, { at, to: current, kill: true }], switches, kills - 1)
      if (deeper !== undefined) return deeper
    }
    return undefined
  }
  const problem = explore([], scenario.switches, scenario.kills)
  return { runs, states: seen.size, problem }
}

/** Runs with a few decisions each, at random. */
export function sampleSchedules(
  scenario: Scenario,
  processes: readonly SteppedProcess[],
  random: Random,
  runs: number,
): string | undefined {
  let steps = 0
  const first = runOnce(scenario, processes, [], ({ at }) => (steps = at) < 0)
  if (first !== undefined) return first
  for (let run = 0; run < runs; run++) {
    const places = Array.from({ length: 2 + random.int(3) }, () => random.int(steps)).sort((a, b) => a - b)
    const victim = random.chance(0.5) ? random.int(places.length) : -1
    const decisions = places.map((at, n) => ({ at, to: random.int(scenario.tasks.length), kill: n === victim }))
    const problem = runOnce(scenario, processes, decisions, () => false)
    if (problem !== undefined) return `${problem}; schedule ${JSON.stringify(decisions)}`
  }
  return undefined
}

/** One run; `stop` is asked before each step behind the last decision. Returns what went wrong. */
function runOnce(
  scenario: Scenario,
  processes: readonly SteppedProcess[],
  decisions: readonly Decision[],
  stop: (point: Point) => boolean,
): string | undefined {
  const machine = new SimulatedDisk(1)
  scenario.prepare(machine)
  const members = processes.slice(0, scenario.tasks.length)
  members.forEach((process, n) => process.start(machine, { seed: n + 1, acts: scenario.tasks[n] ?? [] } satisfies Task))
  try {
    let current = 0
    for (let at = 0; ; at++) {
      if (at === MOST_STEPS) return 'this takes no end'
      const enabled = members.flatMap((process, n) => (process.idle || process.blocked ? [] : [n]))
      const told = members.map(process => `${process.told}/${process.answers}${process.killed ? '†' : ''}`)
      const isPrivate = members[current]!.isPrivate
      const point = { at, key: `${machine.fingerprint()} ${told.join()}`, current, enabled, isPrivate }
      if (at > (decisions.at(-1)?.at ?? -1) && stop(point)) return undefined
      const decision = decisions.find(each => each.at === at)
      if (decision?.kill === true) {
        members[decision.to]!.kill()
        continue
      }
      const wanted = decision?.to ?? current
      const next = enabled.includes(wanted) ? wanted : enabled[0]
      if (next === undefined) break
      current = next
      const process = members[current]!
      const { name, args } = process.request
      if (process.trespassing) {
        return `process ${current} changes a store's file of which it has no lock`
      }
      process.step()
      const problem = scenario.told(machine, current, name, args)
      if (problem !== undefined) return problem
    }
    const stuck = members.findIndex(process => !process.idle)
    if (stuck >= 0) return `process ${stuck} waits for a lock that nobody will release`
    return scenario.ended(
      machine,
      members.map(({ killed, outcome }) => (killed ? { code: undefined, message: 'killed' } : outcome)),
    )
  } finally {
    for (const process of members) if (!process.idle) process.kill()
  }
}
