// Stores whose disk does, when a commit is to be confirmed, what a test wants.
import { copyFileSync, renameSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Disk, Fd } from '../../../lib/file/disk.js'
import { systemDisk } from '../../../lib/file/system-disk.js'
import type { Connection, OpenOptions } from '../../../lib/index.js'
import { openWith } from '../../../lib/object/open.js'
import { tempDir } from '../../helpers/temp-dir.js'

export type Db = Connection<{ text: string }>

export const replaced = { code: 'STORE_REPLACED' }
export const unknown = { code: 'DURABILITY_UNKNOWN' }
export const fault = Object.assign(new Error('EIO: as the test wants'), { code: 'EIO' })

/** A store on a disk whose clock stands still: but for what a commit looks at, the path is looked at once. */
export function start(t: Test, own: Partial<Disk> = {}, options: OpenOptions = {}): Db {
  const disk: Disk = { ...systemDisk, ticks: () => 0, ...own }
  const db = openWith(disk, join(tempDir(t), 'app.db'), { root: { text: 'saved' }, ...options }) as Db
  t.equal(db.root.text, 'saved')
  return db
}

/** What can become of the file of a store. */
export const ends: Record<string, (path: string) => void> = {
  'has been removed': unlinkSync,
  'has been moved away': path => renameSync(path, `${path}.away`),
  'has been replaced by a copy': path => {
    copyFileSync(path, `${path}.copy`)
    renameSync(`${path}.copy`, path)
  },
}

/** A disk whose next fsync without blocking waits for `end`, once `hold` was called; that resolves when the fsync has begun. */
export function gate(): { readonly disk: Partial<Disk>; hold: () => Promise<void>; end: (failure?: Error) => void } {
  let begin: (() => void) | undefined
  let go = (): void => undefined
  let failed: Error | undefined
  const syncAsync = async (fd: Fd): Promise<void> => {
    if (begin) {
      begin()
      begin = undefined
      await new Promise<void>(resolve => (go = resolve))
      if (failed) throw failed
    }
    await systemDisk.syncAsync(fd)
  }
  return {
    disk: { syncAsync },
    hold: () => new Promise(resolve => (begin = resolve)),
    end: failure => {
      failed = failure
      go()
    },
  }
}
