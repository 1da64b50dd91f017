// What a copy has in place of an object that is not gone into: told from its record, so that it need not be in memory.
import { FIRST_FREE_OID, type Oid } from '../store/types.js'
import { mentioned, type Mentioned } from './mentioned.js'
import type { Session } from './session.js'

/** What stands for an object that is only referred to. */
export function mention(session: Session, oid: Oid): Mentioned {
  return mentioned(storedTypeOf(session, oid), oid)
}

/** The stored name of the object's class; of one that is gone or lost, what such objects have. */
export function storedTypeOf(session: Session, oid: Oid): string {
  const known = session.cache.get(oid)
  if (known) return known.kind.type
  const { generation, offset } = session.snapshot
  const at = generation.find(oid, offset)
  const record = at === 0 ? undefined : generation.read(at, oid)
  // As the kinds of such objects are called.
  if (record === undefined) return '(gone)'
  return record.shape < FIRST_FREE_OID ? '(lost)' : session.shapeOf(record).type
}
