// A store that is written as one packed state, and has its name only when it is whole and on disk.
import { dirname } from 'node:path'
import { UnsupportedError } from '../error.js'
import type { Disk } from '../file/disk.js'
import type { FileHeader } from '../log/file-header.js'
import { BaseWriter } from './base-writer.js'
import { refuseLongName } from './name-length.js'
import { syncNameOfWhole } from './new-name.js'
import type { RecordCursor } from './record-cursor.js'
import { createTemporary, tidyUp, type Temporary } from './temporary.js'

/** What is known when all records have been written. */
type NewStoreHeader = Pick<FileHeader, 'baseTid' | 'baseTime' | 'nextOid' | 'idsSince'>

export class NewStore {
  readonly writer: BaseWriter
  readonly #disk: Disk
  readonly #path: string
  readonly #temporary: Temporary

  /** To be discarded in the end. Throws UnsupportedError: there is something at the path, or its name is too long. */
  constructor(disk: Disk, path: string, mode: number) {
    this.#disk = disk
    this.#path = NewStore.pathFor(disk, path)
    refuseLongName(this.#path)
    disk.syncDirectory(dirname(this.#path)) // who may not read it could not do so either when the store has its name
    tidyUp(disk, this.#path) // it may be large, and nobody commits to this path, who would remove it
    this.#temporary = createTemporary(disk, this.#path, 'new', mode)
    // Not the store that its records are from: nobody may go over to it.
    const name = { storeId: disk.randomBytes(16), uuid: disk.randomBytes(16) }
    this.writer = new BaseWriter(disk, this.#temporary.fd, name)
  }

  /** Where it is going to stand. Throws UnsupportedError: there is something. */
  static pathFor(disk: Disk, path: string): string {
    const canonical = disk.canonical(path)
    if (disk.lookUp(canonical) !== undefined) throw alreadyThere(canonical)
    return canonical
  }

  /** Where it stands before it has its name. */
  get temporaryPath(): string {
    return this.#temporary.path
  }

  /**
   * No more records: reads them back, a step for each frame, and puts all on disk. `seen` gets every record and says whether
   * it is sound.
   */
  *finish(header: NewStoreHeader, seen: (record: RecordCursor) => boolean): Generator<void> {
    yield* this.writer.writeTable()
    if (!(yield* this.writer.verify(seen)))
      throw new UnsupportedError(`${this.#path} did not read back as it was written: check the disk`)
    this.writer.finish({ ...header, generation: 1, moments: [], readonlyFlags: 0 })
  }

  /** Gives it its name. Throws UnsupportedError: that is taken; DurabilityUnknownError: it has it, and that may not be on disk. */
  publish(): void {
    const status = this.#disk.status(this.#temporary.fd) // before it has its name: what fails behind that has to take it away
    try {
      this.#disk.link(this.#temporary.path, this.#path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(this.#path)
      throw error
    }
    syncNameOfWhole(this.#disk, this.#path, status)
  }

  /** It goes, unless it has its name. */
  discard(): void {
    this.#temporary.discard()
  }
}

/** It may be a link that leads nowhere, too. */
export function alreadyThere(path: string): UnsupportedError {
  return new UnsupportedError(`${path} exists, and only a new file is written: name another path`)
}
