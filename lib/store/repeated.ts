// What is tried again and again, with growing pauses, until it succeeds: at once, and by itself between the calls.
import type { Disk, Timer } from '../file/disk.js'

/** Milliseconds between tries: what is in the way may be gone in an instant, or in hours. */
const FIRST_PAUSE = 2
const LONGEST_PAUSE = 1000

export class Repeated {
  readonly #disk: Disk
  readonly #attempt: (wait: boolean) => Error | undefined
  #whyNot: Error | undefined
  #retry: Timer | undefined
  #pause = FIRST_PAUSE
  #stopped = false

  /** `attempt` gives why it has failed; `wait`: it may block. */
  constructor(disk: Disk, attempt: (wait: boolean) => Error | undefined) {
    this.#disk = disk
    this.#attempt = attempt
  }

  /** Why the last try has failed. */
  get whyNot(): Error | undefined {
    return this.#whyNot
  }

  try(wait: boolean): void {
    this.#retry?.cancel()
    this.#retry = undefined
    this.#whyNot = this.#attempt(wait)
    if (this.#whyNot === undefined) {
      this.#pause = FIRST_PAUSE
    } else if (!this.#stopped) {
      this.#retry = this.#disk.after(this.#pause, () => this.try(false))
      this.#pause = Math.min(this.#pause * 1.5, LONGEST_PAUSE)
    }
  }

  /** A last try; from now on only those that are asked for. */
  stop(): void {
    this.#stopped = true
    this.try(true)
  }
}
