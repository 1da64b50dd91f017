// Stored objects as ordinary data, straight from their records: what `plain` gives of them. So that more can be gone through in
// one stretch than memory should hold: nothing of it is kept.
import { FIRST_FREE_OID, type Oid, type StoredRecord } from '../store/types.js'
import { Decoder, unpackState } from './decoder.js'
import { EntityType } from './entity-type.js'
import { isNewer, warnOfNewer } from './newer-record.js'
import type { Fields } from './persistent.js'
import { mention } from './mention.js'
import { put } from './plain-node.js'
import { plain } from './plain.js'
import type { Session } from './session.js'
import type { Shape } from './shapes.js'
import { upgradedCopy } from './upgraded-copy.js'
import { asUnreadable } from './unreadable.js'
import { unknownForm } from './values.js'
import { roomFor } from './wide.js'

/** A copy of the object; reading it is an access like any other. Throws GoneError, SchemaError. */
export function plainRecord(session: Session, oid: Oid): unknown {
  const { generation, offset } = session.snapshot
  // What is in memory may have been changed, and need not be read.
  const known = session.cache.get(oid)
  const at = known && (known.loaded || known.changed) ? 0 : generation.find(oid, offset)
  const record = at === 0 ? undefined : generation.read(at, oid)
  const shape = record && record.shape >= FIRST_FREE_OID ? session.shapeOf(record) : undefined
  const kind = shape && session.registry.kind(shape.type)
  const copy = record && shape && kind instanceof EntityType ? copied(session, kind, record, shape) : undefined
  if (copy === undefined) return plain(session.resolve(oid))
  if (session.relies && session.copied.add(oid)) session.accessed.push(oid)
  return copy
}

function copied(session: Session, kind: EntityType, record: StoredRecord, shape: Shape): unknown {
  try {
    return copyOf(session, kind, record, shape)
  } catch (error) {
    throw asUnreadable(error, record.oid, shape.type, session.store.path)
  }
}

/** Undefined: only loading it can tell what it is, or why it is nothing. */
function copyOf(session: Session, kind: EntityType, record: StoredRecord, shape: Shape): unknown {
  if (kind.upgrade !== undefined && shape.version < kind.version) return upgradedCopy(session, kind, record, shape)
  const ofNewer = isNewer(kind, shape)
  if (ofNewer) warnOfNewer(session.registry, kind, shape.version)
  const { oid, refs } = record
  const admits = shape.keys !== null && kind.admits(shape)
  const copy: Fields = (admits ? roomFor(shape.keys) : undefined) ?? {}
  const reference = (index: number): unknown => {
    const to = refs[index] ?? unknownForm()
    return to === oid ? copy : mention(session, to)
  }
  const decoder = new Decoder(reference, undefined)
  const { keys, raw } = unpackState(record, shape)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string
    if (admits || !(key in kind.view)) copy[key] = decoder.value(raw[i])
    else if (kind.members.has(key)) return undefined
    else if (!kind.transient.has(key)) put(copy, key, decoder.value(raw[i]))
  }
  for (const key of ofNewer ? [] : Object.keys(kind.defaults ?? {})) {
    if (Object.hasOwn(copy, key) || kind.transient.has(key)) continue
    put(copy, key, plain(kind.defaults?.[key]))
  }
  return copy
}
