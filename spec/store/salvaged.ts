// What a salvage makes of damaged bytes.
import { recover, type RecoverReport } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { PATH } from '../damage/known-store.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { textOf } from '../helpers/drafts.js'

const SAVED = '/saved.db'

/** The report, and the texts of these objects in the new store. */
export function salvaged(
  bytes: Buffer,
  oids: readonly Oid[],
  boot = 1,
): { report: RecoverReport; texts: (string | undefined)[] } {
  const disk = MemoryDisk.with({ [PATH]: bytes })
  disk.boot = boot
  const report = recover(disk, PATH, SAVED)
  const store = Store.open(disk, SAVED, { readonly: true })
  const texts = oids.map(oid => textOf(store, oid))
  store.close()
  return { report, texts }
}
