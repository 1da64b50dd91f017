import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openJobs } from '../../examples/jobs/model.js'
import { plainNode } from '../helpers/plain-node.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { numbers, runExample } from './run-example.js'

// Each worker is a process, and the machine may be busy.
t.setTimeout(180_000)

const worker = fileURLToPath(new URL('../../examples/jobs/worker.js', import.meta.url))

t.test('the example does all jobs, although each of its workers is killed in the middle of one', async t => {
  const folder = tempDir(t)
  for (let day = 1; day <= 2; day++) {
    const printed = await runExample(folder, 'jobs/main')
    const [done] = numbers(printed, /^(\d+) jobs are done, none is left, and \d+ workers were killed$/m)
    t.equal(done, day * 60)
  }
})

t.test('workers are killed at random, and every job is done, and none lost', async t => {
  const random = seeded(t)
  const path = join(tempDir(t), 'jobs.db')
  const db = openJobs(path)
  t.teardown(() => db.close())
  const ids = Array.from({ length: 80 }, () => randomUUID() as string)
  db.transact(({ waiting }) => waiting.push(...ids.map(id => ({ id, text: `job ${id}` }))))

  const held: string[] = []
  let kills = 0
  const runWorker = async (): Promise<void> => {
    const child = spawn(...plainNode(worker, path, '400'), { stdio: ['ignore', 'pipe', 'inherit'] })
    const gone = once(child, 'close')
    for await (const line of createInterface({ input: child.stdout })) {
      const [, id] = / has job (.*)$/.exec(line) ?? []
      if (id === undefined) continue
      held.push(id)
      // At any moment from the taking of this one on.
      if (kills < 12 && held.length % 6 === 0) {
        kills++
        setTimeout(() => child.kill('SIGKILL'), random.int(30))
      }
    }
    await gone
  }
  const keepWorking = async (): Promise<void> => {
    while (!db.root.allDone) await runWorker()
  }
  await Promise.all([1, 2, 3].map(keepWorking))
  t.equal(kills, 12)
  t.same([...db.root.results.keys()].sort(), [...ids].sort(), 'every job has its result')
  for (const [id, result] of db.root.results) t.equal(result, `JOB ${id.toUpperCase()}`)
  t.same(new Set(held), new Set(ids))
})

t.test('a job whose lease has run out goes to the next one who asks, and its result is taken once', async t => {
  const db = openJobs(join(tempDir(t), 'jobs.db'))
  t.teardown(() => db.close())
  const other = db.connect()
  t.teardown(() => other.close())
  db.transact(({ waiting }) => waiting.push({ id: 'a', text: 'a' }, { id: 'b', text: 'b' }))
  const slow = db.transact(jobs => jobs.take(0))!
  t.equal(slow.job.id, 'a')
  while (Date.now() <= slow.lease[0]) await new Promise(setImmediate)
  const second = other.transact(jobs => jobs.take(60_000))!
  t.same(second.job, slow.job, 'before those that wait')
  t.equal(other.transact(jobs => jobs.take(60_000))?.job.id, 'b')
  t.equal(
    db.transact(jobs => jobs.take(60_000)),
    undefined,
    'both are in work',
  )
  t.equal(
    db.transact(jobs => jobs.finish(slow.lease, 'too late')),
    false,
  )
  t.equal(
    other.transact(jobs => jobs.finish(second.lease, 'done')),
    true,
  )
  t.same([...db.root.results], [['a', 'done']])
  t.notOk(db.root.allDone)
})
