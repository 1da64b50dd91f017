import { PER_SECOND, perSecond, type Workload } from '../workload.js'

interface Waited {
  readonly longest: number
}

export const pack: Workload = {
  id: 'B14',
  title: 'pack as many live objects as dead versions; and how long another process that commits has to wait meanwhile',
  figures: { objects: PER_SECOND, 'longest wait': { unit: 'ms', better: 'less' } },
  contenders: ['perdure', 'perdure-plain', 'lmdb', 'sqlite', 'level', 'floor'],
  cases: ['alone', 'beside a writer'],
  grows: true,
  begins: 'versions',
  spoils: true,
  helpers: {
    async write(context, { say, told }) {
      const store = await context.open()
      await store.set('p1', 0)
      say('ready')
      let stop = false
      void told().then(() => (stop = true))
      let longest = 0
      for (let n = 1; !stop; n++) {
        const started = performance.now()
        await store.set('p1', n)
        longest = Math.max(longest, performance.now() - started)
        await new Promise(resolve => setTimeout(resolve, 1))
      }
      say({ longest })
      await store.close()
    },
  },
  async measure(context) {
    const store = await context.open()
    if (context.case === 'alone') {
      const started = performance.now()
      await store.pack?.()
      const objects = perSecond(context.size, started)
      await store.close()
      return { objects }
    }
    // The floor's pack is no store's: nobody can go on in its new file. level is for one process.
    if (context.contender === 'floor' || context.contender === 'level') {
      await store.close()
      return {}
    }
    const helper = context.start('write')
    await helper.hear()
    await store.pack?.()
    helper.tell('stop')
    const { longest } = await helper.hear<Waited>()
    await helper.ended()
    await store.close()
    return { 'longest wait': longest }
  },
}
