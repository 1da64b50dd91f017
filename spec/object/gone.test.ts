import t, { type Test } from 'tap'
import { join } from 'node:path'
import {
  oidOf,
  open,
  PersistentCounter,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  PersistentSet,
  plain,
  type Connection,
  type Persistent,
} from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'
import { Item } from './helpers/classes.js'
import { elsewhere } from './helpers/elsewhere.js'

type Root = Persistent & { a: Item | null; b: Item | null; n: number }
const root: { a: Item | null; b: Item | null; n: number } = { a: null, b: null, n: 0 }
const options = { root, classes: [Item], durability: 'os' as const }

function store(t: Test): { db: Connection<Root>; other: Connection<Root> } {
  const db = open(join(tempDir(t), 'gone.db'), options) as Connection<Root>
  const other = elsewhere<Root>(db.path, options)
  t.teardown(() => {
    db[Symbol.dispose]()
    other[Symbol.dispose]()
  })
  db.transact(r => {
    const item = new Item()
    item.name = 'x'
    item.tags = ['t']
    item.next = new Item()
    r.a = item
  })
  return { db, other }
}

t.test('an object that others changed, detached and packed away is gone: never its old state', async t => {
  const { db, other } = store(t)
  const x = db.root.a as Item
  t.equal(x.name, 'x')
  const { tags } = x
  other.transact(r => {
    if (r.a) r.a.name = 'changed'
  })
  other.transact(r => (r.a = null))
  await other.pack()
  db.refresh()
  t.throws(() => x.name, { code: 'GONE', oid: oidOf(x), message: /let go of it, and read again/ })
  t.throws(() => tags.length, { code: 'GONE' })
  db.root.b = x
  t.throws(() => db.commit(), { code: 'GONE', path: 'root.b', message: /put another object there, or none/ })
  db.abort()
})

t.test('one whose last version is loaded keeps its state, and is written when it is attached again', async t => {
  const { db, other } = store(t)
  const x = db.root.a as Item
  t.equal(x.next?.name, '')
  t.equal(x.name, 'x')
  const oid = oidOf(x)
  db.transact(r => (r.a = null))
  await other.pack()
  db.refresh()
  t.equal(x.name, 'x')
  x.name = 'kept'
  t.equal(db.changed, false, 'like a new object')
  db.transact(r => (r.b = x))
  t.equal(oidOf(x), oid)
  other.refresh()
  t.equal(other.root.b?.name, 'kept')
  t.same(other.root.b?.tags, ['t'])
  t.equal(other.root.b?.next?.name, '', 'with all that it newly reaches')
})

t.test('get gives no object that is not in the snapshot, whatever this connection knows of it', async t => {
  const { db, other } = store(t)
  const [mine, theirs] = [db.root.a as Item, other.root.a as Item]
  const oid = oidOf(mine) as number
  t.equal(theirs.name, 'x')
  db.transact(r => {
    mine.name = 'last'
    r.a = null
  })
  t.equal(db.get(oid), mine, 'not packed yet')
  await db.pack()
  db.refresh()
  other.refresh()
  t.equal(db.get(oid), undefined, 'of which the last version is loaded')
  t.equal(mine.name, 'last', 'which can still be read')
  t.equal(other.get(oid), undefined, 'of which an older one is')
  t.throws(() => theirs.name, { code: 'GONE' })
  db.transact(r => {
    r.b = mine
    t.equal(db.get(oid), undefined, 'to be brought back by a commit')
  })
  t.equal(db.get(oid), mine)
  t.equal(other.refresh() ?? (other.get(oid) as Item).name, 'last')
})

t.test('get gives an object that this transaction has just committed', t => {
  const { db } = store(t)
  const item = new Item()
  db.root.b = item
  db.commit()
  t.equal(db.get(oidOf(item) as number), item)
  t.end()
})

t.test('a part that was never loaded is gone, and so the whole cannot be attached', async t => {
  const { db, other } = store(t)
  const x = other.root.a as Item
  t.equal(x.name, 'x')
  db.transact(r => (r.a = null))
  await db.pack()
  other.refresh()
  t.equal(x.name, 'x')
  other.root.b = x
  t.throws(() => other.commit(), { code: 'GONE', path: 'Item.next' })
  t.throws(() => x.next?.name, { code: 'GONE' })
  other.abort()
})

t.test('what is reached by a reference that was not followed is written too', async t => {
  const { db, other } = store(t)
  const x = other.root.a as Item
  t.equal(x.name, 'x')
  const next = other.get((oidOf(x) as number) + 1) as Item
  t.equal(next.name, '')
  db.transact(r => (r.a = null))
  await db.pack()
  other.transact(r => (r.b = x))
  db.refresh()
  t.equal(db.root.b?.next?.name, '')
  t.equal(oidOf(db.root.b?.next as Item), oidOf(next))
})

t.test(
  'objects that are still reachable stay as they are over a pack, and so do changes that were not committed',
  async t => {
    const { db, other } = store(t)
    const x = db.root.a as Item
    const { tags } = x
    tags.push('pending')
    await other.pack()
    db.commit()
    t.same(tags, ['t', 'pending'])
    other.refresh()
    t.same(other.root.a?.tags, ['t', 'pending'])
  },
)

t.test('a commit that finds the file packed and its objects changed conflicts', async t => {
  const { db, other } = store(t)
  db.root.n = 1
  other.transact(r => r.n++)
  await other.pack()
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
  db.abort()
  t.equal(db.root.n, 1)
})

t.test('a paused connection goes on reading the old file', async t => {
  const { db, other } = store(t)
  const pause = db.pause()
  other.transact(r => {
    r.a = null
    r.n = 7
  })
  await other.pack()
  t.equal(db.root.a?.next?.name, '')
  t.equal(db.root.n, 0)
  pause.continue()
  t.equal(db.root.n, 7)
})

t.test('two packs later nothing that is missing is trusted', async t => {
  const { db, other } = store(t)
  const x = db.root.a as Item
  t.equal(x.name, 'x')
  db.transact(r => (r.a = null))
  const pause = db.pause()
  await other.pack()
  await other.pack()
  pause.continue()
  t.throws(() => x.name, { code: 'GONE' })
})

t.test('collections that a pack has removed stay whole over any number of packs', async t => {
  const make = {
    map: () => new PersistentMap<number, unknown>([[1, 'a'], [2, { n: [2] }]]), // prettier-ignore
    set: () => new PersistentSet([1, 2, 3]),
    list: () => new PersistentList<unknown>([1, { n: [2] }, 'c']),
    queue: () => new PersistentQueue<unknown>(['a', { n: [2] }]),
    counter: () => new PersistentCounter(7),
  }
  const sizeOf = (value: unknown): unknown =>
    (value as { size?: number; length?: number; value?: number }).size ??
    (value as { length?: number }).length ??
    (value as { value: number }).value
  for (const [kind, collection] of Object.entries(make)) {
    for (const byOthers of [false, true]) {
      const path = join(tempDir(t), 'removed.db')
      const given = { root: { x: null as unknown }, durability: 'os' as const }
      const db = open(path, given)
      const other = elsewhere<{ x: unknown }>(path, given)
      db.transact(root => (root.x = collection()))
      const held = db.root.x
      const [content, size] = [plain(held), sizeOf(held)]
      db.transact(root => (root.x = null))
      for (let packs = 1; packs <= 3; packs++) {
        await (byOthers ? other : db).pack()
        db.refresh()
        t.same([plain(held), sizeOf(held)], [content, size], `${kind} after ${packs} packs`)
      }
      db.transact(root => (root.x = held))
      other.refresh()
      t.same([plain(other.root.x, { depth: 1 }), sizeOf(other.root.x)], [content, size], `${kind}, stored again`)
      db.close()
      other.close()
    }
  }
})

t.test('what two bring back at once is a conflict', async t => {
  const path = join(tempDir(t), 'removed.db')
  const given = { root: { x: null as unknown }, durability: 'os' as const }
  const db = open(path, given)
  const other = elsewhere<{ x: unknown }>(path, given)
  for (const collection of [new PersistentMap([[1, 1]]), new PersistentList([1]), new PersistentCounter(1)]) {
    db.transact(root => (root.x = collection))
    other.refresh()
    const [mine, theirs] = [db.root.x, other.root.x]
    t.same(plain(mine), plain(theirs))
    db.transact(root => (root.x = null))
    await db.pack()
    db.refresh()
    other.refresh()
    db.root.x = mine
    other.root.x = theirs
    other.commit()
    t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
    db.abort()
    t.same(plain(db.root.x), plain(theirs))
  }
  db.close()
  other.close()
})
