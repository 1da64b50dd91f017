// Whether what a connection has committed is on disk, where that was asked for. Nobody is told so before it is known: a commit that was not
// confirmed is remembered, until a later one or a flush finds it on disk after all.
import { StoreReplacedError } from '../error.js'
import type { Snapshot } from '../store/snapshot.js'
import type { Store } from '../store/store.js'
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
    await store.makeDurableAsync(snapshot).catch((error: unknown) => {
      return store.makeDurableAsync(packedSince(store, snapshot, error))
    })
  } catch (error) {
    unconfirmed(session, snapshot)
    throw error
  }
  confirmed(session, snapshot)
}

/** The commit is in the file, and somebody waits for the disk: until then it is not confirmed, and a flush does not wait for that. */
export function awaitConfirmation(session: Session, snapshot: Snapshot): void {
  if (isAskedFor(session)) unconfirmed(session, snapshot)
}

/** All that the session has committed or read is on disk afterwards. Throws DurabilityUnknownError, StoreReplacedError. */
export function flush(session: Session): void {
  const { store, snapshot } = session
  makeDurable(store, snapshot)
  confirmed(session, snapshot)
}

function makeDurable(store: Store, snapshot: Snapshot): void {
  try {
    store.makeDurable(snapshot)
  } catch (error) {
    store.makeDurable(packedSince(store, snapshot, error))
  }
}

/**
 * Where a pack has made another file since, everything is there, and on disk with that, whatever has failed in this one. Throws what has
 * failed where there is none; StoreReplacedError where the file is not the store any more.
 */
function packedSince(store: Store, { generation }: Snapshot, failure: unknown): Snapshot {
  if (store.closed) throw failure // its files may be closed
  let now: Snapshot
  try {
    now = store.latest()
  } catch (error) {
    throw error instanceof StoreReplacedError ? error : failure
  }
  if (now.generation === generation) throw failure
  return now
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
