// The way to the commit lock: nobody gets through who opened the store for reading, and whoever holds the lock has read everything.
// Where much has arrived, the lock is given up, that is read, and the lock taken again.
import { ReadonlyError } from '../error.js'
import type { Disk, Fd } from '../file/disk.js'
import type { CommitLock } from '../file/lock.js'
import { asCommitFailure, onCommit } from './commit-failure.js'
import type { CurrentFile } from './current-file.js'
import type { Asker } from './store-options.js'
import { tailUnderLock } from './tail-under-lock.js'
import { tidyUp } from './temporary.js'

/**
 * Bytes of a directory, most of which are names (ext4: some two thousand of them). In a larger one what dead processes have left stays
 * until the next pack: the first commit of each process should not take longer because of other files.
 */
const LARGE_DIRECTORY = 1 << 16

export class WriteGate {
  readonly #disk: Disk
  readonly #file: CurrentFile
  readonly #lock: CommitLock
  readonly #readonly: boolean
  /** What processes that have died left behind has been removed. */
  #tidy = false

  constructor(disk: Disk, file: CurrentFile, lock: CommitLock, isReadonly: boolean) {
    this.#disk = disk
    this.#file = file
    this.#lock = lock
    this.#readonly = isReadonly
  }

  get #path(): string {
    return this.#file.generation.path
  }

  /** Takes the lock, and reads nothing. `timeout`: milliseconds. False: it is not free, and no `timeout` was given. */
  take(timeout: number | undefined): boolean {
    if (this.#readonly)
      throw new ReadonlyError(`${this.#path} was opened readonly: open it without { readonly: true } to commit`)
    if (!this.#tidy) {
      this.#tidy = true
      tidyUp(this.#disk, this.#path, LARGE_DIRECTORY) // before the lock, for which others would wait
    }
    const { fd } = this.#file.generation.file
    if (timeout !== undefined) this.#lock.take(fd, timeout)
    else if (!this.#lock.try(fd)) return false
    return true
  }

  /** Runs `act` with the lock held and everything read. */
  run<T>(act: () => T, timeout: number): T {
    for (;;) {
      onCommit(this.#path, () => this.take(timeout))
      try {
        if (onCommit(this.#path, () => tailUnderLock(this.#file)) === 'end') return act()
      } finally {
        this.#lock.release()
      }
      onCommit(this.#path, () => this.#file.catchUp())
    }
  }

  /**
   * The same, waiting without blocking the event loop; `catchUp` reads what has arrived, without the lock, or throws: it must not
   * come back with nothing read, as the lock would be taken in vain for ever. Throws ClosedError once that is closed for which it waits.
   */
  async runAsync<T>(act: () => T, asker: Asker, catchUp: () => Promise<void>): Promise<T> {
    for (;;) {
      const result = await this.#lockAsync(asker, () => {
        if (tailUnderLock(this.#file) !== 'end') return undefined
        try {
          return { value: act() }
        } catch (thrown) {
          return { thrown }
        }
      })
      if (result === undefined) await this.#committingAsync(catchUp)
      else if ('thrown' in result) throw result.thrown
      else return result.value
    }
  }

  untilFree(asker: Asker): Promise<void> {
    return this.#lockAsync(asker, () => undefined)
  }

  /** What `act` throws is taken for what the system refused. */
  #lockAsync<T>(asker: Asker, act: () => T): Promise<T> {
    /** Asked for before each try. */
    const fd = (): Fd => {
      asker.checkOpen()
      return this.#file.generation.file.fd
    }
    return this.#committingAsync(() => this.#lock.with(fd, asker.lockTimeout, act))
  }

  async #committingAsync<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      throw asCommitFailure(this.#path, error)
    }
  }
}
