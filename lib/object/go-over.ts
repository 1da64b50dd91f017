// From one file to the next, which a pack has made: what loaded objects may keep of what they hold.
import { PerdureError } from '../error.js'
import type { Snapshot } from '../store/snapshot.js'
import type { ObjectCache } from './cache.js'
import type { Header } from './header.js'
import { MergingHeader } from './merging.js'
import type { RecordView } from './record-view.js'

/**
 * An object that the new file has is compared at its next access. One that it lacks keeps its state only if nobody can have
 * changed it since, that is, if it was the last version in the file left and that file's direct successor is this one. It is
 * then like a new object that has its oid already. `view`: of the file left. What cannot be read there is given up: it may never be
 * read again, and must not keep the connection from the next file.
 */
export function goOver(cache: ObjectCache, before: Snapshot, now: Snapshot, view: RecordView): void {
  const old = before.generation
  const next = now.generation
  const direct = next.number === old.number + 1
  for (const header of cache.known()) {
    if (header instanceof MergingHeader) header.leave(view)
    if (!header.loaded || header.changed || next.find(header.oid, now.offset) !== 0) continue
    if (direct && isWhole(header, before)) {
      header.at = 0 as typeof header.at
      header.generation = next.number
    } else {
      header.drop()
    }
  }
}

/** It is the last version, and all of it is in memory afterwards. */
function isWhole(header: Header, before: Snapshot): boolean {
  try {
    if (!isLast(header, before)) return false
    // Before the file is left in which some of it stands; of what an earlier pack has removed, nothing does.
    if (header.at !== 0 && header instanceof MergingHeader) header.keepAll()
    return true
  } catch (error) {
    if (error instanceof PerdureError) return false // damaged, lost in a salvage, or the disk does not give it
    throw error
  }
}

function isLast(header: Header, { generation }: Snapshot): boolean {
  const newest = generation.newest(header.oid)
  if (header.generation === generation.number) return newest === header.at
  return newest !== 0 && generation.read(newest).tid === header.tid
}
