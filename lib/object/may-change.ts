// Whether an object may be changed now. Changes nothing itself.
import { ReadonlyError, SchemaError, StateError } from '../error.js'
import { isUnknownKind } from './class-registry.js'
import type { Header } from './header.js'
import type { Session } from './session.js'

/** Throws ClosedError, ReadonlyError, StateError, SchemaError unless it may. */
export function checkMayChange(session: Session, header: Header): void {
  const { store, options } = session
  session.checkOpen()
  if (store.readonly) throw new ReadonlyError(`${header.label} cannot be changed: ${store.path} was opened readonly`)
  if (session.pauses > 0)
    throw new StateError(`${header.label} cannot be changed while the connection is paused: call continue() first`)
  if (session.doomed)
    throw new StateError('a nested transact has failed, so the whole transaction will', session.doomed)
  if (session.inside === 0 && options.writes === 'transact') {
    throw new StateError(
      `${header.label} can only be changed inside transact(): the connection was opened with writes: 'transact'`,
    )
  }
  if (!header.inert) return
  throw new SchemaError(
    isUnknownKind(header.kind)
      ? `${header.label} cannot be changed: its class is not registered. Name it in the classes of open().`
      : `${header.label} cannot be changed: version ${header.shape?.version} of its class wrote it, and this program has version ${header.kind.version}. Update the program to change it.`,
    header.oid,
  )
}
