// Leaves whose values all stand apart have a form of their own, in which their list of references is the only place that leads to these:
// a dump writes them all the same.
import t from 'tap'
import { Persistent, PersistentList, PersistentMap, PersistentQueue } from '../../lib/index.js'
import type { Key } from '../../lib/index.js'
import type { Connection } from '../../lib/object/connection.js'
import { openWith } from '../../lib/object/open.js'
import { plain } from '../../lib/object/plain.js'
import { Store } from '../../lib/store/store.js'
import type { StoredRecord } from '../../lib/store/types.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { COPY, dumped, isSound, load, PATH, records, textOf } from './dumps.js'

class Thing extends Persistent {
  static type = 'Thing'
  n = 0
}

class Shelf extends Persistent {
  static type = 'Shelf'
  map = new PersistentMap<Key, unknown>()
  byThing = new PersistentMap<Key, unknown>()
  mixed = new PersistentMap<Key, unknown>()
  objects = new PersistentMap<Key, unknown>()
  list = new PersistentList<unknown>()
  queue = new PersistentQueue<unknown>()
  /** What stands in it looks like such a leaf. */
  like: unknown = null
}

const openShelf = (disk: MemoryDisk, path = PATH) =>
  openWith(disk, path, { root: Shelf, classes: [Thing] }) as Connection<Shelf>

const large = (n: number): { n: number; text: string } => ({ n, text: 'x'.repeat(70 + (n % 5)) })

/** All values are so large that they stand apart, but in `mixed` every third one, and in `objects` none. */
function fill(db: Connection<Shelf>, count: number): void {
  db.transact(({ map, byThing, mixed, objects, list, queue }) => {
    for (let n = 0; n < count; n++) {
      map.set(n, large(n))
      byThing.set([n, new Thing()], large(n))
      mixed.set(n, n % 3 === 0 ? n : large(n))
      objects.set(n, new Thing())
      list.push(large(n))
      queue.push(large(n))
    }
  })
  // Leaves that are edited are written in another way than new ones.
  db.transact(({ map, byThing, list, queue }) => {
    map.delete(1)
    map.set(count, large(count))
    byThing.set([-1, new Thing()], large(-1))
    list.pop()
    queue.shift()
  })
  db.transact(root => {
    const [keys, apart] = [[1], true]
    root.like = { keys, values: [large(1)], apart, other: { keys, values: null, apart } }
  })
}

function content({ map, byThing, mixed, objects, list, queue, like }: Shelf): unknown {
  const entries = [map, byThing, mixed, objects].map(each => [...each.entries()].map(entry => plain(entry)))
  return { entries, list: plain([...list]), queue: plain([...queue]), like: plain(like) }
}

/** The oids of all references in what a line of a dump says. */
function mentioned(json: unknown): number[] {
  if (typeof json !== 'object' || json === null) return []
  if ('$ref' in json) return [json.$ref as number]
  return Object.values(json).flatMap(mentioned)
}

for (const count of [2, 3, 500]) {
  t.test(`collections of ${count} values that stand apart are dumped and loaded as they are`, async t => {
    const disk = new MemoryDisk()
    const db = openShelf(disk)
    fill(db, count)
    await db.pack() // what cannot be reached is not dumped
    const before = content(db.root)
    db.close()
    const lines = await dumped(disk)
    await load(disk, textOf(lines))
    isSound(t, disk)
    t.same(records(disk, COPY), records(disk, PATH))
    t.same(await dumped(disk, COPY), lines)
    const copy = openShelf(disk, COPY)
    t.same(content(copy.root), before)
    copy.close()
  })
}

t.test('what a record refers to is in its line, and nothing else', async t => {
  const disk = new MemoryDisk()
  const db = openShelf(disk)
  fill(db, 500)
  db.close()
  const store = Store.open(disk, PATH, { readonly: true })
  const { generation } = store.latest()
  let inListAlone = 0
  for (const line of (await dumped(disk)).slice(1, -1)) {
    const { oid, fields } = JSON.parse(line) as { oid: StoredRecord['oid']; fields?: Record<string, unknown> }
    const { refs } = generation.read(generation.newest(oid), oid)
    t.same([...new Set(mentioned(fields))].sort(), [...refs].sort(), line.slice(0, 200))
    if (fields?.apart === true) inListAlone++
  }
  t.ok(inListAlone > 10, 'there are leaves in which all values stand apart')
  store.close()
})

t.test('a leaf that says the same value of two keys makes no store', async t => {
  const disk = new MemoryDisk()
  const db = openShelf(disk)
  fill(db, 3)
  db.close()
  const text = textOf(await dumped(disk))
  const twice = text.replace(/("values":\[)(\{"\$ref":\d+\}),\{"\$ref":\d+\}/, '$1$2,$2')
  t.not(twice, text)
  await t.rejects(load(disk, twice), { code: 'BAD_DUMP', message: /two places/ })
})
