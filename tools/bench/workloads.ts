// All workloads, in the order in which they run and are shown.
import type { Workload } from './workload.js'
import { smallCommits } from './workloads/b01-small-commits.js'
import { durableCommits } from './workloads/b02-durable-commits.js'
import { manyInFlight } from './workloads/b03-many-in-flight.js'
import { build } from './workloads/b04-build.js'
import { openAndRead } from './workloads/b05-open.js'
import { coldReads } from './workloads/b06-cold-reads.js'
import { hotReads } from './workloads/b07-hot-reads.js'
import { randomUpdates } from './workloads/b08-random-updates.js'
import { processes } from './workloads/b09-processes.js'
import { latency } from './workloads/b10-latency.js'
import { scan } from './workloads/b11-scan.js'
import { bytes } from './workloads/b12-bytes.js'
import { memory } from './workloads/b13-memory.js'
import { pack } from './workloads/b14-pack.js'
import { catchingUp } from './workloads/b15-catching-up.js'
import { huge } from './workloads/b16-huge.js'

export const WORKLOADS: readonly Workload[] = [
  smallCommits,
  durableCommits,
  manyInFlight,
  build,
  openAndRead,
  coldReads,
  hotReads,
  randomUpdates,
  processes,
  latency,
  scan,
  bytes,
  memory,
  pack,
  catchingUp,
  huge,
]

export function workload(id: string): Workload {
  const found = WORKLOADS.find(each => each.id === id)
  if (found === undefined) throw new Error(`no workload ${id}: there are ${WORKLOADS.map(each => each.id).join(', ')}`)
  return found
}
