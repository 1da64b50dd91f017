import { PER_SECOND, perSecond, repeat, type Workload } from '../workload.js'

export const catchingUp: Workload = {
  id: 'B15',
  title: 'catching up with the commits of another process',
  figures: { commits: PER_SECOND },
  contenders: ['perdure', 'floor'],
  grows: false,
  begins: 'empty',
  helpers: {
    async write(context, { args: [times = '0'] }) {
      const store = await context.open()
      await repeat(Number(times), n => store.set('p0', n))
      await store.close()
    },
  },
  async measure(context) {
    const store = await context.open()
    await store.set('p0', 0)
    store.catchUp?.()
    const times = context.times(1_000_000)
    await context.start('write', String(times)).ended()
    const started = performance.now()
    store.catchUp?.()
    const commits = perSecond(times, started)
    await store.close()
    return { commits }
  },
}
