// Who waits without blocking until a commit is on disk is told what became of it, whatever happens meanwhile: other calls, packs, close().
import {
  closeSync,
  copyFileSync,
  openSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import type { Fd } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { openWith } from '../../lib/object/open.js'
import { ends, fault, gate, replaced, start, unknown, type Db } from './helpers/confirming.js'

t.test('a commit() with nothing changed makes durable what another call still waits for', async t => {
  const syncs: string[] = []
  const { disk, hold, end } = gate()
  let fails = false
  const db = start(t, {
    sync: fd => {
      syncs.push('sync')
      if (fails) throw fault
      systemDisk.sync(fd)
    },
    syncAsync: fd => {
      syncs.push('syncAsync')
      return disk.syncAsync?.(fd) as Promise<void>
    },
  })
  syncs.length = 0
  const all = [db.transactAsync(root => (root.text = 'first'))]
  for (let n = 0; n < 2; n++) t.equal(db.commit(), 2)
  t.same(await Promise.all(all), ['first'])
  t.same(syncs.splice(0), ['sync'], 'one serves both')

  const begun = hold()
  all.push(db.transactAsync(root => (root.text = 'second')))
  await begun
  for (const text of ['third', 'fourth']) {
    all.push(db.transactAsync(root => (root.text = text)))
    t.equal(db.root.text, text)
  }
  for (let n = 0; n < 2; n++) t.equal(db.commit(), 5)
  end()
  t.same(await Promise.all(all), ['first', 'second', 'third', 'fourth'])
  t.equal(db.commit(), 5)
  t.same(syncs.splice(0), ['syncAsync', 'sync'], 'one serves all that have come after the first began')

  const failing = hold()
  const last = db.transactAsync(root => (root.text = 'last'))
  await failing
  fails = true
  t.throws(() => db.commit(), unknown)
  end(fault)
  await t.rejects(last, unknown)
  t.throws(() => db.commit(), unknown)
  fails = false
  await db.pack()
  t.equal(db.commit(), 6)
  db.close()
})

t.test('a failed fsync of a file that a pack has replaced meanwhile fails nothing', async t => {
  const { disk, hold, end } = gate()
  const db = start(t, disk)
  const begun = hold()
  const commit = db.transactAsync(root => (root.text = 'more'))
  await begun
  await db.pack()
  end(fault)
  t.equal(await commit, 'more')
  t.equal(db.commit(), 2)
  t.equal(
    db.transact(root => (root.text = 'again')),
    'again',
  )
  db.close()
})

for (const [what, away] of Object.entries(ends)) {
  t.test(
    `a commit to a file that ${what} has not succeeded, also where its connection was closed meanwhile`,
    async t => {
      const { disk, hold, end } = gate()
      const db = start(t, disk)
      const begun = hold()
      const commit = db.transactAsync(root => void (root.text = 'lost'))
      await begun
      away(db.path)
      t.throws(() => db.close(), replaced)
      end()
      await t.rejects(commit, replaced)
    },
  )
}

t.test(
  'a commit has succeeded where a pack has made another file, and its connection was closed, meanwhile',
  async t => {
    const { disk, hold, end } = gate()
    const db = start(t, disk)
    const begun = hold()
    const commit = db.transactAsync(root => (root.text = 'more'))
    await begun
    await db.pack()
    db.close()
    end()
    t.equal(await commit, 'more')
  },
)

/** Whoever packs. */
const packers: Record<string, (db: Db) => Promise<void>> = {
  'a pack': async db => void (await db.pack()),
  'a pack of another process': async db => {
    const other = openWith({ ...systemDisk }, db.path)
    await other.pack()
    other.close()
  },
}

for (const [packer, pack] of Object.entries(packers)) {
  /** A commit that waits for the disk while its file is packed. */
  async function waitingBehindPack(t: Test) {
    const { disk, hold, end } = gate()
    const open = new Set<Fd>()
    const db = start(t, {
      ...disk,
      open: (path, access) => {
        const fd = systemDisk.open(path, access)
        open.add(fd)
        return fd
      },
      close: fd => {
        open.delete(fd)
        systemDisk.close(fd)
      },
    })
    copyFileSync(db.path, `${db.path}.before`)
    copyFileSync(db.path, `${db.path}.packed`)
    const copy = openWith({ ...systemDisk }, `${db.path}.packed`)
    await copy.pack()
    copy.close()
    const begun = hold()
    const commit = db.transactAsync(root => (root.text = 'more'))
    await begun
    await pack(db)
    return { db, path: db.path, commit, end, open }
  }

  /** The same, with its connection closed. */
  async function closedBehindPack(t: Test) {
    const { db, ...waiting } = await waitingBehindPack(t)
    db.close()
    return waiting
  }

  t.test(`after ${packer} and close(), what has failed in the old file fails nothing`, async t => {
    const { path, commit, end, open } = await closedBehindPack(t)
    end(fault)
    t.equal(await commit, 'more')
    t.equal(open.size, 0, 'every file is closed')
    const db = openWith(systemDisk, path) as Db
    t.equal(db.root.text, 'more')
    db.close()
  })

  t.test(`after ${packer}, damage behind the packed state is no matter of the commit`, async t => {
    for (const isClosed of [true, false]) {
      const { db, commit, end } = await waitingBehindPack(t)
      if (isClosed) db.close()
      const { size } = statSync(db.path)
      const other = openWith({ ...systemDisk }, db.path) as Db
      for (const text of ['damaged', 'sound']) other.transact(root => (root.text = text))
      other.close()
      const file = openSync(db.path, 'r+')
      writeSync(file, 'x'.repeat(20), size + 20)
      closeSync(file)
      t.throws(() => openWith({ ...systemDisk }, db.path), { code: 'CORRUPT_LOG' })
      end()
      t.equal(await commit, 'more')
      db.close()
    }
  })

  t.test(`after ${packer}, a commit to a packed file that is cut, or no store any more, has not succeeded`, async t => {
    const spoilt: Record<string, (path: string) => void> = {
      'the packed state is cut': path => {
        truncateSync(path, statSync(path).size - 1)
      },
      'only the header is left': path => {
        truncateSync(path, 4096)
      },
      'the header is cut': path => {
        truncateSync(path, 100)
      },
      'something else': path => {
        writeFileSync(path, 'x'.repeat(9000))
      },
    }
    for (const [what, spoil] of Object.entries(spoilt)) {
      for (const isClosed of [true, false]) {
        const { db, path, commit, end, open } = await waitingBehindPack(t)
        if (isClosed) db.close()
        spoil(path)
        end()
        await t.rejects(commit, replaced, what)
        db.close()
        t.equal(open.size, 0, 'every file is closed')
      }
    }
  })

  t.test(`after ${packer} and close(), a commit to a packed file that is gone has not succeeded`, async t => {
    const gone: Record<string, (path: string) => void> = {
      removed: unlinkSync,
      emptied: path => {
        truncateSync(path)
      },
      'another store': path => {
        const other = start(t)
        other.close()
        renameSync(other.path, path)
      },
      'an older copy': path => {
        renameSync(`${path}.before`, path)
      },
      'an older copy that was packed': path => {
        renameSync(`${path}.packed`, path)
      },
    }
    for (const [what, away] of Object.entries(gone)) {
      for (const failure of [undefined, fault]) {
        const { path, commit, end, open } = await closedBehindPack(t)
        away(path)
        end(failure)
        await t.rejects(commit, replaced, what)
        t.equal(open.size, 0, 'every file is closed')
      }
    }
  })
}
