// Filling a store, as the workloads begin with it.
import type { Opened } from './contender.js'
import { person, type Person } from './person.js'
import { repeat } from './workload.js'

/** People in a transaction. */
export const BATCH = 1000

export function batchOf(ids: ArrayLike<number>, from: number): Person[] {
  const people: Person[] = []
  for (let n = from; n < Math.min(ids.length, from + BATCH); n++) people.push(person(ids[n] ?? 0))
  return people
}

export function ascending(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, n) => n)
}

/** In transactions of a thousand, in the order of `ids`. */
export async function fill(store: Opened, ids: Uint32Array): Promise<void> {
  await repeat(Math.ceil(ids.length / BATCH), n => store.put(batchOf(ids, n * BATCH)))
}

/** Changes each once, in the order of `ids`. */
export async function changeEach(store: Opened, ids: Uint32Array, batch: number): Promise<void> {
  await repeat(Math.ceil(ids.length / batch), n => store.update(ids.subarray(n * batch, (n + 1) * batch)))
}
