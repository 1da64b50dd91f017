// A disk with something put in between: every operation that reaches the outside world passes through `around`.
import type { Disk } from '../../lib/file/disk.js'

/** `n` counts the operations from 1; `go` carries the operation out. What is returned or thrown is what the store sees. */
export type Around = (name: keyof Disk, n: number, go: () => unknown, args: readonly unknown[]) => unknown

/** Clocks, timers, randomness and warnings are no operations: they pass as they are. */
const PLAIN: ReadonlySet<string> = new Set([
  'now',
  'ticks',
  'sleep',
  'wait',
  'after',
  'random',
  'randomBytes',
  'boot',
  'warn',
])

export function wrapDisk(disk: Disk, around: Around): Disk {
  let n = 0
  return new Proxy(disk, {
    get(target, name: keyof Disk) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || PLAIN.has(name)) return member
      return (...args: unknown[]) => around(name, ++n, () => Reflect.apply(member, target, args) as unknown, args)
    },
  })
}

/** Kills this process before operation `k` (counted from the moment `arm` is called); notes how many there were. */
export function killingDisk(disk: Disk): { disk: Disk; arm(k: number): void; count(): number } {
  let k = Infinity
  let n = 0
  const wrapped = wrapDisk(disk, (_name, _n, go) => {
    if (++n === k) process.kill(process.pid, 'SIGKILL')
    return go()
  })
  return {
    disk: wrapped,
    arm(at) {
      n = 0
      k = at
    },
    count: () => n,
  }
}
