import { PER_SECOND, perSecond, repeat, type Workload } from '../workload.js'

const HOT = 1000

export const hotReads: Workload = {
  id: 'B7',
  title: 'one field of a thousand hot objects by key; and of an object that the program holds',
  figures: { reads: PER_SECOND, held: { unit: 'ns', better: 'less' } },
  contenders: ['perdure', 'perdure-plain', 'lmdb', 'lmdb+cache', 'sqlite', 'level', 'floor'],
  grows: true,
  begins: 'people',
  async measure(context) {
    const store = await context.open()
    const hot = Math.min(HOT, context.size)
    await repeat(20_000, n => store.age(n % hot))
    const count = context.times(500_000)
    const started = performance.now()
    await repeat(count, n => store.age(n % hot))
    const reads = perSecond(count, started)
    const held = store.hold?.(7)
    if (held === undefined) {
      await store.close()
      return { reads }
    }
    const sum = (times: number): number => {
      let ages = 0
      for (let n = 0; n < times; n++) ages += held.age
      return ages
    }
    sum(100_000)
    const often = context.times(20_000_000)
    const heldStarted = performance.now()
    sum(often)
    const heldTime = ((performance.now() - heldStarted) * 1e6) / often
    await store.close()
    return { reads, held: heldTime }
  },
}
