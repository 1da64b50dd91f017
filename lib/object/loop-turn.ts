// How long work that goes on in microtasks has kept the event loop. Whoever awaits one commit behind the other comes back in a microtask
// each time, and without a turn now and then no timer fires, no message is read, and nothing that was weakly held is let go of.
import type { Disk } from '../file/disk.js'

/** Node's own, whatever a program's tests put in its place. */
export const { queueMicrotask } = globalThis

/** Milliseconds between two turns. */
const SLICE = 10

export class LoopTurn {
  readonly #disk: Disk
  /** The next one; undefined: the loop has turned, and nothing has been done since. */
  #next: Promise<void> | undefined
  #due = 0
  /** Somebody waits for it: who comes later must not be told of anything before. */
  #isAwaited = false

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** To be called before work. */
  begin(): void {
    if (this.#next !== undefined) return
    this.#due = this.#disk.ticks() + SLICE
    this.#next = this.#turn()
  }

  get isDue(): boolean {
    return this.#isAwaited || (this.#next !== undefined && this.#disk.ticks() >= this.#due)
  }

  async next(): Promise<void> {
    this.#isAwaited = this.#next !== undefined
    await this.#next
  }

  async #turn(): Promise<void> {
    await this.#disk.wait(0)
    this.#next = undefined
    this.#isAwaited = false
  }
}
