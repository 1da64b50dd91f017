// One of the workers, which may be killed at any time: takes one job after another until all are done.
import { setTimeout as sleep } from 'node:timers/promises'
import { openJobs, type Job } from './model.js'

const [path = 'jobs.db', milliseconds = '1000'] = process.argv.slice(2)
const db = openJobs(path)

/** Whatever takes long. It is done again if this process dies before the result is kept: so twice must do no harm. */
async function work({ text }: Job): Promise<string> {
  await sleep(Math.random() * 20)
  return text.toUpperCase()
}

for (;;) {
  const taken = db.transact(jobs => jobs.take(Number(milliseconds)))
  if (taken) {
    console.log(`worker ${process.pid} has ${taken.job.text}`)
    const result = await work(taken.job)
    const isKept = db.transact(jobs => jobs.finish(taken.lease, result))
    if (!isKept) console.log(`worker ${process.pid} was too slow for ${taken.job.text}`)
  } else if (db.root.allDone) break
  else await sleep(20) // others have the rest, or had, if they have died
}
db.close()
