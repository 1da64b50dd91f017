import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Persistent } from '../../lib/index.js'
import type { Connection } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { tempDir } from '../helpers/temp-dir.js'
import { child } from '../helpers/child.js'
import { elsewhere } from './helpers/elsewhere.js'
import type { OrderMethods } from './orders.child.js'

class Root extends Persistent {
  static type = 'Root'
  orders: string[] = []
}

const DAY = 24 * 3600 * 1000

interface Clock {
  now: number
  refusesRename: boolean
}

/** A store, and the clock that its disk goes by, which may refuse to rename. */
function start(t: Test): { db: Connection<Root>; clock: Clock; readonly again: () => Connection<Root> } {
  const clock: Clock = { now: Date.UTC(2026, 0, 1), refusesRename: false }
  const path = join(tempDir(t), 'app.db')
  const again = (): Connection<Root> => {
    const rename = (from: string, to: string): void => {
      if (clock.refusesRename) throw Object.assign(new Error('EIO: as the test wants'), { code: 'EIO', errno: -5 })
      systemDisk.rename(from, to)
    }
    const disk: Disk = { ...systemDisk, now: () => clock.now, rename }
    const db = openWith(disk, path, { root: Root }) as Connection<Root>
    t.teardown(() => db.close())
    return db
  }
  return { db: again(), clock, again }
}

function order(db: Connection<Root>, id: string): number | undefined {
  return db.transact(root => root.orders.push(id), { id })
}

t.test('a transaction with an id is applied once, by whichever connection and process', async t => {
  const { db, again } = start(t)
  t.equal(order(db, 'one'), 1)
  t.equal(order(db, 'one'), undefined, 'it is not run again')
  const other = again()
  t.equal(order(other, 'one'), undefined)
  t.equal(order(other, 'two'), 2)
  t.equal(await db.transactAsync(root => root.orders.push('no'), { id: 'two' }), undefined)
  t.equal(await db.transactAsync(root => root.orders.push('three'), { id: 'three' }), 3)
  t.strictSame([...db.root.orders], ['one', 'two', 'three'])
})

t.test('resolve() tells what became of it', async t => {
  const { db } = start(t)
  t.equal(db.resolve('one'), 'not committed')
  order(db, 'one')
  t.equal(db.resolve('one'), 'committed')
  t.throws(() => db.transact(() => Promise.reject(new Error('x')) as never, { id: 'two' }), TypeError)
  t.equal(db.resolve('two'), 'not committed', 'what was undone has not been applied')
})

t.test('the commit of another process that comes in between is noticed under the lock', async t => {
  const { db, again } = start(t)
  const other = again()
  let runs = 0
  const result = db.transact(
    root => {
      runs++
      order(other, 'same')
      return root.orders.push('same')
    },
    { id: 'same', isolation: 'snapshot', attempts: 3 },
  )
  t.equal(result, undefined)
  t.equal(runs, 1)
  t.strictSame([...db.root.orders], ['same'])
})

// Each runs once here, and is then found to have been committed elsewhere: what that run gave, nobody gets.
const meanwhile: [string, (db: Connection<Root>, other: Connection<Root>, t: Test) => Promise<unknown>][] = [
  [
    'at the commit',
    (db, other) =>
      db.transactAsync(
        root => {
          order(other, 'same')
          return root.orders.push('same')
        },
        { id: 'same', isolation: 'snapshot' },
      ),
  ],
  [
    'after a conflict',
    (db, other) =>
      db.transactAsync(
        root => {
          const length = root.orders.push('same')
          if (length === 1) order(other, 'same')
          return length
        },
        { id: 'same' },
      ),
  ],
  [
    'after it found the lock taken',
    (db, other, t) => {
      const result = db.transactAsync(root => root.orders.push('same'), { id: 'same' })
      const both = (root: Root): number => {
        db.refresh() // before that, it runs
        return root.orders.push('same')
      }
      t.equal(other.transact(both, { id: 'same', attempts: 1 }), 1)
      return result
    },
  ],
]
for (const [when, run] of meanwhile) {
  t.test(`transactAsync() gives nothing of a run that was undone, if the id is known ${when}`, async t => {
    const { db } = start(t)
    const other = elsewhere<Root>(db.path, { root: Root })
    t.teardown(() => other.close())
    t.equal(await run(db, other, t), undefined)
    t.strictSame([...db.root.orders], ['same'])
  })
}

t.test('a pack keeps ids for seven days', async t => {
  const { db, clock } = start(t)
  order(db, 'old')
  clock.now += 6 * DAY
  order(db, 'young')
  await db.pack()
  t.equal(order(db, 'old'), undefined)
  t.equal(db.resolve('never'), 'not committed')
  clock.now += 2 * DAY
  order(db, 'now')
  await db.pack()
  t.equal(db.resolve('young'), 'committed')
  t.equal(db.resolve('old'), 'unknown', 'it may have been one of those that were dropped')
  t.equal(db.resolve('old', { since: clock.now - DAY }), 'not committed', 'none so young was')
  t.equal(db.resolve('old', { since: new Date(clock.now - 30 * DAY) }), 'unknown')
  t.strictSame([...db.root.orders], ['old', 'young', 'now'])
})

t.test('and as long where the clock of whoever packs is ahead', async t => {
  const { db, clock } = start(t)
  order(db, 'seconds old')
  const began = clock.now
  clock.now += 30 * DAY
  await db.pack()
  clock.now -= 30 * DAY
  t.equal(db.resolve('seconds old', { since: began }), 'committed')
  t.equal(order(db, 'seconds old'), undefined)
  t.equal(db.resolve('never', { since: began }), 'not committed')
  t.equal(db.resolve('never'), 'not committed', 'none was dropped')
  t.strictSame([...db.root.orders], ['seconds old'])
})

t.test('also where an earlier pack by that clock was given up', async t => {
  const { db, clock } = start(t)
  order(db, 'seconds old')
  clock.now += 30 * DAY
  clock.refusesRename = true
  await t.rejects(db.pack(), { code: 'DISK' })
  clock.now -= 30 * DAY
  order(db, 'by a right clock')
  clock.now += 30 * DAY
  clock.refusesRename = false
  await db.pack()
  clock.now -= 30 * DAY
  t.equal(order(db, 'seconds old'), undefined)
  t.strictSame([...db.root.orders], ['seconds old', 'by a right clock'])
})

t.test('a commit by a clock that is ahead keeps ids for longer', async t => {
  const { db, clock } = start(t)
  clock.now += 365 * DAY
  order(db, 'ahead')
  clock.now -= 365 * DAY
  order(db, 'behind it')
  for (const days of [8, 350]) {
    clock.now += days * DAY
    await db.pack()
    t.equal(db.resolve('behind it'), 'committed')
  }
  clock.now += 15 * DAY
  order(db, 'a year later')
  await db.pack()
  t.equal(db.resolve('behind it'), 'unknown')
})

t.test('a pack keeps them seven days also when the clock was behind as they were committed', async t => {
  const { db, clock } = start(t)
  order(db, 'before')
  clock.now -= 30 * DAY
  order(db, 'behind')
  clock.now += 36 * DAY
  await db.pack()
  t.equal(db.resolve('behind'), 'committed')
  clock.now += 2 * DAY
  order(db, 'now')
  await db.pack()
  t.equal(db.resolve('behind'), 'unknown')
})

t.test('what cannot be an id is refused', async t => {
  const { db } = start(t)
  for (const id of ['', 'x'.repeat(1025), '\ud800', 7, null]) {
    t.throws(() => order(db, id as string), TypeError)
    t.throws(() => db.resolve(id as string), TypeError)
  }
  t.throws(() => db.transact(() => order(db, 'inner')), { code: 'STATE', message: /nested/ })
})

t.test('a process killed between append and answer: running it again does not apply it twice', async t => {
  const path = join(tempDir(t), 'app.db')
  for (let n = 0; n < 5; n++) {
    const first = await child<OrderMethods>(t, new URL('./orders.child.js', import.meta.url), [path])
    await t.rejects(first.call('orderAndDie', `order ${n}`), { code: 'CHILD_EXITED' })
    const second = await child<OrderMethods>(t, new URL('./orders.child.js', import.meta.url), [path])
    t.equal(await second.call('resolve', `order ${n}`), 'committed')
    t.equal(await second.call('order', `order ${n}`), null)
    t.equal((await second.call('orders')).length, n + 1)
    second.kill()
    await second.exited
  }
})
