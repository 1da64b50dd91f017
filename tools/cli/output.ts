// The tool's way out: data to standard output, everything else to standard error. Written at once, so that a slow reader
// slows the tool down instead of filling its memory, and one that has gone stops it.
import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { harmless } from './units.js'

const STDOUT = 1
const STDERR = 2
/** Characters that are gathered before they are written. */
const GATHERED = 1 << 15
const PAUSE = 2 // milliseconds
const pauseCell = new Int32Array(new SharedArrayBuffer(4))

/** Nobody reads standard output any more: nothing is left to be done, and nothing to be said. */
export class ClosedPipe extends Error {}

let gathered = ''

/** One line of data. */
export function print(line = ''): void {
  gathered += line + '\n'
  if (gathered.length >= GATHERED || isatty(STDOUT)) flush()
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value))
}

/** Whatever was printed is written when this returns. Throws ClosedPipe. */
export function flush(): void {
  const text = gathered
  gathered = ''
  try {
    write(STDOUT, text)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw new ClosedPipe()
    ;(error as NodeJS.ErrnoException).path ??= 'standard output'
    throw error
  }
}

/** A message for whoever runs the tool, in one line. */
export function say(message: string): void {
  draw(`perdure: ${harmless(message)}\n`)
}

/** The same without name and line end. */
export function draw(text: string): void {
  try {
    write(STDERR, text)
  } catch {
    // Nobody can be told that nobody can be told.
  }
}

export function progressIsWatched(): boolean {
  return isatty(STDERR)
}

/** All of it. */
export function write(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EAGAIN' && code !== 'EINTR') throw error
      Atomics.wait(pauseCell, 0, 0, PAUSE) // a pipe that is full, and was handed to us as one that does not block
    }
  }
}
