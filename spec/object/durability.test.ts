import t, { type Test } from 'tap'
import { join } from 'node:path'
import { systemDisk } from '../../lib/file/system-disk.js'
import type { Connection, OpenOptions, Persistent } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { tempDir } from '../helpers/temp-dir.js'

type Root = Persistent & { n: number }

/** A connection on a disk that writes down what it is asked; no time passes, so that no look is due. */
function counting(t: Test, options: OpenOptions): { db: Connection<Root>; calls: string[] } {
  const calls: string[] = []
  const disk = Object.create(systemDisk, { ticks: { value: () => 0 } }) as typeof systemDisk
  for (const name of ['tryLock', 'unlock', 'end', 'write', 'read', 'sync', 'syncAsync', 'status'] as const) {
    Object.defineProperty(disk, name, {
      value: (...args: unknown[]) => {
        calls.push(name)
        return (systemDisk as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args)
      },
    })
  }
  const db = openWith(disk, join(tempDir(t), 'disk.db'), { root: { n: 0 }, ...options }) as Connection<Root>
  t.teardown(() => {
    db[Symbol.dispose]()
  })
  return { db, calls }
}

t.test('an uncontended commit asks the disk for no more than it needs', async t => {
  const { db, calls } = counting(t, { durability: 'os' })
  for (let i = 0; i < 3; i++) {
    calls.length = 0
    db.root.n++
    db.commit()
  }
  t.same(calls, ['end', 'tryLock', 'tryLock', 'end', 'write', 'unlock', 'unlock'])
  db.refresh()
  calls.length = 0
  db.transact(root => root.n++)
  t.same(calls, ['end', 'tryLock', 'tryLock', 'end', 'write', 'unlock', 'unlock'])
})

t.test('a durable commit returns after an fsync', async t => {
  const { db, calls } = counting(t, { durability: 'fsync' })
  calls.length = 0
  db.transact(root => root.n++)
  t.ok(calls.includes('sync'))
  t.ok(calls.indexOf('unlock') < calls.indexOf('sync'), 'with the lock released')
})

t.test('concurrent durable transactAsync commits share fsyncs', async t => {
  const { db, calls } = counting(t, { durability: 'fsync' })
  calls.length = 0
  await Promise.all(Array.from({ length: 20 }, () => db.transactAsync(root => root.n++)))
  t.equal(db.root.n, 20)
  const syncs = calls.filter(call => call === 'syncAsync').length
  t.ok(syncs >= 1 && syncs <= 3, `${syncs} fsyncs for 20 commits`)
})
