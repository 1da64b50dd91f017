// Large values stand apart from their entries: who changes one writes it alone. Nothing else may be different by that.
import { statSync } from 'node:fs'
import { join } from 'node:path'
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
  type Connection,
} from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import type { Oid } from '../../lib/store/types.js'
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
    const item = appended(() => list.at(3)!.n++)
    t.ok(item < LONG.length + 900, `${item} bytes of a list`)
    t.same(plain(list.at(3)), { ...doc(3), n: 4 })
    t.same([faultsOf(db.root.map as never), faultsOf(db.root.list as never)], [[], []])
    t.end()
  })
}

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
