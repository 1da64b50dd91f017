// What a store consists of: objects and bytes by shape, live and dead. Reads only headers and references.
import { HEADER_LENGTH } from '../log/file-header.js'
import type { Snapshot } from './snapshot.js'
import { reachable } from './reachable.js'
import { ID_SHAPE, type Oid } from './types.js'

export interface ShapeUsage {
  readonly objects: number
  /** Bytes of their newest records. */
  readonly bytes: number
}

export interface Usage {
  /** Bytes of the file up to the snapshot. */
  readonly bytes: number
  /** Bytes that a pack would keep, roughly: the newest records of reachable objects, and all shapes. */
  readonly liveBytes: number
  readonly deadBytes: number
  /** Objects that can be reached from the root. */
  readonly objects: number
  /** Objects that cannot, and go at the next pack. */
  readonly unreachable: number
  /** By the oid of the shape record. */
  readonly byShape: ReadonlyMap<Oid, ShapeUsage>
}

/** Walks everything reachable. Throws CorruptLogError. */
export function measureUsage(snapshot: Snapshot): Usage {
  const { generation, offset } = snapshot
  const byShape = new Map<Oid, { objects: number; bytes: number }>()
  let liveBytes = HEADER_LENGTH
  let objects = 0
  let others = 0
  let missing = 0
  for (const { shape, length } of reachable(snapshot, () => void missing++)) {
    liveBytes += length
    if (shape === 0 || shape === ID_SHAPE) {
      others++
      continue
    }
    objects++
    const entry = byShape.get(shape) ?? { objects: 0, bytes: 0 }
    byShape.set(shape, { objects: entry.objects + 1, bytes: entry.bytes + length })
  }
  let known = 0
  for (const [oid] of generation.entries()) if (generation.find(oid, offset) !== 0) known++
  return {
    bytes: offset,
    liveBytes,
    deadBytes: Math.max(0, offset - liveBytes),
    objects: objects + missing,
    unreachable: known - others - objects,
    byShape,
  }
}
