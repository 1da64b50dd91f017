// A model of commit, pack and recovery, small enough that every state can be visited: these are the invariants. The processes and
// files are in model-state.ts, what happens to them in model-steps.ts.
import { commitsIn, current, file, initialState, NOTHING, type State } from './model-state.js'
import { step, type Omissions } from './model-steps.js'

/** What holds in every state; undefined: nothing is broken. */
export function brokenIn(s: State): string | undefined {
  if (s.broken !== undefined) return s.broken
  const atPath = file(s, current(s))
  const there = commitsIn(atPath)
  if (s.actors.every(each => each.holds === NOTHING)) {
    if ((s.acknowledged & ~there) !== 0) return 'an acknowledged commit is not in the file at the path'
    for (const { kind, inode, applied } of s.actors) {
      if (kind !== 'reader') continue
      if ((commitsIn(file(s, inode), applied) & ~there) !== 0) return 'a reader has seen a commit that is gone'
    }
  }
  // If the power were cut now: any name since the last sync of the directory, and what was synced of its file.
  for (const survivor of s.path) {
    const inode = file(s, survivor)
    if (!inode.whole) return 'a power cut could leave a file that is not whole'
    if ((s.durable & ~commitsIn(inode, inode.synced)) !== 0) return 'a power cut could take a durable commit'
  }
  return undefined
}

/** What holds when nobody can take another step. */
export function brokenAtEnd(s: State, omit: Omissions): string | undefined {
  if (s.actors.some(each => each.at !== 'done' && each.kind !== 'reader')) return 'somebody is stuck'
  for (const { kind, inode, applied } of s.actors) {
    if (kind !== 'reader') continue
    if ((s.acknowledged & ~commitsIn(file(s, inode), applied)) !== 0)
      return 'a reader never sees an acknowledged commit'
  }
  return canGoOn(s, omit) ? undefined : 'the next process cannot commit'
}

/** Whether a process that opens the file now gets a commit into it. */
function canGoOn(s: State, omit: Omissions): boolean {
  const writer = initialState({ writers: 1, commits: 1, packers: 0, sweepers: 0, readers: 0, kills: 0, durably: true })
    .actors[0]!
  let state: State = { ...s, durably: true, actors: [{ ...writer, inode: current(s) }] }
  for (;;) {
    const after = step(state, 0, omit)
    if (after === undefined) return state.actors[0]!.at === 'done' && state.broken === undefined
    state = after
  }
}
