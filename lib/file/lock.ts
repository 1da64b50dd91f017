// The commit lock: flock on the sidecar `<path>.lock`, then on the data file itself. Owns the sidecar's descriptor.
// The sidecar is what people and tools see; the data file's own lock is what keeps two writers apart when somebody removes
// or replaces the sidecar, or reaches the file by another name. Neither is held across an await, and the sidecar is never unlinked.
import { LockTimeoutError, StateError } from '../error.js'
import type { Disk, Fd, FileStatus } from './disk.js'
import { letGo, unlockIfPossible } from './let-go.js'

const SPINS = 8
const FIRST_SLEEP = 0.05 // milliseconds
const LONGEST_SLEEP = 4 // milliseconds

export class CommitLock {
  readonly path: string
  readonly #disk: Disk
  readonly #mode: number
  readonly #like: FileStatus | undefined
  #sidecar: Fd | undefined
  #held: Fd | undefined

  /** `mode` and `like`: permissions and owner of a sidecar that has to be made. */
  constructor(disk: Disk, dataPath: string, mode: number, like?: FileStatus) {
    this.#disk = disk
    this.#mode = mode
    this.#like = like
    this.path = `${dataPath}.lock`
  }

  get held(): boolean {
    return this.#held !== undefined
  }

  /** Takes both locks if both are free now. */
  try(data: Fd): boolean {
    if (this.#held !== undefined) throw new StateError('the commit lock is already held by this process')
    const sidecar = (this.#sidecar ??= this.#disk.openLock(this.path, this.#mode, this.#like))
    if (!this.#disk.tryLock(sidecar)) return false
    let both = false
    try {
      both = this.#disk.tryLock(data)
    } finally {
      if (!both) unlockIfPossible(this.#disk, sidecar)
    }
    if (both) this.#held = data
    return both
  }

  /** Blocks until both are taken, at most `timeout` milliseconds: a short spin, then growing jittered sleeps. */
  take(data: Fd, timeout: number): void {
    if (this.try(data)) return
    const deadline = this.#disk.ticks() + timeout
    for (let n = 0; ; n++) {
      if (n >= SPINS) {
        const left = deadline - this.#disk.ticks()
        if (left <= 0) throw this.timedOut(data, timeout)
        this.#disk.sleep(Math.min(this.pauseBefore(n), left))
      }
      if (this.try(data)) return
    }
  }

  /** Waits for both without blocking the event loop, then runs `act` in the same stretch of code and releases them. */
  async with<T>(data: () => Fd, timeout: number, act: () => T): Promise<T> {
    const deadline = this.#disk.ticks() + timeout
    for (let n = SPINS; ; n++) {
      if (!this.held && this.try(data())) {
        try {
          return act()
        } finally {
          this.release()
        }
      }
      const left = deadline - this.#disk.ticks()
      if (left <= 0) throw this.timedOut(data(), timeout)
      await this.#disk.wait(Math.min(this.pauseBefore(n), left))
    }
  }

  release(): void {
    const data = this.#held
    if (data === undefined || this.#sidecar === undefined) throw new StateError('the commit lock is not held')
    this.#held = undefined
    unlockIfPossible(this.#disk, data)
    if (!unlockIfPossible(this.#disk, this.#sidecar)) this.close() // which lets go of it, too
  }

  /** Opens the sidecar anew at the next lock if somebody has removed or replaced it. */
  look(): void {
    if (this.#sidecar === undefined || this.#held !== undefined) return
    const mine = this.#disk.status(this.#sidecar)
    const there = this.#disk.lookUp(this.path)
    if (there?.ino !== mine.ino || there.dev !== mine.dev) this.close()
  }

  /** Never throws. */
  close(): void {
    if (this.#sidecar === undefined || this.#held !== undefined) return
    const sidecar = this.#sidecar
    this.#sidecar = undefined
    letGo(this.#disk, sidecar)
  }

  /** Milliseconds to sleep before try number `n`. */
  pauseBefore(n: number): number {
    const longest = Math.min(FIRST_SLEEP * 1.5 ** (n - SPINS), LONGEST_SLEEP)
    return longest * (0.5 + this.#disk.random() / 2)
  }

  timedOut(data: Fd, timeout: number): LockTimeoutError {
    const disk = this.#disk
    const bySidecar = this.#sidecar === undefined ? undefined : disk.lockHolder(disk.status(this.#sidecar))
    return new LockTimeoutError(this.path, timeout, bySidecar ?? disk.lockHolder(disk.status(data)))
  }
}
