// `{ plain: true }`: a passage through a map that gives what `plain` makes of the values, and keeps nothing of it.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  oidOf,
  open,
  Persistent,
  PersistentList,
  PersistentMap,
  PersistentSet,
  plain,
  type Connection,
  type PersistentClass,
} from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import type { Oid } from '../../lib/store/types.js'
import { tempDir } from '../helpers/temp-dir.js'

class Person extends Persistent {
  static type = 'Person'
  name = ''
  friend: Person | null = null
  data: unknown = null
  list = new PersistentList<number>()
  get initial(): string {
    return this.name[0] ?? ''
  }
}

class Club extends Persistent {
  static type = 'Club'
  people = new PersistentMap<string | number, Person>()
  data = new PersistentMap<string, unknown>()
  list = new PersistentList<unknown>()
}

const openClub = (path: string, classes: readonly PersistentClass[] = [Person]) =>
  open(path, { root: Club, classes: [...classes], durability: 'os' })

/** People by number, so many that the map is a tree, and every kind of data. */
function club(t: Test): string {
  const path = join(tempDir(t), 'app.db')
  const db = openClub(path)
  db.transact(club => {
    let last: Person | null = null
    for (let n = 0; n < 300; n++) {
      const person = new Person()
      person.name = `person ${n}`
      person.friend = last
      person.data = { born: new Date(n), list: [n, { last }], bytes: new Uint8Array([n]), nothing: undefined, big: 1n }
      person.list.push(n)
      club.people.set(n, person)
      club.data.set(`data ${n}`, { n, tags: ['a', 'b'], person, at: new Date(n) })
      last = person
    }
    const [first] = club.people.values()
    first!.friend = first!
    const bare = Object.assign(Object.create(null) as object, { x: -0 })
    for (let n = 0; n < 300; n++)
      club.list.push(n % 3 === 0 ? club.people.get(n) : n % 3 === 1 ? n : { n, at: new Date(n), last })
    for (const [key, value] of Object.entries({
      date: new Date(5),
      text: 'x',
      none: null,
      bare,
      buffer: Buffer.from('x'),
    }))
      club.data.set(key, value)
  })
  db.close()
  return path
}

/** What copies must be: made of the objects themselves, by another connection. */
function expected(path: string, map: 'people' | 'data', classes?: readonly PersistentClass[]): unknown[] {
  const db = openClub(path, classes)
  const entries = [...db.root[map]].map(([key, value]): [unknown, unknown] => [key, plain(value)])
  db.close()
  return entries
}

/** Is anything of the object in memory? */
function isKnown(db: Connection<Club>, oid: number): boolean {
  return (headerOf(db.root)?.scope as Session).cache.get(oid as Oid) !== undefined
}

t.test('copies are what plain gives, and nothing of them is kept', async t => {
  const path = club(t)
  const db = openClub(path)
  t.equal(db.root.people.size + db.root.data.size, 605)
  const before = (headerOf(db.root)?.scope as Session).budget.bytes
  t.strictSame([...db.root.people.entries({ plain: true })], expected(path, 'people'))
  t.strictSame([...db.root.data.entries({ plain: true })], expected(path, 'data'))
  const [first] = db.root.people.values({ plain: true })
  t.equal(first?.friend, first, 'an object that refers to itself is one object in its copy')
  const other = openClub(path)
  for (const person of other.root.people.values()) t.notOk(isKnown(db, oidOf(person)!))
  other.close()
  t.equal((headerOf(db.root)?.scope as Session).budget.bytes, before)
  db.close()
})

t.test('a collection that has itself among its keys or values is named there', async t => {
  class Ring extends Persistent {
    static type = 'Ring'
    set = new PersistentSet<string>()
    map = new PersistentMap<string, object>()
  }
  const path = join(tempDir(t), 'ring.db')
  const first = open(path, { root: Ring })
  first.transact(({ set, map }) => {
    set.add(set as never)
    map.set('itself', map)
  })
  first.close()
  const db = open(path, { root: Ring })
  const { set, map } = db.root
  t.strictSame(plain(set), new Set([{ type: 'PersistentSet', oid: oidOf(set) }]))
  t.strictSame(plain(map), new Map([['itself', { type: 'PersistentMap', oid: oidOf(map) }]]))
  db.close()
})

t.test('of an object that is known and not loaded, the copy is no reason to load it', async t => {
  const path = club(t)
  const db = openClub(path)
  const person = db.root.people.get(7)!
  t.equal(headerOf(person)?.loaded, false)
  const copy = [...db.root.people.values({ plain: true })][7]
  t.equal(headerOf(person)?.loaded, false)
  t.strictSame(copy, plain(person))
  t.equal(headerOf(person)?.loaded, true)
  t.strictSame([...db.root.people.values({ plain: true })][7], copy)
  db.close()
})

t.test('they are nobody else’s: whatever is done to one changes nothing', async t => {
  const db = openClub(club(t))
  for (const copy of db.root.data.values({ plain: true, prefix: 'data' }) as Iterable<{
    n: number
    tags: string[]
    at: Date
  }>) {
    copy.at.setTime(0)
    copy.tags.push('c')
    copy.n = -1
  }
  t.notOk(db.changed)
  t.match(db.root.data.get('data 7'), { n: 7, tags: ['a', 'b'], at: new Date(7) })
  t.equal((db.root.data.get('data 7') as { tags: string[] }).tags.length, 2)
  db.close()
})

t.test('ranges, limits and both directions are the same', async t => {
  const db = openClub(club(t))
  const { people } = db.root
  const names = (range: object) => [...people.values({ ...range, plain: true })].map(({ name }) => name)
  t.same(names({ gte: 7, lt: 9 }), ['person 7', 'person 8'])
  t.same(names({ reverse: true, limit: 2 }), ['person 299', 'person 298'])
  t.same(
    [...people.range({ gt: 297, plain: true })].map(([key, { name }]) => [key, name]),
    [
      [298, 'person 298'],
      [299, 'person 299'],
    ],
  )
  t.equal([...people.values({ plain: false, limit: 1 } as object)][0], people.get(0), 'false: the objects themselves')
  t.throws(() => people.values({ plain: 'yes' as unknown as true }), { name: 'TypeError', message: /true or false/ })
  db.close()
})

t.test('what the transaction has changed is seen as it is now', async t => {
  const db = openClub(club(t))
  const { people, data } = db.root
  people.get(1)!.name = 'changed'
  ;(people.get(2)!.data as { list: unknown[] }).list.push('changed')
  people.set(3, new Person())
  people.delete(4)
  ;(data.get('data 1') as { tags: string[] }).tags.push('changed')
  data.set('data 2', { new: true })
  const copies = new Map(people.entries({ plain: true, lt: 6 }))
  t.same([...copies.keys()], [0, 1, 2, 3, 5])
  t.equal(copies.get(1)?.name, 'changed')
  t.equal((copies.get(2)?.data as { list: unknown[] }).list.at(-1), 'changed')
  t.equal(copies.get(3)?.name, '')
  t.match(new Map(data.entries({ plain: true })).get('data 1'), { tags: ['a', 'b', 'changed'] })
  t.strictSame(new Map(data.entries({ plain: true })).get('data 2'), { new: true })
  db.abort()
  db.close()
})

t.test('reading a copy is an access: a commit that relied on it conflicts', async t => {
  const path = club(t)
  const [db, other] = [openClub(path), openClub(path)]
  let sum = 0
  for (const { name } of db.root.people.values({ plain: true })) sum += name.length
  db.root.data.set('sum', sum)
  other.transact(club => void (club.people.get(100)!.name = 'somebody else'))
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT', conflicts: [{ type: 'Person', kind: 'read' }] })
  db.abort()
  for (const value of db.root.data.values({ plain: true, prefix: 'data 1' })) sum += Object.keys(value as object).length
  db.root.data.set('sum', sum)
  other.transact(club => club.data.set('data 11', 'another'))
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT', conflicts: [{ kind: 'read', keys: ['data 11'] }] })
  db.abort()
  db.close()
  other.close()
})

t.test(
  'fields of other versions of a class, and of classes that are not registered, are as loading gives them',
  async t => {
    const path = club(t)
    class Later extends Persistent {
      static type = 'Person'
      static version = 2
      static defaults = { added: [1] }
      static upgrade(state: Record<string, unknown>, from: number): void {
        state.name = `${String(state.name)} of version ${from}`
      }
    }
    class Hiding extends Persistent {
      static type = 'Person'
      static transient = ['name']
    }
    class WithDefaults extends Persistent {
      static type = 'Person'
      static defaults = { added: [1] }
    }
    for (const classes of [[Later], [WithDefaults], [Hiding], []] as unknown as PersistentClass[][]) {
      const db = openClub(path, classes)
      t.strictSame([...db.root.people.entries({ plain: true })], expected(path, 'people', classes))
      const first = db.root.people.values({ plain: true }).next().value
      t.equal(first?.friend, first, 'an object that refers to itself is one object in its copy')
      let known = 0
      for (let oid = 20; oid < 400; oid++) known += Number(isKnown(db, oid))
      t.equal(known, 0, 'and nothing is kept')
      db.close()
    }
  },
)

t.test('what cannot be loaded throws as it does when it is used: a class that hides a field', async t => {
  const path = club(t)
  class Wrong extends Persistent {
    static type = 'Person'
    name(): void {}
  }
  const db = openClub(path, [Wrong])
  t.throws(() => [...db.root.people.values({ plain: true })], { code: 'SCHEMA' })
  db.close()
})

t.test('a map that is not stored, and one in a paused or readonly connection, give them, too', async t => {
  const map = new PersistentMap<string, { a: number[] }>([['x', { a: [1] }]])
  t.strictSame([...map.values({ plain: true })], [{ a: [1] }])
  const path = club(t)
  const writer = openClub(path)
  for (const db of [openClub(path), open(path, { root: Club, classes: [Person], readonly: true })]) {
    db.pause()
    writer.transact(club => void (club.people.get(5)!.name = 'after the pause'))
    t.equal([...db.root.people.values({ plain: true })][5]?.name, 'person 5')
    db.continue()
    t.equal([...db.root.people.values({ plain: true })][5]?.name, 'after the pause')
    writer.transact(club => void (club.people.get(5)!.name = 'person 5'))
    db.close()
  }
  writer.close()
})

t.test('a list gives them, too', async t => {
  const path = club(t)
  const [db, other, others] = [openClub(path), openClub(path), openClub(path)]
  const wanted = [...others.root.list].map(item => plain(item))
  const { list } = db.root
  t.strictSame([...list.values({ plain: true })], wanted)
  t.strictSame([...list.entries({ plain: true })], [...wanted.entries()])
  t.notOk(isKnown(db, oidOf(other.root.people.get(3)!)!), 'and keeps nothing')
  ;(list.at(2) as { n: number }).n = -2
  list.push({ pushed: [1] })
  list.splice(5, 1)
  const copies = [...list.values({ plain: true })]
  t.same(copies.length, 300)
  t.match(copies[2], { n: -2 })
  t.strictSame(copies[299], { pushed: [1] })
  t.strictSame(copies[5], wanted[6])
  ;(copies[2] as { n: number }).n = 0
  t.match(list.at(2), { n: -2 })
  other.transact(club => void ((club.list.at(200) as { n: number }).n = 0))
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' }, 'each was read')
  db.abort()
  t.throws(() => list.values({ plain: 1 as unknown as true }), { name: 'TypeError' })
  for (const each of [db, other, others]) each.close()
})
