// Which part of the current generation is known to be on disk, and who waits for the next fsync. One for each Store.
// A failed fsync is never repeated: what it covered may be lost although a second call would succeed.
import { DurabilityUnknownError } from '../error.js'
import type { Disk, Timer } from '../file/disk.js'
import { isFailedOpen } from '../file/disk-error.js'
import type { Generation } from './generation.js'
import { syncFoundName } from './found-name.js'
import type { Snapshot } from './snapshot.js'

const BACKGROUND_INTERVAL = 1000 // milliseconds
const BACKGROUND_BYTES = 64 * 2 ** 20

/**
 * Says in the file that an fsync of it has failed; false: that could not be done now. `wait`: for the lock, for as long as a commit
 * would.
 */
type TellOthers = (generation: Generation, wait: boolean) => boolean

export class Durability {
  readonly #disk: Disk
  readonly #pending = new WeakMap<Generation, Promise<void>>()
  #timer: Timer | undefined
  /** Bytes appended since the last fsync in the background began. */
  #unsynced = 0
  /** Where something was appended here that no fsync has covered. */
  #owing: Generation | undefined
  /** Which fsync has failed: for ever, as long as that file is in use. */
  readonly #failures = new WeakMap<Generation, DurabilityUnknownError>()
  /** An fsync in the background has failed, and no call has reported it yet. */
  #untold = false
  readonly #tellOthers: TellOthers
  /** Of which the others could not be told that an fsync has failed: that is tried again and again. */
  #toTell: Generation | undefined
  #retry: Timer | undefined
  #closed = false

  constructor(disk: Disk, tellOthers: TellOthers) {
    this.#disk = disk
    this.#tellOthers = tellOthers
  }

  /** Everything up to `snapshot` is on disk when this returns. Throws DurabilityUnknownError. */
  sync({ generation, offset }: Snapshot): void {
    this.refuseAfterFailure(generation)
    if (this.#isSynced(generation, offset)) return
    const { reader } = generation
    const isProved = reader.syncedTo >= offset // then only the directory is missing, and nothing new is learnt of the file
    const target = isProved ? reader.syncedTo : reader.tail.offset
    const fd = isProved ? undefined : generation.file.fd
    try {
      if (fd !== undefined) this.#disk.sync(fd)
      this.#syncDirectory(generation)
    } catch (cause) {
      throw this.failed(generation, cause)
    }
    this.#passed(generation, target)
  }

  /** The same without blocking; all who wait at once share an fsync that began after what they wait for. */
  async syncAsync({ generation, offset }: Snapshot): Promise<void> {
    this.refuseAfterFailure(generation)
    generation.retain()
    try {
      while (!this.#isSynced(generation, offset)) {
        let pending = this.#pending.get(generation)
        if (pending === undefined) {
          pending = this.#start(generation).finally(() => this.#pending.delete(generation))
          this.#pending.set(generation, pending)
        }
        await pending
      }
    } finally {
      generation.release()
    }
  }

  /** Notes an append that nobody waits for: it is synced within a second or 64 MiB. */
  syncSoon(current: () => Generation, bytes: number): void {
    this.#owing = current()
    this.#unsynced += bytes
    if (this.#unsynced >= BACKGROUND_BYTES) this.#inBackground(current)
    this.#wakeLater(current)
  }

  /**
   * Syncs what is left and stops the background. Throws DurabilityUnknownError unless that has been told before; after that, the same may
   * be asked of the file that a pack has made.
   */
  close(last: Snapshot): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#closed = true
    this.#tell(true)
    if (this.#owing !== undefined && (this.#untold || !this.#failures.has(last.generation))) this.sync(last)
  }

  /** Throws DurabilityUnknownError if an fsync of this file has failed, here or in another process since the machine was started. */
  refuseAfterFailure(generation: Generation): void {
    const { failedSync } = generation.writer
    if (failedSync !== undefined) this.#fail(generation, failedSync)
    const failure = this.#failures.get(generation)
    if (failure !== undefined) {
      this.#untold = false
      this.#tell(false)
      throw failure
    }
    if (generation.reader.suspect) throw unknownSince(generation.path, 'another process was told so')
  }

  /** Whether the above throws. */
  refuses(generation: Generation): boolean {
    const { reader, writer } = generation
    return reader.suspect || writer.failedSync !== undefined || this.#failures.has(generation)
  }

  /** To be called when a cut may have failed to be put on disk: the others are told at once. */
  heedFailedCut(generation: Generation): void {
    const { failedSync } = generation.writer
    if (failedSync !== undefined) this.#fail(generation, failedSync)
  }

  /**
   * An fsync of this file or of its directory has failed, and a second one would prove nothing; or the directory could not be opened,
   * and the next commit tries that again. Gives the error to throw. `wait`: as of `#fail`.
   */
  failed(generation: Generation, cause: unknown, wait = true): DurabilityUnknownError {
    return isFailedOpen(cause) ? nameUnknown(generation.path, cause) : this.#fail(generation, cause, wait)
  }

  #isSynced(generation: Generation, offset: number): boolean {
    return generation.reader.syncedTo >= offset && generation.isNameSynced
  }

  #wakeLater(current: () => Generation): void {
    this.#timer ??= this.#disk.after(BACKGROUND_INTERVAL, () => {
      this.#timer = undefined
      this.#inBackground(current)
    })
  }

  #inBackground(current: () => Generation): void {
    const bytes = this.#unsynced
    if (bytes === 0) return
    this.#unsynced = 0
    this.#syncUnasked(current()).catch(({ cause }: DurabilityUnknownError) => {
      if (!isFailedOpen(cause)) {
        this.#untold = true // it is kept, and every later commit and `close` report it
      } else if (!this.#closed) {
        this.#unsynced += bytes
        this.#wakeLater(current)
      }
    })
  }

  /** Nobody looks at the path behind this, as behind what was asked for: a name that was gone is to be synced anew. */
  async #syncUnasked(generation: Generation): Promise<void> {
    await this.syncAsync(generation.snapshot())
    try {
      if (generation.isAtPath()) return
    } catch {
      // It is not known where the path leads.
    }
    generation.isNameSynced = false
  }

  async #start(generation: Generation): Promise<void> {
    const target = generation.reader.tail.offset
    const { fdApart } = generation
    try {
      await this.#disk.syncAsync(fdApart)
      this.#syncDirectory(generation)
    } catch (cause) {
      throw this.failed(generation, cause, false)
    }
    // The system reports a lost write once: another fsync of this file may have been told meanwhile.
    this.refuseAfterFailure(generation)
    this.#passed(generation, target)
  }

  #passed(generation: Generation, target: number): void {
    generation.reader.syncedTo = Math.max(generation.reader.syncedTo, target)
    // An fsync of the file before a pack proves nothing of what was appended to the next one.
    if (generation !== this.#owing || target !== generation.reader.tail.offset) return
    this.#unsynced = 0
    this.#owing = undefined
  }

  /**
   * A rename or link is durable only when the directory is: before the first acknowledgement of each generation, and again once its name was
   * gone.
   */
  #syncDirectory(generation: Generation): void {
    if (generation.isNameSynced) return
    syncFoundName(this.#disk, generation.path)
    generation.isNameSynced = true
  }

  /** `wait`: others may be told at once, however long that blocks; else as soon as the lock is free. */
  #fail(generation: Generation, cause: unknown, wait = true): DurabilityUnknownError {
    const known = this.#failures.get(generation)
    if (known !== undefined) return known
    const failure = unknownSince(generation.path, (cause as Error).message, cause)
    this.#failures.set(generation, failure)
    this.#toTell = generation
    this.#tell(wait)
    return failure
  }

  #tell(wait: boolean): void {
    if (this.#toTell === undefined) return
    this.#retry?.cancel()
    this.#retry = undefined
    if (this.#tellOthers(this.#toTell, wait)) this.#toTell = undefined
    else if (!this.#closed) this.#retry = this.#disk.after(BACKGROUND_INTERVAL, () => this.#tell(false))
  }
}

/** Until the next pack. */
export function unknownSince(path: string, why: string, cause?: unknown): DurabilityUnknownError {
  return new DurabilityUnknownError(
    `${path}: the disk did not confirm the last commits (${why}). They are in the file and visible, but may not survive a power ` +
      'cut. Nobody can commit any more until the store has been packed: check the disk, then pack, which writes a new file.',
    { cause },
  )
}

function nameUnknown(path: string, cause: NodeJS.ErrnoException): DurabilityUnknownError {
  return new DurabilityUnknownError(
    `${path}: the last commits are in the file and visible, but it is not known whether the name of the file is on disk: its ` +
      `directory could not be opened (${cause.message}). Nobody else is kept from committing, and the next commit tries again.`,
    { cause },
  )
}
