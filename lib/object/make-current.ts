// Loads the version of an object that its session's snapshot shows, unless it is loaded.
import { GoneError } from '../error.js'
import { LOST_SHAPE } from '../store/types.js'
import type { Header } from './header.js'
import { load } from './load.js'
import type { Session } from './session.js'

/** The version that the snapshot shows is loaded afterwards, or GoneError thrown. */
export function makeCurrent(session: Session, header: Header): void {
  const { generation, offset } = session.snapshot
  const at = generation.find(header.oid, offset)
  const sameFile = header.generation === generation.number
  if (header.loaded && sameFile && header.at === at) return
  if (at === 0) {
    if (header.loaded) header.drop()
    throw new GoneError(
      header.oid,
      `${header.name} ${header.oid} was not reachable from the root any more, and a pack has removed it: ` +
        'let go of it, and read again, from the root on, what stands in its place',
    )
  }
  const { fetched } = header
  const record = sameFile && fetched?.offset === at ? fetched : generation.read(at, header.oid)
  // Without a place it was about to be led over to another file, which has failed.
  if (header.loaded && header.at !== 0 && record.tid === header.tid) {
    header.at = at
    header.generation = generation.number
    return
  }
  if (record.shape === LOST_SHAPE) {
    throw new GoneError(
      header.oid,
      `object ${header.oid} could not be saved when this store was recovered from a damaged file: put another one in its place`,
    )
  }
  if (header.loaded) header.drop()
  load(header, record, session.shapeOf(record), generation.number, session)
  session.cache.keep(header)
  session.budget.took(header, record.length, session.serial)
}
