// A folder of its own for one test, gone when the test ends.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/**
 * Makes an empty folder below PERDURE_TEST_DIR (or the system's folder for temporary files) and removes it at the
 * end of `t`. Take it before starting children: what is registered last is torn down first.
 */
export function tempDir(t: Test): string {
  const base = process.env.PERDURE_TEST_DIR || tmpdir()
  mkdirSync(base, { recursive: true })
  const dir = mkdtempSync(join(realpathSync(base), 'perdure-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
