// How long work that goes on in microtasks has kept the event loop. Whoever awaits one commit behind the other comes back in a microtask
// each time, and without a turn now and then no timer fires, no message is read, and nothing that was weakly held is let go of.
import type { Disk } from '../file/disk.js'

/** Milliseconds between two turns. */
const SLICE = 10

export class LoopTurn {
  readonly #disk: Disk
  /** When the next one is due; undefined: the loop has turned, and nothing has been done since. */
  #due: number | undefined

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** To be called before work. */
  begin(): void {
    if (this.#due !== undefined) return
    const due = this.#disk.ticks() + SLICE
    void this.next()
    this.#due = due
  }

  get isDue(): boolean {
    return this.#due !== undefined && this.#disk.ticks() >= this.#due
  }

  async next(): Promise<void> {
    await this.#disk.wait(0)
    this.#due = undefined
  }
}
