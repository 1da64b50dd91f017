import { PER_SECOND, perSecond, repeat, type Workload } from '../workload.js'

export const smallCommits: Workload = {
  id: 'B1',
  title: 'one small object changed per commit, not synced',
  figures: { commits: PER_SECOND },
  contenders: ['perdure', 'perdure+transact', 'lmdb', 'lmdb+writemap', 'sqlite', 'level', 'floor'],
  grows: false,
  begins: 'empty',
  async measure(context) {
    const store = await context.open()
    await repeat(2000, n => store.set('p0', n))
    const commits = context.times(200_000)
    const started = performance.now()
    await repeat(commits, n => store.set('p0', n))
    const measured = perSecond(commits, started)
    await store.close()
    return { commits: measured }
  },
}
