// What `log()` reads of the file, and what can be in the way of that.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import type { Connection, LogOptions } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { damage } from '../tools/cli-tool.js'

type Db = Connection<{ text: string }>

/** Of as many commits as told, each of about so many bytes. */
function store(t: Test, commits: number, bytes: number, disk = systemDisk): Db {
  const db = openWith(disk, join(tempDir(t), 'log.db'), { root: { text: '' }, durability: 'os' }) as Db
  t.teardown(() => db.close())
  for (let n = 2; n <= commits; n++) db.transact(root => (root.text = String(n).padEnd(bytes)))
  return db
}

function met(db: Db, options?: LogOptions): number[] {
  return Array.from(db.log(options), ({ tid }) => tid)
}

t.test('what the system refuses to read is a DiskError, in either direction', async t => {
  let fails = false
  const disk = wrapDisk(systemDisk, (name, _n, go) => {
    if (fails && name === 'read') throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    return go()
  })
  const db = store(t, 5, 10, disk)
  const all: LogOptions[] = [{}, { reverse: true }, { reverse: true, until: 3 }, { after: 2 }]
  for (const options of all) {
    const log = db.log(options)
    void db.root.text
    fails = true
    t.throws(() => log.next(), { name: 'DiskError', code: 'DISK', path: db.path }, JSON.stringify(options))
    fails = false
  }
})

t.test('all is read about once, and a commit alone with little beside it', async t => {
  let bytes = 0
  const disk = wrapDisk(systemDisk, (name, _n, go) => {
    const result = go()
    if (name === 'read') bytes += result as number
    return result
  })
  const db = store(t, 6000, 700, disk)
  const size = statSync(db.path).size
  t.ok(size > 4 << 20)
  const read = (options: LogOptions, limit = Infinity): number => {
    bytes = 0
    for (const _ of db.log(options)) if (--limit === 0) break
    return bytes
  }
  t.ok(read({}) < size * 1.05)
  t.ok(read({ reverse: true }) < size * 1.05)
  for (const options of [{ limit: 1 }, { until: 1 }]) t.ok(read(options) < 20_000, JSON.stringify(options))
  t.ok(read({}, 1) < 20_000, 'whoever asks for no more')
  t.ok(read({ after: 4096, limit: 1 }) < 20_000, 'in the middle')
})

t.test('damage before the commits that are asked for is in the way of none of them', async t => {
  for (const at of [20, 80]) {
    const db = store(t, 9, 100)
    const places = Array.from(db.log(), ({ offset }) => offset)
    damage(db.path, places[3]! + at)
    t.same(met(db, { after: 4 }), [5, 6, 7, 8, 9])
    t.same(met(db, { after: 6 }), [7, 8, 9])
    t.same(met(db, { after: 6, until: 8 }), [7, 8])
    t.same(met(db, { after: 4, limit: 2 }), [5, 6])
    t.same(met(db, { after: 8 }), [9])
    t.same(met(db, { after: 6, reverse: true }), [9, 8, 7])
    t.throws(() => met(db, { after: 2 }), { code: 'CORRUPT_LOG' })
    damage(db.path, places[7]! + 20)
    t.throws(() => met(db, { after: 4 }), { code: 'CORRUPT_LOG' }, 'between damage and damage nothing is found')
    t.same(met(db, { after: 8 }), [9])
  }
})
