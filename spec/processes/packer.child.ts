// A process that writes, packs and reads one store, step by step; its disk can be told to kill it before operation k.
import { systemDisk } from '../../lib/file/system-disk.js'
import { pack } from '../../lib/store/pack.js'
import type { Snapshot } from '../../lib/store/snapshot.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { draft, initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { serve } from '../helpers/serve.js'
import { killingDisk } from '../helpers/wrapped-disk.js'

const [path = ''] = process.argv.slice(2)
const killing = killingDisk(systemDisk)
const store = Store.open(killing.disk, path, {}, initialDraft)
let held: Snapshot | undefined

const methods = {
  put: (oid: number, text: string, refs: number[] = []) => put(store, record(oid, text, refs)),
  text: (oid: number) => textOf(store, oid),
  generation: () => store.latest().generation.number,
  tid: () => store.latest().tid,
  /** Kills itself before operation `k` of a pack; returns how many there were if it was not reached. */
  async packKilledAt(k: number) {
    killing.arm(k)
    await pack(store)
    const count = killing.count()
    killing.arm(Infinity)
    return count
  },
  hold() {
    held = store.latest()
    held.generation.retain()
  },
  heldText(oid: number) {
    if (held === undefined) throw new Error('nothing is held')
    const { generation, offset } = held
    return Buffer.from(generation.read(generation.find(oid as Oid, offset)).state).toString()
  },
  /** Increments the number in `oid` durably, `times` times, again after each conflict; returns how many were acknowledged. */
  async increment(oid: number, times: number) {
    for (let done = 0; done < times;) {
      const snapshot = store.latest()
      const next = Number(textOf(store, oid)) + 1
      const result = store.commit(draft(record(oid, String(next))), snapshot, [oid as Oid], true)
      if (result.outcome !== 'committed') continue
      store.makeDurable(result.snapshot)
      done++
      await new Promise(setImmediate)
    }
    return times
  },
  /** Packs `times` times; another packer cannot be first here. */
  async packs(times: number) {
    for (let n = 0; n < times; n++) await pack(store)
    return store.latest().generation.number
  },
}
export type PackerMethods = typeof methods

serve(methods)
