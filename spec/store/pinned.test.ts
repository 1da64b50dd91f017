import { join } from 'node:path'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open, Persistent, type Connection } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { PinnedSnapshots } from '../../lib/store/pinned.js'
import type { Offset, Oid } from '../../lib/store/types.js'
import { limitMaps } from '../helpers/limited-maps.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

t.test('from what is noted, walking back always leads to the version that a snapshot shows', async t => {
  const random = seeded(t)
  for (let run = 0; run < 50; run++) {
    const pinned = new PinnedSnapshots()
    /** Where all versions of each object stand, oldest first. */
    const versions = new Map<number, number[]>()
    const held: { offset: number; release: () => void }[] = []
    const visible = (oid: number, below: number): number => versions.get(oid)?.findLast(at => at < below) ?? 0
    /** The first ones were given out before they were made. */
    let nextOid = 4
    let end = 100
    for (let step = 0; step < 300; step++) {
      const action = random.int(10)
      if (action < 6) {
        const oid = 1 + random.int(nextOid)
        nextOid = Math.max(nextOid, oid + 1)
        pinned.displace(oid as Oid, visible(oid, Infinity) as Offset)
        versions.set(oid, [...(versions.get(oid) ?? []), end])
        end += 10
      } else if (action < 7) {
        held.push({ offset: end, release: pinned.pin({ offset: end as Offset, nextOid }) })
      } else if (action < 8) {
        held.splice(random.int(held.length + 1), 1)[0]?.release()
      } else {
        const oid = 1 + random.int(nextOid)
        const below = held.length > 0 && random.chance(0.7) ? random.pick(held).offset : random.int(end)
        if (visible(oid, Infinity) < below) continue
        const from = pinned.startOf(oid as Oid, below as Offset)
        const isVersion = from === undefined || from === 0 || versions.get(oid)?.includes(from)
        if (!isVersion || (from !== undefined && visible(oid, below) > from)) t.fail(`object ${oid} below ${below}`)
        if (from !== undefined && from < below && from !== visible(oid, below)) t.fail(`object ${oid} below ${below}`)
        pinned.found(oid as Oid, below as Offset, visible(oid, below) as Offset)
      }
    }
  }
})

t.test('a snapshot that is held notes what the first later change displaces', async t => {
  const pinned = new PinnedSnapshots()
  const release = pinned.pin({ offset: 100 as Offset, nextOid: 10 })
  for (const before of [40, 120, 130]) pinned.displace(7 as Oid, before as Offset)
  pinned.displace(8 as Oid, 0 as Offset)
  t.equal(pinned.startOf(7 as Oid, 100 as Offset), 40)
  t.equal(pinned.startOf(8 as Oid, 100 as Offset), 0, 'it did not exist')
  t.equal(pinned.startOf(9 as Oid, 100 as Offset), undefined)
  t.equal(pinned.startOf(10 as Oid, 100 as Offset), 0, 'its number was not given out')
  release()
  release()
  t.notOk(pinned.any)
})

class Counts {
  reads = 0
  readonly disk = wrapDisk(systemDisk, (name, _n, go) => {
    if (name === 'read') this.reads++
    return go()
  })
}

for (const [how, hold, who] of [
  ['paused', 'pause', 'another process'],
  ['of its own that is in a transaction', 'refresh', 'another process'],
  ['paused', 'pause', 'this process'],
] as const) {
  t.test(`a load on a connection ${how} does not walk over all later versions that ${who} makes`, async t => {
    const path = join(tempDir(t), 'app.db')
    const counts = new Counts()
    const db = openWith(counts.disk, path, { root: { hot: { count: 0 }, other: 0 }, durability: 'os' })
    const writer = openWith(who === 'this process' ? counts.disk : systemDisk, path, { durability: 'os' })
    const own = db.connect()
    own[hold]()
    void own.tid
    own.get(16) // begins the transaction
    for (let n = 1; n <= 2000; n++) writer.transact(root => void ((root as { hot: unknown }).hot = { count: n }))
    void (db.root as { hot: { count: number } }).hot.count // this process catches up
    counts.reads = 0
    t.equal((own.root as { hot: { count: number } }).hot.count, 0)
    t.ok(counts.reads < 5, `${counts.reads} reads: the versions stand in eleven blocks`)
    own.abort()
    if (hold === 'pause') own.continue()
    own.refresh()
    t.equal((own.root as { hot: { count: number } }).hot.count, 2000)
    for (const each of [own, writer, db]) each.close()
  })
}

class Item extends Persistent {
  static type = 'Item'
  n = 0
}

class Root extends Persistent {
  static type = 'Root'
  latest: Item | null = null
}

t.test('a snapshot that is held takes no memory for what is made later, and commits do not fail of it', async t => {
  const path = join(tempDir(t), 'app.db')
  const options = { root: Root, classes: [Item], durability: 'os', cacheBytes: 0 } as const
  const db = open(path, options)
  const other = openWith(new Counts().disk, path, options) as Connection<Root>
  const idle = [db.connect(), other.connect()]
  for (const { root } of idle) t.equal(root.latest, null)
  limitMaps(t, 1000)
  for (let n = 1; n <= 2000; n++) {
    const item = new Item()
    item.n = n
    db.transact(root => void (root.latest = item))
    if (n % 500 !== 0) continue
    other.refresh()
    t.equal(other.root.latest?.n, n)
  }
  for (const { root } of idle) t.equal(root.latest, null)
  for (const each of [...idle, other, db]) each.close()
})
