// The shape of a workload: what it measures, of whom, and how. Each case runs in a fresh process.
import type { ChildProcess } from 'node:child_process'
import type { Opened } from './contender.js'

/** How a figure is to be read. */
export interface Figure {
  readonly unit: string
  readonly better: 'more' | 'less'
}

/** What a case measured: the names are those of `figures`; what a store cannot do is left out. */
export type Measured = Record<string, number>

export interface Context {
  readonly contender: string
  readonly case: string
  /** A directory of this run's own, with the prepared store in it. */
  readonly dir: string
  /** Objects in the store. */
  readonly size: number
  /** So many repetitions, or fewer where a short run was asked for. */
  times(full: number): number
  open(settings?: { readonly durable?: boolean; readonly dir?: string }): Promise<Opened>
  /** Another process, running one of the workload's helpers. */
  start(helper: string, ...args: string[]): Helper
}

export interface Helper {
  readonly process: ChildProcess
  /** The next thing that it says. */
  hear<T>(): Promise<T>
  tell(message: string): void
  /** Resolves when it has ended. */
  ended(): Promise<void>
}

/** What a helper sees of the process that started it. */
export interface Starter {
  readonly args: readonly string[]
  readonly say: (message: unknown) => void
  /** Resolves when told something. */
  readonly told: () => Promise<void>
}

export interface Workload {
  readonly id: string
  readonly title: string
  readonly figures: Readonly<Record<string, Figure>>
  readonly contenders: readonly string[]
  readonly cases?: readonly string[]
  /** Those of a short run, if not all. */
  readonly shortCases?: readonly string[]
  /** Measured at every size asked for, not only once. */
  readonly grows: boolean
  /** What the store holds at the start: nothing; `size` people; or these, each changed once. */
  readonly begins: 'empty' | 'people' | 'versions'
  /** Changes the prepared store, so that each run needs a copy. */
  readonly spoils?: boolean
  /** Only when asked for. */
  readonly optional?: boolean
  readonly helpers?: Readonly<Record<string, (context: Context, starter: Starter) => Promise<void>>>
  measure(context: Context): Promise<Measured>
}

export const PER_SECOND: Figure = { unit: '/s', better: 'more' }

/** How many of `count` fit into a second. */
export function perSecond(count: number, started: number): number {
  return (count / (performance.now() - started)) * 1000
}

/** Runs `act` so often, waiting only where it is asynchronous. */
export async function repeat(count: number, act: (n: number) => unknown): Promise<void> {
  for (let n = 0; n < count; n++) {
    const result = act(n)
    if (result instanceof Promise) await result
  }
}
