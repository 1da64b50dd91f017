// Stores for tests below the object layer, closed when the test ends.
import { join } from 'node:path'
import type { Test } from 'tap'
import { StoreReplacedError } from '../../lib/error.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import type { StoreOptions } from '../../lib/store/store-options.js'
import { initialDraft } from './drafts.js'
import { tempDir } from './temp-dir.js'

/** A new store in a folder of its own. */
export function newStore(t: Test, disk = systemDisk, options: StoreOptions = {}): Store {
  return openStore(t, join(tempDir(t), 'app.db'), disk, options)
}

/** The store at `path`, made if need be. */
export function openStore(t: Test, path: string, disk = systemDisk, options: StoreOptions = {}): Store {
  const store = Store.open(disk, path, options, initialDraft)
  t.teardown(() => close(store))
  return store
}

/** What was done to its file meanwhile is the test's business. */
function close(store: Store): void {
  try {
    store.close()
  } catch (error) {
    if (!(error instanceof StoreReplacedError)) throw error
  }
}

/** The same file once more, with descriptors and a tail of its own, as another process would have it. */
export function stranger(t: Test, { path }: Store, options: StoreOptions = {}): Store {
  return openStore(t, path, { ...systemDisk }, options)
}
