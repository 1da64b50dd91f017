// Jobs for three workers, each of which is killed in the middle of one and replaced: node dist/examples/jobs/main.js [jobs.db]
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openJobs } from './model.js'

const JOBS = 60
const LEASE = '500' // milliseconds: longer than a job takes
const [path = 'jobs.db'] = process.argv.slice(2)
const worker = fileURLToPath(new URL('./worker.js', import.meta.url))

const db = openJobs(path)
db.transact(function ask({ waiting }) {
  for (let n = 1; n <= JOBS; n++) waiting.push({ id: randomUUID(), text: `job ${n}` })
})

/** Runs a worker to its end, or until it has so many jobs: then it is killed, and one is left undone. */
async function runWorker(jobs: number): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, [worker, path, LEASE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'close')
  let taken = 0
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line)
    if (line.includes(' has ') && ++taken === jobs) child.kill('SIGKILL')
  }
  const [, signal] = (await gone) as [number | null, NodeJS.Signals | null]
  return signal
}

const killed = await Promise.all(
  [2, 4, 6].map(async jobs => {
    const signal = await runWorker(jobs)
    if (signal !== null) await runWorker(Infinity)
    return signal
  }),
)
const { results, allDone } = db.root
const dead = killed.filter(signal => signal !== null).length
console.log(`${results.size} jobs are done, ${allDone ? 'none is' : 'some are'} left, and ${dead} workers were killed`)
db.close()
