// What objects take in memory.
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that are in use when the collector has run, and nothing is kept for the current turn of the event loop. */
export async function usedHeap(): Promise<number> {
  await turn()
  collect()
  await turn()
  return process.memoryUsage().heapUsed
}
