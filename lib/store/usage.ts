// What a store consists of: objects and bytes by shape, live and dead. Reads only headers and references.
import { HEADER_LENGTH } from '../log/file-header.js'
import type { Snapshot } from './snapshot.js'
import { OidSet } from './oid-set.js'
import { FIRST_FREE_OID, ROOT_OID, type Oid } from './types.js'

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
export function measureUsage({ generation, offset }: Snapshot): Usage {
  const byShape = new Map<Oid, { objects: number; bytes: number }>()
  const seen = new OidSet()
  const todo: Oid[] = []
  for (let oid = ROOT_OID; oid < FIRST_FREE_OID; oid = (oid + 1) as Oid) {
    if (generation.find(oid, offset) !== 0 && seen.add(oid)) todo.push(oid)
  }
  let liveBytes = HEADER_LENGTH
  let shapes = 0
  for (const shape of generation.shapes) {
    const at = generation.find(shape, offset)
    if (at === 0) continue
    shapes++
    liveBytes += generation.read(at).length
  }
  for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
    const at = generation.find(oid, offset)
    if (at === 0) continue
    const { shape, refs, length } = generation.read(at, oid)
    const entry = byShape.get(shape) ?? { objects: 0, bytes: 0 }
    byShape.set(shape, { objects: entry.objects + 1, bytes: entry.bytes + length })
    liveBytes += length
    for (const ref of refs) if (seen.add(ref)) todo.push(ref)
  }
  let known = 0
  for (const [oid] of generation.entries()) if (generation.find(oid, offset) !== 0) known++
  return {
    bytes: offset,
    liveBytes,
    deadBytes: Math.max(0, offset - liveBytes),
    objects: seen.size,
    unreachable: known - shapes - generation.ids.size - seen.size,
    byShape,
  }
}
