// Opens a store for looking: never writes, never locks, makes no file. Of a damaged one, what stands before the damage.
import { CorruptLogError } from '../../lib/error.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import type { OpenProgress } from '../../lib/store/store-options.js'
import { EXIT, type ExitCode } from './exit-code.js'
import { flush, say } from './output.js'
import { ProgressBar } from './progress-bar.js'

export interface StoreToRead {
  readonly store: Store
  /** Where the log is damaged; the store is then shown as of the last good commit before that. */
  readonly damage: CorruptLogError | undefined
}

/**
 * Runs `look` and closes the store again. Returns the exit code, and tells it before anything is shown, should nobody read that.
 * Damage has been reported then, after what could be shown. `until`: the commit whose state is looked at; CommitNotFoundError: there is none.
 */
export async function withStore(
  path: string,
  exit: (code: ExitCode) => void,
  look: (opened: StoreToRead) => void | Promise<void>,
  until?: number,
): Promise<ExitCode> {
  const opened = openToRead(path, until)
  const { store, damage } = opened
  const exitCode = damage === undefined ? EXIT.done : EXIT.no
  exit(exitCode)
  try {
    await look(opened)
  } finally {
    store.close()
    flush()
    if (damage !== undefined) say(damage.message)
  }
  return exitCode
}

function openToRead(path: string, until: number | undefined): StoreToRead {
  const bar = new ProgressBar()
  // Reading takes no lock, so it does not matter that a network's locks cannot be trusted.
  const onProgress = ({ done, all }: OpenProgress): void => bar.update(done, all, 'reading the log')
  const options = { readonly: true, unsafeFilesystem: true, onProgress }
  try {
    return {
      store: Store.open(systemDisk, path, { ...options, ...(until !== undefined && { until }) }),
      damage: undefined,
    }
  } catch (error) {
    // Of an earlier state than the one that was asked for, nobody wants to know.
    if (!(error instanceof CorruptLogError) || until !== undefined) throw error
    try {
      return { store: Store.open(systemDisk, path, { ...options, until: error.lastGoodTid }), damage: error }
    } catch {
      throw error // damaged where the packed state stands: there is nothing before it
    }
  } finally {
    bar.clear()
  }
}
