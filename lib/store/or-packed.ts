// Where a pack has made another file since, everything is there, and on disk with that, whatever has failed in the old one.
import { StoreReplacedError } from '../error.js'
import type { Snapshot } from './snapshot.js'
import type { Store } from './store.js'

type Packed = Pick<Store, 'packedSince'>

/** `sync` of `snapshot`; where that throws, and a pack has made another file, of that one. Throws StoreReplacedError where there is none. */
export function orPacked(store: Packed, snapshot: Snapshot, sync: (snapshot: Snapshot) => void): void {
  const { generation } = snapshot
  generation.retain() // `sync` may go over to the next one
  try {
    sync(snapshot)
  } catch (error) {
    const packed = packedSince(store, snapshot, error)
    try {
      sync(packed)
    } catch (failure) {
      throw ofCommitted(failure)
    } finally {
      packed.generation.release()
    }
  } finally {
    generation.release()
  }
}

/** The same without blocking, of a snapshot whose generation somebody holds. */
export function orPackedAsync(
  store: Packed,
  snapshot: Snapshot,
  sync: (snapshot: Snapshot) => Promise<void>,
): Promise<void> {
  return sync(snapshot).catch(async (error: unknown) => {
    const packed = packedSince(store, snapshot, error)
    try {
      await sync(packed)
    } catch (failure) {
      throw ofCommitted(failure)
    } finally {
      packed.generation.release()
    }
  })
}

/** Held for the caller. Throws what has failed where there is none. */
function packedSince(store: Packed, { generation }: Snapshot, failure: unknown): Snapshot {
  let packed: Snapshot | undefined
  try {
    packed = store.packedSince(generation)
  } catch (error) {
    throw ofCommitted(error instanceof StoreReplacedError ? error : failure)
  }
  if (packed === undefined) throw ofCommitted(failure)
  return packed
}

/** Unlike before an append, another file may lack what was committed, also where that is a copy. */
function ofCommitted(error: unknown): unknown {
  if (!(error instanceof StoreReplacedError)) return error
  return new StoreReplacedError(
    error.path,
    `the last commits were made in the file that was here, and may be in no other, but ${error.what}`,
    'Close this connection and put that very file back before the store is opened again',
    { cause: error },
  )
}
