import { PER_SECOND, perSecond, repeat, type Workload } from '../workload.js'

export const durableCommits: Workload = {
  id: 'B2',
  title: 'one small object changed per commit, durable',
  figures: { commits: PER_SECOND },
  contenders: ['perdure', 'perdure+transact', 'lmdb', 'sqlite', 'level', 'floor'],
  grows: false,
  begins: 'empty',
  async measure(context) {
    const store = await context.open({ durable: true })
    await repeat(50, n => store.set('p0', n))
    const commits = context.times(4000)
    const started = performance.now()
    await repeat(commits, n => store.set('p0', n))
    const measured = perSecond(commits, started)
    await store.close()
    return { commits: measured }
  },
}
