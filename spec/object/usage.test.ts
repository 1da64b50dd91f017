import { appendFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open, Persistent, PersistentMap, type Connection } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { countingDisk } from '../helpers/counting-disk.js'
import { tempDir } from '../helpers/temp-dir.js'

class Part extends Persistent {
  static type = 'Part'
  text = ''
}
type Db = Connection<Persistent & { parts: PersistentMap<number, Part> }>

function openParts(path: string, disk = systemDisk): Db {
  return openWith(disk, path, {
    root: { parts: new PersistentMap<number, Part>() },
    classes: [Part],
    durability: 'os',
  }) as unknown as Db
}

function fill(db: Db, parts: number): void {
  db.transact(root => {
    for (let n = 0; n < parts; n++) {
      const part = new Part()
      part.text = 'x'.repeat(100)
      root.parts.set(n, part)
    }
  })
}

t.test('usage tells how large the file is, and was when it was packed last', async t => {
  const db = openParts(join(tempDir(t), 'app.db'))
  t.teardown(() => db[Symbol.dispose]())
  const size = (): number => statSync(db.path).size
  t.same(db.usage(), { bytes: size(), packedBytes: 4096, packedUpTo: 0, objects: 2 })
  fill(db, 10)
  db.transact(root => root.parts.delete(3), { id: 'of a transaction, which is no object' })
  t.same(db.usage(), { bytes: size(), packedBytes: 4096, packedUpTo: 0, objects: 12 }, 'what cannot be reached counts')
  const packed = await db.pack()
  t.same(db.usage(), { bytes: packed.bytesAfter, packedBytes: packed.bytesAfter, packedUpTo: 3, objects: 11 })
  t.equal(packed.objects, 11)
  t.equal(size(), packed.bytesAfter)
  fill(db, 3)
  t.same(db.usage(), { bytes: size(), packedBytes: packed.bytesAfter, packedUpTo: 3, objects: 14 })
})

t.test('it is of the newest state, whatever the connection sees, and begins no transaction', async t => {
  const db = openParts(join(tempDir(t), 'app.db'))
  const other = openParts(db.path)
  t.teardown(() => {
    for (const each of [db, other]) each[Symbol.dispose]()
  })
  fill(other, 10)
  const past = open(db.path, { classes: [Part], readonly: true, until: 1 })
  t.equal(past.usage().bytes, statSync(db.path).size)
  past.close()
  const pause = db.pause()
  await other.pack()
  t.match(db.usage(), { packedUpTo: 2, bytes: statSync(db.path).size })
  t.equal(db.root.parts.size, 10)
  pause.continue()
  const own = db.connect()
  own.usage()
  other.transact(root => root.parts.clear())
  t.equal(own.root.parts.size, 0)
  own.close()
})

t.test('of a past state, it is of the file in which that is, and ids of later transactions are no objects', async t => {
  const db = openParts(join(tempDir(t), 'app.db'))
  fill(db, 10)
  for (let n = 0; n < 3000; n++) db.transact(root => (root.parts.get(0)!.text = 'y'.repeat(500)), { id: `later ${n}` })
  db.close()
  const before = statSync(db.path).size
  const past = open(db.path, { classes: [Part], readonly: true, until: 2000 })
  t.teardown(() => past.close())
  t.same(past.usage(), { bytes: before, packedBytes: 4096, packedUpTo: 0, objects: 12 })
  const packer = openParts(db.path)
  t.teardown(() => packer.close())
  const { bytesAfter } = await packer.pack()
  t.match(past.usage(), { packedBytes: 4096, packedUpTo: 0, objects: 12 })
  t.ok(past.usage().bytes >= before && before > bytesAfter)
})

t.test('it throws what catching up throws', async t => {
  const db = openParts(join(tempDir(t), 'app.db'))
  t.teardown(() => db[Symbol.dispose]())
  appendFileSync(db.path, 'no commit')
  t.throws(() => db.usage(), { code: 'CORRUPT_LOG' })
})

t.test('it reads nothing of a store that is known', async t => {
  const path = join(tempDir(t), 'app.db')
  let now = 0
  const counting = countingDisk({ ...systemDisk, ticks: () => now })
  const db = openParts(path, counting.disk)
  t.teardown(() => db[Symbol.dispose]())
  fill(db, 1000)
  const asked = (): Set<string> => new Set(counting.during(() => db.usage()))
  t.same(asked(), new Set(['end']))
  now += 1000
  const look = ['status', 'lookUp', 'read'] // whether the path still leads to a file that ends with this commit
  t.same(asked(), new Set([...look, 'end']), 'but for a look that is due now and then')
})
