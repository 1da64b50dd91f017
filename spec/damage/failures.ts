// What disks do when they fail, each as a disk that does it: at its operation number `k`, and at some or all behind it.
import { constants } from 'node:os'
import type { Disk } from '../../lib/file/disk.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

export interface Failure {
  readonly name: string
  /** Whether this operation can fail in this way; undefined: any. */
  readonly only?: readonly (keyof Disk)[]
  /** In place of the operation. */
  readonly instead: (go: () => unknown, args: unknown[]) => unknown
}

/** What a system says of an operation that it did not carry out. */
export function refused(code: string, errno = -1): () => never {
  return () => {
    throw Object.assign(new Error(`${code}: as the test wants`), { code, errno, syscall: 'test' })
  }
}

/** Node has no name for that: it gives the number. */
const QUOTA = -constants.errno.EDQUOT
const NO_QUOTA = `Unknown system error ${QUOTA}`

const WRITING: readonly (keyof Disk)[] = ['write', 'create', 'openLock', 'link', 'rename', 'truncate']

export const FAILURES: readonly Failure[] = [
  { name: 'ENOSPC', only: WRITING, instead: refused('ENOSPC') },
  { name: `${NO_QUOTA} (EDQUOT)`, only: WRITING, instead: refused(NO_QUOTA, QUOTA) },
  { name: 'EFBIG', only: ['write', 'truncate'], instead: refused('EFBIG') },
  { name: 'EIO', instead: refused('EIO') },
  { name: 'EINTR', instead: refused('EINTR') },
  {
    name: 'ENOSPC after some bytes',
    only: ['write'],
    instead: (go, args) => {
      args[3] = Math.floor((args[3] as number) / 2)
      return args[3] === 0 ? refused('ENOSPC')() : go()
    },
  },
]

/** Harmless: the store has to go on as if nothing had happened. */
export const SHORT: readonly Failure[] = [
  { name: 'a short read', only: ['read'], instead: shortened(0.5) },
  { name: 'a short write', only: ['write'], instead: shortened(0.5) },
  { name: 'a read of one byte', only: ['read'], instead: shortened(0) },
  { name: 'a write of one byte', only: ['write'], instead: shortened(0) },
]

function shortened(part: number): Failure['instead'] {
  return (go, args) => {
    args[3] = Math.max(Math.min(1, args[3] as number), Math.floor((args[3] as number) * part))
    return go()
  }
}

export interface FailingDisk {
  readonly disk: Disk
  /** From now on, counted from 1, so many operations fail, the first of which is number `k`. */
  arm(k: number, failure: Failure, times: number): void
  disarm(): void
  /** The first operation that failed since `arm`; undefined: none has. */
  readonly failed: keyof Disk | undefined
}

/** `inner` with failures. What cannot fail in the way that is wanted is not counted. */
export function failingDisk(inner: Disk): FailingDisk {
  let left = Infinity
  let failure: Failure | undefined
  let most = 0
  let failed: keyof Disk | undefined
  const disk = wrapDisk(inner, (name, _n, go, args) => {
    // Closing and unlocking have their own test; whether writing is possible at all is no operation of the disk.
    if (failure === undefined || name === 'close' || name === 'unlock' || name === 'checkWriting') return go()
    if (failure.only && !failure.only.includes(name)) return go()
    if (--left > 0 || left <= -most) return go()
    failed ??= name
    if (name !== 'syncAsync') return failure.instead(go, args as unknown[])
    return Promise.resolve().then(() => failure?.instead(go, args as unknown[]))
  })
  return {
    disk,
    arm(k, what, times) {
      left = k
      failure = what
      most = times
      failed = undefined
    },
    disarm: () => void (failure = undefined),
    get failed() {
      return failed
    },
  }
}
