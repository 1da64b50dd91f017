// What a store consists of: how large it is and was, which is known; and objects and bytes by shape, live and dead, which only a walk over
// everything tells.
import { onDisk } from '../file/disk-error.js'
import { HEADER_LENGTH } from '../log/file-header.js'
import type { Generation } from './generation.js'
import type { Snapshot } from './snapshot.js'
import { reachable } from './reachable.js'
import { ID_SHAPE, type Oid } from './types.js'

/** How large a store is. */
export interface Usage {
  /** Bytes of the file. */
  readonly bytes: number
  /** Bytes of it that the last pack left; where there was none, of its header alone. */
  readonly packedBytes: number
  /** The commit up to which that pack went, the earliest that `until` can open; 0: there was none. */
  readonly packedUpTo: number
  /**
   * Objects in the file, parts of large collections and what cannot be reached any more included; ids of transactions are none. (Of a
   * store that was opened with `until`, later objects may be among them.)
   */
  readonly objects: number
}

/**
 * Asks the system for the size of the file. Of a table of more than some 150,000 ids of transactions it reads, once, where they stand,
 * which tells how many they are: 24 bytes for each 512. Throws DiskError, CorruptLogError.
 */
export function usageOf({ path, file, header, objects }: Generation): Usage {
  const bytes = onDisk(path, () => file.end())
  return { bytes, packedBytes: header.baseEnd, packedUpTo: header.baseTid, objects }
}

export interface ShapeUsage {
  readonly objects: number
  /** Bytes of their newest records. */
  readonly bytes: number
}

interface MeasuredUsage {
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
export function measureUsage(snapshot: Snapshot): MeasuredUsage {
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
