import t, { type Test } from 'tap'
import { join } from 'node:path'
import { open, Persistent, PersistentList, PersistentMap, PersistentQueue, type Connection } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'

interface Job {
  n: number
}

class Desk extends Persistent {
  static type = 'Desk'
  pushed: Job[] = []
  unshifted: Job[] = [{ n: 1 }]
  spliced: Job[] = [{ n: 1 }, { n: 2 }, { n: 3 }]
  filled: Job[] = [{ n: 1 }, { n: 2 }]
  assigned: Job[] = []
  nested: { jobs: Record<string, Job[]> } = { jobs: { today: [] } }
  queue: Job[] = []
  list = new PersistentList<Job>([{ n: 1 }])
}

/** Which data the warnings of a transaction are about. */
function listening<R>(t: Test, db: Connection<R>): (change: (root: R) => void) => Promise<string[]> {
  const warnings: string[] = []
  const listen = ({ message, code }: Error & { code?: string }): void => {
    if (code === 'PERDURE_KEPT_SOURCE') warnings.push(/assigned to (\S+)/.exec(message)?.[1] ?? message)
  }
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  return async change => {
    db.transact(change)
    await new Promise(resolve => setImmediate(resolve))
    return warnings.splice(0)
  }
}

t.test('a native object that is put into an array and then changed is warned of, however it was put there', async t => {
  const db = open(join(tempDir(t), 'desk.db'), { root: Desk, durability: 'os' })
  const said = listening(t, db)
  const job = { n: 1 }
  t.same(await said(desk => { desk.pushed.push({ n: 0 }, job); job.n++ }), ['Desk.pushed.1']) // prettier-ignore
  t.same(await said(desk => { desk.unshifted.unshift(job); job.n++ }), ['Desk.unshifted.0']) // prettier-ignore
  t.same(await said(desk => { desk.spliced.splice(-1, 1, { n: 0 }, job); job.n++ }), ['Desk.spliced.3']) // prettier-ignore
  t.same(await said(desk => { desk.filled.fill(job, 1); job.n++ }), ['Desk.filled.1']) // prettier-ignore
  t.same(await said(desk => { desk.assigned[0] = job; job.n++ }), ['Desk.assigned.0']) // prettier-ignore
  t.same(await said(desk => { desk.nested.jobs.today?.push(job); job.n++ }), ['Desk.nested.jobs.today.0']) // prettier-ignore
  t.same(await said(desk => { desk.pushed.push(job); job.n++ }), [], 'once for each field') // prettier-ignore
  t.same(await said(desk => { desk.queue.push(job) }), [], 'nothing was changed') // prettier-ignore
  db.close()
})

class Board extends Persistent {
  static type = 'Board'
  job: Job | null = null
  jobs: Job[] = []
  list = new PersistentList<Job>()
  map = new PersistentMap<number, Job>()
}

t.test('what counts of a native object is how it was when it was put somewhere last, if it stands there', async t => {
  const db = open(join(tempDir(t), 'board.db'), { root: Board, durability: 'os' })
  const said = listening(t, db)
  const job = { n: 1 }
  t.same(await said(board => { board.job = job; job.n++; board.job = job }), [], 'again') // prettier-ignore
  t.same(await said(board => { board.job = job; board.job = null; job.n++ }), [], 'taken out again') // prettier-ignore
  t.same(await said(board => { board.map.set(1, job); board.map.delete(1); job.n++ }), [], 'of a map') // prettier-ignore
  t.same(await said(board => { board.jobs.push(job); board.jobs = []; job.n++ }), [], 'with what it was put into') // prettier-ignore
  t.same(
    await said(({ list, map, jobs }) => {
      for (job.n = 0; job.n < 2; job.n++) {
        list.push(job)
        map.set(job.n, job)
        jobs[job.n] = job
      }
      job.n--
    }),
    [],
    'one for all',
  )
  const { list, map, jobs } = db.root
  const stored = [...list, ...map.values(), ...jobs].map(({ n }) => n)
  t.same(stored, [0, 1, 0, 1, 0, 1])
  db.close()
})

t.test('it is warned of in the last place to which it was put', async t => {
  class Shelf extends Board {
    static override type = 'Shelf'
  }
  const db = open(join(tempDir(t), 'shelf.db'), { root: Shelf, durability: 'os' })
  const said = listening(t, db)
  const job = { n: 1 }
  t.same(await said(shelf => { shelf.job = job; shelf.map.set(1, job); job.n++ }), ['PersistentMap.1']) // prettier-ignore
  t.same(await said(shelf => { shelf.job = job; job.n++; shelf.list.push(job); job.n++ }), ['PersistentList.0']) // prettier-ignore
  t.same(await said(shelf => { shelf.job = job; job.n++ }), ['Shelf.job']) // prettier-ignore
  db.close()
})

t.test('a warning that fails fails no commit', t => {
  class Tray extends Persistent {
    static type = 'Tray'
    job: Job | null = null
  }
  const db = open(join(tempDir(t), 'tray.db'), { root: Tray, durability: 'os' })
  const emitWarning = process.emitWarning.bind(process)
  let asked = 0
  process.emitWarning = () => {
    asked++
    throw new Error('no warnings, please')
  }
  const job = { n: 1 }
  db.root.job = job
  job.n++
  t.doesNotThrow(() => db.commit())
  process.emitWarning = emitWarning
  t.equal(asked, 1)
  t.equal(db.changed, false)
  db.close()
  t.end()
})

t.test('what is copied from other stored data may be changed where it stands', async t => {
  const db = open(join(tempDir(t), 'desk.db'), { root: Desk, durability: 'os' })
  const said = listening(t, db)
  t.same(
    await said(desk => {
      const first = desk.list.at(0)!
      desk.queue.push(first)
      desk.queue[1] = first
      desk.list.push(desk.queue[0]!)
      first.n = 5
      desk.queue[0]!.n = 6
    }),
    [],
  )
  t.same(
    [[...db.root.list], db.root.queue],
    [
      [{ n: 5 }, { n: 1 }],
      [{ n: 6 }, { n: 1 }],
    ],
  )
  db.close()
})

class Counter extends Persistent {
  static type = 'Counter'
  waiting = new PersistentQueue<Job>([{ n: 1 }])
  list = new PersistentList<Job>([{ n: 1 }])
  map = new PersistentMap<number, Job>([1, 2, 3, 4, 5].map(n => [n, { n }]))
  shifted: Job | null = null
  popped: Job | null = null
  deleted: Job | null = null
  left: Job | null = null
  unchanged: Job | null = null
  before: Job | null = null
  put: { job: Job | null } = { job: null }
}

t.test('what was taken out of one owner, put into another one and then changed is warned of', async t => {
  const db = open(join(tempDir(t), 'counter.db'), { root: Counter, durability: 'os' })
  const said = listening(t, db)
  const take = ({ map }: Counter, key: number): Job => {
    const job = map.get(key) as Job
    map.delete(key)
    return job
  }
  t.same(await said(to => { const job = to.waiting.shift() as Job; to.shifted = job; job.n++ }), ['Counter.shifted']) // prettier-ignore
  t.same(await said(to => { const job = to.list.pop() as Job; to.popped = job; job.n++ }), ['Counter.popped']) // prettier-ignore
  t.same(await said(to => { const job = take(to, 1); to.put.job = job; job.n++ }), ['Counter.put.job']) // prettier-ignore
  t.same(
    await said(to => {
      const job = to.map.get(2) as Job
      to.deleted = job
      to.map.delete(2)
      job.n++
    }),
    ['Counter.deleted'],
    'taken out afterwards',
  )
  t.same(await said(to => { to.left = to.map.get(3) as Job; (to.map.get(3) as Job).n++ }), [], 'it is stored') // prettier-ignore
  t.same(await said(to => { to.unchanged = take(to, 3) }), [], 'nothing was changed') // prettier-ignore
  t.same(await said(to => { const job = take(to, 4); job.n++; to.before = job }), [], 'changed before') // prettier-ignore
  t.same(await said(to => { const job = take(to, 5); to.map.set(6, job); job.n++ }), [], 'within one owner') // prettier-ignore
  t.equal(db.root.map.get(6)?.n, 6)
  db.close()
})
