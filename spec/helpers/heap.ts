// What objects take in memory.
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What nobody holds is gone afterwards. */
export async function collectGarbage(): Promise<void> {
  await turn()
  collect()
  await turn()
}

/** Bytes that are in use when the collector has run, and nothing is kept for the current turn of the event loop. */
export async function usedHeap(): Promise<number> {
  await collectGarbage()
  return process.memoryUsage().heapUsed
}
