import { changeEach } from '../people.js'
import { shuffled } from '../person.js'
import { PER_SECOND, perSecond, type Workload } from '../workload.js'

const MOST = 100_000
const BATCH = 100

export const randomUpdates: Workload = {
  id: 'B8',
  title: 'one field of random objects changed, a hundred in a transaction',
  figures: { updates: PER_SECOND },
  contenders: ['perdure', 'perdure-plain', 'lmdb', 'lmdb+writemap', 'sqlite', 'level', 'floor'],
  grows: true,
  begins: 'people',
  spoils: true,
  async measure(context) {
    const store = await context.open()
    const ids = shuffled(context.size).subarray(0, MOST)
    const started = performance.now()
    await changeEach(store, ids, BATCH)
    const updates = perSecond(ids.length, started)
    await store.close()
    return { updates }
  },
}
