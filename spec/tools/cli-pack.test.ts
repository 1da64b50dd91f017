import { spawnSync } from 'node:child_process'
import { closeSync, linkSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { plainNode } from '../helpers/plain-node.js'
import {
  bank,
  commitOffsets,
  damage,
  largeBank,
  openBank,
  perdure,
  printed,
  printedJson,
  start,
  tool,
} from './cli-tool.js'

/** The bank after so many commits that there is much to drop. */
function grownBank(t: Test): string {
  const path = bank(t)
  const db = openBank(path)
  for (let n = 0; n < 200; n++) db.transact(bank => (bank.name = `${n} `.repeat(300)))
  db.transact(bank => (bank.name = 'Last'))
  db.close()
  return path
}

/** Takes the lock that writers take, as another process would. */
function holdLock(t: Test, path: string): void {
  const fd = systemDisk.openLock(`${path}.lock`, 0o600)
  t.teardown(() => closeSync(fd))
  t.ok(systemDisk.tryLock(fd), 'the lock was free')
}

function strays(path: string): string[] {
  return readdirSync(dirname(path)).filter(name => /\.(pack|new)$/.test(name))
}

t.test('a pack says what came of it, in one unit', async t => {
  const path = grownBank(t)
  const text = await printed(t, 'pack', path)
  t.match(text, /^\d{3}\.\d KiB -> 4\.\d KiB, 6 records kept, 1 dropped\n$/)
  t.equal(
    await printed(t, 'pack', path),
    text.replace(/^.* -> (\S+ KiB).*\n$/, '$1 -> $1, 6 records kept, 0 dropped\n'),
  )
  t.match(await printed(t, 'verify', path), /no damage/)
  t.equal((await printedJson(t, 'inspect', path, '/name')).value, 'Last')
})

t.test('the same as JSON, with bytes as they are', async t => {
  const path = grownBank(t)
  const before = statSync(path).size
  const result = await printedJson(t, 'pack', path)
  t.match(result, { path, objects: 6, dropped: 1, bytesBefore: before, bytesAfter: statSync(path).size })
})

t.test('no progress is drawn where no terminal is', async t => {
  const { code, stderr } = await perdure('pack', grownBank(t))
  t.same([code, stderr], [0, ''])
})

t.test('on a terminal a bar shows the progress, and gives way to the result', async t => {
  if (spawnSync('script', ['--version']).status !== 0) return t.comment('not tested: there is no script(1)')
  const [command, args] = plainNode(tool, 'pack', grownBank(t))
  const { stdout, status } = spawnSync('script', ['-qec', [command, ...args].join(' '), '/dev/null'], {
    encoding: 'utf8',
  })
  t.equal(status, 0)
  // eslint-disable-next-line no-control-regex -- the bar is drawn with them
  t.match(stdout, /\r\[#+\.*\] \d+% {2}\d records {2}\d+\.\d KiB\x1b\[K/)
  // eslint-disable-next-line no-control-regex -- the bar is wiped with them
  t.match(stdout, /\r\x1b\[K\d{3}\.\d KiB -> 4\.\d KiB, 6 records kept, 1 dropped\r\n$/)
})

t.test("a lock file that a dead process left is in nobody's way", async t => {
  const path = bank(t)
  writeFileSync(`${path}.lock`, '')
  writeFileSync(`${path}.0123456789abcdef.pack`, 'half a file')
  await printed(t, 'pack', path)
  t.same(strays(path), [], 'nor what a dead packer left')
})

t.test('a lock that somebody holds: exit code 3, with the process that does', async t => {
  const path = bank(t)
  const before = readFileSync(path)
  holdLock(t, path)
  const { code, stdout, stderr } = await perdure('pack', path, '--lock-timeout', '50')
  t.same([code, stdout], [3, ''])
  t.match(stderr, /^perdure: .*not free within 50 ms.*\n$/)
  if (process.platform === 'linux') t.match(stderr, `process ${process.pid} holds it`)
  t.ok(readFileSync(path).equals(before), 'the store is as it was')
  t.same(strays(path), [])
})

/** Starts a pack and interrupts it once it is under way. */
async function interrupted(path: string, signal: NodeJS.Signals, ...args: string[]) {
  const begun = new Promise<void>(resolve => {
    const watcher = watch(dirname(path), (_event, name) => {
      if (name === null || !name.startsWith(basename(path)) || !name.endsWith('.pack')) return
      watcher.close()
      resolve()
    })
  })
  const { process: child, ended } = start(['pack', path, ...args])
  await Promise.race([begun, ended])
  child.kill(signal)
  return ended
}

t.test('Ctrl-C while somebody holds the lock: exit code 130, nothing is changed', async t => {
  const path = bank(t)
  const before = readFileSync(path)
  holdLock(t, path)
  const { code, stdout, stderr } = await interrupted(path, 'SIGINT', '--lock-timeout', '300')
  t.same([code, stdout], [130, ''])
  t.match(stderr, /^perdure: .*interrupted; the store is as it was\n$/)
  t.ok(readFileSync(path).equals(before))
  t.same(strays(path), [])
})

t.test(
  'Ctrl-C, or a signal that ends programs, while a pack copies: nothing is changed, and the exit code says which',
  async t => {
    const path = largeBank(t)
    const before = readFileSync(path)
    for (const [signal, expected] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      const { code, stdout, stderr } = await interrupted(path, signal)
      t.same([code, stdout], [expected, ''])
      t.match(stderr, /^perdure: .*interrupted; the store is as it was\n$/)
      t.ok(readFileSync(path).equals(before))
      t.same(strays(path), [])
    }
    await printed(t, 'pack', path)
  },
)

t.test('a file with several names: exit code 3', async t => {
  const path = bank(t)
  linkSync(path, `${path}.other`)
  const { code, stdout, stderr } = await perdure('pack', path)
  t.same([code, stdout], [3, ''])
  t.match(stderr, /^perdure: .*2 names.*\n$/)
})

t.test('a damaged store is not packed: exit code 1', async t => {
  const path = bank(t)
  damage(path, (await commitOffsets(t, path)).get(3)! + 90)
  const before = readFileSync(path)
  const { code, stdout, stderr } = await perdure('pack', path)
  t.same([code, stdout], [1, ''])
  t.match(stderr, /^perdure: .*perdure verify.*\n$/)
  t.ok(readFileSync(path).equals(before))
})
