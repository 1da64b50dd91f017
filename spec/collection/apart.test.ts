// Large values stand apart from their entries: who changes one writes it alone. Nothing else may be different by that.
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import {
  GoneError,
  oidOf,
  open,
  Persistent,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  plain,
  ValueError,
  type Connection,
  type Key,
} from '../../lib/index.js'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { headerOf } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import { Store } from '../../lib/store/store.js'
import { LOST_SHAPE, stretchOf, type Oid } from '../../lib/store/types.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { faultsOf } from './check.js'
import { meet } from './meet.js'
import { shelf, thing, type Shelf, type Thing } from './store.js'

const LONG = 'x'.repeat(200)
const doc = (n: number): { n: number; text: string; parts: { n: number }[] } => ({ n, text: LONG, parts: [{ n }] })
type Doc = ReturnType<typeof doc>

/** The fields of the records that the newest commit of the connection has written, by type. */
function written(db: Connection<Shelf>): string[] {
  const { snapshot, view } = headerOf(db.root)!.scope as Session
  const fields: string[] = []
  for (const [, offset] of snapshot.generation.entries()) {
    const record = snapshot.generation.read(offset)
    if (record.tid === snapshot.tid && record.shape >= 16) fields.push(view.unpack(record).keys.join())
  }
  return fields.sort()
}

function fill(db: Connection<Shelf>, count: number): void {
  db.transact(({ map, list }) => {
    for (let n = 0; n < count; n++) {
      map.set(n, doc(n))
      list.push(doc(n))
    }
  })
}

for (const count of [5, 1000]) {
  t.test(`a change of one of ${count} large values writes that value, and the record of the collection`, t => {
    const { db } = shelf(t)
    fill(db, count)
    const own = count === 5 ? 'keys,values,apart' : 'size,height,root'
    const map = db.root.map as PersistentMap<number, Doc>
    const path = db.path
    const appended = (change: () => void): number => {
      const before = statSync(path).size
      change()
      db.commit()
      return statSync(path).size - before
    }
    const most = LONG.length + 350
    const inPlace = appended(() => map.get(3)!.n++)
    t.ok(inPlace < most, `${inPlace} bytes`)
    t.same(written(db), [own, 'value'])
    const anew = appended(() => map.set(3, doc(-3)))
    t.ok(anew < most, `${anew} bytes`)
    t.same(written(db), [own, 'value'])
    appended(() => db.root.map.set(3, 3))
    t.notOk(written(db).includes('value'), 'a small one stands in its entry')
    appended(() => db.root.map.set(3, LONG))
    t.ok(written(db).includes('value'))
    appended(() => map.get(4)!.parts.push({ n: 1 }))
    t.same(written(db), [own, 'value'])
    t.same(plain(map.get(2)), doc(2))
    t.equal(db.root.map.get(3), LONG)
    t.same(plain(map.get(4)), { ...doc(4), parts: [{ n: 4 }, { n: 1 }] })
    appended(() => map.delete(4))
    t.notOk(written(db).includes('value'))
    const list = db.root.list as PersistentList<Doc>
    const itself = count === 5 ? 'items,apart' : own
    const item = appended(() => list.at(3)!.n++)
    t.ok(item < most, `${item} bytes of a list`)
    t.same(written(db), [itself, 'value'])
    t.same(plain(list.at(3)), { ...doc(3), n: 4 })
    appended(() => list.set(3, doc(-3)))
    t.same(written(db), [itself, 'value'])
    appended(() => list.splice(2, 3, doc(-2), doc(-1), doc(0)))
    t.same(written(db), [itself, 'value', 'value', 'value'])
    t.same(plain([...list]).slice(1, 6), [doc(1), doc(-2), doc(-1), doc(0), count === 5 ? undefined : doc(5)].slice(0, count - 1)) // prettier-ignore
    appended(() => db.root.list.set(3, 3))
    t.notOk(written(db).includes('value'), 'a small one stands in its entry')
    appended(() => db.root.list.set(3, LONG))
    t.ok(written(db).includes('value'))
    t.same([faultsOf(db.root.map as never), faultsOf(db.root.list as never)], [[], []])
    t.end()
  })
}

t.test('data that shrinks keeps its record, in a list as in a map, and messages name where it stands', t => {
  const { db } = shelf(t)
  class Unknown extends Persistent {
    static type = 'Unknown'
  }
  const { list } = db.root
  db.transact(() => void list.push(...Array.from({ length: 600 }, (_, n) => (n % 2 === 0 ? doc(n) : n))))
  db.transact(() => void list.set(2, { n: 1 }))
  t.same(written(db), ['size,height,root', 'value'])
  t.throws(() => db.transact(() => void list.set(0, doc(0)).set(551, new Unknown())), {
    code: 'VALUE',
    path: 'PersistentList.551',
  })
  t.throws(() => db.transact(() => void list.set(0, doc(0)).set(553, { by: new Unknown() })), {
    code: 'VALUE',
    path: 'PersistentList.553.by',
  })
  const more = [...Array.from({ length: 100 }, (_, n) => n), new Unknown()]
  t.throws(() => db.transact(() => void list.set(0, doc(0)).insert(551, ...more)), {
    code: 'VALUE',
    path: 'PersistentList.651',
  })
  const fresh = Array.from({ length: 400 }, (_, n) => (n % 2 === 0 ? doc(n) : n))
  db.transact(root => void (root.list = new PersistentList<unknown>(fresh)))
  const later = new PersistentList<unknown>([...fresh, { text: LONG, by: new Unknown() }])
  t.throws(() => db.transact(root => void (root.list = later)), { code: 'VALUE', path: 'PersistentList.400.by' })
  t.end()
})

for (const size of [4, 300]) {
  t.test(`items that are moved among ${size} keep their records beside those that are put in`, t => {
    const { db } = shelf(t)
    const list = db.root.list as PersistentList<Doc>
    db.transact(() => void list.push(...Array.from({ length: size }, (_, n) => doc(n))))
    const items = Array.from({ length: size }, (_, n) => n)
    const change = (
      act: (of: { reverse(): unknown; splice(at: number, count: number, ...put: never[]): unknown }) => void,
    ): void => {
      const put = (n: number): never => doc(n) as never
      db.transact(() => {
        act({ reverse: () => list.reverse(), splice: (at, count, ...n) => list.splice(at, count, ...n.map(put)) })
      })
      act(items)
      t.same(Array.from(list, ({ n }) => n), items) // prettier-ignore
      t.same(faultsOf(db.root.list as never), [])
    }
    change(of => {
      of.reverse()
      of.splice(0, 0, 1000 as never)
      of.splice(2, 0, 1001 as never)
    })
    change(of => {
      of.reverse()
      of.splice(0, 1, 1002 as never)
    })
    t.end()
  })
}

t.test('no two items of a list have the same record, however they are moved and replaced', t => {
  const random = seeded(t)
  const { db } = shelf(t)
  fill(db, 300)
  const list = db.root.list as PersistentList<Doc>
  const recordOf = (at: number): unknown => {
    const found = headerOf(list) as unknown as {
      foundAt(key: number): { leaf: { apart(at: number): Oid }; at: number }
    }
    const { leaf, at: entry } = found.foundAt(at)
    return leaf.apart(entry)
  }
  const items = Array.from({ length: 300 }, (_, n) => doc(n))
  let n = 1000
  for (let round = 0; round < 60; round++) {
    for (let act = 0; act < 4; act++) {
      const at = random.int(items.length)
      switch (random.int(8)) {
        case 0:
          list.reverse()
          items.reverse()
          break
        case 1:
          list.sort((a, b) => a.n - b.n)
          items.sort((a, b) => a.n - b.n)
          break
        case 2: {
          const [taken] = list.splice(at, 1)
          const to = random.int(items.length)
          list.splice(to, 0, taken!)
          items.splice(to, 0, ...items.splice(at, 1))
          break
        }
        case 3:
          list.at(at)!.n = n
          items[at] = { ...items[at]!, n: n++ }
          break
        case 4: {
          const fresh = [doc(n++), doc(n++), doc(n++)]
          list.splice(at, 2, ...fresh)
          items.splice(at, 2, ...fresh)
          break
        }
        default:
          list.set(at, doc(n))
          items[at] = doc(n++)
      }
    }
    if (random.int(4) > 0) {
      db.commit()
      const records = new Set(items.map((_, at) => recordOf(at)))
      t.equal(records.size, items.length)
    }
    t.same(plain([...list]), items)
  }
  db.commit()
  t.same(faultsOf(db.root.list as never), [])
  t.end()
})

t.test('values of every size and kind, that grow and shrink', async t => {
  const random = seeded(t)
  const { db, rival } = shelf(t)
  const native = new Map<number, unknown>()
  const items: unknown[] = []
  const things = [thing('a'), thing('b')]
  db.root.things.push(...things)
  db.commit()
  const data = (): unknown => {
    const size = random.pick([0, 1, 10, 60, 63, 64, 65, 100, 3000])
    switch (random.int(8)) {
      case 0:
        return 'y'.repeat(size)
      case 1:
        return new Uint8Array(size).fill(size)
      case 2:
        return 2n ** BigInt(8 * size)
      case 3:
        return Array.from({ length: size }, (_, n) => n)
      case 4:
        return random.pick([null, undefined, true, -0, 1.5, new Date(size)])
      case 5:
        return random.pick(things)
      case 6:
        return { text: 'z'.repeat(size), by: random.pick(things), more: [random.pick(things)] }
      default:
        return { text: 'z'.repeat(size), when: new Date(size) }
    }
  }
  // Objects are compared by name, the rest as it is.
  const plainly = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
      return value
    if ('name' in value) return (value as Thing).name
    if (Array.isArray(value)) return value.map(plainly)
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plainly(part)]))
  }
  const compare = (root: Shelf): void => {
    const sorted = [...native].sort(([a], [b]) => a - b)
    t.strictSame(
      Array.from(root.map, ([key, value]) => [key, plainly(value)]),
      sorted,
    )
    t.strictSame(Array.from(root.list, plainly), items)
    for (const [key, value] of random.shuffle(sorted).slice(0, 20)) t.strictSame(plainly(root.map.get(key)), value)
  }
  for (let round = 0; round < 40; round++) {
    for (let left = random.int(30); left > 0; left--) {
      const key = random.int(150)
      const value = data()
      if (random.chance(0.2)) t.equal(db.root.map.delete(key), native.delete(key))
      else {
        db.root.map.set(key, value)
        native.set(key, plainly(value))
      }
      const at = random.int(items.length + 1)
      if (random.chance(0.2) && at < items.length) {
        db.root.list.splice(at, 1)
        items.splice(at, 1)
      } else {
        db.root.list.insert(at, value)
        items.splice(at, 0, plainly(value))
      }
      const held = db.root.map.get(random.int(150)) as Record<string, unknown> | undefined
      if (typeof held === 'object' && held !== null && typeof held.text === 'string') {
        const [changed] = [...native].find(([key]) => db.root.map.get(key) === held)!
        held.text = 'w'.repeat(random.int(200))
        native.set(changed, plainly(held))
      }
    }
    if (random.chance(0.2)) {
      db.root.list.reverse()
      items.reverse()
    }
    db.commit()
    t.same([faultsOf(db.root.map as never), faultsOf(db.root.list as never)], [[], []])
    if (random.chance(0.3)) {
      rival.refresh()
      compare(rival.root)
    }
    if (random.chance(0.1)) await db.pack()
  }
  compare(db.root)
})

t.test("who changes another value, or looks at others, is in nobody's way", t => {
  const both = shelf(t)
  const { db, rival } = both
  fill(db, 300)
  const at = (root: Shelf, n: number): Doc => root.map.get(n) as Doc
  const raise = (n: number) => (root: Shelf) => void at(root, n).n++
  t.equal(meet(both, raise(1), raise(2)), undefined)
  t.same([at(db.root, 1).n, at(db.root, 2).n], [2, 3], 'both are there')
  t.same(meet(both, raise(1), raise(1)), ['1'])
  t.same(
    meet(both, raise(1), root => root.map.delete(1)),
    ['1'],
  )
  t.same(
    meet(both, root => root.map.set(7, doc(8)), raise(7)),
    ['7'],
  )
  t.equal(
    meet(
      both,
      root => root.map.set(7, doc(8)),
      root => root.map.set(9, LONG),
    ),
    undefined,
  )
  t.equal(db.root.map.get(9), LONG)
  // Reading, and writing something else.
  t.same(
    meet(both, root => void at(root, 20).text, raise(20)),
    ['20'],
  )
  t.equal(
    meet(both, root => void at(root, 20).text, raise(21)),
    undefined,
  )
  t.same(
    meet(both, root => void [...root.map.values()], raise(22)),
    ['22'],
  )
  t.same(
    meet(both, root => void [...root.map.range({ gte: 20, lt: 30 })], raise(25)),
    ['25'],
  )
  t.equal(
    meet(both, root => void [...root.map.range({ gte: 20, lt: 30 })], raise(30)),
    undefined,
  )
  t.equal(
    meet(both, root => void [...root.map.keys()], raise(23)),
    undefined,
    'keys are the same',
  )
  t.equal(
    meet(both, root => void root.map.has(23), raise(23)),
    undefined,
  )
  t.equal(
    meet(
      both,
      root => void at(root, 24),
      root => root.map.set(24, plain(at(root, 24))),
    ),
    undefined,
    'an equal one',
  )
  t.same(
    meet(both, root => void [...root.map.values({ plain: true })], raise(22)),
    ['22'],
  )
  const item = (root: Shelf, n: number): Doc => root.list.at(n) as Doc
  t.same(
    meet(
      both,
      root => void item(root, 5).text,
      root => void item(root, 5).n++,
    ),
    ['5'],
  )
  t.equal(
    meet(
      both,
      root => void item(root, 5).text,
      root => void item(root, 6).n++,
    ),
    undefined,
  )
  t.same(
    meet(
      both,
      root => void [...root.list],
      root => void item(root, 6).n++,
    ),
    ['6'],
  )
  db.refresh()
  rival.refresh()
  t.same(plain(db.root.map), plain(rival.root.map))
  t.end()
})

t.test('a snapshot shows the value that it had, also where only that was written since', t => {
  const { db, rival } = shelf(t)
  fill(db, 300)
  rival.refresh()
  const pause = rival.pause()
  for (let n = 0; n < 300; n += 7) db.transact(({ map }) => void (map.get(n) as Doc).n--)
  for (let n = 0; n < 300; n++) t.same(plain(rival.root.map.get(n)), doc(n))
  pause.continue()
  for (let n = 0; n < 300; n++) t.same(plain(rival.root.map.get(n)), { ...doc(n), n: n % 7 === 0 ? n - 1 : n })
  t.end()
})

t.test('data that was handed out is found again', async t => {
  const { db, rival } = shelf(t)
  fill(db, 300)
  rival.refresh()
  const map = db.root.map as PersistentMap<number, Doc>
  const [one, two, gone] = [map.get(1)!, map.get(2)!, map.get(3)!]
  const { parts } = one
  rival.transact(root => {
    const first = root.map.get(1) as Doc
    first.n = 100
    root.map.set(2, { ...doc(2), n: 200 })
    root.map.delete(3)
  })
  db.refresh()
  t.equal(map.get(1), one)
  t.same([one.n, two.n, map.get(2)], [100, 200, two])
  t.throws(() => gone.n, { code: 'STALE_DATA' })
  t.equal(one.parts === parts, true, 'what is in it, too')
  one.n = 5
  db.abort()
  t.equal(one.n, 100)
  one.n = 6
  db.commit()
  await db.pack()
  t.equal(map.get(1), one)
  one.parts.push({ n: 7 })
  db.commit()
  rival.refresh()
  t.same(plain(rival.root.map.get(1)), { ...doc(1), n: 6, parts: [{ n: 1 }, { n: 7 }] })
  t.end()
})

class Owner extends Persistent {
  static type = 'Owner'
  docs: PersistentMap<number, Doc> | undefined = new PersistentMap()
  items: PersistentList<Doc> | undefined = new PersistentList()
  queue = new PersistentQueue<Doc>()
}

function owner(t: Test): { db: Connection<Owner>; other: Connection<Owner> } {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, { root: Owner, durability: 'os' })
  const other = db.connect()
  db.transact(({ docs, items, queue }) => {
    for (let n = 0; n < 200; n++) {
      docs!.set(n, doc(n))
      items!.push(doc(n))
      queue.push(doc(n))
    }
  })
  t.teardown(() => {
    for (const connection of [other, db]) {
      if (connection.changed) connection.abort()
      connection.close()
    }
  })
  return { db, other }
}

t.test('a pack drops values that others took the place of, and keeps the rest', async t => {
  const { db } = owner(t)
  db.transact(({ docs }) => {
    for (let n = 0; n < 100; n++) docs!.set(n, { ...doc(n), n: -1 })
    for (let n = 100; n < 150; n++) docs!.delete(n)
  })
  t.match(await db.pack(), { dropped: 50 })
  t.equal(db.root.docs!.size, 150)
  for (const [n, value] of db.root.docs!) t.same(plain(value), { ...doc(n), n: n < 100 ? -1 : n })
  for (let n = 0; n < 200; n++) t.same(plain(db.transact(({ queue }) => queue.shift())), doc(n))
  t.ok((await db.pack()).dropped >= 200)
})

t.test('a collection that a pack has removed is whole as long as its last state is known, values included', async t => {
  for (const changedSince of [false, true]) {
    const { db, other } = owner(t)
    const docs = other.root.docs!
    const items = other.root.items!
    t.equal(docs.get(1)!.n, 1)
    t.equal(items.at(1)!.n, 1)
    if (changedSince) {
      db.transact(root => {
        root.docs!.get(150)!.n = 0
        root.items!.at(150)!.n = 0
      })
    }
    db.transact(root => {
      root.docs = undefined
      root.items = undefined
    })
    await db.pack()
    if (changedSince) {
      other.refresh()
      t.throws(() => docs.get(150), GoneError)
      t.throws(() => items.at(150), GoneError)
      continue
    }
    other.refresh()
    for (let n = 0; n < 200; n++) t.same([plain(docs.get(n)), plain(items.at(n))], [doc(n), doc(n)])
    other.root.docs = docs
    other.root.items = items
    other.commit()
    db.refresh()
    t.same(
      Array.from(db.root.docs!, ([, value]) => plain(value)),
      Array.from({ length: 200 }, (_, n) => doc(n)),
    )
    t.same(
      Array.from(db.root.items!, value => plain(value)),
      Array.from({ length: 200 }, (_, n) => doc(n)),
    )
    t.same(faultsOf(db.root.docs as never), [])
    t.ok(oidOf(db.root.docs!)! > (15 as Oid))
  }
})

t.test('printing shows one state: what is loaded and current, or else what the snapshot shows', async t => {
  for (const [count, packs] of [
    [5, false],
    [5, true],
    [300, false],
    [300, true],
  ] as const) {
    // prettier-ignore
    const { db, other, rival } = shelf(t)
    fill(db, count)
    for (const late of [other, rival]) {
      late.refresh()
      const { map, list } = late.root
      t.equal((map.get(1) as Doc).n, 1)
      t.equal((list.at(1) as Doc).n, 1)
    }
    db.transact(root => {
      root.map.delete(1)
      ;(root.map.get(2) as Doc).n = 99
      root.list.splice(1, 2)
      ;(root.list.at(0) as Doc).n = 98
    })
    if (packs) await db.pack()
    const numbers = (value: unknown): (string | undefined)[] =>
      Array.from(inspect(value, { depth: 3 }).matchAll(/ n: (\d+),\s+text/g), ([, n]) => n).slice(0, 3)
    for (const late of [other, rival]) {
      const { map, list } = late.root
      late.refresh()
      t.same([numbers(map), numbers(list)], [['0', '99', '3'], ['98', '3', '4']]) // prettier-ignore
      t.equal(map.size, count - 1)
      t.same([numbers(map), numbers(list)], [['0', '99', '3'], ['98', '3', '4']]) // prettier-ignore
      map.set(0, { ...doc(0), n: 50 })
      list.unshift({ ...doc(0), n: 51 })
      t.same([numbers(map), numbers(list)], [['50', '99', '3'], ['51', '98', '3']]) // prettier-ignore
      late.abort()
    }
  }
  const path = join(tempDir(t), 'closed.db')
  const db = open(path, { root: Owner, durability: 'os' })
  db.transact(({ docs }) => docs!.set(1, doc(1)))
  const { docs } = db.root
  t.equal(docs!.size, 1)
  db.close()
  t.equal(inspect(docs), `[PersistentMap ${oidOf(docs!)}]`, 'nothing can be read any more')
})

t.test('the same data in two places is refused, with the names of both', t => {
  const { db } = shelf(t)
  fill(db, 6)
  const { map, list } = db.root
  const refused = (change: () => void, ...names: string[]): void => {
    change()
    try {
      db.commit()
      t.fail(`${names.join()} was stored`)
    } catch (error) {
      t.match(error, { code: 'VALUE' })
      for (const name of names) t.ok((error as Error).message.includes(name), (error as Error).message)
    }
    db.abort()
  }
  for (const size of [10, 100]) {
    const bytes = new Uint8Array(size)
    refused(() => map.set('a', bytes) && map.set('b', map.get('a')), 'PersistentMap.b', 'PersistentMap.a')
    refused(
      () => {
        list.push(bytes)
        list.push(list.at(-1))
      },
      'PersistentList.7',
      'PersistentList.6',
    )
    refused(
      () => {
        list.push({ text: 'x'.repeat(size) })
        list.insert(2, list.at(-1))
      },
      'PersistentList.2',
      'PersistentList.7',
    )
  }
  refused(() => map.set(9, map.get(3)), 'PersistentMap.9', 'PersistentMap.3')
  refused(
    () => {
      list.splice(0, 2)
      list.push({ text: LONG, parts: (list.at(2) as Doc).parts })
      const parts = (list.at(0) as Doc).parts
      ;(list.at(-1) as Doc).parts = parts
    },
    'PersistentList.4.parts',
    'PersistentList.0.parts',
  )
  // Undone, it is as if it had never been there.
  const [held, parts] = [map.get(5) as Doc, (map.get(5) as Doc).parts]
  map.set(1000, held)
  ;(map.get(4) as Doc).parts = parts
  db.abort()
  held.n++
  parts.push({ n: 1 })
  db.commit()
  t.same(plain(map.get(5)), { ...doc(5), n: 6, parts: [{ n: 5 }, { n: 1 }] })
  t.end()
})

t.test('data that shrinks stays apart, another small value does not', t => {
  const { db } = shelf(t)
  fill(db, 5)
  const map = db.root.map as PersistentMap<number, unknown>
  const stored = (change: () => void): string[] => {
    change()
    db.commit()
    t.same(faultsOf(map as never), [])
    return written(db).filter(fields => fields === 'value')
  }
  t.same(
    stored(() => void ((map.get(1) as Doc).text = '')),
    ['value'],
  )
  t.same(
    stored(() => map.set(1, {})),
    ['value'],
  )
  t.same(
    stored(() => map.set(1, 'text')),
    [],
  )
  t.same(
    stored(() => map.set(1, {})),
    [],
  )
  t.same(
    stored(() => map.set(2, thing('an object'))),
    [],
  )
  t.same(plain([1, 2].map(n => map.get(n))), [{}, { type: 'Thing', oid: oidOf(map.get(2) as Thing) }])
  t.end()
})

t.test('one value of another sort in a leaf of many', t => {
  const { db, rival } = shelf(t)
  const sorts = { small: (n: number) => n, large: doc, object: (n: number) => thing(`thing ${n}`) }
  const plainly = (value: unknown): unknown => (value as Partial<Thing>).name ?? plain(value)
  for (const many of Object.values(sorts)) {
    for (const one of Object.values(sorts)) {
      db.root.map.clear()
      const expected = Array.from({ length: 300 }, (_, n) => plainly(many(n)))
      for (let n = 0; n < 300; n++) db.root.map.set(n, many(n))
      db.commit()
      for (const n of [5, 6, 299]) {
        db.root.map.set(n, one(-n))
        expected[n] = plainly(one(-n))
        db.commit()
        t.same(faultsOf(db.root.map as never), [])
        rival.refresh()
        t.same(Array.from(rival.root.map.values(), plainly), expected)
      }
    }
  }
  t.end()
})

t.test('leaves with objects, large and small values beside each other', t => {
  const random = seeded(t)
  const { db, rival } = shelf(t)
  const native = new Map<number, string>()
  for (let round = 0; round < 60; round++) {
    for (let left = 1 + random.int(3); left > 0; left--) {
      const n = random.int(round < 30 ? 10_000 : 200)
      const name = `${round} ${n}`
      db.root.map.set(n, random.pick([() => thing(name), () => ({ name, text: LONG }), () => ({ name })])())
      native.set(n, name)
    }
    db.commit()
    t.same(faultsOf(db.root.map as never), [])
    rival.refresh()
    const names = Array.from(rival.root.map, ([key, value]) => [key, (value as Thing).name])
    t.same(
      names,
      [...native].sort(([a], [b]) => a - b),
    )
  }
  t.end()
})

/** As a salvage leaves the store: these of the values that stand apart are lost. */
function loseValues(db: Connection<Shelf>, ...which: readonly number[]): void {
  const { snapshot, view } = headerOf(db.root)!.scope as Session
  const values = [...snapshot.generation.entries()].filter(([, at]) => {
    const record = snapshot.generation.read(at)
    return record.shape >= 16 && view.unpack(record).keys.join() === 'value'
  })
  const store = Store.open(systemDisk, db.path, {})
  const records = which.map(n => {
    const [oid] = values.at(n)!
    return { oid, shape: LOST_SHAPE, refs: [], ...stretchOf(new Uint8Array()) }
  })
  store.commit({ records, fresh: 0, annotation: new Uint8Array() }, store.latest(), [], true)
  store.close()
  db.refresh()
}

t.test('values that a salvage could not save are named one by one, and nothing else suffers', t => {
  const { db } = shelf(t)
  fill(db, 6)
  const { path } = db
  loseValues(db, 0, 1)
  const { map, list } = db.root
  const found: string[] = []
  verifyCollections(systemDisk, path, ({ message }) => found.push(message))
  t.equal(found.length, 2)
  for (const message of found)
    t.match(message, /the record: the value of .* cannot be read \(part \d+ of a collection could not be saved/)
  let gone = 0
  for (const get of [...map.keys()]
    .map(key => () => map.get(key))
    .concat([0, 1, 2, 3, 4, 5].map(n => () => list.at(n)))) {
    try {
      t.equal((plain(get()) as Doc).text, LONG)
    } catch (error) {
      t.match(error, { code: 'GONE' })
      gone++
    }
  }
  t.equal(gone, 2)
  t.match(inspect(map) + inspect(list), /\[lost \d+\]/)
  for (const key of [...map.keys()]) map.set(key, doc(1))
  list.splice(0, 6)
  db.commit()
  t.equal(
    verifyCollections(systemDisk, path, () => undefined),
    0,
    'and others can take their place',
  )
  t.end()
})

t.test('who takes such a value out of a list is told, and has changed nothing', t => {
  const { db } = shelf(t)
  fill(db, 6)
  loseValues(db, -6, -1)
  const { list } = db.root
  for (const take of [() => list.shift(), () => list.pop(), () => list.splice(0, 2), () => list.splice(3, 3, 1)]) {
    t.throws(take, { code: 'GONE' })
    t.same([db.changed, list.length], [false, 6])
  }
  list.set(0, 'first').set(-1, 'last')
  t.same([list.shift(), list.pop(), list.length], ['first', 'last', 4])
  db.commit()
  t.same(
    [...list].map(value => (value as Doc).n),
    [1, 2, 3, 4],
  )
  t.end()
})

t.test('each record names an object once, and copies are the same as soon as they are stored', t => {
  const { db, rival } = shelf(t)
  const { map, things } = db.root
  const [a, b] = [thing('a'), thing('b')]
  things.push(a, b)
  for (let n = 0; n < 300; n++) map.set(n, thing(`thing ${n}`))
  db.commit()
  map.set(5, map.get(7)) // in the same leaf
  db.commit()
  map.set(8, a)
  map.set(9, a)
  db.commit()
  for (let n = 300; n < 600; n++) map.set(n, n)
  db.commit()
  map.set(555, b) // among nothing but numbers
  db.commit()
  const { snapshot } = headerOf(db.root)!.scope as Session
  for (const [oid, at] of snapshot.generation.entries()) {
    const { refs } = snapshot.generation.read(at)
    if (new Set(refs).size < refs.length) t.fail(`record ${oid} refers twice to one object`)
  }
  rival.refresh()
  const copies = (root: Shelf): unknown[] => [...root.map.values({ plain: true })]
  t.strictSame(copies(db.root), copies(rival.root))
  t.match(copies(db.root)[555], { name: 'b' })
  t.end()
})

t.test('a typed array stands at one key, whichever commit put it there', async t => {
  const { db } = shelf(t)
  const { map, list } = db.root
  map.set('a', Uint8Array.of(1)).set('in', { list: [Uint8Array.of(2)] })
  list.push(Uint8Array.of(3), Uint8Array.of(4))
  db.commit()
  const inner = (map.get('in') as { list: Uint8Array[] }).list
  const refused = (change: () => unknown): void => {
    change()
    t.throws(() => db.commit(), { constructor: ValueError, message: /the same plain typed array stands at/ })
    db.abort()
  }
  refused(() => map.set('b', map.get('a')))
  refused(() => map.set('b', { again: map.get('a') }))
  refused(() => map.set('b', inner[0]))
  refused(() => (inner[1] = map.get('a') as Uint8Array))
  refused(() => {
    list.push(list.at(0))
  })
  const bytes = map.get('a') as Uint8Array
  bytes[0] = 7
  map.set('a', bytes)
  map.set('moved', inner[0])
  map.delete('in')
  list.set(0, list.at(1))
  list.splice(1, 1)
  db.commit()
  t.equal(map.get('a'), bytes, 'put where it was, it stays what it is')
  t.same([...map.keys()], ['a', 'moved'])
  t.same(plain([...list]), [Uint8Array.of(4)])
})

t.test('data that contains itself is refused, with both places', async t => {
  const { db } = shelf(t)
  const { map, list } = db.root
  map.set('a', { inner: {} })
  list.push({ inner: {} })
  for (const stored of [false, true]) {
    if (stored) db.commit()
    for (const value of [map.get('a'), list.at(0)] as { inner: Record<string, unknown> }[]) {
      value.inner.up = value
      value.inner.again = value
      t.throws(() => db.commit(), { constructor: ValueError, message: /inner\.up: the same plain object stands at/ })
      delete value.inner.up
      delete value.inner.again
    }
  }
  db.commit()
})

for (const count of [0, 1000])
  t.test(`beside ${count} others, a key has the class of the byte array that was put there last`, t => {
    const { db, rival } = shelf(t)
    const plainBytes = (): Uint8Array => Uint8Array.from([1])
    const ways = {
      alone: [() => Buffer.from([1]), plainBytes],
      back: [plainBytes, () => Buffer.from([1])],
      'in a tuple': [() => ['a', [Buffer.from([1])]], () => ['a', [plainBytes()]]],
    } as const
    for (const [name, [before, after]] of Object.entries(ways))
      for (const values of [
        ['small', LONG],
        [LONG, 'small'],
        [LONG, LONG],
        [LONG, doc(1)],
        [doc(1), doc(2)],
      ]) {
        // prettier-ignore
        db.transact(root => {
          root.map = new PersistentMap<Key, unknown>()
          for (let n = 0; n < count; n++) root.map.set(n, LONG)
          root.map.set(before(), values[0]).set('z', doc(3))
        })
        db.transact(({ map }) => {
          map.delete(before())
          map.set(after(), values[1])
        })
        rival.refresh()
        for (const { root } of [db, rival]) {
          assert.deepStrictEqual([...root.map.keys()].slice(count), ['z', after()], name)
          assert.deepStrictEqual(plain(root.map.get(before())), values[1], name)
        }
        assert.deepStrictEqual(faultsOf(db.root.map as never), [])
      }
    t.pass('all of them')
    t.end()
  })
