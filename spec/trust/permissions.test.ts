// Who may do what. Other users and read-only disks take a superuser to set up: elsewhere these tests are skipped.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, statSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { child, type Child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { UserMethods } from './user.child.js'

const script = new URL('./user.child.js', import.meta.url)
type User = Child<UserMethods>
const superuser = { skip: process.getuid?.() === 0 ? false : 'takes a superuser to set up' }

const [ADA, BOB, EVE] = [64001, 64002, 64003]
const TEAM = 64100

/** A folder that every user can go through. */
function commonDir(t: Test, mode = 0o755): string {
  const dir = tempDir(t)
  chmodSync(dir, mode)
  return dir
}

async function as(t: Test, uid: number, path: string, groups: number[] = [], umask = 0o022): Promise<User> {
  const user = await child<UserMethods>(t, script, [path])
  await user.call('become', uid, uid, groups, umask)
  return user
}

const whose = (path: string): string => {
  const { mode, uid, gid } = statSync(path)
  return `${(mode & 0o777).toString(8)} ${uid} ${gid}`
}

const refused = { code: 'DISK', message: /EACCES.*permission to read/ }
const notCommitted = { code: 'COMMIT_FAILED', message: /Nothing was committed.*permission/ }

t.test('store, lock file and packed store are their owner’s alone', async t => {
  const path = join(commonDir(t), 'app.db')
  const user = await child<UserMethods>(t, script, [path])
  await user.call('open')
  await user.call('write', 'x')
  const modes = () => [path, `${path}.lock`].map(each => (statSync(each).mode & 0o777).toString(8))
  t.same(modes(), ['600', '600'])
  await user.call('pack')
  t.same(modes(), ['600', '600'])
})

t.test('what is not the user’s to read is refused, with what to do about it', superuser, async t => {
  const path = join(commonDir(t, 0o777), 'app.db')
  const ada = await as(t, ADA, path)
  await ada.call('open')
  await ada.call('write', 'secret')
  const eve = await as(t, EVE, path)
  for (const readonly of [true, false]) await t.rejects(eve.call('open', { readonly }), refused)
  chmodSync(dirname(path), 0o600)
  await t.rejects(eve.call('open'), { ...refused, message: /EACCES.*search \(x\) each directory/ })
})

t.test('a user who may only read sees what others write and pack, and writes nothing', superuser, async t => {
  const dir = commonDir(t)
  chownSync(dir, ADA, ADA)
  const path = join(dir, 'app.db')
  const ada = await as(t, ADA, path)
  await ada.call('open', { mode: 0o644 })
  await ada.call('write', 'one')
  const eve = await as(t, EVE, path)
  await t.rejects(eve.call('open'), { ...refused, message: /readonly: true/ })
  await eve.call('open', { readonly: true })
  t.equal(await eve.call('read'), 'one')
  for (let n = 0; n < 5; n++) {
    await ada.call('write', `text ${n}`)
    t.equal(await eve.call('read'), `text ${n}`)
    if (n % 2 === 1) await ada.call('pack')
    t.equal(await eve.call('read'), `text ${n}`)
  }
  await t.rejects(eve.call('write', 'x'), { code: 'READONLY' })
  t.same(readdirSync(dir).sort(), ['app.db', 'app.db.lock'])
})

t.test(
  'with `mode`, the users of a group write to one store, whoever is first, whatever their umask is',
  superuser,
  async t => {
    const dir = commonDir(t)
    chownSync(dir, ADA, TEAM)
    chmodSync(dir, 0o770)
    const path = join(dir, 'app.db')
    const ada = await as(t, ADA, path, [TEAM], 0o077)
    await ada.call('open', { mode: 0o660 })
    t.equal(whose(path), `660 ${ADA} ${ADA}`)
    chownSync(path, ADA, TEAM)
    const bob = await as(t, BOB, path, [TEAM], 0o077)
    await bob.call('open')
    await bob.call('write', 'Bob makes the lock file')
    t.equal(whose(`${path}.lock`), `660 ${BOB} ${TEAM}`, 'it is the group’s')
    await ada.call('write', 'and Ada can lock it')
    t.equal(await bob.call('read'), 'and Ada can lock it')
    const eve = await as(t, EVE, path)
    await t.rejects(eve.call('open'), refused)

    await t.rejects(bob.call('pack'), { code: 'UNSUPPORTED', message: /owner/ }, 'Bob cannot give the new file to Ada')
    await ada.call('pack')
    t.equal(whose(path), `660 ${ADA} ${TEAM}`, 'a pack keeps owner, group and mode')
    await bob.call('write', 'and on')
    t.same(readdirSync(dir).sort(), ['app.db', 'app.db.lock'])
  },
)

t.test(
  'an index file can be read by all who may read the store, whoever has written it, and by nobody else',
  superuser,
  async t => {
    const dir = commonDir(t)
    chownSync(dir, ADA, TEAM)
    chmodSync(dir, 0o770)
    const path = join(dir, 'app.db')
    const ada = await as(t, ADA, path, [TEAM])
    await ada.call('open', { mode: 0o660 })
    const bob = await as(t, BOB, path, [TEAM], 0o077)
    const adaAlone = await as(t, ADA, path)
    for (const [writer, group, mode, expected] of [
      [bob, TEAM, 0o660, `660 ${BOB} ${TEAM}`],
      [bob, TEAM, 0o664, `664 ${BOB} ${TEAM}`],
      [adaAlone, EVE, 0o660, `600 ${ADA} ${ADA}`],
      [adaAlone, EVE, 0o664, `644 ${ADA} ${ADA}`],
      [adaAlone, EVE, 0o604, `600 ${ADA} ${ADA}`],
    ] as const) {
      chownSync(path, ADA, group)
      chmodSync(path, mode)
      for (const kind of ['lock', 'index']) rmSync(`${path}.${kind}`, { force: true })
      await writer.call('open')
      for (let n = 0; n < 3; n++) await writer.call('write', `${n}`.repeat(1e6))
      await writer.call('close')
      t.equal(whose(`${path}.index`), expected, `of ${whose(path)}`)
    }
  },
)

t.test('what a superuser makes for a user’s store is the user’s', superuser, async t => {
  const dir = commonDir(t)
  chownSync(dir, ADA, ADA)
  const path = join(dir, 'app.db')
  const ada = await as(t, ADA, path)
  await ada.call('open')
  const root = await child<UserMethods>(t, script, [path])
  await root.call('open')
  await root.call('write', 'by the superuser')
  await root.call('pack')
  t.same([whose(path), whose(`${path}.lock`)], [`600 ${ADA} ${ADA}`, `600 ${ADA} ${ADA}`])
  await ada.call('write', 'and by its owner')
})

t.test('in a directory that may not be changed', superuser, async t => {
  const dir = commonDir(t)
  const path = join(dir, 'app.db')
  const ada = await as(t, ADA, path)
  await t.rejects(ada.call('open'), refused, 'no store is made')
  t.same(readdirSync(dir), [])

  chownSync(dir, ADA, ADA)
  await ada.call('open', { durability: 'fsync' })
  chownSync(dir, 0, 0)
  await t.rejects(ada.call('write', 'x'), notCommitted, 'without a lock file nothing is committed')
  t.equal(await ada.call('read'), 'new')
  t.same(readdirSync(dir), ['app.db'])

  chownSync(dir, ADA, ADA)
  await ada.call('write', 'one')
  chownSync(dir, 0, 0)
  await ada.call('write', 'two')
  t.equal(await ada.call('read'), 'two', 'with one it goes on')
  await t.rejects(ada.call('pack'), refused, 'but it is not packed')
  chmodSync(dir, 0o711)
  await ada.call('open', { durability: 'fsync' })
  await ada.call('write', 'three')
  await ada.call('write', 'four')
  t.equal(await ada.call('read'), 'four', 'not even when the directory cannot be read')
})

t.test(
  'in a directory that may be written and not read, no store is made or packed: it might lose its name',
  superuser,
  async t => {
    const dir = commonDir(t, 0o300)
    chownSync(dir, ADA, ADA)
    const path = join(dir, 'app.db')
    const ada = await as(t, ADA, path)
    const unreadable = { ...refused, message: /permission to read and write the directory/ }
    for (let n = 0; n < 2; n++) await t.rejects(ada.call('open', { durability: 'fsync' }), unreadable)
    t.same(readdirSync(dir), [])

    chmodSync(dir, 0o700)
    await ada.call('open')
    chmodSync(dir, 0o300)
    await ada.call('open', { durability: 'fsync' })
    await ada.call('write', 'one')
    await t.rejects(ada.call('pack'), unreadable)
    await ada.call('write', 'two')
    t.equal(await ada.call('read'), 'two', 'one that is there goes on')
  },
)

t.test('a directory in which only owners may rename: who does not own the file, cannot pack it', superuser, async t => {
  const dir = commonDir(t, 0o1777)
  const path = join(dir, 'app.db')
  const ada = await as(t, ADA, path)
  await ada.call('open', { mode: 0o666 })
  await ada.call('write', 'one')
  const bob = await as(t, BOB, path)
  await bob.call('open')
  await bob.call('write', 'two')
  await t.rejects(bob.call('pack'), { code: 'UNSUPPORTED', message: /owner/ })
  t.same(readdirSync(dir).sort(), ['app.db', 'app.db.lock'])
  t.equal(await ada.call('read'), 'two')
})

t.test('permissions that are taken away later do not disturb who has the store open', superuser, async t => {
  const dir = commonDir(t, 0o777)
  const path = join(dir, 'app.db')
  const ada = await as(t, ADA, path)
  await ada.call('open')
  await ada.call('write', 'one')
  chmodSync(path, 0o400)
  await ada.call('write', 'two')
  t.equal(await ada.call('read'), 'two')
  await t.rejects(ada.call('open'), refused)
  await ada.call('open', { readonly: true })
  t.equal(await ada.call('read'), 'two')
})

t.test('a lock file that may not be opened: nothing is committed, and the message says why', superuser, async t => {
  const dir = commonDir(t, 0o777)
  const path = join(dir, 'app.db')
  const ada = await as(t, ADA, path)
  await ada.call('open')
  const root = await child<UserMethods>(t, script, [path])
  await root.call('open')
  await root.call('write', 'x')
  chownSync(`${path}.lock`, 0, 0)
  await t.rejects(ada.call('write', 'y'), notCommitted)
  t.equal(await ada.call('read'), 'x')
  unlinkSync(`${path}.lock`)
  await ada.call('write', 'y')
  t.equal(await root.call('read'), 'y')
})

t.test('on a disk that is read-only a store can be read, and that is what the message says', superuser, async t => {
  const dir = join(tempDir(t), 'disk')
  mkdirSync(dir)
  if (spawnSync('mount', ['-t', 'tmpfs', 'none', dir]).status !== 0) {
    t.comment('nothing can be mounted here')
    return
  }
  t.teardown(() => execFileSync('umount', ['-l', dir]))
  const path = join(dir, 'app.db')
  const user = await child<UserMethods>(t, script, [path])
  await user.call('open')
  await user.call('write', 'one')
  await user.call('close')
  execFileSync('mount', ['-o', 'remount,ro', dir])
  await t.rejects(user.call('open'), { code: 'DISK', message: /read-only.*readonly: true/ })
  await user.call('open', { readonly: true })
  t.equal(await user.call('read'), 'one')
  const other = await child<UserMethods>(t, script, [join(dir, 'new.db')])
  await t.rejects(other.call('open'), { code: 'DISK', message: /read-only/ })
  await user.call('close')
})
