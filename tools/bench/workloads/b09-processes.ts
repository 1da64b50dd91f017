import { perSecond, repeat, PER_SECOND, type Workload } from '../workload.js'

interface Done {
  readonly longest: number
}

export const processes: Workload = {
  id: 'B9',
  title: 'processes at once, each reading a counter and storing one more, not synced',
  figures: { commits: PER_SECOND, 'longest wait': { unit: 'ms', better: 'less' } },
  contenders: ['perdure', 'lmdb', 'sqlite', 'floor'],
  cases: ['1 private', '2 private', '4 private', '1 shared', '2 shared', '4 shared'],
  shortCases: ['2 shared'],
  grows: false,
  begins: 'empty',
  helpers: {
    async increment(context, { args: [counter = '', times = '0'], say, told }) {
      const store = await context.open()
      await repeat(500, () => store.increment(counter))
      say('ready')
      await told()
      let longest = 0
      let before = performance.now()
      await repeat(Number(times), () => {
        const now = performance.now()
        longest = Math.max(longest, now - before)
        before = now
        return store.increment(counter)
      })
      say({ longest })
      await told()
      await store.close()
    },
  },
  async measure(context) {
    const [count = '1', whose] = context.case.split(' ')
    const store = await context.open()
    await repeat(1, () => store.set('shared', 0))
    const times = context.times(40_000)
    const helpers = Array.from({ length: Number(count) }, (_, n) =>
      context.start('increment', whose === 'shared' ? 'shared' : `p${n}`, String(times)),
    )
    for (const helper of helpers) await helper.hear()
    const started = performance.now()
    for (const helper of helpers) helper.tell('go')
    const done = await Promise.all(helpers.map(helper => helper.hear<Done>()))
    const commits = perSecond(helpers.length * times, started)
    if (whose === 'shared') {
      const counted = await store.read('shared')
      if (counted !== helpers.length * (times + 500)) throw new Error(`${counted} increments were kept`)
    }
    for (const helper of helpers) helper.tell('end')
    for (const helper of helpers) await helper.ended()
    await store.close()
    return { commits, 'longest wait': Math.max(...done.map(({ longest }) => longest)) }
  },
}
