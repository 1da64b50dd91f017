// What one process writes down of one transaction: what it read and wrote, on which state, and when. One file of these for
// each process and round; `check.ts` judges them together.
import type { Isolation } from '../../lib/index.js'

/** A part of the shared state, such as "account 3". Values are JSON. */
export type Key = string

export interface Recorded {
  /** The process and which of its connections: the transactions of one come one after another. */
  readonly who: string
  readonly what: string
  readonly isolation: Isolation
  /** Milliseconds of a clock that all processes share: before the snapshot was taken, after the outcome was known. */
  readonly began: number
  readonly ended: number
  /** The commit that it saw as the last one. */
  readonly snapshot: number
  /**
   * `committed`, or `read`: without changes. `undone`: by the program. `conflict`: the commit was refused. `repeated`: a run
   * of transact() that another one followed.
   */
  readonly outcome: 'committed' | 'read' | 'undone' | 'conflict' | 'repeated'
  /** Its number, if it committed. */
  readonly commit?: number
  /** What was read before the transaction itself had changed it; twice what was read twice. */
  readonly reads: readonly (readonly [Key, unknown])[]
  readonly writes: readonly (readonly [Key, unknown])[]
}
