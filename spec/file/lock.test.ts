import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { CommitLock } from '../../lib/file/lock.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { tempDir } from '../helpers/temp-dir.js'

/** A data file and its lock, on a disk some of whose operations are the test's own. */
function lockOn(t: Test, own: Partial<Disk> = {}, path = join(tempDir(t), 'app.db')) {
  writeFileSync(path, 'data')
  const disk = { ...systemDisk, ...own }
  const data = disk.open(path, 'append')
  const lock = new CommitLock(disk, path, 0o600)
  t.teardown(() => {
    lock.close()
    systemDisk.close(data)
  })
  return { path, lock, data, disk }
}

/** A clock that only sleeping and waiting move. */
function fakeTime() {
  const slept: number[] = []
  const now = () => slept.reduce((sum, milliseconds) => sum + milliseconds, 0)
  return {
    slept,
    ticks: now,
    sleep: (milliseconds: number) => void slept.push(milliseconds),
    wait: async (milliseconds: number) => void slept.push(milliseconds),
  }
}

t.test('the lock file is made at the first lock, beside the data file, and stays', async t => {
  const { lock, data, path } = lockOn(t)
  t.equal(lock.path, `${path}.lock`)
  t.same(readdirSync(join(path, '..')), ['app.db'])
  t.equal(lock.try(data), true)
  lock.release()
  lock.close()
  t.same(readdirSync(join(path, '..')), ['app.db', 'app.db.lock'])
})

t.test('one holder at a time', async t => {
  const one = lockOn(t)
  const other = lockOn(t, {}, one.path)
  t.equal(one.lock.try(one.data), true)
  t.equal(one.lock.held, true)
  t.equal(other.lock.try(other.data), false)
  one.lock.release()
  t.equal(other.lock.try(other.data), true)
  other.lock.release()
})

t.test('a process cannot take it twice, nor release what it does not hold', async t => {
  const { lock, data } = lockOn(t)
  t.throws(() => lock.release(), { code: 'STATE' })
  lock.try(data)
  t.throws(() => lock.try(data), { code: 'STATE' })
  t.throws(() => lock.take(data, 100), { code: 'STATE' })
  lock.release()
  t.throws(() => lock.release(), { code: 'STATE' })
})

t.test('with the data file locked by somebody else, the lock file is let go', async t => {
  const { lock, data, path } = lockOn(t)
  const other = lockOn(t, {}, path)
  t.ok(systemDisk.tryLock(other.data))
  t.equal(lock.try(data), false)
  t.equal(lock.held, false)
  systemDisk.unlock(other.data)
  t.equal(other.lock.try(other.data), true)
  other.lock.release()
})

t.test('waiting tries a few times at once, then sleeps, longer and longer, at most 4 ms at a time', async t => {
  const time = fakeTime()
  let tries = 0
  const { lock, data } = lockOn(t, { ...time, random: () => 0.5, tryLock: () => (tries++, false) })
  t.throws(() => lock.take(data, 1000), {
    code: 'LOCK_TIMEOUT',
    timeout: 1000,
    message: /may be in another container\. Nothing was committed\. See whether a process that uses the store/,
  })
  t.ok(tries - time.slept.length > 5, 'without a sleep at first')
  const whole = time.slept.slice(0, -1)
  t.same(
    whole,
    [...whole].sort((a, b) => a - b),
  )
  t.ok(Math.max(...whole) <= 4)
  t.equal(Math.round(time.ticks()), 1000, 'and it gives up in time')
})

t.test('the sleeps are jittered, so that two that wait do not meet again and again', async t => {
  const { lock } = lockOn(t, { random: Math.random })
  t.equal(new Set(Array.from({ length: 20 }, () => lock.pauseBefore(20))).size, 20)
})

t.test('waiting without blocking gives up in time too, and runs nothing then', async t => {
  const time = fakeTime()
  const { lock, data } = lockOn(t, { ...time, tryLock: () => false })
  await t.rejects(
    lock.with(
      () => data,
      50,
      () => t.fail(),
    ),
    { code: 'LOCK_TIMEOUT', timeout: 50 },
  )
  t.equal(Math.round(time.ticks()), 50)
})

t.test('it says when the holder is this process itself', async t => {
  const messageFor = (pid: number): string => {
    const { lock, data } = lockOn(t, { ...fakeTime(), tryLock: () => false, lockHolder: () => pid })
    try {
      lock.take(data, 50)
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }
  t.match(messageFor(process.pid), 'this process holds it, by another copy of perdure or in another thread')
  t.notMatch(messageFor(process.pid), 'See whether')
  t.match(messageFor(process.ppid), `process ${process.ppid} holds it. Nothing was committed. See whether that process`)
})

t.test('an unlock that fails is called again, and throws nothing: what was done under the lock stands', async t => {
  let failures = 0
  const unlocked: number[] = []
  const { lock, data, path } = lockOn(t, {
    unlock: fd => {
      if (failures-- > 0) throw new Error('EINTR: as the test wants')
      unlocked.push(fd)
      systemDisk.unlock(fd)
    },
  })
  lock.try(data)
  failures = 1
  lock.release()
  t.equal(unlocked.length, 2)
  const sidecar = systemDisk.openLock(`${path}.lock`, 0o600)
  const other = systemDisk.open(path, 'append')
  for (const fails of [
    2, // of the data file, which stays locked until the next time
    4, // of both; the lock file is closed, and so free
  ]) {
    lock.try(data)
    failures = fails
    lock.release()
    t.equal(lock.held, false)
    t.ok(systemDisk.tryLock(sidecar), 'the lock file is free')
    systemDisk.unlock(sidecar)
    failures = 0
    lock.try(data)
    lock.release()
    t.ok(systemDisk.tryLock(other), 'and both are after the next time')
    systemDisk.unlock(other)
  }
  systemDisk.close(other)
  systemDisk.close(sidecar)
})

t.test('a lock file that is a symbolic link is not followed', async t => {
  const { lock, data, path } = lockOn(t)
  symlinkSync(join(path, '..', 'elsewhere'), `${path}.lock`)
  t.throws(() => lock.try(data))
  t.same(readdirSync(join(path, '..')), ['app.db', 'app.db.lock'])
})
