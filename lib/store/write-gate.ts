// The way to the commit lock: nobody gets through who opened the store for reading, and whoever holds the lock has read everything.
// Where much has arrived, the lock is given up, that is read, and the lock taken again.
import { ClosedError, ReadonlyError } from '../error.js'
import type { Disk, Fd } from '../file/disk.js'
import type { CommitLock } from '../file/lock.js'
import { asCommitFailure } from './commit-failure.js'
import type { CurrentFile } from './current-file.js'
import { tailUnderLock } from './tail-under-lock.js'
import { tidyUp } from './temporary.js'

export class WriteGate {
  readonly #disk: Disk
  readonly #file: CurrentFile
  readonly #lock: CommitLock
  readonly #readonly: boolean
  /** What processes that have died left behind has been removed. */
  #tidy = false
  #closed = false

  constructor(disk: Disk, file: CurrentFile, lock: CommitLock, isReadonly: boolean) {
    this.#disk = disk
    this.#file = file
    this.#lock = lock
    this.#readonly = isReadonly
  }

  get #path(): string {
    return this.#file.generation.path
  }

  /** Whoever waits for the lock without blocking, or comes for it like that, gets a ClosedError from now on. */
  close(): void {
    this.#closed = true
  }

  /** Takes the lock, and reads nothing. `timeout`: milliseconds. False: it is not free, and no `timeout` was given. */
  take(timeout: number | undefined): boolean {
    if (this.#readonly)
      throw new ReadonlyError(`${this.#path} was opened readonly: open it without { readonly: true } to commit`)
    const { fd } = this.#file.generation.file
    if (timeout !== undefined) this.#lock.take(fd, timeout)
    else if (!this.#lock.try(fd)) return false
    if (!this.#tidy) {
      this.#tidy = true
      tidyUp(this.#disk, this.#path)
    }
    return true
  }

  /** Runs `act` with the lock held and everything read. */
  run<T>(act: () => T, timeout: number): T {
    for (;;) {
      this.#committing(() => this.take(timeout))
      try {
        if (this.#committing(() => tailUnderLock(this.#file)) === 'end') return act()
      } finally {
        this.#lock.release()
      }
      this.#committing(() => this.#file.catchUp())
    }
  }

  /**
   * The same, waiting without blocking the event loop; `catchUp` reads what has arrived, without the lock, or throws: it must not
   * come back with nothing read, as the lock would be taken in vain for ever.
   */
  async runAsync<T>(act: () => T, timeout: number, catchUp: () => Promise<void>): Promise<T> {
    for (;;) {
      const result = await this.#lockAsync(timeout, () => {
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

  untilFree(timeout: number): Promise<void> {
    return this.#lockAsync(timeout, () => undefined)
  }

  /** What `act` throws is taken for what the system refused. */
  #lockAsync<T>(timeout: number, act: () => T): Promise<T> {
    return this.#committingAsync(() => this.#lock.with(() => this.#openFd(), timeout, act))
  }

  #openFd(): Fd {
    if (this.#closed) throw new ClosedError(`${this.#path} has been closed`)
    return this.#file.generation.file.fd
  }

  /** What the system refuses on the way to a commit. */
  #committing<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      throw asCommitFailure(this.#path, error)
    }
  }

  async #committingAsync<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      throw asCommitFailure(this.#path, error)
    }
  }
}
