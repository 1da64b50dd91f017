import fs, { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import t, { type Test } from 'tap'
import { lockHolder } from '../../lib/file/lock-holder.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { tempDir } from '../helpers/temp-dir.js'

t.test('a file opened to append grows at its end, whatever position somebody else has left', async t => {
  const path = join(tempDir(t), 'file')
  writeFileSync(path, 'start|')
  const [one, other] = [systemDisk.open(path, 'append'), systemDisk.open(path, 'append')]
  const write = (fd: number, text: string) => systemDisk.write(fd, Buffer.from(text), 0, text.length, null)
  write(one, 'one|')
  systemDisk.end(one)
  write(other, 'other|')
  write(one, 'one again')
  t.equal(readFileSync(path, 'utf8'), 'start|one|other|one again')
  t.equal(systemDisk.end(one), 25)
  for (const fd of [one, other]) systemDisk.close(fd)
})

t.test('the end of a file is the same before and after fs-ext is there', async t => {
  const path = join(tempDir(t), 'file')
  writeFileSync(path, 'x'.repeat(1234))
  const fd = systemDisk.open(path, 'append')
  t.equal(systemDisk.end(fd), 1234)
  t.equal(systemDisk.tryLock(fd), true)
  t.equal(systemDisk.end(fd), 1234)
  systemDisk.truncate(fd, 6 * 2 ** 30 + 1)
  t.equal(systemDisk.end(fd), 6 * 2 ** 30 + 1, 'beyond 4 GiB too')
  systemDisk.close(fd)
})

t.test('a new file is made only where there is nothing, not even a link', async t => {
  const dir = tempDir(t)
  writeFileSync(join(dir, 'file'), '')
  symlinkSync(join(dir, 'elsewhere'), join(dir, 'link'))
  for (const name of ['file', 'link'])
    t.throws(() => systemDisk.create(join(dir, name), 0o600), { code: 'EEXIST' }, name)
  t.notOk(existsSync(join(dir, 'elsewhere')))
})

t.test('a lock file gets its mode whatever the umask is, and keeps the mode that it has', async t => {
  const before = process.umask(0o077)
  t.teardown(() => process.umask(before))
  const path = join(tempDir(t), 'file.lock')
  systemDisk.close(systemDisk.openLock(path, 0o666))
  systemDisk.close(systemDisk.openLock(path, 0o600))
  t.equal(statSync(path).mode & 0o777, 0o666)
})

t.test('a path is resolved through links, and so is one to a file that does not exist', async t => {
  const dir = tempDir(t)
  mkdirSync(join(dir, 'real'))
  symlinkSync('real', join(dir, 'link'))
  writeFileSync(join(dir, 'real', 'file'), '')
  t.equal(systemDisk.canonical(join(dir, 'link', 'file')), join(dir, 'real', 'file'))
  t.equal(systemDisk.canonical(join(dir, 'link', 'missing')), join(dir, 'real', 'missing'))
  t.throws(() => systemDisk.canonical(join(dir, 'missing', 'file')), { code: 'ENOENT' })
})

t.test('a missing file has no status', async t => {
  const dir = tempDir(t)
  t.equal(systemDisk.lookUp(join(dir, 'missing')), undefined)
  t.match(systemDisk.lookUp(dir), { isFile: false })
})

t.test('the holder of a lock is told', { skip: !existsSync('/proc/locks') && 'no /proc/locks' }, async t => {
  const path = join(tempDir(t), 'file')
  const fd = systemDisk.create(path, 0o600)
  const status = systemDisk.status(fd)
  t.equal(lockHolder(status), undefined)
  systemDisk.tryLock(fd)
  t.equal(lockHolder(status), process.pid)
  systemDisk.close(fd)
})

t.test('an asynchronous sync ends', async t => {
  const fd = systemDisk.create(join(tempDir(t), 'file'), 0o600)
  await systemDisk.syncAsync(fd)
  systemDisk.close(fd)
  await t.rejects(systemDisk.syncAsync(fd), { code: 'EBADF' })
})

t.test('a timer can be cancelled', async t => {
  const acted: string[] = []
  const timer = systemDisk.after(0, () => acted.push('cancelled'))
  timer.cancel()
  await new Promise<void>(resolve => {
    systemDisk.after(1, resolve)
    const alive = setTimeout(() => t.fail('it never came'), 10_000)
    t.teardown(() => clearTimeout(alive)) // a timer of this kind does not keep the process alive by itself
  })
  t.same(acted, [])
})

t.test('time goes on whatever tests put in the place of what Node has for it', async t => {
  const timers = createRequire(import.meta.url)('node:timers') as Record<string, unknown>
  const names = ['setTimeout', 'setImmediate', 'clearTimeout'] as const
  for (const [object, stopped] of [
    [performance, { now: () => 0 }],
    ...[timers, globalThis].map(
      object => [object, Object.fromEntries(names.map(name => [name, () => t.fail()]))] as const,
    ),
  ] as [Record<string, unknown>, Record<string, unknown>][]) {
    const before = Object.fromEntries(Object.keys(stopped).map(name => [name, object[name]]))
    t.teardown(() => {
      Object.assign(object, before)
      syncBuiltinESMExports()
    })
    Object.assign(object, stopped)
  }
  syncBuiltinESMExports() // as in a bundle that is no module, where what is imported is looked up at each call
  t.ok(systemDisk.ticks() > 0)
  await systemDisk.wait(0)
  await systemDisk.wait(1)
})

t.test('the boot has a checksum that stays the same while the machine runs', async t => {
  t.ok(Number.isInteger(systemDisk.boot) && systemDisk.boot >= 0 && systemDisk.boot < 2 ** 32)
})

t.test('finding a lock taken changes nothing of how errors are traced', async t => {
  const path = join(tempDir(t), 'taken.lock')
  const [one, other] = [systemDisk.openLock(path, 0o600), systemDisk.openLock(path, 0o600)]
  const before = Error.stackTraceLimit
  t.equal(systemDisk.tryLock(one), true)
  t.equal(systemDisk.tryLock(other), false)
  t.equal(Error.stackTraceLimit, before)
  t.throws(() => systemDisk.tryLock(-1))
  t.equal(Error.stackTraceLimit, before)
  systemDisk.close(one)
  systemDisk.close(other)
})

/** The system carries it out, or does not, and then says that it has failed. */
function failing(t: Test, name: 'closeSync' | 'fchmodSync' | 'fsyncSync', isDone: boolean): () => void {
  const call = fs[name] as (...args: unknown[]) => void
  const put = (instead: typeof call): void => {
    Object.assign(fs, { [name]: instead })
    syncBuiltinESMExports()
  }
  t.teardown(() => put(call))
  put((...args) => {
    if (isDone) call(...args)
    throw Object.assign(new Error(`EIO: of ${name}`), { code: 'EIO' })
  })
  return () => put(call)
}

t.test('a directory is on disk whatever closing it says behind that, which hides no failed fsync either', t => {
  const directory = tempDir(t)
  failing(t, 'closeSync', true)
  systemDisk.syncDirectory(directory)
  failing(t, 'fsyncSync', false)
  t.throws(() => systemDisk.syncDirectory(directory), { message: /of fsyncSync/ })
  t.end()
})

t.test('a lock file that cannot be given its mode is not left behind, nor open', t => {
  const path = join(tempDir(t), 'app.db.lock')
  const next = fs.openSync(tempDir(t), 'r')
  fs.closeSync(next)
  const works = failing(t, 'fchmodSync', false)
  t.throws(() => systemDisk.openLock(path, 0o666), { code: 'EIO' })
  t.notOk(existsSync(path))
  works()
  const fd = systemDisk.openLock(path, 0o666)
  t.equal(fd, next, 'the descriptor is free')
  t.equal(statSync(path).mode & 0o777, 0o666)
  systemDisk.close(fd)
  t.end()
})
