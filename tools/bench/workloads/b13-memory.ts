import { existsSync, readFileSync } from 'node:fs'
import { memoryUsage } from 'node:process'
import { shuffled } from '../person.js'
import { repeat, type Workload } from '../workload.js'

const MOST = 100_000

/** Bytes that JavaScript holds, in and out of its heap. */
function held(): number {
  ;(globalThis as { gc?: () => void }).gc?.()
  const { heapUsed, external } = memoryUsage()
  return heapUsed + external
}

/** MiB that are this process's own, without files mapped into it; NaN where the system does not tell. */
function privateMemory(): number {
  const path = '/proc/self/status'
  const found = existsSync(path) ? /RssAnon:\s+(\d+) kB/.exec(readFileSync(path, 'utf8')) : null
  return Number(found?.[1]) / 1024
}

export const memory: Workload = {
  id: 'B13',
  title: 'memory: for each object that is known; that is loaded; of the process after random reads',
  figures: {
    known: { unit: 'bytes', better: 'less' },
    loaded: { unit: 'bytes', better: 'less' },
    resident: { unit: 'MiB', better: 'less' },
    private: { unit: 'MiB', better: 'less' },
  },
  contenders: ['perdure', 'perdure-plain', 'lmdb', 'sqlite', 'level', 'floor'],
  grows: true,
  begins: 'people',
  async measure(context) {
    const { size } = context
    const ids = shuffled(size).subarray(0, MOST)
    const before = held()
    const store = await context.open()
    await store.age(0)
    const opened = held()
    await repeat(ids.length, n => store.age(ids[n] ?? 0))
    const resident = memoryUsage().rss / 2 ** 20
    const own = privateMemory()
    const loaded = held()
    await store.close()
    const measured = { known: (opened - before) / size, loaded: (loaded - opened) / ids.length, resident }
    return Number.isNaN(own) ? measured : { ...measured, private: own }
  },
}
