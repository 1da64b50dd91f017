// Whether what a connection has committed is on disk, where that was asked for. Nobody is told so before it is known: a commit that was not
// confirmed is remembered, until a later one or a flush finds it on disk after all.
import type { Snapshot } from '../store/snapshot.js'
import type { Session } from './session.js'

/** The commit is visible; waits until it is durable, too, if that was asked for. Throws DurabilityUnknownError, StoreReplacedError. */
export function confirm(session: Session, snapshot: Snapshot): void {
  if (!isAskedFor(session)) return
  try {
    session.store.makeDurable(snapshot)
  } catch (error) {
    unconfirmed(session, snapshot)
    throw error
  }
  confirmed(session, snapshot)
}

/** The same without blocking. */
export async function confirmAsync(session: Session, snapshot: Snapshot): Promise<void> {
  if (!isAskedFor(session)) return
  try {
    await session.store.makeDurableAsync(snapshot)
  } catch (error) {
    unconfirmed(session, snapshot)
    throw error
  }
  confirmed(session, snapshot)
}

/** All that the session has committed or read is on disk afterwards. Throws DurabilityUnknownError, StoreReplacedError. */
export function flush(session: Session): void {
  const { store, snapshot } = session
  try {
    store.makeDurable(snapshot)
  } catch (error) {
    // Where a pack has made another file since, everything is there, and on disk with that.
    const now = store.latest()
    if (now.generation === snapshot.generation) throw error
    store.makeDurable(now)
  }
  confirmed(session, snapshot)
}

/** Who only reads syncs nothing. */
function isAskedFor({ options, store }: Session): boolean {
  return options.durability === 'fsync' && !store.readonly
}

function unconfirmed(session: Session, { tid }: Snapshot): void {
  if (tid > session.unconfirmed) session.unconfirmed = tid
}

function confirmed(session: Session, { tid }: Snapshot): void {
  if (tid >= session.unconfirmed) session.unconfirmed = 0
}
