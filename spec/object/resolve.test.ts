// What `resolve` answers, of which state, and what it takes. (transaction-ids.test.ts has what becomes of ids.)
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open, type Connection, type OpenOptions } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { tempDir } from '../helpers/temp-dir.js'
import { tool } from '../tools/cli-tool.js'

type Db = Connection<{ orders: string[]; at: Date }>

const unknown = { code: 'DURABILITY_UNKNOWN' }
const fault = Object.assign(new Error('EIO: as the test wants'), { code: 'EIO' })

function order(db: Db, id: string): number | undefined {
  return db.transact(root => root.orders.push(id), { id })
}

/** A process of its own, whose fsyncs are seen, and fail when the test says so. */
class Process {
  readonly db: Db
  syncs = 0
  fails = false

  /** `first`: what the first fsync does. */
  constructor(t: Test, path: string, options: OpenOptions = {}, first: () => void = () => undefined) {
    const sync = (): void => {
      if (this.syncs++ === 0) first()
      if (this.fails) throw fault
    }
    // Nothing is synced but what is asked for.
    const disk: Disk = { ...systemDisk, sync, after: () => ({ cancel: () => undefined }) }
    this.db = openWith(disk, path, { root: { orders: [], at: new Date(0) }, ...options }) as Db
    t.teardown(() => {
      this.fails = false
      this.db.close()
    })
  }
}

t.test('with fsync, what another process has committed is on disk before it is called committed', t => {
  const path = join(tempDir(t), 'app.db')
  const [mine, other] = [new Process(t, path), new Process(t, path, { durability: 'os' })]
  order(other.db, 'one')
  t.equal(other.syncs, 0)
  mine.syncs = 0 // when it made the store, there was one
  t.equal(mine.db.resolve('two'), 'not committed')
  t.equal(mine.syncs, 0)
  t.equal(mine.db.resolve('one'), 'committed')
  t.equal(mine.syncs, 1)
  t.equal(mine.db.resolve('one'), 'committed')
  t.equal(mine.syncs, 1, 'that is known by now')
  t.end()
})

t.test('in a file whose fsync has failed nothing is called committed, here or elsewhere, before a pack', async t => {
  const path = join(tempDir(t), 'app.db')
  const [mine, other] = [new Process(t, path), new Process(t, path)]
  mine.fails = true
  t.throws(() => order(mine.db, 'one'), unknown)
  mine.fails = false
  for (const { db } of [mine, other]) {
    t.throws(() => db.resolve('one'), unknown)
    t.throws(() => order(db, 'one'), unknown, 'as of the transaction itself')
    t.equal(db.resolve('two'), 'not committed')
  }
  await other.db.pack()
  for (const { db } of [mine, other]) t.equal(db.resolve('one'), 'committed')
})

t.test('an fsync that fails while another process packs the file is no failure: the packed file has it on disk', t => {
  const path = join(tempDir(t), 'app.db')
  const other = new Process(t, path, { durability: 'os' })
  order(other.db, 'one')
  const { db } = new Process(t, path, {}, () => {
    execFileSync(process.execPath, [tool, 'pack', path])
    throw fault
  })
  t.equal(db.resolve('one'), 'committed')
  t.equal(order(db, 'two'), 2)
  t.end()
})

t.test('a connection that asks for no fsync, or cannot, is told what the file says', t => {
  const path = join(tempDir(t), 'app.db')
  const mine = new Process(t, path)
  mine.fails = true
  t.throws(() => order(mine.db, 'one'), unknown)
  for (const options of [{ durability: 'os' }, { readonly: true }] as const) {
    const other = new Process(t, path, options)
    t.equal(other.db.resolve('one'), 'committed')
    t.equal(other.syncs, 0)
  }
  t.end()
})

t.test('it answers of the newest state, whatever the connection sees, and moves nothing', t => {
  const path = join(tempDir(t), 'app.db')
  const { db } = new Process(t, path)
  const other = new Process(t, path)
  let n = 0
  const check = (): void => {
    const seen = db.root.orders.length
    order(other.db, `${++n}`)
    t.equal(db.resolve(`${n}`), 'committed')
    t.equal(db.root.orders.length, seen)
  }
  check()
  db.abort()
  const pause = db.pause()
  check()
  pause.continue()
  db.root.at = new Date(1)
  check()
  t.ok(db.changed, 'changes stay pending')
  db.abort()
  let runs = 0
  db.transact(() => void (++runs === 1 && check()))
  const own = (): string => db.resolve('own')
  t.equal(
    db.transact(root => (root.orders.push('own'), own()), { id: 'own' }),
    'not committed',
    'nor has that which is running been committed',
  )
  t.equal(own(), 'committed')
  // With the lock held, nobody else can commit meanwhile.
  t.equal(
    db.transact(() => db.resolve(`${n}`), { attempts: 1 }),
    'committed',
  )
  t.end()
})

t.test('opened with until, it knows the commits that are read, and no later ones', t => {
  const path = join(tempDir(t), 'app.db')
  const { db } = new Process(t, path)
  order(db, 'one')
  const until = db.tid
  order(db, 'two')
  const past = open(path, { readonly: true, until })
  t.equal(past.resolve('one'), 'committed')
  t.equal(past.resolve('two'), 'not committed')
  past.close()
  t.end()
})

t.test('a time is finite: anything else would be no time before which it was not begun', async t => {
  const { db } = new Process(t, join(tempDir(t), 'app.db'))
  order(db, 'one')
  for (const since of [undefined, 0, -1, 1.5, Date.now(), new Date(), db.root.at])
    t.equal(db.resolve('one', { since }), 'committed')
  for (const since of [NaN, Infinity, new Date(NaN), '2026-01-01', '0', null, true, {}, 1n])
    t.throws(() => db.resolve('x', { since } as never), {
      name: 'TypeError',
      message: /since must be a valid Date or a number of milliseconds, not /,
    })
  for (const options of [null, new Date(), 7, 'since', []])
    t.throws(() => db.resolve('x', options as never), { name: 'TypeError', message: /expects an object of options/ })
  t.throws(() => db.resolve('x', { Since: 1 } as never), { name: 'TypeError', message: /did you mean since/ })
  await Promise.resolve()
})
