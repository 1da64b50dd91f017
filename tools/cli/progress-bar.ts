// A line on the terminal that says how far long work has come; nothing where no terminal is watched.
import { draw, progressIsWatched } from './output.js'

const WIDTH = 30

export class ProgressBar {
  readonly #watched = progressIsWatched()
  #shown = ''

  /** `done` of `all`, in whatever unit; `words` stand behind. */
  update(done: number, all: number, words: string): void {
    if (!this.#watched) return
    const part = all === 0 ? 1 : Math.min(1, done / all)
    const filled = Math.round(part * WIDTH)
    const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled)
    const line = `[${bar}] ${Math.floor(part * 100)}%  ${words}`
    if (line === this.#shown) return
    this.#shown = line
    draw(`\r${line}\x1b[K`)
  }

  /** Leaves the line empty. */
  clear(): void {
    if (this.#shown !== '') draw('\r\x1b[K')
    this.#shown = ''
  }
}
