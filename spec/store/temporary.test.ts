import { existsSync, linkSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { pack } from '../../lib/store/pack.js'
import { recover } from '../../lib/store/recover.js'
import { createTemporary, removeStrays } from '../../lib/store/temporary.js'
import { countingDisk } from '../helpers/counting-disk.js'
import { put, record } from '../helpers/drafts.js'
import { newStore } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'

const STRAY = '0123456789abcdef.pack'

t.test(
  'a temporary file stands beside the store under a name nobody can foresee, and is gone when discarded',
  async t => {
    const dir = tempDir(t)
    const [one, other] = [1, 2].map(() => createTemporary(systemDisk, join(dir, 'app.db'), 'pack', 0o600))
    const names = readdirSync(dir)
    t.equal(new Set(names).size, 2)
    t.ok(names.every(name => /^app\.db\.[0-9a-f]{16}\.pack$/.test(name)))
    one?.discard()
    other?.discard()
    t.same(readdirSync(dir), [])
  },
)

t.test('a temporary file that has become the store is not removed', async t => {
  const dir = tempDir(t)
  const temporary = createTemporary(systemDisk, join(dir, 'app.db'), 'pack', 0o600)
  systemDisk.rename(temporary.path, join(dir, 'app.db'))
  temporary.keep()
  temporary.discard()
  t.same(readdirSync(dir), ['app.db'])
})

t.test('what dead processes have left is removed; what a living one writes, and other files, are not', async t => {
  const dir = tempDir(t)
  const path = join(dir, 'app.db')
  const living = createTemporary(systemDisk, path, 'pack', 0o600)
  const mine = ['app.db.backup', 'app.db.0123.pack', 'other.db.0123456789abcdef.new', `my.${STRAY}`]
  for (const name of [`app.db.${STRAY}`, 'app.db.0123456789abcdef.new', ...mine]) writeFileSync(join(dir, name), '')
  removeStrays(systemDisk, path)
  t.same(readdirSync(dir).sort(), [...mine, living.path.slice(dir.length + 1)].sort())
  living.discard()
})

t.test(
  'the first commit of a process removes strays, even a second name of the store that its creator has left',
  async t => {
    const store = newStore(t)
    linkSync(store.path, `${store.path}.0123456789abcdef.new`)
    writeFileSync(`${store.path}.${STRAY}`, '')
    put(store, record(1, 'x'))
    t.same(readdirSync(join(store.path, '..')).sort(), ['app.db', 'app.db.lock'])
  },
)

t.test('but not among thousands of other files, where the next pack does it', async t => {
  const disk = {
    ...systemDisk,
    lookUp: (path: string) => {
      const found = systemDisk.lookUp(path)
      return found && !found.isFile ? { ...found, size: 1 << 17 } : found
    },
  }
  const counting = countingDisk(disk)
  const store = newStore(t, counting.disk)
  const stray = `${store.path}.${STRAY}`
  writeFileSync(stray, '')
  t.notOk(counting.during(() => put(store, record(1, 'x'))).includes('list'))
  t.ok(existsSync(stray))
  await pack(store)
  t.notOk(existsSync(stray))
})

t.test(
  'so does who writes a whole new store: a killed one has left a large file, and nobody commits there',
  async t => {
    const store = newStore(t)
    const to = join(store.path, '..', 'saved.db')
    writeFileSync(`${to}.0123456789abcdef.new`, '')
    const living = createTemporary(systemDisk, to, 'new', 0o600)
    t.teardown(() => living.discard())
    recover(systemDisk, store.path, to)
    t.same(readdirSync(join(to, '..')).sort(), ['app.db', 'saved.db', basename(living.path)])
  },
)

t.test('a directory that cannot be listed does not stand in the way of a commit', async t => {
  const store = newStore(t, {
    ...systemDisk,
    list: () => {
      throw Object.assign(new Error('EACCES: as the test wants'), { code: 'EACCES' })
    },
  })
  put(store, record(1, 'x'))
})

t.test('a second name that a creator has left does not stand in the way of a pack', async t => {
  const store = newStore(t)
  linkSync(store.path, `${store.path}.0123456789abcdef.new`)
  await pack(store)
  t.same(readdirSync(join(store.path, '..')).sort(), ['app.db', 'app.db.lock'])
})
