// Makes a new store: written under another name, then published with `link`, which only one of several creators can do.
import { dirname } from 'node:path'
import { StoreNotFoundError, UnsupportedError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import type { Disk } from '../file/disk.js'
import { chainStart, encodeFileHeader, HEADER_LENGTH, saltOf, type FileHeader } from '../log/file-header.js'
import { assembleCommit } from './assemble.js'
import { refuseLongName } from './name-length.js'
import { syncNewName } from './new-name.js'
import { createTemporary } from './temporary.js'
import { FIRST_FREE_OID, type Draft, type Offset } from './types.js'

/** Creates the store at `path` with `initial` as its first commit, unless somebody else is quicker. */
export function createStore(disk: Disk, path: string, initial: Draft, mode: number): void {
  refuseLongName(path)
  disk.syncDirectory(dirname(path)) // who may not read it could not do so either when the store has its name
  const temporary = createTemporary(disk, path, 'new', mode)
  const file = new DataFile(disk, temporary.fd)
  try {
    disk.setOwnerAndMode(temporary.fd, { ...file.status(), mode }, 'all')
    const header: FileHeader = {
      storeId: disk.randomBytes(16),
      uuid: disk.randomBytes(16),
      generation: 1,
      baseTid: 0,
      baseTime: 0,
      nextOid: FIRST_FREE_OID,
      baseEnd: HEADER_LENGTH,
      moments: [],
      idsSince: 0,
      readonlyFlags: 0,
    }
    const checksum = chainStart(header.uuid)
    const tail = { offset: HEADER_LENGTH, tid: 0, time: 0, nextOid: FIRST_FREE_OID, checksum, lastFrame: 0 }
    const place = { tail, now: disk.now(), salt: saltOf(header.uuid), boot: disk.boot, syncedTo: HEADER_LENGTH }
    file.write(encodeFileHeader(header), 0)
    file.write(assembleCommit(initial, place, () => 0 as Offset).bytes, HEADER_LENGTH)
    disk.sync(temporary.fd)
    const status = file.status() // before it has its name: what fails behind that has to take it away
    publish(disk, temporary.path, path)
    syncNewName(disk, path, status)
  } finally {
    temporary.discard()
  }
}

function publish(disk: Disk, from: string, to: string): void {
  try {
    disk.link(from, to)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') return refuseDangling(disk, to)
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw cause
    throw new UnsupportedError(
      `${to}: this file system has no hard links, which a new store needs so that two processes cannot create it at once. ` +
        'Put the store on another file system.',
      { cause },
    )
  }
}

/** The name is taken, by the store of somebody who was quicker: or else by a link, which a new store neither follows nor replaces. */
function refuseDangling(disk: Disk, path: string): void {
  if (disk.lookUp(path) !== undefined) return
  throw new StoreNotFoundError(
    path,
    'this is a symbolic link to a file that does not exist: make the store by opening the path that it leads to, or remove the link',
  )
}
