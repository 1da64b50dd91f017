// The index file `<store>.index`: a table of where the newest versions stand, so that opening does not read the whole log. It names
// the last frame that it covers and is used only if exactly that frame stands there; a missing, old, cut, damaged or foreign one is as
// good as none. Holds no truth: whatever it says can be built again from the log, but for what was on disk when it was written.
import { DataFile } from '../file/data-file.js'
import type { Disk } from '../file/disk.js'
import { saltOf, type FileHeader } from '../log/file-header.js'
import { mayReach } from '../log/may-reach.js'
import type { LogIndex } from './log-index.js'
import { inPieces, readCovered, readTable, tableParts, type Covered, type OffsetTable } from './offset-table.js'
import { createTemporary } from './temporary.js'

/** An index file that was found and belongs to this generation; open for what is still to be read of it. */
export interface IndexFile {
  readonly table: OffsetTable
  close(): void
}

export function indexPath(path: string): string {
  return `${path}.index`
}

/** undefined: there is none that can be used. Never throws. */
export function openIndexFile(disk: Disk, path: string, header: FileHeader): IndexFile | undefined {
  let file: DataFile | undefined
  try {
    const found = (file = new DataFile(disk, disk.open(indexPath(path), 'read')))
    const table = readTable(found, 0, found.end(), header)
    if (table !== undefined) return { table, close: () => found.close() }
  } catch {
    // As good as none.
  }
  file?.close()
  return undefined
}

/**
 * Up to where the index file of the store at `path`, which is open as `file`, proves that the log was on disk, whatever its tables are worth;
 * 0: it does not. An earlier copy of the store may have been put back beside it: it proves nothing of what that has become. Never throws.
 */
export function provedByIndexFile(file: DataFile, path: string, header: FileHeader): number {
  const { disk } = file
  let index: DataFile | undefined
  try {
    index = new DataFile(disk, disk.open(indexPath(disk.canonical(path)), 'read'))
    const covered = readCovered(index, 0, index.end(), header)
    if (covered === undefined || !mayReach(file, covered.tail, saltOf(header.uuid))) return 0
    return Math.min(covered.syncedTo, covered.tail.offset)
  } catch {
    return 0 // as good as none
  } finally {
    index?.close()
  }
}

/** Writes the index file anew, beside the old one, and puts it in its place. What it covers must be on disk. */
export function writeIndexFile(
  disk: Disk,
  path: string,
  mode: number,
  header: FileHeader,
  index: LogIndex,
  covered: Covered,
): void {
  const temporary = createTemporary(disk, path, 'cache', mode)
  try {
    const file = new DataFile(disk, temporary.fd)
    let at = 0
    for (const part of inPieces(tableParts(header, index, covered))) {
      file.write(part, at)
      at += part.length
    }
    disk.rename(temporary.path, indexPath(path))
    temporary.keep()
  } finally {
    temporary.discard()
  }
}

/** The index file of a generation that is no more the current one. That it stays is no harm. */
export function removeIndexFile(disk: Disk, path: string): void {
  try {
    disk.unlink(indexPath(path))
  } catch {
    // There is none, or it is not ours to remove: nobody uses it.
  }
}
