import type { Workload } from '../workload.js'

export const openAndRead: Workload = {
  id: 'B5',
  title: 'open a store and read one object',
  figures: { time: { unit: 'ms', better: 'less' } },
  contenders: ['perdure', 'perdure-plain', 'lmdb', 'sqlite', 'level', 'floor'],
  grows: true,
  begins: 'people',
  async measure(context) {
    const started = performance.now()
    const store = await context.open()
    await store.age(context.size >> 1)
    const time = performance.now() - started
    await store.close()
    return { time }
  },
}
