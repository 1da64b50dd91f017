// Whether the path still leads to the file that is open, looked at now and then, and before and after what must not be lost: another
// one there is a pack's, to go over to, or somebody has replaced the store. Owns when the last look was.
import { DurabilityUnknownError, StoreReplacedError } from '../error.js'
import type { Disk } from '../file/disk.js'
import { systemErrorIn } from '../file/disk-error.js'
import type { CommitLock } from '../file/lock.js'
import type { CurrentFile } from './current-file.js'
import type { Generation } from './generation.js'

/** Milliseconds between two looks. */
const INTERVAL = 100
/** The same, of looks at the end only: at each commit, they would cost one that waits for no disk a tenth of its time. */
const END_INTERVAL = 1

export class PathWatch {
  readonly #disk: Disk
  readonly #file: CurrentFile
  readonly #lock: CommitLock
  #lookedAt = 0
  #sawEndAt = -Infinity
  #hasTold = false

  constructor(disk: Disk, file: CurrentFile, lock: CommitLock) {
    this.#disk = disk
    this.#file = file
    this.#lock = lock
  }

  /** Whoever has the store open has been told that the path does not lead to the file any more. */
  get hasTold(): boolean {
    return this.#hasTold
  }

  /** Throws StoreReplacedError. */
  look(): void {
    const now = this.#disk.ticks()
    this.#lookAgainIfFailed(() => {
      this.#lock.look()
      this.#file.look()
    })
    this.#lookedAt = now
  }

  lookIfDue(): void {
    const { isGone } = this.#file.generation.reader
    if (isGone || this.#disk.ticks() - this.#lookedAt >= INTERVAL) this.look()
  }

  /** Before anything is appended, with the lock held and everything read: no pack can be under way. Throws StoreReplacedError. */
  lookUnderLock(): void {
    this.#lookAgainIfFailed(() => {
      this.#file.look()
    })
  }

  /** The same for what may go wherever the file has gone, but not into what somebody has put in its place: one read of a few bytes. */
  lookAtEndUnderLock(): void {
    this.#lookAgainIfFailed(() => {
      this.#file.lookAtEnd()
    })
  }

  /** The same, if the last look at the end before an append was a while ago. */
  lookAtEndIfDue(): void {
    const now = this.#disk.ticks()
    if (now - this.#sawEndAt < END_INTERVAL) return
    this.lookAtEndUnderLock()
    this.#sawEndAt = now
  }

  /** After an error the next one looks again at once. */
  #lookAgainIfFailed(look: () => void): void {
    try {
      look()
      this.#hasTold = false
    } catch (error) {
      this.#lookedAt = -Infinity
      if (error instanceof StoreReplacedError) this.#hasTold = true
      throw error
    }
  }

  /**
   * At the data file only: what has become of the sidecar loses nothing, as the data file has a lock of its own. `closed`: what was
   * synced, where the store has been closed meanwhile. Throws StoreReplacedError, or DurabilityUnknownError when the system does not tell.
   */
  lookAfterSync(closed?: Generation): void {
    const look = (): void => {
      if (closed) this.#file.lookFor(closed)
      else this.#file.look()
    }
    try {
      onceMore(look)
    } catch (cause) {
      this.#lookedAt = -Infinity
      const { message } = systemErrorIn(cause) ?? {}
      if (message === undefined) throw cause
      throw new DurabilityUnknownError(
        `${this.#file.generation.path}: the last commits are on disk, but it is not known whether the path still leads to the file that ` +
          `has them (${message}). Nobody is kept from committing, and who commits or flushes next looks again: see what has become of the file.`,
        { cause },
      )
    }
  }
}

/** What the system has refused to tell, it may tell the next time. */
function onceMore(look: () => void): void {
  try {
    look()
  } catch (error) {
    if (systemErrorIn(error) === undefined) throw error
    look()
  }
}
