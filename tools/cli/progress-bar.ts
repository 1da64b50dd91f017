// A line on the terminal that says how far a pack has come; nothing where no terminal is watched.
import type { PackProgress } from '../../lib/store/live-copy.js'
import { draw, progressIsWatched } from './output.js'
import { count, size } from './units.js'

const WIDTH = 30

export class ProgressBar {
  readonly #watched = progressIsWatched()
  #shown = ''

  update({ objects, most, bytes }: PackProgress): void {
    if (!this.#watched) return
    const part = most === 0 ? 1 : Math.min(1, objects / most)
    const done = Math.round(part * WIDTH)
    const bar = '#'.repeat(done) + '.'.repeat(WIDTH - done)
    const line = `[${bar}] ${Math.floor(part * 100)}%  ${count(objects, 'object')}  ${size(bytes)}`
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
