// The index file `<store>.index`: a table of where the newest versions stand, so that opening does not read the whole log. It names
// the last frame that it covers and is used only if exactly that frame stands there; a missing, old, cut, damaged or foreign one is as
// good as none. Holds no truth: whatever it says can be built again from the log, but for what was on disk when it was written.
import { NotAStoreError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import type { Disk } from '../file/disk.js'
import { saltOf, type FileHeader } from '../log/file-header.js'
import { mayLeadTo, mayReach, type Reached } from '../log/may-reach.js'
import { confirmTail } from '../log/tail.js'
import type { LogIndex } from './log-index.js'
import { inPieces, readCovered, readTable, tableParts, type Covered, type OffsetTable } from './offset-table.js'
import { createTemporary } from './temporary.js'

/** An index file that was found and belongs to this generation; open for what is still to be read of it. */
export interface IndexFile {
  readonly table: OffsetTable
  close(): void
}

function indexPath(path: string): string {
  return `${path}.index`
}

/** undefined: there is none that can be used. Never throws. */
export function openIndexFile(disk: Disk, path: string, header: FileHeader): IndexFile | undefined {
  let file: DataFile | undefined
  try {
    const found = (file = openFile(disk, path))
    const table = found && readTable(found, 0, found.end(), header)
    if (table !== undefined) return { table, close: () => found?.close() }
  } catch {
    // As good as none.
  }
  file?.close()
  return undefined
}

/** undefined: there is none. That is looked for first, as most stores are small, and a system call that fails costs ten others. */
function openFile(disk: Disk, path: string): DataFile | undefined {
  if (disk.lookUp(indexPath(path)) === undefined) return undefined
  const file = new DataFile(disk, disk.open(indexPath(path), 'read'))
  try {
    if (file.status().isFile) return file
    throw new NotAStoreError(indexPath(path), 'this is not a regular file')
  } catch (error) {
    file.close()
    throw error
  }
}

/**
 * Up to where the index file of the store at `path`, which is open as `file`, proves that the log was on disk, whatever its tables are worth;
 * 0: it does not. Asked for each place to which the log has been followed: an earlier copy of the store may have been put back beside the
 * index file, which proves nothing of what that has become. Never throws.
 */
export function proofOfIndexFile(file: DataFile, path: string, header: FileHeader): (before: Reached) => number {
  try {
    const covered = coveredByIndexFile(file.disk, file.disk.canonical(path), header)
    if (covered === undefined || !mayReach(file, covered.tail, saltOf(header.uuid))) return () => 0
    const proved = Math.min(covered.syncedTo, covered.tail.offset)
    return before => (mayLeadTo(before, covered.tail) ? proved : 0)
  } catch {
    return () => 0 // as good as none
  }
}

/** undefined: there is none of this generation, or it cannot be read. */
function coveredByIndexFile(disk: Disk, path: string, header: FileHeader): Covered | undefined {
  let index: DataFile | undefined
  try {
    index = openFile(disk, path)
    return index && readCovered(index, header)
  } catch {
    return undefined
  } finally {
    index?.close()
  }
}

/** Writes the index file anew. What it covers must be on disk. */
export function writeIndexFile(
  file: DataFile,
  path: string,
  mode: number,
  header: FileHeader,
  index: LogIndex,
  covered: Covered,
): void {
  putIndexFile(file, path, mode, header, bytesOfIndexFile(header, index, covered), covered)
}

/** In pieces, each with memory of its own. */
export function bytesOfIndexFile(header: FileHeader, index: LogIndex, covered: Covered): Iterable<Uint8Array> {
  return inPieces(tableParts(header, index, covered))
}

/**
 * Writes these bytes beside the old index file, and puts them in its place, if the path still leads to `file` and the old one does not
 * tell more. What they cover must be on disk.
 */
export function putIndexFile(
  file: DataFile,
  path: string,
  mode: number,
  header: FileHeader,
  pieces: Iterable<Uint8Array>,
  covered: Covered,
): void {
  const { disk } = file
  const temporary = createTemporary(disk, path, 'cache', mode & 0o600) // until it has its group
  try {
    const written = new DataFile(disk, temporary.fd)
    let at = 0
    for (const piece of pieces) {
      written.write(piece, at)
      at += piece.length
    }
    disk.setOwnerAndMode(temporary.fd, file.status(), 'as allowed') // for all who may open the store, whoever has made it
    // Of a store that has been put back meanwhile, it would tell what it never was.
    if (!isAt(path, file) || confirmTail(file, header, covered.tail) === undefined) return
    if (tellsMore(file, path, header, covered)) return
    disk.rename(temporary.path, indexPath(path))
    temporary.keep()
  } finally {
    temporary.discard()
  }
}

/** Whoever has not read what others have added since must not take away what proves that it was on disk. */
function tellsMore(file: DataFile, path: string, header: FileHeader, { tail, syncedTo }: Covered): boolean {
  const there = coveredByIndexFile(file.disk, path, header)
  if (there === undefined || confirmTail(file, header, there.tail) === undefined) return false
  return there.tail.offset > tail.offset || there.syncedTo > syncedTo
}

function isAt(path: string, file: DataFile): boolean {
  const [there, own] = [file.disk.lookUp(path), file.status()]
  return there?.ino === own.ino && there.dev === own.dev && own.links > 0
}

/**
 * Removes an index file that tells of commits which `file`, read to its end without damage, does not have: an earlier copy of the store has
 * been put back beside it, and once that has grown, it could be taken for proof of what was on disk. With the lock held: whoever writes an
 * index file meanwhile has read no more than there is. Gives whether it is gone, which is on disk when the directory is synced.
 */
export function removeForeignIndexFile(file: DataFile, path: string, header: FileHeader): boolean {
  const { disk } = file
  const covered = coveredByIndexFile(disk, path, header)
  if (covered === undefined || confirmTail(file, header, covered.tail) !== undefined) return false
  return removeIndexFile(disk, path)
}

/** The index file of a generation that is no more the current one. That it stays is no harm. */
export function removeIndexFile(disk: Disk, path: string): boolean {
  try {
    disk.unlink(indexPath(path))
    return true
  } catch {
    return false // there is none, or it is not ours to remove: nobody uses it
  }
}
