// What must be so of a store that has just been read to its end, or to the commit that was asked for.
import { CommitNotFoundError, CorruptLogError } from '../error.js'
import { HEADER_LENGTH } from '../log/file-header.js'
import type { Generation } from './generation.js'

/** Throws CorruptLogError when the first commit is missing, CommitNotFoundError when commit `until` is (Infinity: none was asked for). */
export function checkOpened({ header, reader, path }: Generation, until: number): void {
  const { tid } = reader.tail
  // The first commit was on disk before the file had its name.
  if (tid === 0 && header.baseEnd === HEADER_LENGTH && until !== 0)
    throw new CorruptLogError(path, HEADER_LENGTH, 0, 'the commit that made this store is missing or cut short')
  if (until !== Infinity && tid !== until) throw new CommitNotFoundError(path, until, tid)
}
