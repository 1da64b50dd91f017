import { PER_SECOND, perSecond, type Workload } from '../workload.js'

export const scan: Workload = {
  id: 'B11',
  title: 'all entries in the order of their keys, decoded',
  figures: { entries: PER_SECOND },
  contenders: ['perdure', 'perdure-plain', 'lmdb', 'lmdb+structures', 'sqlite', 'level', 'floor'],
  // 'copies': as data that the store keeps nothing of, where it has the choice.
  cases: ['as they are', 'copies'],
  grows: true,
  begins: 'people',
  async measure(context) {
    const store = await context.open()
    await store.age(0)
    const started = performance.now()
    await (context.case === 'copies' && store.sumCopies ? store.sumCopies() : store.sum())
    const entries = perSecond(context.size, started)
    await store.close()
    return { entries }
  },
}
