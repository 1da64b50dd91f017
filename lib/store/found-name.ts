// Putting the name of a file on disk that stood there when it was opened.
import { dirname } from 'node:path'
import type { Disk } from '../file/disk.js'
import { isFailedOpen } from '../file/disk-error.js'

/**
 * Who may not read the directory cannot do that. No process of such a user has put the file there: none of them makes or packs a store in
 * that directory, and others have put its name on disk themselves.
 */
export function syncFoundName(disk: Disk, path: string): void {
  try {
    disk.syncDirectory(dirname(path))
  } catch (error) {
    if (!isFailedOpen(error) || error.code !== 'EACCES') throw error
  }
}
