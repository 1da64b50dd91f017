// Work that takes long, as a row of steps: done at once, or in slices with turns of the event loop between them, so that the process
// goes on with other things, hears how far it is, and can stop it.
import type { Disk } from '../file/disk.js'

/** How long work is watched and stopped. */
export interface LongWork<Progress> {
  /** Called now and then. */
  onProgress?: ((progress: Progress) => void) | undefined
  /** Stops it: what it is given to throws, or rejects with, its reason. */
  signal?: AbortSignal | undefined
}

/** Throws TypeError for what could not be called or asked once the work is under way. */
export function checkLongWork({ onProgress, signal }: { onProgress?: unknown; signal?: unknown }): void {
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new TypeError(`onProgress must be a function, not of type ${typeof onProgress}`)
  // one of another realm is as good
  if (signal !== undefined && !(typeof signal === 'object' && signal !== null && 'throwIfAborted' in signal))
    throw new TypeError('signal must be an AbortSignal, as an AbortController has it')
}

/** Milliseconds of work between two turns. */
const SLICE = 10

/** Each step gives how far the work has come. Rejects with the reason of `signal` when that is aborted. */
export async function inSlices<Progress, T>(
  disk: Disk,
  work: Iterator<Progress, T>,
  { onProgress, signal }: LongWork<Progress>,
): Promise<T> {
  try {
    signal?.throwIfAborted()
    for (let until = disk.ticks() + SLICE; ;) {
      const step = work.next()
      if (step.done === true) return step.value
      if (disk.ticks() < until) continue
      onProgress?.(step.value)
      await disk.wait(0)
      signal?.throwIfAborted()
      until = disk.ticks() + SLICE
    }
  } finally {
    work.return?.() // what it holds is given back when it was stopped
  }
}

export function atOnce<T>(work: Iterator<unknown, T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** The same steps, each giving `progress`. */
export function* eachGiving<Progress, T>(progress: Progress, work: Iterator<unknown, T>): Generator<Progress, T> {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    yield progress
  }
}
