// A process that holds the lock and starts others, which may or may not get its descriptors.
import { spawn } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import { initialDraft } from '../helpers/drafts.js'
import { serve } from '../helpers/serve.js'

const [path = ''] = process.argv.slice(2)
const descriptors: number[] = []
const disk = {
  ...systemDisk,
  tryLock(fd: number) {
    descriptors.push(fd)
    return systemDisk.tryLock(fd)
  },
}
const store = Store.open(disk, path, {}, initialDraft)

const methods = {
  take: () => store.lock.take(store.current.file.fd, 0),
  release: () => store.lock.release(),
  /** A process that sleeps and outlives this one; with `inherit` it is handed the descriptors of both locks. */
  startSleeper(inherit: boolean) {
    const handed = inherit ? descriptors.slice(-2) : []
    const sleeper = spawn('sleep', ['600'], { detached: true, stdio: ['ignore', 'ignore', 'ignore', ...handed] })
    sleeper.unref()
    return sleeper.pid ?? 0
  },
  /** The files that a process has open, where the system tells. */
  filesOf: (pid: number) => readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`)),
}
export type ParentMethods = typeof methods

serve(methods)
