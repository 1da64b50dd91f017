// What a small budget for loaded objects may and may not do: it changes no answer and no identity.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { open, Persistent, PersistentMap, plain, touch, type Connection } from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'

class Item extends Persistent {
  static type = 'Item'
  n = 0
  text = ''
  /** Every other one has plain data. */
  rows: number[][] | null = null
  next: Item | null = null
}

class Box extends Persistent {
  static type = 'Box'
  items: Item[] = []
  named = new PersistentMap<number, Item>()
  head: Item | null = null
}

const ITEMS = 400
const SMALL = 40_000

function rowsOf(n: number): number[][] | null {
  return n % 2 === 0 ? [[n], [n + 1]] : null
}

function fill(t: Test): string {
  const path = join(tempDir(t), 'box.db')
  const db = open(path, { root: Box, classes: [Item], durability: 'os' })
  db.transact(box => {
    let before: Item | null = null
    for (let n = 0; n < ITEMS; n++) {
      const item: Item = Object.assign(new Item(), { n, text: 'x'.repeat(100), rows: rowsOf(n), next: before })
      box.items.push(item)
      box.named.set(n, item)
      before = item
    }
    box.head = before
  })
  db.close()
  return path
}

function openSmall(t: Test, path: string, cacheBytes = SMALL): Connection<Box> {
  const db = open(path, { root: Box, classes: [Item], durability: 'os', cacheBytes })
  t.teardown(() => db[Symbol.dispose]())
  return db
}

function bytesOf(db: Connection<Box>): number {
  return (headerOf(db.root)?.scope as Session).budget.bytes
}

function isLoaded(item: object | undefined): boolean | undefined {
  return item && headerOf(item)?.loaded
}

t.test('what is loaded is let go at the end of a transaction, and loaded again when it is used', async t => {
  const db = openSmall(t, fill(t))
  const held = [...db.root.items]
  for (const [n, item] of held.entries()) {
    if (item.n !== n) t.fail(`item ${n} is ${item.n}`)
    db.refresh()
  }
  t.ok(bytesOf(db) <= SMALL, `${bytesOf(db)} bytes`)
  const without = held.filter((_, n) => n % 2 === 1)
  t.ok(without.filter(isLoaded).length < without.length / 2)
  t.ok(held.every((item, n) => item.text.length === 100 && item.n === n))
  t.ok(
    held.every((item, n) => db.root.items[n] === item),
    'each is the same object as before',
  )
})

t.test('within one transaction, objects are dropped of which nothing was handed out', async t => {
  const db = openSmall(t, fill(t))
  const held: Item[] = []
  db.transact(box => {
    for (let n = 0; n < ITEMS; n++) {
      const item = box.named.get(n)
      if (item?.n !== n) t.fail(`item ${n}`)
      else held.push(item)
    }
    t.ok(held.every((item, n) => item.n === n && item.next === (held[n - 1] ?? null)))
  })
  t.ok(bytesOf(db) <= SMALL, `${bytesOf(db)} bytes`)
})

t.test('plain data that was handed out stays what it is, also below arrays', async t => {
  const db = openSmall(t, fill(t))
  const first = db.root.items[0]
  const row = first?.rows?.[1]
  for (let n = 0; n < ITEMS; n++) {
    void db.root.items[n]?.text
    db.refresh()
  }
  t.same(row, [1])
  row?.push(2)
  db.commit()
  t.same(first?.rows, [[0], [1, 2]])
})

t.test('what was changed is kept, however small the budget is', async t => {
  const path = fill(t)
  const db = openSmall(t, path, 0)
  const own = db.connect()
  for (let n = 0; n < ITEMS; n++) {
    const item = own.root.items[n]
    if (item) item.text = `changed ${n}`
  }
  own.commit()
  t.equal(bytesOf(own), 0)
  t.ok(db.root.items.every((item, n) => item.text === `changed ${n}`))
  own.close()
})

t.test('with any budget, random transactions leave and show the same', async t => {
  const random = seeded(t)
  const path = fill(t)
  const model = Array.from({ length: ITEMS }, (_, n) => ({ n, rows: rowsOf(n) }))
  const dbs = [0, 3000, SMALL, Infinity].map(bytes => openSmall(t, path, bytes))
  const kept = new Map<Connection<Box>, Item[]>(dbs.map(db => [db, []]))
  for (let step = 0; step < 300; step++) {
    const db = random.pick(dbs)
    const change = random.chance(0.5)
    const at = Array.from({ length: 1 + random.int(30) }, () => random.int(ITEMS))
    db.transact(box => {
      for (const n of at) {
        const item = random.chance(0.5) ? box.items[n] : box.named.get(n)
        const known = model[n]
        if (!item || !known) return
        t.ok(item.n === known.n && JSON.stringify(item.rows) === JSON.stringify(known.rows), `item ${n}`)
        if (change) {
          known.n = step
          known.rows?.push([step])
          item.n = step
          item.rows?.push([step])
        }
        if (random.chance(0.1)) kept.get(db)?.push(item)
      }
    })
    if (random.chance(0.1)) await new Promise(setImmediate)
  }
  for (const [db, items] of kept)
    for (const item of items) if (!db.root.items.includes(item)) t.fail('an object is not the same any more')
})

t.test('a budget is a number of bytes', async t => {
  for (const cacheBytes of [-1, NaN, '1' as unknown as number])
    t.throws(() => open(join(tempDir(t), 'x.db'), { cacheBytes }), { name: 'RangeError', message: /cacheBytes/ })
})

t.test('plain data that was assigned in a commit of more than the budget can be used after it', async t => {
  const db = openSmall(t, fill(t), 20_000)
  const held: number[][][] = []
  db.transact(box => {
    for (const item of box.items) {
      item.rows = [Array.from({ length: 50 }, () => 1e6)]
      held.push(item.rows)
    }
  })
  db.transact(() => {
    for (const rows of held) rows.push([1])
  })
  t.equal(
    db.root.items.every(({ rows }) => rows?.length === 2),
    true,
  )
})

class Link extends Persistent {
  static type = 'Link'
  next: Link | null = null
  n = 0
  rows = [0]
  static merge(): undefined {
    return undefined
  }
}

/** A chain, its first link in front. */
function chain(t: Test, links: number): string {
  const path = join(tempDir(t), 'chain.db')
  const db = open(path, { root: Link, classes: [Link], durability: 'os' })
  db.transact(first => {
    let last = first
    for (let n = 1; n < links; n++) {
      last.next = Object.assign(new Link(), { n })
      last = last.next
    }
  })
  db.close()
  return path
}

t.test('a copy of more than the budget is whole', async t => {
  const db = open(chain(t, 200), { root: Link, classes: [Link], durability: 'os', cacheBytes: 10_000 })
  const seen: unknown[] = []
  type Copy = { n: number; next: Copy | null }
  for (let link = plain(db.root, { depth: 200 }) as Copy | null; link; link = link.next) seen.push(link.n)
  t.same(
    seen,
    Array.from({ length: 200 }, (_, n) => n),
  )
  db.close()
})

t.test('an object whose class merges can be assigned what has to be loaded first', async t => {
  const path = chain(t, 2)
  const options = { root: Link, classes: [Link], durability: 'os', cacheBytes: 0 } as const
  const [db, rival] = [open(path, options), open(path, options)]
  const held = db.root.next?.rows
  rival.transact(first => first.next?.rows.push(1))
  db.refresh()
  db.transact(first => {
    first.rows = held ?? []
  })
  t.same([db.root.rows, db.root.next?.rows], [[0, 1], [0, 1]]) // prettier-ignore
  db.close()
  rival.close()
})

t.test('bytes and dates that were handed out stay what they are while other objects are let go', async t => {
  class Blob extends Persistent {
    static type = 'Blob'
    bytes = new Uint8Array(4)
    at = new Date(7)
    text = 'x'.repeat(100)
  }
  const path = join(tempDir(t), 'blobs.db')
  const options = {
    root: { all: new PersistentMap<number, Blob>() },
    classes: [Blob],
    durability: 'os',
    cacheBytes: SMALL,
  } as const
  const first = open(path, options)
  first.transact(({ all }) => {
    for (let n = 0; n < ITEMS; n++) all.set(n, new Blob())
  })
  first.close()
  const db = open(path, options)
  const blob = db.root.all.get(0) as Blob
  db.transact(({ all }) => {
    const { bytes, at } = blob
    for (const { text } of all.values()) t.equal(text.length, 100)
    bytes[0] = 77
    touch(blob)
    t.equal(blob.bytes, bytes)
    t.equal(blob.at, at)
  })
  await Promise.resolve()
  const { bytes } = blob
  for (const { text } of db.root.all.values()) t.equal(text.length, 100)
  await Promise.resolve()
  for (const { text } of db.root.all.values()) t.equal(text.length, 100)
  bytes[1] = 78
  touch(blob)
  db.commit()
  db.close()
  const again = open(path, options)
  t.same([...(again.root.all.get(0) as Blob).bytes], [77, 78, 0, 0])
  again.close()
})

t.test('so do bytes that were moved into new data', async t => {
  const initial = { bytes: Uint8Array.of(1) as Uint8Array | undefined, data: [] as { bytes: Uint8Array }[] }
  const path = join(tempDir(t), 'moved.db')
  const db = open(path, { root: initial, durability: 'os', cacheBytes: 0 })
  const { root } = db
  const bytes = root.bytes as Uint8Array
  root.data = [{ bytes }]
  root.bytes = undefined
  db.commit()
  db.refresh()
  bytes[0] = 77
  touch(root)
  db.commit()
  t.equal(root.data[0]?.bytes, bytes)
  db.close()
  const again = open(path, { root: initial })
  t.same([...(again.root.data[0]?.bytes ?? [])], [77])
  again.close()
})
