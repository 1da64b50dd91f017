// What one process writes down of one transaction: what it did and what it was answered, on which state, and when. One file
// of these for each process and round; `check.ts` judges them together, and knows nothing else.
import type { Isolation } from '../../lib/index.js'

/** A part of the shared state, such as "account 3". The first word says what it is: see models.ts. */
export type Part = string

/** One question or change, in the order in which the transaction made them. All of it is JSON. */
export interface Step {
  readonly part: Part
  readonly does: string
  readonly given: readonly unknown[]
  /** null: it gives no answer. */
  readonly answer: unknown
}

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
  readonly steps: readonly Step[]
}
