// Whoever goes over to the file that a pack has made, leaves one in which something may not be readable: that is given up, and nothing else.
import t from 'tap'
import { PersistentList, PersistentMap } from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import { openWith } from '../../lib/object/open.js'
import type { Session } from '../../lib/object/session.js'
import { Store } from '../../lib/store/store.js'
import { LOST_SHAPE, stretchOf, type Oid } from '../../lib/store/types.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import type { Connection, Persistent } from '../../lib/index.js'

const PATH = '/app.db'

interface Doc {
  text: string
  parts: { n: number }[]
}

/** So large that it stands apart from its entry. */
const doc = (n: number): Doc => ({ text: 'x'.repeat(200), parts: [{ n }] })

interface Root {
  n: number
  map: PersistentMap<number, Doc> | undefined
  list: PersistentList<Doc> | undefined
}

/** Two connections of one process, of which neither holds on to what it has seen. */
function store(): { disk: MemoryDisk; db: Db; other: Db } {
  const disk = new MemoryDisk()
  const root: Root = { n: 0, map: new PersistentMap(), list: new PersistentList() }
  const connect = (): Db => openWith(disk, PATH, { root, durability: 'os' }) as Db
  const db = connect()
  db.transact(({ map, list }) => {
    for (let n = 0; n < 3; n++) {
      map?.set(n, doc(n))
      list?.push(doc(n))
    }
  })
  return { disk, db, other: connect() }
}

type Db = Connection<Persistent & Root>

const sessionOf = ({ root }: Db): Session => headerOf(root)!.scope as Session

/** Where the newest version of a record stands. */
function placeOf(db: Db, object: object): number {
  return sessionOf(db).store.latest().generation.newest(headerOf(object)!.oid)
}

t.test('what leads to the version that is held cannot be read any more: then what was handed out is stale', async t => {
  const { disk, db, other } = store()
  db.transact(({ map }) => map!.set(4, { text: 'small', parts: [{ n: 1 }] }))
  const held = db.root.map!.get(4)!
  const part = held.parts[0]!
  t.equal(part.n, 1)
  for (const [n, isDamaged] of [true, false].entries()) {
    other.transact(({ map }) => map!.set(5 + n, doc(n)))
    const at = placeOf(other, other.root.map!)
    if (isDamaged) disk.view(PATH).fill(0xff, at, at + 16)
  }
  await other.pack()
  t.equal(db.root.n, 0)
  t.equal(held.text, 'small')
  t.throws(() => part.n, { code: 'STALE_DATA' })
  db.transact(root => root.n++)
  db.close()
  other.close()
})

/** Makes what a salvage makes of records that it has not found. */
function lose(disk: MemoryDisk, oids: readonly Oid[]): void {
  const store = Store.open(disk, PATH, {})
  const records = oids.map(oid => ({ oid, shape: LOST_SHAPE, refs: [], ...stretchOf(new Uint8Array()) }))
  store.commit({ records, fresh: 0, annotation: new Uint8Array() }, store.latest(), [], true)
  store.close()
}

t.test('a collection of which a part was lost can be replaced and packed away, by who has it loaded', async t => {
  const { disk, db, other } = store()
  const { snapshot, view } = sessionOf(db)
  const parts = [...snapshot.generation.entries()].filter(([, at]) => {
    const record = snapshot.generation.read(at)
    return record.shape >= 16 && view.unpack(record).keys.join() === 'value'
  })
  t.equal(parts.length, 6)
  lose(
    disk,
    parts.map(([oid]) => oid),
  )
  const { map, list } = db.root
  t.throws(() => map!.get(1), { code: 'GONE' })
  t.throws(() => list!.at(1), { code: 'GONE' })
  db.transact(root => {
    root.map = new PersistentMap([[7, doc(7)]])
    root.list = undefined
  })
  await db.pack()
  t.equal(db.root.map?.get(7)?.parts[0]?.n, 7)
  t.throws(() => map!.size, { code: 'GONE' })
  t.throws(() => list!.length, { code: 'GONE' })
  db.transact(root => root.n++)
  db.close()
  other.close()
})

t.test('an object that nothing refers to any more, and that cannot be read, is gone', async t => {
  const { disk, db, other } = store()
  const { list } = db.root
  t.equal(list?.length, 3)
  await other.pack()
  db.transact(root => (root.list = undefined))
  const at = placeOf(db, list!)
  disk.view(PATH).fill(0xff, at, at + 16)
  await other.pack()
  t.equal(db.root.n, 0)
  t.throws(() => list!.length, { code: 'GONE' })
  db.close()
  other.close()
})

t.test('a record that was read of one file is not taken for what stands at the same place in the next', async t => {
  const disk = new MemoryDisk()
  const root = { map: new PersistentMap<number, string>() }
  const db = openWith(disk, PATH, { root, durability: 'os' }) as Connection<Persistent & typeof root>
  const expected = new Map<number, string>()
  // All of the same length, so that one pack puts everything where the one before did.
  const put = (n: number, text: string): void => {
    db.root.map.set(n, text)
    expected.set(n, text)
  }
  for (let n = 0; n < 400; n++) put(n, `first ${1000 + n}`)
  db.commit()
  await db.pack()
  const reader = db.connect()
  for (let n = 0; n < 20; n++) {
    t.same([...reader.root.map], [...expected], `after pack ${n}`)
    put((n * 37) % 400, `later ${1000 + n}`)
    db.commit()
    await db.pack()
    reader.refresh()
  }
  for (const each of [reader, db]) each.close()
})
