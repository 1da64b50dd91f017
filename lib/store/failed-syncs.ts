// Which fsyncs have failed in this process: one for each disk. What they covered may be lost although a later call succeeds, also where
// the store has been closed and opened again since.
import type { DurabilityUnknownError } from '../error.js'
import type { Disk } from '../file/disk.js'
import type { Generation } from './generation.js'

const byDisk = new WeakMap<Disk, FailedSyncs>()

export class FailedSyncs {
  readonly #files = new Map<string, DurabilityUnknownError>()
  readonly #names = new Map<string, DurabilityUnknownError>()

  static on(disk: Disk): FailedSyncs {
    const failed = byDisk.get(disk) ?? new FailedSyncs()
    byDisk.set(disk, failed)
    return failed
  }

  /** What is thrown of this file: always the same. */
  of(generation: Generation): DurabilityUnknownError | undefined {
    return this.#files.size === 0 ? undefined : this.#files.get(nameOf(generation))
  }

  /** For ever, as that file is never on disk for certain. */
  note(generation: Generation, failure: DurabilityUnknownError): void {
    this.#files.set(nameOf(generation), failure)
  }

  /** Of the directory, where it is not known yet to which file the path led then. */
  ofName(path: string): DurabilityUnknownError | undefined {
    return this.#names.get(path)
  }

  noteName(path: string, failure: DurabilityUnknownError): void {
    this.#names.set(path, failure)
  }

  /** It is noted of the file, or the path has another one since, whose name is on disk. */
  forgetName(path: string): void {
    this.#names.delete(path)
  }
}

/** The number of a file is used again, and a copy has the same content. */
function nameOf({ identity: { dev, ino }, header: { uuid } }: Generation): string {
  return `${dev} ${ino} ${Buffer.from(uuid).toString('hex')}`
}
