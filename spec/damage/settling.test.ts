// When the file has a commit, objects and what was handed out of them find out where they stand now, for which the file may have to be
// read. If that fails, or there is no stack left for it, the commit is a commit all the same: who is told otherwise makes it again.
import t from 'tap'
import assert from 'node:assert/strict'
import { Persistent, PersistentCounter, PersistentList, PersistentMap, PersistentQueue, plain, StaleDataError, touch } from '../../lib/index.js' // prettier-ignore
import type { Disk } from '../../lib/file/disk.js'
import type { Connection } from '../../lib/object/connection.js'
import { openWith } from '../../lib/object/open.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { refused } from './failures.js'
import { MemoryDisk } from './memory-disk.js'

t.setTimeout(120_000) // milliseconds

const PATH = '/app.db'
const COUNT = 220

interface Item {
  n: number
  parts: { n: number }[]
}

class Filler extends Persistent {
  static readonly type = 'Filler'
  bytes = new Uint8Array(33 << 20)
}

class Root extends Persistent {
  static readonly type = 'Root'
  /** So large that no part of the file stays in memory. */
  filler = new Filler()
  items: Item[] = []
  map = new PersistentMap<number, Item>()
  list = new PersistentList<Item>()
  queue = new PersistentQueue<Item>()
  counter = new PersistentCounter()
}

type Db = Connection<Root>

const item = (n: number): Item => ({ n, parts: [{ n }, { n: -n }] })

function connect(disk: Disk): Db {
  return openWith(disk, PATH, { root: Root, classes: [Filler], cacheBytes: 0, durability: 'os' }) as Db
}

/** Packed, so that opening it reads little. */
const stored = await (async () => {
  const memory = new MemoryDisk()
  const db = connect(memory)
  db.transact(root => {
    for (let n = 0; n < COUNT; n++) {
      root.map.set(n, item(n))
      root.list.push(item(n))
      if (n < 60) root.queue.push(item(n))
    }
    root.items.push(item(0), item(1))
  })
  await db.pack()
  db.close()
  return memory.bytesOf(PATH)
})()

/** Every read fails from the `k`th on that comes behind a write (only that one, unless `forever`). */
function failingBehindWrites(memory: MemoryDisk, k: number, forever: boolean) {
  let armed = false
  let left = 0
  let failed = 0
  const disk = wrapDisk(memory, (name, _n, go) => {
    if (armed && name === 'write') left = k
    if (!armed || name !== 'read' || left === 0) return go()
    if (left > 1) left--
    else {
      failed++
      if (!forever) left = 0
      refused('EIO')()
    }
    return go()
  })
  return { disk, arm: (on: boolean) => void (armed = on), failed: () => failed }
}

interface Held {
  readonly name: string
  readonly data: Item
  readonly in: (root: Root) => Item | undefined
}

function hold({ root }: Db): Held[] {
  const held = (name: string, find: Held['in']): Held => ({ name, data: find(root) as Item, in: find })
  return [
    ...[1, 150, 219].map(n => held(`of the map, ${n}`, ({ map }) => map.get(n))),
    // Counted after what is put in at the front.
    ...[1, 150, 218].map(n => ({ name: `of the list, ${n}`, data: root.list.at(n) as Item, in: ({ list }: Root) => list.at(n + 1) })), // prettier-ignore
    held('of an array', ({ items }) => items[1]),
  ]
}

function change(root: Root, held: readonly Held[]): void {
  for (const { data } of held) data.n += 1000
  root.list.unshift(item(-1))
  root.map.set(COUNT, item(COUNT))
  root.queue.push(item(2))
  root.counter.add(1)
}

/** What there is, by somebody else. */
function contentOf(memory: MemoryDisk): unknown {
  const db = connect(wrapDisk(memory, (_name, _n, go) => go()))
  const content = contentIn(db)
  db.close()
  return content
}

function contentIn({ root: { map, list, items, queue, counter } }: Db): unknown {
  const copies = { plain: true } as const
  return { map: [...map.entries(copies)], list: [...list.values(copies)], items: plain(items), queue: plain(queue), counter: counter.value } // prettier-ignore
}

const expected = (() => {
  const memory = MemoryDisk.with({ [PATH]: stored })
  const db = connect(memory)
  change(db.root, hold(db))
  db.commit()
  db.close()
  return contentOf(memory)
})()

/** Who holds something finds it where it stands, or is told that it is stale; what is changed in it is changed there. */
function checkHeld(db: Db, held: readonly Held[], memory: MemoryDisk): void {
  const isStale = held.map(({ data }) => {
    try {
      data.n += 5
      return false
    } catch (error) {
      if (error instanceof StaleDataError) return true
      throw error
    }
  })
  db.commit()
  const other = connect(wrapDisk(memory, (_name, _n, go) => go()))
  held.forEach(({ name, in: find }, i) => {
    const n = find(other.root)?.n
    assert.equal(n, Number(/\d+$/.exec(name)?.[0] ?? 1) + 1000 + (isStale[i] ? 0 : 5), name)
  })
  other.close()
}

for (const way of ['by hand', 'by transact'] as const) {
  for (const forever of [false, true]) {
    t.test(`a commit ${way} is one although reading fails ${forever ? 'from' : 'at'} some point behind it`, t => {
      let tries = 0
      for (let k = 1; ; k++) {
        const memory = MemoryDisk.with({ [PATH]: stored })
        const { disk, arm, failed } = failingBehindWrites(memory, k, forever)
        const db = connect(disk)
        const held = hold(db)
        const before = db.tid
        let runs = 0
        arm(true)
        if (way === 'by hand') {
          change(db.root, held)
          t.equal(db.commit(), before + 1)
        } else {
          db.transact(root => {
            runs++
            change(root, held)
          })
          t.equal(runs, 1)
        }
        arm(false)
        t.equal(db.changed, false)
        t.equal(db.commit(), before + 1, 'there is nothing more to commit')
        t.same(contentOf(memory), expected)
        t.same(contentIn(db), expected)
        checkHeld(db, held, memory)
        db.close()
        if (failed() === 0) break
        tries++
      }
      t.ok(tries > 0, `${tries} times`)
      t.end()
    })
  }
}

for (const [what, act] of Object.entries<(root: Root, held: readonly (Item | undefined)[]) => void>({
  'set in a list': root => void root.list.set(200, item(-5)),
  'splice of a list': root => void root.list.splice(200, 2, item(-5)),
  'splice of a list that puts in more': root => void root.list.splice(100, 110, item(-5), item(-6)),
  'pop of a list': root => void root.list.pop(),
  'shift of a list': root => void root.list.shift(),
  'push to a list': root => void root.list.push(item(-5), item(-6)),
  'insert into a list': root => void root.list.insert(100, item(-5), item(-6)),
  'touch of a list': root => touch(root.list),
  'clear of a list': root => void root.list.clear(),
  'push to a queue': root => void root.queue.push(item(-5), item(-6)),
  'shift of a queue': root => void root.queue.shift(),
  'touch of a map': root => touch(root.map),
  'change in a value of a map': (_root, [, , value]) => value!.parts.reverse(),
  'set in a map': root => void root.map.set(150, item(-5)),
  'set in a map of what nobody has': root => void root.map.set(20, item(-5)),
  'delete of a map': root => void root.map.delete(150),
  'clear of a map': root => void root.map.clear(),
  'deleteRange of a map': root => void root.map.deleteRange({ gte: 30, lt: 200 }),
})) {
  t.test(`a ${what} that throws, because reading fails, has changed nothing`, t => {
    for (let k = 1; ; k++) {
      const memory = MemoryDisk.with({ [PATH]: stored })
      let left = Infinity
      const disk = wrapDisk(memory, (name, _n, go) => (name === 'read' && --left === 0 ? refused('EIO')() : go()))
      const db = connect(disk)
      const held = [db.root.list.at(200), db.root.list.at(201), db.root.map.get(150), db.root.map.get(40)]
      const other = connect(wrapDisk(memory, (_name, _n, go) => go()))
      other.transact(({ list, map }) => {
        list.unshift(item(-1))
        for (const n of [21, 41, 151]) map.set(n, item(-1))
      })
      other.close()
      db.refresh()
      t.equal(db.root.list.length, COUNT + 1)
      t.equal(db.root.map.size, COUNT)
      left = k
      let error: unknown
      try {
        act(db.root, held)
      } catch (thrown) {
        error = thrown
      }
      const isFailed = left <= 0
      left = Infinity
      if (error !== undefined) {
        t.match(error, { code: 'DISK' })
        t.same([db.changed, db.root.list.length, db.root.map.size], [false, COUNT + 1, COUNT])
        db.commit()
        t.same(contentIn(db), contentOf(memory))
        t.same([plain(db.root.list.at(200))?.n, plain(db.root.map.get(150))?.n], [199, 150])
      } else db.abort()
      t.equal(held.length, 4)
      db.close()
      if (!isFailed) break
    }
    t.end()
  })
}
