import { shuffled } from '../person.js'
import { PER_SECOND, perSecond, repeat, type Workload } from '../workload.js'

const MOST = 100_000

export const coldReads: Workload = {
  id: 'B6',
  title: 'random objects by key, each for the first time in this process',
  figures: { objects: PER_SECOND },
  contenders: ['perdure', 'perdure-plain', 'lmdb', 'lmdb+structures', 'sqlite', 'level', 'floor'],
  grows: true,
  begins: 'people',
  async measure(context) {
    const store = await context.open()
    const ids = shuffled(context.size).subarray(0, MOST)
    await store.age(ids[0] ?? 0)
    const started = performance.now()
    await repeat(ids.length, n => store.age(ids[n] ?? 0))
    const objects = perSecond(ids.length, started)
    await store.close()
    return { objects }
  },
}
