import { linkSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { child, type Child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { StoreMethods } from './store.child.js'

const script = new URL('./store.child.js', import.meta.url)
const start = (t: Test, path: string, options = {}): Promise<Child<StoreMethods>> =>
  child<StoreMethods>(t, script, [path, JSON.stringify(options)])
const busy = { code: 'LOCK_TIMEOUT' }

/** The marks in the ledger: each "enter" is followed by the "leave" of the same process. */
function assertAlone(t: Test, ledger: string, sections: number): void {
  const marks = readFileSync(ledger, 'utf8').trimEnd().split('\n')
  t.equal(marks.length, 2 * sections)
  const intruded = marks.filter((mark, n) => n % 2 === 1 && mark !== marks[n - 1]?.replace('enter', 'leave'))
  t.same(intruded, [], 'never two writers at once')
}

t.test(
  'while a process holds the lock, others read, and time out when they commit: the error names the holder',
  async t => {
    const path = join(tempDir(t), 'app.db')
    const [holder, other] = [await start(t, path), await start(t, path, { lockTimeout: 50 })]
    await holder.call('take')
    t.equal(await other.call('text', 1), 'root')
    await t.rejects(other.call('put', 1, 'x'), {
      ...busy,
      facts: { pid: holder.pid, timeout: 50, path: `${path}.lock` },
    })
    await holder.call('release')
    await other.call('put', 1, 'x')
    t.equal(await holder.call('text', 1), 'x')
  },
)

t.test('a holder that is killed frees the lock, and who waits for it goes on', async t => {
  const path = join(tempDir(t), 'app.db')
  const [holder, other] = [await start(t, path), await start(t, path)]
  await holder.call('take')
  const waiting = other.call('put', 1, 'waited')
  holder.kill()
  await waiting
  t.equal(await other.call('text', 1), 'waited')
})

t.test('a holder that is stopped makes others time out with its pid; when it goes on, so do they', async t => {
  const path = join(tempDir(t), 'app.db')
  const [holder, other] = [await start(t, path), await start(t, path, { lockTimeout: 50 })]
  await holder.call('take')
  holder.kill('SIGSTOP')
  await t.rejects(other.call('put', 1, 'x'), { ...busy, facts: { pid: holder.pid } })
  holder.kill('SIGCONT')
  await holder.call('release')
  await other.call('put', 1, 'x')
})

t.test('whoever takes the lock file alone, as a backup program may, keeps writers out', async t => {
  const path = join(tempDir(t), 'app.db')
  const writer = await start(t, path, { lockTimeout: 50 })
  await writer.call('put', 1, 'x')
  const sidecar = systemDisk.openLock(`${path}.lock`, 0o600)
  t.ok(systemDisk.tryLock(sidecar))
  await t.rejects(writer.call('put', 1, 'y'), { ...busy, facts: { pid: process.pid } })
  systemDisk.close(sidecar)
  await writer.call('put', 1, 'y')
})

t.test(
  'a writer by a hard link, which has a lock file of its own, keeps the others out by the data file’s lock',
  async t => {
    const path = join(tempDir(t), 'app.db')
    const other = await start(t, path, { lockTimeout: 50 })
    linkSync(path, `${path}.hard`)
    const hard = await start(t, `${path}.hard`)
    await hard.call('take')
    await t.rejects(other.call('put', 1, 'x'), { ...busy, facts: { pid: hard.pid } })
  },
)

for (const [what, change] of [
  ['removed', (lock: string) => rmSync(lock)],
  [
    'replaced',
    (lock: string) => {
      writeFileSync(`${lock}.other`, '')
      renameSync(`${lock}.other`, lock)
    },
  ],
] as const) {
  t.test(`a lock file that is ${what} while the lock is held lets nobody else in`, async t => {
    const path = join(tempDir(t), 'app.db')
    const [holder, open] = [await start(t, path), await start(t, path, { lockTimeout: 50 })]
    await holder.call('take')
    t.equal(await open.call('tryTake'), false)
    change(`${path}.lock`)
    const later = await start(t, path, { lockTimeout: 50 })
    for (const other of [open, later]) {
      t.equal(await other.call('tryTake'), false)
      await t.rejects(other.call('put', 1, 'x'), busy)
    }
    await holder.call('release')
    t.equal(await later.call('tryTake'), true)
    t.equal(await open.call('tryTake'), false)
    t.equal(await holder.call('tryTake'), false)
  })

  t.test(`a lock file that is ${what} while others wait for it lets one in at a time`, async t => {
    const dir = tempDir(t)
    const path = join(dir, 'app.db')
    const ledger = join(dir, 'ledger')
    const holder = await start(t, path)
    await holder.call('take')
    const early = [await start(t, path), await start(t, path)]
    const waiting = early.map(c => c.call('critical', ledger, 20))
    change(`${path}.lock`)
    const late = await start(t, path)
    waiting.push(late.call('critical', ledger, 20))
    await holder.call('release')
    t.same(await Promise.all(waiting), [0, 0, 0])
    assertAlone(t, ledger, 60)
  })
}

t.test(
  'by hard link, symbolic link and path: never two writers of one file at once, and no commit is lost',
  async t => {
    const dir = tempDir(t)
    const path = join(dir, 'app.db')
    const first = await start(t, path)
    symlinkSync('app.db', join(dir, 'soft.db'))
    linkSync(path, join(dir, 'hard.db'))
    const ledger = join(dir, 'ledger')
    const oid = await first.call('put', -1, '0')
    const children = [first, await start(t, join(dir, 'soft.db')), await start(t, join(dir, 'hard.db'))]
    t.same(await Promise.all(children.map(c => c.call('critical', ledger, 30))), [0, 0, 0])
    assertAlone(t, ledger, 90)
    await Promise.all(children.map(c => c.call('increment', oid, 200)))
    t.equal(await first.call('text', oid), '600')
  },
)

t.test('a process that waits long for others gets its turn', async t => {
  const path = join(tempDir(t), 'app.db')
  const busyOnes = [await start(t, path), await start(t, path)]
  const one = await start(t, path)
  const working = busyOnes.map((c, n) => c.call('append', `busy ${n}`, 1000))
  await one.call('put', 1, 'among them')
  await Promise.all(working)
  t.equal((await one.call('latest')).tid, 2002)
})
