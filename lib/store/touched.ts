// What was changed between two snapshots, of which the later one may be of a later generation.
import type { Snapshot } from './snapshot.js'
import type { Oid } from './types.js'

/** Which of `oids` were changed after `since` and up to `now`. What a pack has removed counts as changed. */
export function touchedSince(since: Snapshot, oids: Iterable<Oid>, now: Snapshot): Oid[] {
  const { generation } = now
  const touched: Oid[] = []
  if (generation === since.generation) {
    if (now.offset === since.offset) return touched
    for (const oid of oids) if (generation.find(oid, now.offset) >= since.offset) touched.push(oid)
    return touched
  }
  for (const oid of oids) {
    const at = generation.find(oid, now.offset)
    if (at === 0 ? since.generation.find(oid, since.offset) !== 0 : generation.read(at).tid > since.tid)
      touched.push(oid)
  }
  return touched
}
