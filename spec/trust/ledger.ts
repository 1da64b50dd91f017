// What a process says of its commits to a file of its own, outside of the store: "about" before each, "done" when it was
// acknowledged. A killed process loses nothing that it has written to a file, so the ledger needs no fsync.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

export interface Entries {
  /** The last commit that it began; 0: none. */
  readonly about: number
  /** The last one that was acknowledged to it. */
  readonly done: number
}

export class Ledger {
  readonly #fd: number

  constructor(path: string) {
    this.#fd = openSync(path, 'a')
  }

  about(n: number): void {
    writeSync(this.#fd, `about ${n}\n`)
  }

  done(n: number): void {
    writeSync(this.#fd, `done ${n}\n`)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** What stands in the ledger at `path`, or nothing if its process was killed before it made one. A last line without an end is none. */
export function readLedger(path: string): Entries {
  const entries = { about: 0, done: 0 }
  for (const line of readIfThere(path).split('\n').slice(0, -1)) {
    const [what, n] = line.split(' ')
    if (what === 'about' || what === 'done') entries[what] = Number(n)
  }
  return entries
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
