// A process that kills itself: before operation `k`, or when so many bytes of a frame are written.
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import { initialDraft, put, record } from '../helpers/drafts.js'
import { serve } from '../helpers/serve.js'
import { killingDisk } from '../helpers/wrapped-disk.js'

const [path = ''] = process.argv.slice(2)
let room = Infinity
/** Writes short: up to where it is to die, and dies at the next write. */
const tearing = {
  ...systemDisk,
  write(fd: number, from: Uint8Array, at: number, length: number, position: number | null) {
    if (room === 0) process.kill(process.pid, 'SIGKILL')
    const taken = systemDisk.write(fd, from, at, Math.min(length, room), position)
    room -= taken
    return taken
  },
}
const killing = killingDisk(tearing)
let store: Store | undefined
const open = () => (store ??= Store.open(killing.disk, path, {}, initialDraft))

/** Runs `act`, killing this process before its operation `k`; tells how many there were if it was not reached. */
function killedAt(k: number, act: () => void): number {
  killing.arm(k)
  act()
  const count = killing.count()
  killing.arm(Infinity)
  return count
}

const methods = {
  open: () => void open(),
  put: (text: string) => void put(open(), record(1, text)),
  openKilledAt: (k: number) => killedAt(k, () => void open()),
  commitKilledAt: (k: number, text: string) =>
    killedAt(k, () => {
      const store = open()
      put(store, record(1, text))
      store.makeDurable(store.current.snapshot())
    }),
  commitTornAt(bytes: number, text: string) {
    room = bytes
    put(open(), record(1, text))
  },
}
export type KilledMethods = typeof methods

serve(methods)
