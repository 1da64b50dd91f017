// Where the benchmark is, and where it may write: on a real disk, or its figures say nothing.
import { mkdirSync, mkdtempSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of the project; this file runs from dist/tools/bench. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

const IN_MEMORY = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
])

/** A new directory below PERDURE_BENCH_DIR, or else below the project. */
export function workPlace(): string {
  const base = process.env.PERDURE_BENCH_DIR ?? join(ROOT, '.build', 'bench')
  mkdirSync(base, { recursive: true })
  const kind = IN_MEMORY.get(statfsSync(base).type)
  if (kind !== undefined) {
    throw new Error(`${base} is in memory (${kind}): set PERDURE_BENCH_DIR to a directory on a disk`)
  }
  return mkdtempSync(join(base, 'run-'))
}
