import { join } from 'node:path'
import t, { type Test } from 'tap'
import { child, type Child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { MemberMethods } from './member.child.js'

const script = new URL('./member.child.js', import.meta.url)

async function members(t: Test, count: number, durability = 'os'): Promise<Child<MemberMethods>[]> {
  const path = join(tempDir(t), 'app.db')
  const started: Child<MemberMethods>[] = []
  for (let n = 0; n < count; n++) started.push(await child<MemberMethods>(t, script, [path, durability]))
  return started
}

async function two(t: Test): Promise<[Child<MemberMethods>, Child<MemberMethods>]> {
  const [a, b] = await members(t, 2)
  if (!a || !b) throw new Error('two were started')
  return [a, b]
}

t.test('an object changed by another process is read anew at its next touch, identity kept', async t => {
  const [a, b] = await two(t)
  await a.call('make', 'one', 'next')
  t.equal(await b.call('load', 'x'), 'one')
  await a.call('change', 'two')
  t.equal(await b.call('textOf', 'x'), 'two')
})

t.test('A loads x, B changes and detaches it and packs, A attaches x: GoneError, never the old x', async t => {
  const [a, b] = await two(t)
  await a.call('make', 'old', 'next')
  await a.call('load', 'x')
  await b.call('change', 'new')
  await b.call('detach')
  await b.call('pack')
  await t.rejects(a.call('attach', 'x'), { code: 'GONE' })
  await t.rejects(a.call('textOf', 'x'), { code: 'GONE' })
  t.equal(await b.call('text'), undefined)
})

t.test(
  'A loads x in its last version, B detaches it and packs, A attaches x: it is stored again, under its oid',
  async t => {
    const [a, b] = await two(t)
    await b.call('make', 'kept', 'next')
    await a.call('load', 'x')
    await b.call('detach')
    await b.call('pack')
    await t.rejects(a.call('attach', 'x'), { code: 'GONE' }, 'not with a successor that was never loaded here')
    t.equal(await b.call('text'), undefined, 'and nothing of the failed commit is there')
  },
)

t.test('the same with everything that x reaches loaded: all of it is stored again', async t => {
  const [a, b] = await two(t)
  await b.call('make', 'kept', 'next')
  await a.call('load', 'x')
  t.equal(await a.call('nextText'), 'next')
  await b.call('detach')
  await b.call('pack')
  await a.call('attach', 'x')
  t.equal(await b.call('text'), 'kept')
  t.equal(await b.call('nextText'), 'next')
})

t.test('a ghost that a pack has removed is gone', async t => {
  const [a, b] = await two(t)
  await b.call('make', 'x', 'next')
  await a.call('loadNext', 'n')
  await b.call('detach')
  await b.call('pack')
  await t.rejects(a.call('textOf', 'n'), { code: 'GONE' })
})

t.test(
  'read, await, write, commit on a connection of connect() conflicts when somebody changed what was read',
  async t => {
    const [a, b] = await two(t)
    await a.call('make', 'x', 'next')
    t.equal(await a.call('ownBegins'), 'light')
    await b.call('setTheme', 'dark')
    await a.call('ownWrites', 'written')
    await t.rejects(a.call('ownCommits'), {
      code: 'WRITE_CONFLICT',
      facts: { conflicts: [{ type: 'Root', kind: 'read' }] },
    })
    t.equal(await a.call('ownTheme'), 'light', 'one consistent snapshot until it ends')
    await a.call('ownAborts')
    t.equal(await a.call('ownTheme'), 'dark')
    t.equal(await b.call('text'), 'x')
  },
)

t.test('reading after an await on the connection of open() sees the other process’s commit', async t => {
  const [a, b] = await two(t)
  t.equal(await a.call('theme'), 'light')
  await b.call('setTheme', 'dark')
  t.equal(await a.call('theme'), 'dark')
})

t.test('Procedure 6: consistent read across a data set: nothing moves between pause() and continue()', async t => {
  const [a, b] = await two(t)
  await b.call('make', 'x', 'next')
  await a.call('pauses')
  await b.call('change', 'changed')
  await b.call('setTheme', 'dark')
  t.strictSame([await a.call('text'), await a.call('theme')], ['x', 'light'])
  await b.call('pack')
  await b.call('change', 'changed again')
  t.strictSame([await a.call('nextText'), await a.call('text')], ['next', 'x'], 'not even over a pack')
  await t.rejects(a.call('setTheme', 'blue'), { code: 'STATE' })
  await a.call('continues')
  t.strictSame([await a.call('text'), await a.call('theme')], ['changed again', 'dark'])
})

t.test('four processes incrementing shared and private counters lose no increment, while one packs', async t => {
  const processes = await members(t, 4)
  const times = 100
  let going = true
  const [first] = processes
  if (!first) throw new Error('four were started')
  const packs = (async () => {
    let count = 0
    for (; going; count++)
      await first.call('pack').catch((error: unknown) => t.match(error, { code: 'PACK_INTERRUPTED' }))
    return count
  })()
  const repeated = await Promise.all(
    processes.map((each, n) => each.call('increment', ['shared', `own${n}`], times, n % 2 === 1)),
  )
  going = false
  const expected = { shared: 4 * times, own0: times, own1: times, own2: times, own3: times }
  t.strictSame(await first.call('counters'), expected)
  t.comment(`${repeated.reduce((sum, each) => sum + each, 0)} runs were repeated, ${await packs} packs`)
})

t.test('a process killed while it commits leaves whole commits only, and the others go on', async t => {
  const path = join(tempDir(t), 'app.db')
  const watcher = await child<MemberMethods>(t, script, [path])
  let last = 0
  for (let n = 0; n < 15; n++) {
    const victim = await child<MemberMethods>(t, script, [path])
    void victim.call('increment', ['a', 'b'], 1_000_000, false).catch(() => undefined)
    for (
      const before = await watcher.call('tid');
      (await watcher.call('tid').then(async tid => (await watcher.call('counters'), tid))) < before + 20;
    );
    victim.kill()
    await victim.exited
    const { a = 0, b = 0 } = await watcher.call('counters')
    t.equal(a, b, 'each commit is whole')
    t.ok(a > last)
    await watcher.call('increment', ['a', 'b'], 1, false)
    last = a + 1
    t.strictSame(await watcher.call('counters'), { a: last, b: last })
  }
})
