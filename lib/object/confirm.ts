// Whether what a connection has committed is on disk, where that was asked for. Nobody is told so before it is known: a commit that was not
// confirmed is remembered, until a later one or a flush finds it on disk after all.
import { orPacked, orPackedAsync } from '../store/or-packed.js'
import type { Snapshot } from '../store/snapshot.js'
import type { Store } from '../store/store.js'
import { watchPending } from './exit-warning.js'
import type { Session } from './session.js'

/** The commit is visible; waits until it is durable, too, if that was asked for. Throws DurabilityUnknownError, StoreReplacedError. */
export function confirm(session: Session, snapshot: Snapshot): void {
  if (!isAskedFor(session)) return
  try {
    makeDurable(session.store, snapshot)
  } catch (error) {
    unconfirmed(session, snapshot)
    throw error
  }
  confirmed(session, snapshot)
}

/** The same without blocking. */
export async function confirmAsync(session: Session, snapshot: Snapshot): Promise<void> {
  if (!isAskedFor(session)) return
  const { store } = session
  try {
    await orPackedAsync(store, snapshot, each => store.makeDurableAsync(each))
  } catch (error) {
    unconfirmed(session, snapshot)
    watchPending(session, false, 'disk') // it is told
    throw error
  }
  confirmed(session, snapshot)
}

/** The commit is in the file, and somebody waits for the disk: until then it is not confirmed, and a flush does not wait for that. */
export function awaitConfirmation(session: Session, snapshot: Snapshot): void {
  if (!isAskedFor(session)) return
  unconfirmed(session, snapshot)
  watchPending(session, true, 'disk')
}

/** All that the session has committed or read is on disk afterwards. Throws DurabilityUnknownError, StoreReplacedError. */
export function flush(session: Session): void {
  const { store, snapshot } = session
  makeDurable(store, snapshot)
  confirmed(session, snapshot)
}

/** Throws DurabilityUnknownError, StoreReplacedError. */
export function makeDurable(store: Store, snapshot: Snapshot): void {
  orPacked(store, snapshot, each => {
    store.makeDurable(each)
  })
}

/** Who only reads syncs nothing. */
function isAskedFor({ options, store }: Session): boolean {
  return options.durability === 'fsync' && !store.readonly
}

function unconfirmed(session: Session, { tid }: Snapshot): void {
  if (tid > session.unconfirmed) session.unconfirmed = tid
}

function confirmed(session: Session, { tid }: Snapshot): void {
  if (session.unconfirmed === 0 || tid < session.unconfirmed) return
  session.unconfirmed = 0
  watchPending(session, false, 'disk')
}
