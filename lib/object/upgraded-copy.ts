// A copy of an object that `static upgrade` has to edit: it is loaded as always, so that nothing can differ, but into an object of its
// own, of which the connection never knows. So are those that `upgrade` meets as references, unless they are in memory.
import { SchemaError } from '../error.js'
import type { Oid, StoredRecord } from '../store/types.js'
import type { EntityType } from './entity-type.js'
import { NOWHERE, type Header, type Kind, type Scope } from './header.js'
import { load } from './load.js'
import { storedTypeOf } from './mention.js'
import { plain } from './plain.js'
import type { Session } from './session.js'
import type { Shape } from './shapes.js'

/** Undefined: the program may have the object itself, and `upgrade` would meet that one. Throws what loading throws. */
export function upgradedCopy(session: Session, kind: EntityType, record: StoredRecord, shape: Shape): unknown {
  const { oid, refs } = record
  if (refs.includes(oid) && session.known(oid)) return undefined
  const header = kind.ghost()
  const standIns = new Map<Oid, Header>()
  const standIn = (of: Oid, made: Header): Header => {
    made.scope = session
    made.oid = of
    standIns.set(of, made)
    return made
  }
  standIn(oid, header)
  try {
    load(header, record, shape, session.snapshot.generation.number, {
      registry: session.registry,
      view: session.view,
      known: to => session.known(to),
      resolve: to =>
        session.known(to) ??
        (standIns.get(to) ?? standIn(to, kindOf(session, storedTypeOf(session, to)).ghost())).object,
      withoutAccess: run => session.withoutAccess(run),
    })
    header.serial = session.serial // it was read just now, and that is noted for the object that it stands for
    return plain(header.object)
  } finally {
    for (const each of standIns.values()) each.scope = LEFT
  }
}

/** As the connection would have it. */
function kindOf({ registry }: Session, type: string): Kind {
  const kind = registry.kind(type)
  return kind.internal === true ? registry.kind('(gone)') : kind
}

/** Of objects that stood for others while a copy was made. Who kept one would have an object twice. */
const LEFT: Scope = { ...NOWHERE, serial: -3, touched: refuse, current: refuse, changing: refuse }

function refuse({ label, oid }: Header): never {
  throw new SchemaError(
    `${label} was kept by static upgrade of what refers to it, which may only edit the plain state that it is given: get it from the connection`,
    oid,
  )
}
