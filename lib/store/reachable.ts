// The records that a state of the store consists of: what a pack keeps. Reads only what it gives.
import { atOnce } from './long-work.js'
import { OidSet } from './oid-set.js'
import type { Snapshot } from './snapshot.js'
import { FIRST_FREE_OID, ID_SHAPE, ROOT_OID, type Oid, type StoredRecord } from './types.js'

/**
 * All shapes, then the ids of transactions, then every object that can be reached from the root and the other reserved ones: those
 * first, and what an object refers to behind it. `missing` gets what is referred to and is not there. Throws CorruptLogError.
 */
export function* reachable(
  { generation, offset }: Snapshot,
  missing: (oid: Oid) => void,
): Generator<StoredRecord, void> {
  for (const oid of generation.shapes) {
    const at = generation.find(oid, offset)
    if (at !== 0) yield generation.read(at, oid)
  }
  yield* idRecords({ generation, offset })
  const met = new OidSet()
  const todo: Oid[] = []
  for (let oid = (FIRST_FREE_OID - 1) as Oid; oid >= ROOT_OID; oid = (oid - 1) as Oid) {
    if (generation.find(oid, offset) !== 0 && met.add(oid)) todo.push(oid)
  }
  for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
    const at = generation.find(oid, offset)
    if (at === 0) {
      missing(oid)
      continue
    }
    const record = generation.read(at, oid)
    yield record
    for (let n = record.refs.length - 1; n >= 0; n--) {
      const ref = record.refs[n] as Oid
      if (met.add(ref)) todo.push(ref)
    }
  }
}

function* idRecords({ generation, offset }: Pick<Snapshot, 'generation' | 'offset'>): Generator<StoredRecord, void> {
  const met = new OidSet()
  for (let again = true; again;) {
    const { hasTable } = generation.log
    again = false
    for (const oid of atOnce(generation.gatherIds())) {
      const at = generation.find(oid, offset)
      if (at === 0) again ||= hasTable && !generation.exists(oid)
      if (at === 0 || !met.add(oid)) continue
      const record = generation.read(at, oid)
      if (record.shape === ID_SHAPE) yield record
      else again = hasTable
    }
    if (again) generation.log.foundNoId()
  }
}
