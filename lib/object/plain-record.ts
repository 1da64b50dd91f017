// Stored objects as ordinary data, straight from their records: what `plain` gives of them, without an object in between. So
// that more can be gone through in one stretch than memory should hold: nothing of it is kept.
import { FIRST_FREE_OID, LOST_SHAPE, type Oid } from '../store/types.js'
import { Decoder, unpackState } from './decoder.js'
import { EntityType } from './entity-type.js'
import type { Kind } from './header.js'
import { plain } from './plain.js'
import type { Session } from './session.js'
import type { Shape } from './shapes.js'

/** What an object that is not gone into is in a copy. */
export interface Mention {
  readonly type: string
  readonly oid: Oid
}

/** A copy of the object; reading it is an access like any other. Throws GoneError. */
export function plainRecord(session: Session, oid: Oid): unknown {
  const { generation, offset } = session.snapshot
  // What is in memory may have been changed, and need not be read.
  const known = session.cache.get(oid)
  const at = known && (known.loaded || known.changed) ? 0 : generation.find(oid, offset)
  const record = at === 0 ? undefined : generation.read(at, oid)
  const shape = record && record.shape >= FIRST_FREE_OID ? session.shapeOf(record) : undefined
  if (!record || !shape?.keys || !isAsStored(session.registry.kind(shape.type), shape))
    return plain(session.resolve(oid))
  if (session.relies) session.accessed.push(oid)
  const { refs } = record
  const copy: Record<string, unknown> = {}
  const decoder = new Decoder(index => (refs[index] === oid ? copy : mention(session, refs[index])), undefined, true)
  const { keys, raw } = unpackState(record, shape)
  for (let i = 0; i < keys.length; i++) copy[keys[i] as string] = decoder.value(raw[i])
  return copy
}

/** Does loading such a record change nothing of it? */
function isAsStored(kind: Kind, shape: Shape): boolean {
  if (!(kind instanceof EntityType) || kind.defaults !== undefined || !kind.admits(shape)) return false
  return kind.upgrade === undefined || shape.version >= kind.version
}

/** What stands for an object that is only referred to; undefined: for none. */
export function mention(session: Session, oid: Oid | undefined): Mention | undefined {
  return oid === undefined ? undefined : { type: typeOf(session, oid), oid }
}

function typeOf(session: Session, oid: Oid): string {
  const known = session.cache.get(oid)
  if (known) return known.kind.type
  const { generation, offset } = session.snapshot
  const at = generation.find(oid, offset)
  const record = at === 0 ? undefined : generation.read(at, oid)
  // As the kinds of such objects are called.
  if (record === undefined) return '(gone)'
  return record.shape === LOST_SHAPE ? '(lost)' : session.shapeOf(record).type
}
