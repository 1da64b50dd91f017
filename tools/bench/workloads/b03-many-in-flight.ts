import { PER_SECOND, perSecond, repeat, type Workload } from '../workload.js'

const IN_FLIGHT = 1000

export const manyInFlight: Workload = {
  id: 'B3',
  title: 'durable commits, a thousand in flight; and undurable ones with one flush at the end',
  figures: { commits: PER_SECOND },
  contenders: ['perdure', 'lmdb', 'level', 'floor'],
  cases: ['in flight', 'one flush'],
  grows: false,
  begins: 'empty',
  async measure(context) {
    const inFlight = context.case === 'in flight'
    const store = await context.open({ durable: inFlight })
    // lmdb cannot make durable later what it was not to sync.
    const canDo = inFlight ? store.setAsync !== undefined : store.flush !== undefined && context.contender !== 'lmdb'
    if (!canDo) {
      await store.close()
      return {}
    }
    const round = async (): Promise<void> => {
      if (inFlight) {
        await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, n) => store.setAsync?.('p0', n)))
      } else {
        await repeat(IN_FLIGHT, n => store.set('p0', n))
      }
    }
    await round()
    const rounds = context.times(50)
    const started = performance.now()
    await repeat(rounds, round)
    await store.flush?.()
    const measured = perSecond(rounds * IN_FLIGHT, started)
    await store.close()
    return { commits: measured }
  },
}
