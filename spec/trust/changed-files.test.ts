// Somebody else moves, copies, cuts and removes the files of a store that processes have open. Each case has one outcome, and
// no process goes on as if nothing had happened. (spec/store/replaced.test.ts has the same one layer below.)
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { child, ChildError, type Child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { UserMethods } from './user.child.js'

const script = new URL('./user.child.js', import.meta.url)
type User = Child<UserMethods>

async function start(t: Test, path: string): Promise<User> {
  const user = await child<UserMethods>(t, script, [path])
  await user.call('open')
  return user
}

/** A store with the text "one", of which `copy` is a copy, and then "two", open in a process. */
async function store(t: Test): Promise<{ dir: string; path: string; copy: string; a: User }> {
  const dir = tempDir(t)
  const path = join(dir, 'app.db')
  const copy = join(dir, 'copy.db')
  const a = await start(t, path)
  await a.call('write', 'one')
  copyFileSync(path, copy)
  await a.call('write', 'two')
  return { dir, path, copy, a }
}

/** The path is looked at every tenth of a second: asks until there is an error, and returns its code. */
async function errorOf(ask: () => Promise<unknown>): Promise<string | undefined> {
  for (const until = performance.now() + 5000; performance.now() < until;) {
    try {
      await ask()
    } catch (error) {
      if (error instanceof ChildError) return error.code
      throw error
    }
  }
  return undefined
}

async function isReplaced(t: Test, user: User): Promise<void> {
  t.equal(await errorOf(() => user.call('read')), 'STORE_REPLACED', 'reading says so')
  await t.rejects(user.call('write', 'lost'), { code: 'STORE_REPLACED' }, 'writing says so')
  await t.rejects(user.call('pack'), { code: 'STORE_REPLACED' }, 'packing says so')
}

for (const [how, replace] of [
  ['put in its place', (copy: string, path: string) => renameSync(copy, path)],
  ['written over it', (copy: string, path: string) => copyFileSync(copy, path)],
  [
    'copied there after it was removed',
    (copy: string, path: string) => {
      unlinkSync(path)
      copyFileSync(copy, path)
    },
  ],
] as const) {
  t.test(`a copy that is restored, ${how}: who had the store open says so, and who opens it now goes on`, async t => {
    const { path, copy, a } = await store(t)
    replace(copy, path)
    const b = await start(t, path)
    t.equal(await b.call('read'), 'one')
    await isReplaced(t, a)
    await b.call('write', 'on the restored one')
    await isReplaced(t, a)
    t.equal(await b.call('read'), 'on the restored one', 'nobody else has written there')
    await b.call('write', 'and on')
    await a.call('open')
    t.equal(await a.call('read'), 'and on', 'opened anew, all is well')
  })
}

t.test('a copy that is restored in place and grows to the same length again is told from what was there', async t => {
  const { path, copy, a } = await store(t)
  const { size } = statSync(path)
  copyFileSync(copy, path)
  const b = await start(t, path)
  await b.call('write', 'due')
  t.equal(statSync(path).size, size)
  await isReplaced(t, a)
  await b.call('write', 'and on')
  t.equal(await b.call('read'), 'and on')
})

t.test('what began before the file was replaced does not commit after it', async t => {
  for (const replace of [renameSync, copyFileSync]) {
    const { path, copy, a } = await store(t)
    await a.call('change', 'three')
    replace(copy, path)
    const b = await start(t, path)
    await b.call('write', 'due')
    const started = performance.now()
    while (performance.now() < started + 100) await b.call('read') // as long as a look is good for
    await t.rejects(a.call('commit'), { code: 'STORE_REPLACED' })
    await a.call('abort')
    t.equal(await b.call('read'), 'due')
  }
})

t.test('a removed store is not there for those who had it open, nor does it come back', async t => {
  for (const names of [['app.db'], ['app.db', 'app.db.lock']]) {
    const { dir, path, a } = await store(t)
    for (const name of names) rmSync(join(dir, name))
    await isReplaced(t, a)
    const b = await start(t, path)
    t.equal(await b.call('read'), 'new', 'opening makes a new one')
    await isReplaced(t, a)
    await b.call('write', 'x')
    t.equal(await b.call('read'), 'x')
  }
})

t.test('a store that is moved away is missed; moved back, everybody goes on', async t => {
  const { dir, path, a } = await store(t)
  const elsewhere = join(dir, 'elsewhere.db')
  renameSync(path, elsewhere)
  await isReplaced(t, a)
  const b = await start(t, elsewhere)
  await b.call('write', 'elsewhere')
  renameSync(elsewhere, path)
  t.equal(await a.call('read'), 'elsewhere')
  await a.call('write', 'and back')
})

t.test('so is one whose directory is moved away', async t => {
  const base = tempDir(t)
  const dir = join(base, 'dir')
  mkdirSync(dir)
  const a = await start(t, join(dir, 'app.db'))
  await a.call('write', 'x')
  renameSync(dir, join(base, 'other'))
  await isReplaced(t, a)
})

t.test('another store in its place is not written to', async t => {
  const { dir, path, a } = await store(t)
  const b = await start(t, join(dir, 'other.db'))
  await b.call('write', 'the other one')
  await b.call('close')
  renameSync(join(dir, 'other.db'), path)
  const before = readFileSync(path)
  await isReplaced(t, a)
  t.same(readFileSync(path), before)
})

t.test('a file that was emptied is no store, and stays as it is', async t => {
  const { path, a } = await store(t)
  truncateSync(path)
  await isReplaced(t, a)
  await t.rejects(a.call('open'), { code: 'NOT_A_STORE' })
  t.equal(statSync(path).size, 0)
})

t.test('a file whose end was cut off: who opens it goes on with the last whole commit', async t => {
  const { path, a } = await store(t)
  truncateSync(path, statSync(path).size - 1)
  await isReplaced(t, a)
  await a.call('open')
  t.equal(await a.call('read'), 'one')
  await a.call('write', 'three')
  t.equal(await a.call('read'), 'three')
})

t.test('something foreign behind the end is damage, for readers and writers, open or not', async t => {
  const { path, a } = await store(t)
  appendFileSync(path, 'Hello? Is this the log file?')
  const before = readFileSync(path)
  await t.rejects(a.call('read'), { code: 'CORRUPT_LOG', facts: { lastGoodTid: 3 } })
  await t.rejects(a.call('write', 'x'), { code: 'CORRUPT_LOG' })
  const b = await child<UserMethods>(t, script, [path])
  await t.rejects(b.call('open'), { code: 'CORRUPT_LOG' })
  t.same(readFileSync(path), before, 'and nobody has touched it')
})

t.test('a paused reader reads on from a file that was replaced, and is told when it ends the pause', async t => {
  const { path, copy, a } = await store(t)
  await a.call('pause')
  renameSync(copy, path)
  t.equal(await a.call('read'), 'two')
  await a.call('continue')
  await isReplaced(t, a)
})

t.test('a new time or mode of the file, and new neighbours, make no difference', async t => {
  const { dir, path, a } = await store(t)
  utimesSync(path, 1, 1)
  writeFileSync(join(dir, 'app.db-backup'), 'x')
  writeFileSync(join(dir, 'app.db.lock.old'), 'x')
  await a.call('pack')
  const b = await start(t, path)
  await b.call('write', 'three')
  t.equal(await a.call('read'), 'three')
})

t.test('a symbolic link leads to the same store, and a pack replaces what it leads to, not the link', async t => {
  const { dir, path, a } = await store(t)
  const link = join(tempDir(t), 'link.db')
  symlinkSync(path, link)
  const b = await start(t, link)
  await b.call('write', 'by the link')
  await b.call('pack')
  t.ok(lstatSync(link).isSymbolicLink())
  t.equal(await a.call('read'), 'by the link')
  await a.call('write', 'by the path')
  t.equal(await b.call('read'), 'by the path')
  symlinkSync('copy.db', join(dir, 'new'))
  renameSync(join(dir, 'new'), link)
  await b.call('write', 'where it was opened')
  t.equal(await a.call('read'), 'where it was opened', 'a link that leads elsewhere now is for who opens it anew')
})

t.test('two spellings of one path are one store to two processes', async t => {
  const { dir, a } = await store(t)
  mkdirSync(join(dir, 'sub'))
  const b = await start(t, `${dir}/sub/..//./app.db`)
  await b.call('write', 'same')
  t.equal(await a.call('read'), 'same')
})

t.test('with a hard link both names are of one store, until somebody packs, which is refused', async t => {
  const { dir, path, a } = await store(t)
  const hard = join(dir, 'hard.db')
  linkSync(path, hard)
  const b = await start(t, hard)
  await b.call('write', 'by the other name')
  t.equal(await a.call('read'), 'by the other name')
  for (const each of [a, b]) await t.rejects(each.call('pack'), { code: 'UNSUPPORTED', message: /2 names/ })
  unlinkSync(hard)
  await isReplaced(t, b)
  await a.call('pack')
  t.equal(await a.call('read'), 'by the other name')
})

t.test('a symbolic link in place of the lock file is not followed', async t => {
  const dir = tempDir(t)
  const path = join(dir, 'app.db')
  const a = await start(t, path)
  writeFileSync(join(dir, 'precious'), 'precious')
  symlinkSync('precious', `${path}.lock`)
  await t.rejects(a.call('write', 'x'), { code: 'COMMIT_FAILED', message: /symbolic link/ })
  unlinkSync(`${path}.lock`)
  await a.call('write', 'x')
  t.equal(readFileSync(join(dir, 'precious'), 'utf8'), 'precious')
})
