// The name of a new store that could not be put on disk: a second fsync of the directory would prove nothing.
import { readdirSync, rmSync } from 'node:fs'
import t from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { newStore, openStore } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'

const fault = Object.assign(new Error('EIO: as the test wants'), { code: 'EIO', syscall: 'fsync' })

/** Its second fsync of a directory fails: the first comes before anything is made. */
function failingDisk(own: Partial<Disk> = {}, error: Error = fault): Disk {
  let calls = 0
  return {
    ...systemDisk,
    syncDirectory: path => {
      if (++calls === 2) throw error
      systemDisk.syncDirectory(path)
    },
    ...own,
  }
}

t.test('it is taken away, and opening the store again makes another', t => {
  const directory = tempDir(t)
  const path = `${directory}/app.db`
  const disk = failingDisk()
  t.throws(() => Store.open(disk, path, {}, initialDraft), { code: 'DISK', cause: fault })
  t.strictSame(readdirSync(directory), [])
  const store = openStore(t, path, disk)
  put(store, record(1, 'x'))
  store.makeDurable(store.latest())
  t.equal(textOf(store, 1), 'x')
  t.end()
})

t.test('so it is with a store that is saved from a damaged one', t => {
  const directory = tempDir(t)
  const { path } = newStore(t)
  t.throws(() => recover(failingDisk(), path, `${directory}/saved.db`), { code: 'DISK', cause: fault })
  t.strictSame(readdirSync(directory), [])
  t.end()
})

t.test('where it cannot be taken away, or is that of another store by then, nobody commits before a pack', t => {
  for (const isOther of [false, true]) {
    const path = `${tempDir(t)}/app.db`
    const disk = failingDisk({
      link: (from, to) => {
        if (isOther) Store.open({ ...systemDisk }, path, {}, initialDraft).close()
        systemDisk.link(from, to)
      },
      unlink: name => {
        if (name === path) throw fault
        systemDisk.unlink(name)
      },
    })
    t.throws(() => Store.open(disk, path, {}, initialDraft), { code: 'DISK' })
    const refused = { code: 'COMMIT_FAILED', message: /then pack/ }
    const store = openStore(t, path, disk)
    t.throws(() => put(store, record(1, 'x')), refused)
    const other = openStore(t, path, { ...systemDisk })
    t.throws(() => put(other, record(1, 'x')), refused, 'and others are told')
  }
  t.end()
})

t.test('nobody holds it against a store that is made there later, whose name is on disk', t => {
  const path = `${tempDir(t)}/app.db`
  let isFailing = true
  const disk = failingDisk({
    unlink: name => {
      if (name === path && isFailing) throw fault
      systemDisk.unlink(name)
    },
  })
  t.throws(() => Store.open(disk, path, {}, initialDraft), { code: 'DISK' })
  isFailing = false
  rmSync(path)
  const store = openStore(t, path, disk)
  put(store, record(1, 'x'))
  store.makeDurable(store.latest())
  t.equal(textOf(store, 1), 'x')
  t.end()
})

t.test('a directory that could not be opened leaves it, and the first commit tries again', t => {
  const path = `${tempDir(t)}/app.db`
  const disk = failingDisk({}, Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open' }))
  t.throws(() => Store.open(disk, path, {}, initialDraft), { code: 'DISK' })
  const store = openStore(t, path, disk)
  put(store, record(1, 'x'))
  store.makeDurable(store.latest())
  t.end()
})

t.test('a saved store that keeps its name is said to be there', t => {
  const { path } = newStore(t)
  const unopened = Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open' })
  const saved = `${tempDir(t)}/saved.db`
  const told = {
    code: 'DURABILITY_UNKNOWN',
    message: /the file is there, whole.*name may not survive/,
    cause: unopened,
  }
  t.throws(() => recover(failingDisk({}, unopened), path, saved), told)
  t.equal(textOf(openStore(t, saved), 1), 'root')
  t.end()
})

t.test(
  'between its name and the fsync of that nothing is asked of the file, which would leave the name if it failed',
  t => {
    let hasName = false
    const disk: Disk = {
      ...systemDisk,
      link: (from, to) => {
        systemDisk.link(from, to)
        hasName = true
      },
      status: fd => {
        if (hasName) throw fault
        return systemDisk.status(fd)
      },
      syncDirectory: path => {
        systemDisk.syncDirectory(path)
        hasName = false
      },
    }
    const path = `${tempDir(t)}/app.db`
    openStore(t, path, disk)
    recover(disk, path, `${path}.saved`)
    t.equal(textOf(openStore(t, `${path}.saved`), 1), 'root')
    t.end()
  },
)
