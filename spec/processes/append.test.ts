import { join } from 'node:path'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { verify } from '../../lib/store/verify.js'
import { child } from '../helpers/child.js'
import { put, record, textOf } from '../helpers/drafts.js'
import { openStore } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { StoreMethods } from './store.child.js'

const script = new URL('./store.child.js', import.meta.url)

t.test('several processes that create one store at once have one store', async t => {
  const path = join(tempDir(t), 'app.db')
  const children = await Promise.all([1, 2, 3, 4].map(() => child<StoreMethods>(t, script, [path])))
  const ids = await Promise.all(children.map(c => c.call('storeId')))
  t.equal(new Set(ids).size, 1)
})

t.test('four processes append 500 commits each: none is lost, and oids never collide', async t => {
  const path = join(tempDir(t), 'app.db')
  const children = await Promise.all([1, 2, 3, 4].map(() => child<StoreMethods>(t, script, [path])))
  const oids = (await Promise.all(children.map((c, n) => c.call('append', `child ${n}`, 500)))).flat()
  const store = openStore(t, path)
  t.equal(store.latest().tid, 1 + 4 * 500)
  t.equal(new Set(oids).size, 4000)
  t.same(
    oids.map(oid => textOf(store, oid)),
    [0, 1, 2, 3].flatMap(n => Array.from({ length: 500 }, (_, k) => [`child ${n} ${k}`, `child ${n} ${k}'`]).flat()),
  )
  const findings: string[] = []
  const { commits } = verify(systemDisk, path, ({ message }) => findings.push(message))
  t.equal(commits, 2001)
  t.same(findings, [])
})

t.test('four processes increment one number: no increment is lost', async t => {
  const path = join(tempDir(t), 'app.db')
  const store = openStore(t, path)
  const oid = put(store, record(-1, '0'))
  const children = await Promise.all([1, 2, 3, 4].map(() => child<StoreMethods>(t, script, [path])))
  const conflicts = await Promise.all(children.map(c => c.call('increment', oid, 250)))
  t.comment(`${conflicts.join(', ')} conflicts`)
  t.equal(textOf(store, oid), '1000')
})
