// Which part of the current generation is known to be on disk, and who waits for the next fsync. One for each Store.
// A failed fsync is never repeated: what it covered may be lost although a second call would succeed.
import { DurabilityUnknownError } from '../error.js'
import type { Disk, Fd, Timer } from '../file/disk.js'
import { provesNothing } from '../file/disk-error.js'
import { FailedSyncs } from './failed-syncs.js'
import type { Generation } from './generation.js'
import { syncFoundName } from './found-name.js'
import { Repeated } from './repeated.js'
import type { Snapshot } from './snapshot.js'
import { notAsked, othersUntold, refused, unknownSince } from './unknown-durability.js'

const BACKGROUND_INTERVAL = 1000 // milliseconds
const BACKGROUND_BYTES = 64 * 2 ** 20

/** What the store does for it. */
interface Helpers {
  /**
   * Says in the file that an fsync of it has failed; gives why that could not be done now. `wait`: for the lock, for as long as a commit
   * would.
   */
  tellOthers(generation: Generation, wait: boolean): Error | undefined
  /** The generation that the path leads to now. Throws where that cannot be found out. */
  atPath(): Generation
  /** Before an fsync that does not block: gives what writes the index file, of all that had been read by then, when that has succeeded. */
  saveIndexBehindSync(generation: Generation): () => void
}

export class Durability {
  readonly #disk: Disk
  readonly #path: string
  readonly #helpers: Helpers
  readonly #pending = new WeakMap<Generation, Promise<void>>()
  #timer: Timer | undefined
  /** Bytes appended since the last fsync in the background began. */
  #unsynced = 0
  /** Where something was appended here that no fsync has covered, or one behind which the path did not lead there. */
  #owing: Generation | undefined
  readonly #failed: FailedSyncs
  /** Of what has failed, what a call has reported. */
  readonly #told = new WeakSet()
  /** Of which the others could not be told that an fsync has failed: that is tried again and again. */
  #toTell: Generation | undefined
  readonly #telling: Repeated
  #closed = false

  constructor(disk: Disk, path: string, helpers: Helpers) {
    this.#disk = disk
    this.#path = path
    this.#helpers = helpers
    this.#failed = FailedSyncs.on(disk)
    // The lock may be taken for an instant, or the disk be full for hours.
    this.#telling = new Repeated(disk, wait => this.#settleName() ?? this.#tellNow(wait))
  }

  /** Everything up to `snapshot` is on disk when this returns. Throws DurabilityUnknownError. */
  sync({ generation, offset }: Snapshot): void {
    try {
      this.#throwIfFailed(generation)
      if (this.#isSynced(generation, offset)) return
      const { reader } = generation
      const isProved = reader.syncedTo >= offset // then only the directory is missing, and nothing new is learnt of the file
      const target = isProved ? reader.syncedTo : reader.tail.offset
      const fd = isProved ? undefined : generation.file.fd
      if (fd !== undefined) this.#syncFile(generation, fd)
      this.#syncDirectory(generation, true)
      this.#passed(generation, target)
    } catch (error) {
      throw this.#tells(error)
    }
  }

  /** The same without blocking; all who wait at once share an fsync that began after what they wait for. */
  async syncAsync(snapshot: Snapshot): Promise<void> {
    try {
      await this.#syncAsync(snapshot)
    } catch (error) {
      throw this.#tells(error)
    }
  }

  async #syncAsync({ generation, offset }: Snapshot): Promise<void> {
    this.#throwIfFailed(generation)
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
   * Syncs what is left and stops the background. Throws DurabilityUnknownError: that has failed, and was not told before; or the others
   * could not be told of what has failed. After that, the same may be asked of the file that a pack has made. Gives whether anything was synced.
   */
  close(last: Snapshot): boolean {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#closed = true
    this.#telling.stop()
    let failure: unknown
    let isLeft = false
    try {
      const known = this.#failureOf(last.generation)
      isLeft = this.#owing !== undefined && !(known && this.#told.has(known))
      if (isLeft) this.sync(last)
    } catch (error) {
      failure = error
    }
    const { whyNot } = this.#telling
    if (whyNot !== undefined) throw othersUntold(this.#path, whyNot)
    if (failure !== undefined) throw failure as Error
    return isLeft
  }

  /**
   * Nothing may be appended to this file if an fsync of it has failed, here or in another process since the machine was started: throws
   * CommitFailedError.
   */
  refuseAfterFailure(generation: Generation): void {
    const failure = this.#failureOf(generation)
    if (failure === undefined) return
    this.#telling.try(false)
    throw refused(generation.path, this.#tells(failure))
  }

  /** Whether the above throws, as far as that is known without a look at the path. */
  refuses(generation: Generation): boolean {
    const { reader, writer, path } = generation
    const isNoted = this.#failed.of(generation) !== undefined || this.#failed.ofName(path) !== undefined
    return reader.suspect || writer.failedSync !== undefined || isNoted
  }

  /** To be called when a cut may have failed to be put on disk: the others are told at once. */
  heedFailedCut(generation: Generation): void {
    const { failedSync } = generation.writer
    if (failedSync !== undefined) this.#fail(generation, failedSync)
  }

  /**
   * The directory could not be synced: a power cut could bring back what the path led to before, and with it the end of all that was
   * committed to the file at the path since. So nobody may commit to that one, which may be a later one than `generation`. But if the
   * directory could not be opened, or the disk not be asked, the next commit tries that again. Gives the error to throw. `wait`: as of `#fail`.
   */
  nameFailed(generation: Generation, cause: unknown, wait = true): DurabilityUnknownError {
    const { path } = generation
    if (provesNothing(cause)) return notAsked(path, cause)
    const failure = unknownSince(path, (cause as Error).message, cause)
    this.#failed.noteName(path, failure)
    this.#telling.try(wait)
    return failure
  }

  /** A pack has put another file at the path, and its name is on disk. */
  nameSynced(): void {
    this.#failed.forgetName(this.#path)
  }

  #throwIfFailed(generation: Generation): void {
    const failure = this.#failureOf(generation)
    if (failure === undefined) return
    this.#telling.try(false)
    throw failure
  }

  #failureOf(generation: Generation): DurabilityUnknownError | undefined {
    const { reader, writer, path } = generation
    if (writer.failedSync !== undefined) this.#fail(generation, writer.failedSync)
    if (this.#settleName() !== undefined) return this.#failed.ofName(path) // of whichever file
    const known = this.#failed.of(generation)
    if (!reader.suspect) {
      if (known !== undefined) this.#toTell ??= generation // it may be known from before the store was opened
      return known
    }
    const failure = known ?? unknownSince(path, 'another process was told so')
    this.#failed.note(generation, failure)
    return failure
  }

  /** Of a directory that could not be synced: which file has failed by that. Gives why that is still unknown. */
  #settleName(): Error | undefined {
    const failure = this.#failed.ofName(this.#path)
    if (failure === undefined) return undefined
    try {
      this.#note(this.#helpers.atPath(), failure)
    } catch (error) {
      return error as Error
    }
    this.#failed.forgetName(this.#path)
    return undefined
  }

  /** What a call throws is told by that. */
  #tells(error: unknown): unknown {
    if (error instanceof DurabilityUnknownError) this.#told.add(error)
    return error
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
    this.#syncUnasked(current).catch(({ cause }: DurabilityUnknownError) => {
      // Any other failure is kept: every later commit reports it, or else `close`.
      if (!provesNothing(cause) || this.#closed) return
      this.#unsynced += bytes
      this.#wakeLater(current)
    })
  }

  /** Nobody looks at the path behind this, as behind what was asked for: a name that was gone is to be synced anew. */
  async #syncUnasked(current: () => Generation): Promise<void> {
    const generation = current()
    await this.#syncAsync(generation.snapshot())
    try {
      if (generation.isAtPath()) return
    } catch {
      // It is not known where the path leads.
    }
    generation.isNameSynced = false
    if (generation === current()) this.#owing ??= generation // otherwise a pack has replaced it, and has everything
  }

  async #start(generation: Generation): Promise<void> {
    const target = generation.reader.tail.offset
    const { fdApart } = generation
    const saveIndex = this.#helpers.saveIndexBehindSync(generation)
    try {
      await this.#disk.syncAsync(fdApart)
    } catch (cause) {
      throw this.#fail(generation, cause, false)
    }
    this.#syncDirectory(generation, false)
    // The system reports a lost write once: another fsync of this file may have been told meanwhile.
    this.#throwIfFailed(generation)
    this.#passed(generation, target)
    if (!this.#closed) saveIndex()
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
   * gone. `wait`: as of `#fail`.
   */
  #syncDirectory(generation: Generation, wait: boolean): void {
    if (generation.isNameSynced) return
    try {
      syncFoundName(this.#disk, generation.path)
    } catch (cause) {
      throw this.nameFailed(generation, cause, wait)
    }
    generation.isNameSynced = true
  }

  #syncFile(generation: Generation, fd: Fd): void {
    try {
      this.#disk.sync(fd)
    } catch (cause) {
      throw this.#fail(generation, cause)
    }
  }

  /**
   * An fsync of this file has failed, and a second one would prove nothing. `wait`: others may be told at once, however long that blocks;
   * else as soon as the lock is free.
   */
  #fail(generation: Generation, cause: unknown, wait = true): DurabilityUnknownError {
    const known = this.#failed.of(generation)
    if (known !== undefined) return known
    if (provesNothing(cause)) return notAsked(generation.path, cause)
    const failure = unknownSince(generation.path, (cause as Error).message, cause)
    this.#note(generation, failure)
    this.#telling.try(wait)
    return failure
  }

  /** Known here from now on, and to be told to the others. */
  #note(generation: Generation, failure: DurabilityUnknownError): void {
    if (this.#failed.of(generation) === undefined) this.#failed.note(generation, failure)
    this.#toTell = generation
  }

  #tellNow(wait: boolean): Error | undefined {
    if (this.#toTell === undefined) return undefined
    const whyNot = this.#helpers.tellOthers(this.#toTell, wait)
    if (whyNot === undefined) this.#toTell = undefined
    return whyNot
  }
}
