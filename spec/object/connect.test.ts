// `connect()`: another connection to the same store, wherever the name by which that was opened leads by now.
import { mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open } from '../../lib/index.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { tempDir } from '../helpers/temp-dir.js'

/** A closed store whose root has this name. */
function make(path: string, name: string): string {
  open(path, { root: { name } }).close()
  return path
}

t.test('a path that was given from the working directory goes on to mean the same', async t => {
  const dir = tempDir(t)
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  for (const name of ['mine', 'another', 'empty']) mkdirSync(join(dir, name))
  make(join(dir, 'another', 'app.db'), 'another')
  process.chdir(join(dir, 'mine'))
  const db = open('app.db', { root: { name: 'mine' } })
  for (const name of ['another', 'empty']) {
    process.chdir(join(dir, name))
    const second = db.connect()
    t.equal(second.path, db.path)
    t.equal(second.root.name, 'mine')
    second.close()
  }
  db.close()
})

t.test('a link that leads to another store by now is not followed again', async t => {
  const dir = tempDir(t)
  const link = join(dir, 'current.db')
  symlinkSync(make(join(dir, '1.db'), 'first'), link)
  const db = open(link, { root: { name: '' } })
  unlinkSync(link)
  symlinkSync(make(join(dir, '2.db'), 'second'), link)
  const second = db.connect()
  t.equal(second.root.name, 'first')
  second.close()
  db.close()
})

t.test('there is no other connection to a store in whose place another was put', async t => {
  const dir = tempDir(t)
  const path = make(join(dir, 'app.db'), 'first')
  const db = open(path, { root: { name: '' } })
  t.equal(db.root.name, 'first')
  renameSync(make(join(dir, 'new.db'), 'second'), path)
  t.throws(() => db.connect(), { code: 'STORE_REPLACED' })
  unlinkSync(path)
  t.throws(() => db.connect(), { code: 'STORE_REPLACED' })
  db.close()
})

t.test(
  'after a pack by another process it is the same store all the same: what it cannot commit is refused at once',
  async t => {
    const path = make(join(tempDir(t), 'app.db'), 'app')
    const db = open(path, { root: { name: '' } })
    const packer = Store.open({ ...systemDisk }, path)
    await pack(packer)
    packer.close()
    const [second, third] = [db.connect(), open(path, { root: { name: '' } })]
    for (const other of [second, third]) {
      for (const attempts of [1, 2]) {
        const work = (): void => {
          other.root.name = 'inside'
          other.commit()
        }
        t.throws(() => db.transact(work, { attempts }), { code: 'STATE' })
        other.abort()
      }
      other.close()
    }
    db.close()
  },
)
