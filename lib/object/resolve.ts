// What became of a transaction with an id, for a program that did not learn it.
import { types } from 'node:util'
import { makeDurable } from './confirm.js'
import { checkNames, quoted } from './option-names.js'
import type { Session } from './session.js'

export interface ResolveOptions {
  /** A time before which the transaction was certainly not begun: a Date, or milliseconds since 1970. */
  readonly since?: Date | number | undefined
}

/** `committed`: durably so, where the connection asks for that. */
export type Resolved = 'committed' | 'not committed' | 'unknown'

const OPTIONS: ReadonlySet<string> = new Set<keyof ResolveOptions>(['since'])

/** Milliseconds. Throws TypeError for options that there are not, and for what is no time. */
export function checkedSince(options: ResolveOptions): number {
  checkNames(options, OPTIONS, 'resolve')
  const { since = 0 } = options
  const time: unknown = types.isDate(since) ? Date.prototype.getTime.call(since) : since
  if (typeof time === 'number' && Number.isFinite(time)) return time
  throw new TypeError(`resolve: since must be a valid Date or a number of milliseconds, not ${quoted(since)}`)
}

/** Of the newest state of the file. Throws DurabilityUnknownError, StoreReplacedError. */
export function resolved({ store, options }: Session, id: string, since: number): Resolved {
  const newest = store.latest()
  const { generation } = newest
  if (generation.committed(id) === undefined) {
    const { idsSince } = generation.header
    return idsSince > 0 && since < idsSince ? 'unknown' : 'not committed'
  }
  // Whoever committed it may have been killed before it was on disk.
  if (options.durability === 'fsync' && !store.readonly) makeDurable(store, newest)
  return 'committed'
}
