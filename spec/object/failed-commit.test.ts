// What the error of a commit says is true, and says what to do next.
import { renameSync } from 'node:fs'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { ends, fault, replaced, start, unknown } from './helpers/confirming.js'

t.test('a commit that is in the file has another error than one that was refused after it', t => {
  let fails = false
  const db = start(t, {
    sync: fd => {
      if (fails) throw fault
      systemDisk.sync(fd)
    },
  })
  fails = true
  const set = (text: string) => () => db.transact(root => (root.text = text))
  t.throws(set('made'), { ...unknown, message: /are in the file and visible/ })
  for (let n = 0; n < 2; n++)
    t.throws(set('refused'), { code: 'COMMIT_FAILED', message: /Nothing was committed.*then pack/, cause: unknown })
  t.equal(db.root.text, 'made')
  db.close()
  t.end()
})

t.test('where the file cannot be asked for what has arrived, transact says that nothing was committed', async t => {
  let fails = false
  const db = start(t, {
    end: fd => {
      if (fails) throw fault
      return systemDisk.end(fd)
    },
  })
  fails = true
  const failed = { code: 'COMMIT_FAILED', message: /Nothing was committed\. Try again/, cause: fault }
  t.throws(() => db.transact(root => (root.text = 'x')), failed)
  await t.rejects(
    db.transactAsync(root => (root.text = 'x')),
    failed,
  )
  fails = false
  t.equal(db.root.text, 'saved')
  db.close()
})

t.test('where the file is gone before the append, a copy may be put back; behind it, only that file', t => {
  for (const [end, act] of Object.entries(ends)) {
    let isDue = false
    const db = start(t, {
      sync: fd => {
        systemDisk.sync(fd)
        if (isDue) act(db.path)
        isDue = false
      },
    })
    isDue = true
    t.throws(
      () => db.transact(root => (root.text = 'in the file that was there')),
      { ...replaced, message: /were made in the file that was here.*put that very file back/ },
      end,
    )
    db.close()
  }
  const db = start(t)
  renameSync(db.path, `${db.path}.away`)
  t.throws(() => db.transact(root => (root.text = 'x')), {
    ...replaced,
    message: /put the file, or a copy of it, back/,
  })
  renameSync(`${db.path}.away`, db.path)
  db.close()
  t.end()
})

t.test('where the path cannot be looked up behind the append, it says that who commits next looks again', t => {
  let isDue = false
  let fails = false
  const db = start(t, {
    sync: fd => {
      systemDisk.sync(fd)
      fails = isDue
    },
    lookUp: path => {
      if (fails) throw fault
      return systemDisk.lookUp(path)
    },
  })
  isDue = true
  t.throws(() => db.transact(root => (root.text = 'x')), {
    ...unknown,
    message: /EIO.*who commits or flushes next looks again/,
  })
  isDue = fails = false
  db.transact(root => (root.text = 'y'))
  db.close()
  t.end()
})

t.test('a pack that fails says that the store is as it was', async t => {
  for (const what of ['write', 'syncAsync'] as const) {
    let fails = false
    const db = start(t, {
      write: (fd, from, at, length, position) => {
        if (fails && what === 'write' && position === null) throw fault
        return systemDisk.write(fd, from, at, length, position)
      },
      syncAsync: async fd => {
        if (fails && what === 'syncAsync') throw fault
        await systemDisk.syncAsync(fd)
      },
    })
    fails = true
    await t.rejects(db.pack(), { code: 'DISK', message: /is as it was\. Pack again/, cause: fault }, what)
    fails = false
    db.transact(root => (root.text = 'on'))
    await db.pack()
    t.equal(db.root.text, 'on')
    db.close()
  }
})
