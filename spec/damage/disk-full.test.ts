// Full disks and limits of file sizes, as the system really has them.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open } from '../../lib/index.js'
import { verify } from '../../lib/store/verify.js'
import { plainNode } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { Report } from './limited.child.js'
import { addNote, checkNotes, ROOT } from './notes.js'

const KILOBYTE = 1024
const FULL = { code: 'COMMIT_FAILED', cause: { code: 'ENOSPC' } }

/** A disk of one MiB; undefined: this user cannot mount one. */
function smallDisk(t: Test): string | undefined {
  const dir = join(tempDir(t), 'small')
  mkdirSync(dir)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  t.teardown(() => execFileSync('umount', ['-l', dir]))
  return dir
}

function checkFile(t: Test, path: string, count: number): void {
  const reader = open(path, { ...ROOT, readonly: true })
  t.equal(reader.root.count, count)
  checkNotes(reader.root)
  reader.close()
  verify(systemDisk, path, ({ kind, message }) => kind === 'tail' || t.fail(message))
}

const NO_MOUNT = 'needs to mount a tmpfs, which this user may not: run it as root to have this tested'

t.test('a disk that is full', async t => {
  const dir = smallDisk(t)
  if (dir === undefined) {
    t.comment(NO_MOUNT)
    return
  }
  const path = join(dir, 'app.db')
  const ballast = join(dir, 'ballast')
  writeFileSync(ballast, new Uint8Array(300 * KILOBYTE))
  const db = open(path, ROOT)
  const fill = (): void => {
    for (;;) db.transact(addNote)
  }

  await t.test('refuses a commit, which leaves nothing behind', async t => {
    t.throws(fill, FULL)
    t.ok(db.root.count > 100)
    checkNotes(db.root)
    checkFile(t, path, db.root.count)
    t.throws(fill, FULL, 'and the next')
    addNote(db.root)
    t.throws(() => db.commit(), FULL, 'by hand too')
    t.ok(db.changed, 'whose changes are kept')
    db.abort()
    await t.rejects(db.transactAsync(addNote), FULL, 'and in the background')
    checkFile(t, path, db.root.count)
  })

  await t.test('cannot take a pack, which leaves nothing behind', async t => {
    await t.rejects(db.pack(), { code: 'DISK', cause: { code: 'ENOSPC' } })
    t.strictSame(readdirSync(dir), ['app.db', 'app.db.lock', 'ballast'])
    checkFile(t, path, db.root.count)
  })

  await t.test('cannot take a new store, which leaves nothing behind', async t => {
    t.throws(() => open(join(dir, 'other.db'), ROOT), { code: 'DISK', cause: { code: 'ENOSPC' } })
    t.strictSame(readdirSync(dir), ['app.db', 'app.db.lock', 'ballast'])
  })

  await t.test('goes on when there is space again', async t => {
    const before = db.root.count
    rmSync(ballast)
    db.transact(addNote)
    t.equal(db.root.count, before + 1)
    checkFile(t, path, before + 1)
    t.throws(fill, FULL, 'until it is full again')
    t.ok(db.root.count > before + 20)
    checkFile(t, path, db.root.count)
  })
  db.close()
})

t.test('a disk that is too full for a pack can be packed when less is kept', async t => {
  const dir = smallDisk(t)
  if (dir === undefined) {
    t.comment(NO_MOUNT)
    return
  }
  const path = join(dir, 'app.db')
  const db = open(path, ROOT)
  db.transact(function addMany(root) {
    for (let n = 0; n < 560; n++) addNote(root)
  })
  await t.rejects(db.pack(), { code: 'DISK' })
  db.transact(function keepFew(root) {
    root.notes.length = root.count = 50
  })
  await db.pack()
  t.ok(statSync(path).size < 100 * KILOBYTE)
  for (let n = 0; n < 100; n++) db.transact(addNote)
  checkFile(t, path, 150)
  t.strictSame(readdirSync(dir), ['app.db', 'app.db.lock'])
  db.close()
})

/** Runs the child in a shell that lets files grow to so many KiB. */
function limited(kilobytes: number, what: 'fill' | 'pack', path: string): Report {
  const script = fileURLToPath(new URL('./limited.child.js', import.meta.url))
  const [command, args] = plainNode(script, what, path)
  const shell = ['-c', 'ulimit -S -f "$0" && exec "$@"', String(kilobytes), command, ...args]
  const { stdout, stderr } = spawnSync('bash', shell, { encoding: 'utf8' })
  try {
    return JSON.parse(stdout) as Report
  } catch {
    throw new Error(`the child did not report: ${stdout}${stderr}`)
  }
}

t.test('a limit of the file size, at many sizes', async t => {
  for (let kilobytes = 6; kilobytes < 40; kilobytes += 3) {
    const path = join(tempDir(t), 'app.db')
    const report = limited(kilobytes, 'fill', path)
    t.match(report, { code: 'COMMIT_FAILED', cause: 'EFBIG', again: 'COMMIT_FAILED' }, `${kilobytes} KiB`)
    t.ok(statSync(path).size <= kilobytes * KILOBYTE)
    checkFile(t, path, report.count)
    const db = open(path, ROOT)
    db.transact(addNote)
    db.close()
    checkFile(t, path, report.count + 1)
  }
})

t.test('a limit of the file size during a pack, at many sizes', async t => {
  const dir = tempDir(t)
  const path = join(dir, 'app.db')
  const db = open(path, ROOT)
  for (let n = 0; n < 30; n++) db.transact(addNote)
  db.close()
  const before = readFileSync(path)
  const inKilobytes = Math.floor(before.length / KILOBYTE)
  // At the last ones the new file fits, but not the frame that says in the old one that there is a new one.
  for (const kilobytes of [1, 4, 5, 16, 32, inKilobytes - 1, inKilobytes]) {
    const report = limited(kilobytes, 'pack', path)
    t.match(report, { cause: 'EFBIG', count: 30 }, `${kilobytes} KiB: ${report.code}`)
    t.ok(readFileSync(path).equals(before), 'the store is as it was')
    t.strictSame(readdirSync(dir), ['app.db', 'app.db.lock'])
  }
  t.match(limited(100 * inKilobytes, 'pack', path), { count: 30 })
  t.ok(statSync(path).size < before.length)
  checkFile(t, path, 30)
})
