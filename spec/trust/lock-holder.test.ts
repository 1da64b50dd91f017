// Who holds the lock when processes are started from one that does, and what worker threads may do. (A holder that is stopped or
// killed, and a lock file that goes away while it is held: spec/processes/lock.test.ts.)
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { open } from 'perdure'
import { child } from '../helpers/child.js'
import { plainWorker } from '../helpers/plain-node.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { StoreMethods } from '../processes/store.child.js'
import type { ParentMethods } from './parent.child.js'

const parentScript = new URL('./parent.child.js', import.meta.url)
const storeScript = new URL('../processes/store.child.js', import.meta.url)

t.test('a process that the holder has started does not keep the lock when the holder dies', async t => {
  const path = join(tempDir(t), 'app.db')
  const other = await child<StoreMethods>(t, storeScript, [path, JSON.stringify({ lockTimeout: 5000 })])
  const holder = await child<ParentMethods>(t, parentScript, [path])
  await holder.call('take')
  const sleeper = await holder.call('startSleeper', false)
  t.teardown(() => process.kill(sleeper, 'SIGKILL'))
  if (existsSync(`/proc/${sleeper}/fd`)) {
    const files = await holder.call('filesOf', sleeper)
    t.same(
      files.filter(file => file.startsWith(path)),
      [],
      'it has none of the store’s files open',
    )
  }
  t.equal(await other.call('tryTake'), false)
  holder.kill()
  await holder.exited
  await other.call('put', 1, 'free')
  t.equal(await other.call('text', 1), 'free')
})

t.test('one that was handed the descriptors on purpose keeps it: others time out until it has gone', async t => {
  const path = join(tempDir(t), 'app.db')
  const other = await child<StoreMethods>(t, storeScript, [path, JSON.stringify({ lockTimeout: 50 })])
  const holder = await child<ParentMethods>(t, parentScript, [path])
  await holder.call('take')
  const sleeper = await holder.call('startSleeper', true)
  let asleep = true
  t.teardown(() => asleep && process.kill(sleeper, 'SIGKILL'))
  holder.kill()
  await holder.exited
  await t.rejects(other.call('put', 1, 'x'), { code: 'LOCK_TIMEOUT' })
  t.equal(await other.call('text', 1), 'root', 'and can read')
  process.kill(sleeper, 'SIGKILL')
  asleep = false
  const patient = await child<StoreMethods>(t, storeScript, [path])
  await patient.call('put', 1, 'free')
  t.equal(await other.call('text', 1), 'free')
})

t.test('releasing the lock releases it, whoever was handed a descriptor meanwhile', async t => {
  const path = join(tempDir(t), 'app.db')
  const other = await child<StoreMethods>(t, storeScript, [path, JSON.stringify({ lockTimeout: 50 })])
  const holder = await child<ParentMethods>(t, parentScript, [path])
  await holder.call('take')
  const sleeper = await holder.call('startSleeper', true)
  t.teardown(() => process.kill(sleeper, 'SIGKILL'))
  await holder.call('release')
  await other.call('put', 1, 'free')
  t.equal(await other.call('text', 1), 'free')
})

const WORKERS = Number(process.env.PERDURE_WORKERS || 50)
const AT_ONCE = 2

t.setTimeout((60 + WORKERS) * 1000)

t.test(`${WORKERS} worker threads read, are refused to write, and are terminated at any moment`, async t => {
  const r = seeded(t)
  const path = join(tempDir(t), 'app.db')
  const db = open(path, { root: { numbers: [0, 1, 2, 3] }, durability: 'os' })
  t.teardown(() => db.close())
  let [left, reads] = [WORKERS, 0]
  const answers = new Set<unknown>()
  const oneAfterAnother = async (): Promise<void> => {
    while (left-- > 0) {
      const worker = new Worker(new URL('./reading.worker.js', import.meta.url), {
        workerData: { path, whole: r.chance(0.2) },
        ...plainWorker,
      })
      const failed = once(worker, 'error').then(([error]) => Promise.reject(error as Error))
      failed.catch(() => undefined)
      const gone = once(worker, 'exit')
      worker.on('message', message => (message === 'read' ? reads++ : answers.add(message)))
      // Some of them before they have even begun, some in the middle of their reading.
      if (r.chance(0.5)) await setTimeout(r.int(60))
      else for (let n = 1 + r.int(6); n > 0; n--) await Promise.race([once(worker, 'message'), failed])
      db.transact(root => void (root.numbers = root.numbers.map(n => n + 1)))
      if (r.chance(0.1)) await db.pack().catch(() => undefined)
      await worker.terminate()
      await gone
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, oneAfterAnother))
  t.same([...answers].sort(), ['READONLY', 'UNSUPPORTED'])
  t.equal(db.root.numbers[0], WORKERS, 'and the main thread has gone on committing')
  t.comment(`${reads} reads by ${WORKERS} worker threads`)
})
