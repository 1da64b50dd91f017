// What a program holds of a connection that is closed: it can be looked at, and keeps nothing else in memory.
import { join } from 'node:path'
import { inspect } from 'node:util'
import t from 'tap'
import { open, Persistent, PersistentCounter, PersistentMap } from '../../lib/index.js'
import { collectGarbage } from '../helpers/heap.js'
import { tempDir } from '../helpers/temp-dir.js'

const MANY = 8000
/** With all that was read it was 6 MB. */
const MOST = 2_000_000

class Item extends Persistent {
  static readonly type = 'Item'
  n = 0
  tags: string[] = ['some text', 'and some more']
}

class Root extends Persistent {
  static readonly type = 'Root'
  items = new PersistentMap<number, Item>()
  few = new PersistentMap([['a', 1]])
  count = new PersistentCounter(3)
}

const options = { root: Root, classes: [Item], durability: 'os' } as const

async function bytesInUse(): Promise<number> {
  await collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function fill(path: string): void {
  const db = open(path, options)
  db.transact(({ items }) => {
    for (let n = 0; n < MANY; n++) {
      const item = new Item()
      item.n = n
      items.set(n, item)
    }
  })
  db.close()
}

type Database = ReturnType<typeof open<Root>>

/** A function each: what is in its frame is not held any more. */
const HELD: Record<string, (db: Database) => unknown> = {
  'the connection': db => db,
  'an object': ({ root }) => root.items.get(7),
  'local data': db =>
    db.transact(({ items }) => {
      const item = items.get(7) as Item
      const { tags } = item
      item.tags = []
      return tags
    }),
  'a pause': db => {
    const pause = db.pause()
    pause.continue()
    return pause
  },
  'the log': db => {
    const log = db.log()
    log.next()
    return log
  },
}

for (const [what, take] of Object.entries(HELD))
  t.test(`${what} of a closed connection does not keep in memory what else was read`, async t => {
    const path = join(tempDir(t), 'closed.db')
    fill(path)
    const before = await bytesInUse()
    const held = read(path, take)
    const kept = (await bytesInUse()) - before
    t.ok(kept < MOST, `${kept} bytes`)
    t.type(held, 'object')
  })

function read(path: string, take: (db: Database) => unknown): unknown {
  const db = open(path, options)
  let sum = 0
  for (const { n, tags } of db.root.items.values()) sum += n + tags.length
  if (sum === 0) throw new Error('there was nothing to read')
  const held = take(db)
  db.close()
  return held
}

t.test('what was loaded can be looked at once the store is closed, and used no more', t => {
  const path = join(tempDir(t), 'closed.db')
  fill(path)
  const db = open(path, options)
  const { root } = db
  const item = root.items.get(7) as Item
  const { few, count, items } = root
  t.equal(item.n + few.size + count.value + item.tags.length, 13)
  db.close()
  t.match(inspect(item), "{ n: 7, tags: [ 'some text', 'and some more' ] }")
  t.match(inspect(few), "{ 'a' => 1 }")
  t.match(inspect(count), '[ 3 ]')
  t.match(inspect(items), /^\[PersistentMap \d+\]$/, 'what would have to be read is not')
  for (const use of [() => item.n, () => few.size, () => count.value, () => items.get(7), () => db.root])
    t.throws(use, { code: 'CLOSED' })
  t.end()
})
