import { ascending, fill } from '../people.js'
import { shuffled } from '../person.js'
import { repeat, type Workload } from '../workload.js'

const MICROSECONDS = { unit: 'µs', better: 'less' } as const
const READS = 100_000

export const huge: Workload = {
  id: 'B16',
  title: 'each step for each object, in a store ten times the largest size: build, open, random reads, pack',
  figures: {
    build: MICROSECONDS,
    open: { unit: 'ms', better: 'less' },
    read: MICROSECONDS,
    pack: MICROSECONDS,
  },
  contenders: ['perdure', 'lmdb'],
  grows: true,
  begins: 'empty',
  optional: true,
  async measure(context) {
    const size = context.size * 10
    const each = (count: number, started: number): number => ((performance.now() - started) * 1000) / count
    const first = await context.open()
    const building = performance.now()
    await fill(first, ascending(size))
    const built = each(size, building)
    await first.close()
    const opening = performance.now()
    const store = await context.open()
    await store.age(size >> 1)
    const open = performance.now() - opening
    const ids = shuffled(size).subarray(0, READS)
    const reading = performance.now()
    await repeat(ids.length, n => store.age(ids[n] ?? 0))
    const read = each(ids.length, reading)
    const packing = performance.now()
    await store.pack?.()
    const packed = each(size, packing)
    await store.close()
    return { build: built, open, read, pack: packed }
  },
}
