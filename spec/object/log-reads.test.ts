// What `log()` reads of the file, and what can be in the way of that.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Persistent, type Commit, type Connection, type LogOptions } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { countingDisk } from '../helpers/counting-disk.js'
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

t.test('what has come since is found from the end, however many commits stand before it', async t => {
  const counting = countingDisk()
  const db = store(t, 1000, 10, counting.disk)
  for (const after of [998, 990]) {
    const reads = counting
      .during(() => t.equal(met(db, { after }).length, 1000 - after))
      .filter(name => name === 'read')
    t.ok(reads.length <= 8, `${reads.length} reads`)
  }
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

t.test('of damage on both sides the error tells what is in the way of the commits that are asked for', async t => {
  const db = store(t, 8, 100)
  const places = Array.from(db.log(), ({ offset }) => offset)
  for (const n of [1, 5]) damage(db.path, places[n - 1]! + 90)
  t.throws(() => met(db, { after: 4, until: 5 }), { code: 'CORRUPT_LOG', offset: places[4]! })
})

t.test('nor is what a pack left, or a control frame, damaged before them', async t => {
  const packed = async (changed: boolean): Promise<Db> => {
    const db = store(t, 5, 100)
    const packing = db.pack()
    if (changed) db.transact(root => (root.text = 'meanwhile'))
    await packing
    for (let n = 0; n < 3; n++) db.transact(root => (root.text = String(n)))
    return db
  }
  const behindTable = await packed(true)
  damage(behindTable.path, behindTable.usage().packedBytes - 40)
  const all = await packed(false)
  damage(all.path, all.usage().packedBytes - 5)
  damage(all.path, 4096 + 80)
  for (const db of [behindTable, all]) {
    const { packedUpTo } = db.usage()
    const [a, b, c] = [1, 2, 3].map(n => packedUpTo + n)
    t.same(met(db), [a, b, c])
    for (const after of [0, packedUpTo - 1, packedUpTo]) t.same(met(db, { after }), [a, b, c])
    t.same(met(db, { after: packedUpTo + 1 }), [b, c])
    t.same(met(db, { limit: 1 }), [a])
    t.same(met(db, { reverse: true }), [c, b, a])
    damage(db.path, [...db.log({ until: b })].at(-1)!.offset + 20)
    t.throws(() => met(db), { code: 'CORRUPT_LOG' }, 'damage on both sides of the first one that is asked for')
  }

  for (const packed of [false, true]) {
    let mayRename = true
    const disk = wrapDisk(systemDisk, (name, _n, go) => {
      if (name === 'rename' && !mayRename) throw Object.assign(new Error('EPERM: as the test wants'), { code: 'EPERM' })
      return go()
    })
    const db = store(t, 6, 100, disk)
    if (packed) await db.pack()
    mayRename = false
    await t.rejects(db.pack(), { code: 'UNSUPPORTED' })
    const at = statSync(db.path).size
    for (let n = 0; n < 3; n++) db.transact(root => (root.text = String(n)))
    damage(db.path, at - 20)
    t.same(met(db, { after: 6 }), [7, 8, 9])
    t.same(met(db, { after: 6, limit: 2 }), [7, 8])
    t.same(met(db, { after: 6, reverse: true }), [9, 8, 7])
    if (packed)
      t.same(
        [met(db), met(db, { reverse: true })],
        [
          [7, 8, 9],
          [9, 8, 7],
        ],
      )
    else t.same([met(db, { until: 6 }), met(db, { until: 6, reverse: true })].flat().length, 12)
  }
})

t.test('nor is a damaged control frame behind them', async t => {
  let fails = false
  const disk = wrapDisk(systemDisk, (name, _n, go) => {
    if (fails && name === 'sync') throw Object.assign(new Error('EIO'), { code: 'EIO' })
    return go()
  })
  const db = store(t, 6, 100, disk)
  fails = true
  t.throws(() => db.flush(), { code: 'DURABILITY_UNKNOWN' })
  fails = false
  t.same(met(db), [1, 2, 3, 4, 5, 6])
  const { offset, bytes } = [...db.log()].at(-1)!
  t.ok(statSync(db.path).size > offset + bytes, 'which says that an fsync has failed')
  damage(db.path, offset + bytes + 20)
  t.same(met(db, { reverse: true }), [6, 5, 4, 3, 2, 1])
  t.same(met(db), [1, 2, 3, 4, 5, 6])
})

t.test('nor is the name of a class that they wrote, which is damaged elsewhere', async t => {
  class Job extends Persistent {
    static type = 'Job'
    n = 0
  }
  const path = join(tempDir(t), 'log.db')
  const reopen = (): Connection<{ text: string; job: Job | undefined }> =>
    openWith(systemDisk, path, { root: { text: '', job: undefined }, classes: [Job] }) as never
  let db = reopen()
  db.transact(root => (root.job = new Job()))
  for (let n = 3; n <= 5; n++) db.transact(root => (root.text = String(n)))
  db.transact(root => (root.text = 'an index file is worth while'.padEnd(2 << 20)))
  db.transact(root => void (root.job && (root.job.n = 7)))
  const { offset } = [...db.log()].find(({ tid }) => tid === 2)!
  db.close()
  damage(path, readFileSync(path).indexOf('Job', offset))
  db = reopen()
  t.teardown(() => db.close())
  const types = (options: LogOptions): unknown =>
    Array.from(db.log(options), (commit: Commit) => [commit.tid, commit.types])
  const seventh = [7, { lost: 1 }]
  const later = [3, 4, 5, 6].map(tid => [tid, { root: 1 }])
  t.same(types({ after: 2 }), [...later, seventh])
  t.same(types({ after: 2, reverse: true }), [...later, seventh].reverse())
  t.same(types({ reverse: true, limit: 1 }), [seventh])
  t.throws(() => types({}), { code: 'CORRUPT_LOG' }, 'it is damaged where that stands')
})
