// A disk that notes which operations reach it, in order.
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { wrapDisk } from './wrapped-disk.js'

export interface CountingDisk {
  readonly disk: Disk
  /** The names of the operations so far. */
  readonly calls: string[]
  /** The names of the operations that `act` makes. */
  during(act: () => unknown): string[]
}

export function countingDisk(inner: Disk = systemDisk): CountingDisk {
  const calls: string[] = []
  const disk = wrapDisk(inner, (name, _n, go) => {
    calls.push(name)
    return go()
  })
  return {
    disk,
    calls,
    during(act) {
      const before = calls.length
      act()
      return calls.slice(before)
    },
  }
}
