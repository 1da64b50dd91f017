import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { put, record, textOf } from '../helpers/drafts.js'
import { newStore } from '../helpers/new-store.js'
import { plainWorker } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'

t.test('a worker thread can read a store, and is refused when it writes: the main thread goes on', async t => {
  const store = newStore(t)
  put(store, record(1, 'by the main thread'))
  const missing = join(tempDir(t), 'app.db')
  const worker = new Worker(new URL('./reading.worker.js', import.meta.url), {
    ...plainWorker,
    workerData: { path: store.path, missing },
  })
  const exit = once(worker, 'exit') // it may have ended before its message is looked at
  const [message] = (await once(worker, 'message')) as unknown[]
  t.same(message, { read: 'by the main thread', write: 'UNSUPPORTED', create: 'UNSUPPORTED' })
  await exit
  put(store, record(1, 'again'))
  t.equal(textOf(store, 1), 'again')
  t.same(readdirSync(join(missing, '..')), [])
})
