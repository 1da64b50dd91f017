// A state of the store: everything below an offset of one generation.
import type { Generation } from './generation.js'
import type { Offset, Tid } from './types.js'

export interface Snapshot {
  readonly generation: Generation
  readonly offset: Offset
  /** The last commit in it; 0: none. */
  readonly tid: Tid
  /** When that was committed, milliseconds since 1970. */
  readonly time: number
  /** Higher than the number of any object in it. */
  readonly nextOid: number
}
