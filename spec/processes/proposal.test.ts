// The procedures of the proposal of 2009, each with processes of its own.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { child, type Child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import { statSync } from 'node:fs'
import type { StoreMethods } from './store.child.js'

const script = new URL('./store.child.js', import.meta.url)

async function two(t: Test): Promise<{ path: string; a: Child<StoreMethods>; b: Child<StoreMethods> }> {
  const path = join(tempDir(t), 'app.db')
  return { path, a: await child<StoreMethods>(t, script, [path]), b: await child<StoreMethods>(t, script, [path]) }
}

t.test('Procedure 1: initial opening: the end offset is taken, and the state up to it is read', async t => {
  const { path, a } = await two(t)
  await a.call('put', 1, 'changed')
  const oid = await a.call('put', -1, 'new')
  const c = await child<StoreMethods>(t, script, [path])
  t.same(await c.call('known'), { offset: statSync(path).size, tid: 3 })
  t.same([await c.call('seen', 1), await c.call('seen', oid)], ['changed', 'new'])
})

t.test(
  'Procedure 2: retrieve from a file that has not been updated: one look at the end, and the object is read',
  async t => {
    const { a } = await two(t)
    await a.call('put', 1, 'changed')
    const before = await a.call('latest')
    await a.call('calls')
    t.equal(await a.call('text', 1), 'changed')
    const calls = (await a.call('calls')).filter(name => name !== 'status').join()
    t.match(
      calls,
      /^(lookUp,read,)?end,read$/,
      'apart from the look at the path, and at the last frame, due every 100 ms',
    )
    t.same(await a.call('known'), before)
  },
)

t.test('Procedure 3: retrieve from a file that has been updated: what is new is read, then the object', async t => {
  const { path, a, b } = await two(t)
  const before = await a.call('latest')
  await b.call('put', 1, 'changed by b')
  const oid = await b.call('put', -1, 'new from b')
  t.same(await a.call('known'), before, 'a does not know yet')
  t.same([await a.call('text', 1), await a.call('text', oid)], ['changed by b', 'new from b'])
  t.same(await a.call('known'), { offset: statSync(path).size, tid: 3 })
})

t.test(
  'Procedure 4: commit to a file that has not been updated: lock, same offset, append, new end, lock released',
  async t => {
    const { path, a, b } = await two(t)
    await a.call('put', 1, 'opens the lock file')
    await a.call('pause')
    const { offset } = await a.call('known')
    await a.call('calls')
    t.same(await a.call('commit', 1, 'mine', [1]), { outcome: 'committed', oids: [] })
    const calls = (await a.call('calls')).filter(name => name !== 'read') // of the last frame, once in a millisecond
    t.same(calls, ['tryLock', 'tryLock', 'end', 'write', 'unlock', 'unlock'])
    const now = await a.call('known')
    t.ok(now.offset > offset)
    t.equal(now.offset, statSync(path).size)
    t.equal(await b.call('tryTake'), true, 'the lock is free')
  },
)

t.test(
  'Procedure 5: commit to a file that has been updated: lock, read what is new, append if nothing conflicts',
  async t => {
    const { a, b } = await two(t)
    await a.call('pause')
    const oid = await b.call('put', -1, 'elsewhere')
    t.same(await a.call('commit', 1, 'mine', [1]), { outcome: 'committed', oids: [] })
    t.same([await b.call('text', 1), await b.call('text', oid)], ['mine', 'elsewhere'])
  },
)

t.test('Procedure 5, in conflict: nothing is appended, and the lock is released all the same', async t => {
  const { path, a, b } = await two(t)
  await a.call('pause')
  await b.call('put', 1, 'first')
  const { size } = statSync(path)
  t.same(await a.call('commit', 1, 'mine', [1]), { outcome: 'conflict', oids: [1] })
  t.equal(statSync(path).size, size)
  t.equal(await b.call('tryTake'), true, 'the lock is free')
  await b.call('release')
  await a.call('pause')
  t.same(await a.call('commit', 1, 'second', [1]), { outcome: 'committed', oids: [] })
  t.equal(await b.call('text', 1), 'second')
})

t.test('Procedure 6: consistent read across a data set: no look at the end between pause and continue', async t => {
  const { a, b } = await two(t)
  const oids = await a.call('append', 'before', 2)
  await a.call('pause')
  await a.call('calls')
  const seen: unknown[] = []
  for (const oid of oids) {
    await b.call('put', oid, 'after')
    seen.push(await a.call('seen', oid))
  }
  t.same(seen, ['before 0', "before 0'", 'before 1', "before 1'"])
  t.notOk((await a.call('calls')).includes('end'))
  await a.call('continue')
  t.same(await Promise.all(oids.map(oid => a.call('seen', oid))), ['after', 'after', 'after', 'after'])
})
