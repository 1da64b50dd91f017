// Nobody is told of success for what is not known to be stored: not by the commit, and not by any call after it.
import { copyFileSync, existsSync, renameSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { openWith } from '../../lib/object/open.js'
import { tempDir } from '../helpers/temp-dir.js'
import { ends, fault, replaced, start, unknown, type Db } from './helpers/confirming.js'

for (const [what, end] of Object.entries(ends)) {
  t.test(`a durable commit to a file that ${what} commits nothing, however soon`, async t => {
    const db = start(t)
    db.root.text = 'lost'
    end(db.path)
    for (let n = 0; n < 2; n++) {
      t.throws(() => db.commit(), replaced)
      t.strictSame([db.changed, db.tid, db.root.text], [true, 1, 'lost'])
    }
    db.abort()
    const lose = (root: { text: string }): void => void (root.text = 'lost')
    for (const attempts of [1, 4]) {
      t.throws(() => db.transact(lose, { attempts }), replaced)
      await t.rejects(db.transactAsync(lose, { attempts }), replaced)
    }
    t.strictSame([db.changed, db.tid], [false, 1])
    db.close()
  })
}

/** Each makes one commit that is not confirmed. */
const ways: Record<string, (db: Db) => Promise<unknown>> = {
  'commit()': async db => {
    await Promise.resolve()
    db.root.text = 'unsure'
    db.commit()
  },
  'transact()': async db => {
    await Promise.resolve()
    db.transact(root => void (root.text = 'unsure'))
  },
  'transactAsync()': db => db.transactAsync(root => void (root.text = 'unsure')),
}

/** Each leaves the same file at the path, and the last commit out of it. */
const cuts: Record<string, (path: string) => void> = {
  'cut to nothing': path => {
    truncateSync(path)
  },
  'cut behind the commit before': path => {
    truncateSync(path, statSync(`${path}.bak`).size)
  },
  'written over with an older copy': path => {
    copyFileSync(`${path}.bak`, path)
  },
}

for (const [way, run] of Object.entries(ways)) {
  t.test(`after a ${way} during which the file was moved away, no call says that all is well`, async t => {
    let away = false
    const move = (): void => {
      if (away) renameSync(db.path, `${db.path}.away`)
      away = false
    }
    /** Whether the file was there, at each sync of its directory. */
    const synced: boolean[] = []
    const db: Db = start(t, {
      sync: fd => {
        move()
        systemDisk.sync(fd)
      },
      syncAsync: fd => {
        move()
        return systemDisk.syncAsync(fd)
      },
      syncDirectory: path => {
        synced.push(existsSync(join(path, 'app.db')))
        systemDisk.syncDirectory(path)
      },
    })
    away = true
    await t.rejects(run(db), replaced)
    for (let n = 0; n < 2; n++) {
      t.throws(() => db.commit(), replaced)
      t.throws(() => db.flush(), replaced)
    }
    t.throws(() => db.transact(root => void (root.text = 'more')), replaced)
    renameSync(`${db.path}.away`, db.path)
    synced.length = 0
    t.equal(db.commit(), 2, 'put back, it has the commit')
    t.same(synced, [true], 'and its name is on disk')
    db.flush()
    t.equal(synced.length, 1)
    t.equal(db.root.text, 'unsure')
    db.close()
  })

  for (const [what, cut] of Object.entries(cuts)) {
    t.test(`after a ${way} during which the file was ${what}, no call says that all is well`, async t => {
      let isDue = false
      const cutOnce = (): void => {
        if (isDue) cut(db.path)
        isDue = false
      }
      const db: Db = start(t, {
        sync: fd => {
          cutOnce()
          systemDisk.sync(fd)
        },
        syncAsync: fd => {
          cutOnce()
          return systemDisk.syncAsync(fd)
        },
      })
      copyFileSync(db.path, `${db.path}.bak`)
      isDue = true
      await t.rejects(run(db), replaced)
      for (let n = 0; n < 2; n++) {
        t.throws(() => db.flush(), replaced)
        t.throws(() => db.commit(), replaced)
      }
      db.close()
    })
  }

  t.test(`after a ${way} whose fsync failed, no call says that all is well before a pack`, async t => {
    let fails = false
    const db = start(t, {
      sync: fd => {
        if (fails) throw fault
        systemDisk.sync(fd)
      },
      syncAsync: fd => (fails ? Promise.reject(fault) : systemDisk.syncAsync(fd)),
    })
    const refused = { code: 'COMMIT_FAILED', cause: unknown } // this one, and not what is in the file
    fails = true
    await t.rejects(run(db), unknown)
    fails = false
    for (let n = 0; n < 2; n++) {
      t.throws(() => db.commit(), unknown)
      t.throws(() => db.flush(), unknown)
      t.throws(() => db.transact(root => void (root.text = 'more')), refused)
      await t.rejects(
        db.transactAsync(root => void (root.text = 'more')),
        refused,
      )
    }
    t.equal(db.root.text, 'unsure', 'reading goes on')
    await db.pack()
    db.flush()
    t.equal(db.commit(), 2)
    db.close()
  })
}

t.test('after a commit whose directory could not be opened, the next one tries that again', t => {
  let fails = false
  const db = start(t, {
    syncDirectory: path => {
      if (fails)
        throw Object.assign(new Error('EMFILE: as the test wants'), { code: 'EMFILE', errno: -24, syscall: 'open' })
      systemDisk.syncDirectory(path)
    },
  })
  fails = true
  db.root.text = 'unsure'
  for (let n = 0; n < 2; n++) t.throws(() => db.commit(), unknown)
  fails = false
  t.equal(db.commit(), 2)
  db.close()
  t.end()
})

t.test('who committed nothing, or did not ask for durability, is told nothing', t => {
  let fails = false
  const sync: Disk['sync'] = fd => {
    if (fails) throw fault
    systemDisk.sync(fd)
  }
  const db = start(t, { sync })
  const other = db.connect()
  fails = true
  db.root.text = 'unsure'
  t.throws(() => db.commit(), unknown)
  t.equal(other.root.text, 'unsure')
  t.equal(other.commit(), 2)
  other.close()
  db.close()
  fails = false
  const lax = start(t, { sync }, { durability: 'os' })
  fails = true
  lax.root.text = 'unsure'
  t.equal(lax.commit(), 2)
  t.throws(() => lax.flush(), unknown)
  t.equal(lax.commit(), 2)
  lax.close()
  t.end()
})

t.test('who only reads syncs nothing, and sees what there is whatever becomes of the file', async t => {
  let syncs = 0
  const disk: Disk = {
    ...systemDisk,
    sync: fd => {
      syncs++
      systemDisk.sync(fd)
    },
    syncAsync: fd => {
      syncs++
      return systemDisk.syncAsync(fd)
    },
  }
  const db = openWith(disk, join(tempDir(t), 'app.db'), { root: { text: 'saved' } }) as Db
  db.transact(root => void (root.text = 'more'), { id: 'k' })
  const old = openWith(disk, db.path, { readonly: true, until: 2 }) as Db
  const reader = openWith(disk, db.path, { readonly: true }) as Db
  syncs = 0
  const known = async (of: Db): Promise<void> => {
    t.equal(
      of.transact(() => 7, { id: 'k' }),
      undefined,
    )
    t.equal(await of.transactAsync(() => 7, { id: 'k' }), undefined)
    t.equal(of.commit(), 2)
  }
  await known(reader)
  await known(old)
  t.equal(syncs, 0)
  await db.pack()
  await known(old)
  for (const each of [old, reader, db]) each.close()
})

t.test('where the path cannot be looked up either, the failed fsync is told', async t => {
  let [isBroken, isBlind, now] = [false, false, 0]
  const db = start(t, {
    ticks: () => now,
    sync: fd => {
      if (isBroken) throw fault
      systemDisk.sync(fd)
    },
    lookUp: path => {
      if (isBlind) throw fault
      return systemDisk.lookUp(path)
    },
  })
  isBroken = true
  db.root.text = 'unsure'
  t.throws(() => db.commit(), unknown)
  isBlind = true
  now += 1000
  t.throws(() => db.flush(), unknown)
  t.throws(() => db.commit(), unknown)
  isBlind = isBroken = false
  await db.pack()
  t.equal(db.commit(), 2)
  db.close()
})
