// Who holds a lock, for error messages only: nothing may depend on the answer.
import { readFileSync } from 'node:fs'
import type { FileStatus } from './disk.js'

/** The process that holds the flock of this file, as /proc/locks tells; undefined where there is no such list. */
export function lockHolder(status: FileStatus): number | undefined {
  let table: string
  try {
    table = readFileSync('/proc/locks', 'utf8')
  } catch {
    return undefined
  }
  // 1: FLOCK  ADVISORY  WRITE 4711 fd:01:262147 0 EOF      (a waiting process stands behind "->")
  const inode = status.ino.toString()
  for (const line of table.split('\n')) {
    const [, kind, , , pid, place] = line.trim().split(/\s+/)
    if (kind === 'FLOCK' && place?.split(':')[2] === inode && Number(pid) > 0) return Number(pid)
  }
  return undefined
}
