// The commits that the current generation still holds, from its frames. Decodes no state.
import { frameLength } from '../log/frame.js'
import type { Generation } from './generation.js'
import { scanRecords } from './record.js'
import { FIRST_FREE_OID, LOST_SHAPE, type Oid } from './types.js'

/** One commit as it stands in the log. */
export interface CommitEntry {
  readonly tid: number
  /** Milliseconds since 1970. */
  readonly time: number
  /** Where its frame begins. */
  readonly offset: number
  /** Bytes of its frame. */
  readonly bytes: number
  /** The objects that it wrote, shapes not counted. */
  readonly oids: readonly Oid[]
  /** The shape of each. */
  readonly shapes: readonly Oid[]
  /** A MessagePack map with `note` and `meta`; empty: none. Valid only during the call. */
  readonly annotation: Uint8Array
}

/** Calls `visit` with every commit behind the packed state, or behind commit `after`, oldest first. Throws CorruptLogError. */
export function readHistory(generation: Generation, visit: (commit: CommitEntry) => void, after = 0): void {
  const from = generation.log.tailOf(after)
  generation.replay((header, bytes, at, end) => {
    if (header.kind !== 'commit') return
    const oids: Oid[] = []
    const shapes: Oid[] = []
    const behind = scanRecords(bytes, at, end, header.records, (oid, shape) => {
      if (shape < FIRST_FREE_OID && shape !== LOST_SHAPE) return
      oids.push(oid)
      shapes.push(shape)
    })
    const { tid, time, offset } = header
    const annotation = behind < 0 ? new Uint8Array() : bytes.subarray(behind, end)
    visit({ tid, time, offset, bytes: frameLength(header), oids, shapes, annotation })
  }, from)
}
