// Visits every state that a model can get into, each once, and tells the shortest way to each broken invariant.
import { initialState, keyOf, type Actor, type Bounds, type State } from './model-state.js'
import { kill, step, type Omissions } from './model-steps.js'
import { brokenAtEnd, brokenIn } from './model.js'

export interface Exploration {
  readonly states: number
  /** False: there were more states than were to be visited. */
  readonly complete: boolean
  /** Each broken invariant with the steps that lead to it. */
  readonly broken: ReadonlyMap<string, readonly string[]>
}

/** `most`: states to visit at most. Stops at the first broken invariant if `first`. */
export function explore(bounds: Bounds, omit: Omissions = {}, most = Infinity, first = false): Exploration {
  const broken = new Map<string, readonly string[]>()
  const seen = new Set<string>()
  /** How each state was reached, to tell the way: `from` is a place in the same list. */
  const ways: { from: number; actor: number; by: Actor | undefined; killed: boolean }[] = []
  let level: { state: State; way: number }[] = []
  let next: { state: State; way: number }[] = []

  const visit = (
    state: State | undefined,
    from: number,
    actor: number,
    by: Actor | undefined,
    killed: boolean,
  ): void => {
    if (state === undefined) return
    const key = keyOf(state)
    if (seen.has(key)) return
    seen.add(key)
    next.push({ state, way: ways.push({ from, actor, by, killed }) - 1 })
  }
  const wayTo = (way: number): string[] => {
    const steps: string[] = []
    for (let at = way; at > 0; at = ways[at]!.from) {
      const { actor, by, killed } = ways[at]!
      steps.unshift(`${by?.kind} ${actor}${killed ? ' is killed before' : ''}: ${by?.at}`)
    }
    return steps
  }
  const note = (invariant: string | undefined, way: number): void => {
    if (invariant !== undefined && !broken.has(invariant)) broken.set(invariant, wayTo(way))
  }

  visit(initialState(bounds), -1, -1, undefined, false)
  while (next.length > 0 && seen.size <= most && !(first && broken.size > 0)) {
    level = next
    next = []
    for (const { state, way } of level) {
      const wrong = brokenIn(state)
      note(wrong, way)
      if (wrong !== undefined) continue
      let moved = false
      let own: string | undefined
      state.actors.forEach((by, actor) => {
        const after = step(state, actor, omit)
        if (after !== undefined && (by.kind !== 'reader' || keyOf(after) !== (own ??= keyOf(state)))) moved = true
        visit(after, way, actor, by, false)
        visit(kill(state, actor), way, actor, by, true)
      })
      if (!moved) note(brokenAtEnd(state, omit), way)
    }
  }
  return { states: seen.size, complete: next.length === 0, broken }
}
