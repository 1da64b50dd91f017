// A process with one store, stepped by a test: it opens, reads, holds still, commits, and takes the lock by hand.
import { appendFileSync, readFileSync } from 'node:fs'
import { systemDisk } from '../../lib/file/system-disk.js'
import type { Snapshot } from '../../lib/store/snapshot.js'
import { Store } from '../../lib/store/store.js'
import type { StoreOptions } from '../../lib/store/store-options.js'
import type { Oid } from '../../lib/store/types.js'
import { draft, initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { serve } from '../helpers/serve.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

const [path = '', options = '{}'] = process.argv.slice(2)
const calls: string[] = []
const disk = wrapDisk(systemDisk, (name, _n, go) => {
  calls.push(name)
  return go()
})
const store = Store.open(disk, path, JSON.parse(options) as StoreOptions, initialDraft)
let paused: Snapshot | undefined

const numbers = ({ offset, tid }: Snapshot) => ({ offset, tid })
const textAt = ({ generation, offset }: Snapshot, oid: number): string | undefined => {
  const at = generation.find(oid as Oid, offset)
  return at === 0 ? undefined : Buffer.from(generation.read(at).state).toString()
}

const methods = {
  latest: () => numbers(store.latest()),
  /** What the store knows without looking. */
  known: () => numbers(store.current.snapshot()),
  storeId: () => Buffer.from(store.current.header.storeId).toString('hex'),
  text: (oid: number) => textOf(store, oid),
  put: (oid: number, text: string) => put(store, record(oid, text)),

  /** The operations on the disk since this was asked the last time. */
  calls: () => calls.splice(0),

  /** Holds the newest state; `seen` reads from it, and `commit` checks against it. */
  pause: () => numbers((paused = store.latest())),
  seen: (oid: number) => textAt(paused ?? store.latest(), oid),
  continue: () => void (paused = undefined),
  commit(oid: number, text: string, accessed: number[]) {
    const result = store.commit(draft(record(oid, text)), paused ?? store.latest(), accessed as Oid[], true)
    const { outcome } = result
    return outcome === 'conflict' ? { outcome, oids: result.oids } : { outcome, oids: [] as Oid[] }
  },

  /** Takes the lock, and keeps it until `release`, over any number of steps. */
  take(timeout = 10_000) {
    store.latest()
    store.lock.take(store.current.file.fd, timeout)
  },
  tryTake() {
    store.look()
    return store.lock.try(store.current.file.fd)
  },
  release: () => store.lock.release(),

  /** Appends new objects, `times` commits of two; returns their oids. */
  append(text: string, times: number) {
    const oids: number[] = []
    for (let n = 0; n < times; n++) {
      const result = store.commit(
        draft(record(-1, `${text} ${n}`), record(-2, `${text} ${n}'`)),
        store.latest(),
        [],
        true,
      )
      if (result.outcome !== 'committed') throw new Error(result.outcome)
      oids.push(result.firstOid, result.firstOid + 1)
    }
    return oids
  },
  /** Adds one to the number in an object, `times` times; returns how many conflicts there were. */
  increment(oid: number, times: number) {
    let conflicts = 0
    for (let done = 0; done < times;) {
      const snapshot = store.latest()
      const next = String(Number(textAt(snapshot, oid)) + 1)
      if (store.commit(draft(record(oid, next)), snapshot, [oid as Oid], true).outcome === 'committed') done++
      else conflicts++
    }
    return conflicts
  },
  /** Goes under the lock `times` times, and writes there into a ledger; says whether it was ever not alone. */
  critical(ledger: string, times: number) {
    let intruders = 0
    for (let n = 0; n < times; n++) {
      store.underLock(() => {
        appendFileSync(ledger, `enter ${process.pid}\n`)
        for (let spin = 0; spin < 20; spin++)
          if (!readFileSync(ledger, 'utf8').endsWith(`enter ${process.pid}\n`)) intruders++
        appendFileSync(ledger, `leave ${process.pid}\n`)
      })
      store.look()
    }
    return intruders
  },
}
export type StoreMethods = typeof methods

serve(methods)
