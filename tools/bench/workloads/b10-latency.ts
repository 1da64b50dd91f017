import { hrtime } from 'node:process'
import { middle } from '../statistics.js'
import { repeat, type Workload } from '../workload.js'

/** Times that both do what they do before it counts. */
const WARM = 3000

/** Microseconds of a clock that all processes share. */
const now = (): number => Number(hrtime.bigint()) / 1000
const cell = new Int32Array(new SharedArrayBuffer(4))

export const latency: Workload = {
  id: 'B10',
  title: 'from a commit in one process until another has read it, by polling',
  figures: { median: { unit: 'µs', better: 'less' }, 'one in a hundred': { unit: 'µs', better: 'less' } },
  contenders: ['perdure', 'lmdb', 'sqlite', 'floor'],
  grows: false,
  begins: 'empty',
  helpers: {
    async write(context, { args: [times = '0'], say, told }) {
      const store = await context.open()
      await repeat(WARM, n => store.set('p0', n))
      say('ready')
      await told()
      for (let n = 0; n < Number(times); n++) {
        Atomics.wait(cell, 0, 0, 1)
        await store.set('p0', Math.floor(now()))
      }
      await store.close()
    },
  },
  async measure(context) {
    const store = await context.open()
    await repeat(WARM, async n => {
      await store.set('p0', n)
      await store.read('p0')
    })
    const times = context.times(1000)
    const helper = context.start('write', String(times))
    await helper.hear()
    helper.tell('go')
    // What was told is sent by a later turn of the event loop.
    await new Promise(resolve => setTimeout(resolve, 10))
    const waits: number[] = []
    let last = await store.read('p0')
    const until = performance.now() + 5000
    while (waits.length < times && performance.now() < until) {
      const read = store.read('p0')
      const stamp = typeof read === 'number' ? read : await read
      if (stamp === last) continue
      last = stamp
      waits.push(now() - stamp)
    }
    await helper.ended()
    await store.close()
    waits.sort((a, b) => a - b)
    return { median: middle(waits), 'one in a hundred': waits[Math.floor(waits.length * 0.99)] ?? NaN }
  },
}
