// A root without a class, whose initial values have more than the store has: what can be copied is there at once and written
// with the next change; persistent objects are stored when the store is opened.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { oidOf, open, Persistent, PersistentList, PersistentMap, PersistentSet, plain } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'

class Settings extends Persistent {
  static type = 'Settings'
  colour = 'red'
  recent = new PersistentList<string>(['first'])
  self: Settings | null = null
}

const OS = { durability: 'os' } as const

t.test('a collection that was added to the initial values is stored in a store that has been there before', t => {
  const path = join(tempDir(t), 'notes.db')
  open(path, { ...OS, root: { a: 1 } }).close()
  const root = { a: 1, tags: ['none'], byName: new PersistentMap<string, number>([['zero', 0]]) }
  const db = open(path, { ...OS, root })
  const { byName } = db.root
  t.ok(oidOf(byName), 'it is stored')
  const own = db.connect()
  t.equal(own.root.byName.get('zero'), 0)
  own.close()
  db.transact(() => byName.set('one', 1))
  db.close()
  t.same([...root.byName], [['zero', 0]], 'what was given stays what it is')
  for (const readonly of [true, false]) {
    const again = open(path, { ...OS, root, readonly })
    t.same([...again.root.byName].sort(), [
      ['one', 1],
      ['zero', 0],
    ])
    t.same(plain(again.root.tags), ['none'])
    again.close()
  }
  t.end()
})

t.test('the same options open any number of stores, new and old ones', t => {
  const dir = tempDir(t)
  const settings = new Settings()
  settings.self = settings
  const root = { a: 1, settings, nested: { sets: [new PersistentSet<number>([3])] } }
  const options = { ...OS, root, classes: [Settings] }
  for (const name of ['old', 'older']) open(join(dir, name), { ...OS, root: { a: 0 } }).close()
  const stores = ['new', 'old', 'older', 'newer'].map(name => open(join(dir, name), options))
  for (const [i, db] of stores.entries()) {
    db.transact(({ settings, nested }) => {
      settings.recent.push(String(i))
      nested.sets[0]?.add(i)
    })
  }
  for (const [i, db] of stores.entries()) {
    const { settings, nested } = db.root
    t.same([...settings.recent], ['first', String(i)])
    t.equal(settings.self, settings)
    t.same([...(nested.sets[0] ?? [])], [...new Set([i, 3])].sort())
    db.close()
  }
  t.same([...settings.recent], ['first'])
  t.end()
})

t.test('nothing is written for a reader, nor where nothing is missing', t => {
  const path = join(tempDir(t), 'notes.db')
  open(path, { ...OS, root: { a: 1 } }).close()
  const root = { a: 1, b: 2, map: new PersistentMap<string, number>() }
  const reader = open(path, { ...OS, root, readonly: true })
  t.same(Object.keys(reader.root), ['a', 'b'])
  t.equal(reader.tid, 1)
  reader.close()
  for (let n = 0; n < 2; n++) {
    const db = open(path, { ...OS, root })
    t.equal(db.tid, 2)
    db.close()
  }
  t.end()
})

t.test('two programs that open it at once agree', t => {
  const path = join(tempDir(t), 'notes.db')
  const before = open(path, { ...OS, root: { a: 1 } })
  const db = open(path, { ...OS, root: { a: 1, map: new PersistentMap<string, number>() } })
  const { map } = db.root
  before.transact(root => (root.a = 2))
  const other = open(path, { ...OS, root: { a: 1, map: new PersistentMap<string, number>() } })
  other.transact(root => root.map.set('x', 1))
  db.refresh()
  t.equal(map.get('x'), 1)
  for (const each of [before, db, other]) each.close()
  t.end()
})

t.test('what leads back to itself is refused, and so are objects among the defaults of a class', t => {
  const dir = tempDir(t)
  open(join(dir, 'old'), { ...OS, root: {} }).close()
  const map = new PersistentMap<string, unknown>()
  map.set('self', map)
  t.throws(() => open(join(dir, 'old'), { ...OS, root: { map } }), { code: 'STATE', message: /leads back to itself/ })
  class Bad extends Persistent {
    static type = 'Bad'
    static defaults = { inner: { map: new PersistentMap() } }
  }
  t.throws(() => open(join(dir, 'old'), { ...OS, classes: [Bad] }), {
    name: 'TypeError',
    message: /Bad\.defaults\.inner holds a persistent object, of which there would be one for all/,
  })
  t.end()
})

t.test('what cannot be stored is refused as in a new store', t => {
  const dir = tempDir(t)
  const map = new PersistentMap<string, number>()
  const itself: Record<string, unknown> = { map }
  itself.inner = { itself }
  const deep = Array.from({ length: 50_000 }).reduce<unknown>(below => ({ below }), map)
  class Derived extends Array<unknown> {}
  let asked = 0
  const odd: Record<string, unknown> = {
    itself,
    deep,
    'named field': Object.assign([map], { named: 1 }),
    accessor: {
      map,
      get asked() {
        return ++asked
      },
    },
    symbol: { map, [Symbol('odd')]: 1 },
    'not enumerable': Object.defineProperty({ map }, 'hidden', { value: 1 }),
    // eslint-disable-next-line no-sparse-arrays -- the hole is the case
    hole: [map, , 1],
    derived: Derived.of(map),
    'instance of a class': Object.assign(new (class Some {})(), { map }),
  }
  const refusal = (name: string, value: unknown): unknown => {
    try {
      const db = open(join(dir, name), { ...OS, root: { value } })
      db.close()
      return 'none'
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      return { code, message }
    }
  }
  for (const [what, value] of Object.entries(odd)) {
    const isNew = refusal(`new ${what}`, value)
    open(join(dir, what), { ...OS, root: {} }).close()
    t.match(isNew, { code: 'VALUE', message: /^root\.value/ }, what)
    if (what !== 'deep') t.same(refusal(what, value), isNew, what)
    const again = open(join(dir, what), OS)
    t.equal(again.tid, 1, 'nothing is stored')
    again.close()
  }
  t.equal(asked, 0)
  const frozen = Object.freeze({ all: Object.freeze([map, new Date(1)]) })
  const db = open(join(dir, 'deep'), { ...OS, root: { frozen } })
  t.same(plain(db.root, { depth: 2 }), { frozen: { all: [new Map(), new Date(1)] } })
  db.close()
  t.end()
})

t.test(
  'an initial value that is no ordinary field is refused with a word on what to do, and no getter is called',
  t => {
    const dir = tempDir(t)
    let asked = 0
    const getter = {
      a: 1,
      get later() {
        return ++asked
      },
    }
    const setter = Object.defineProperty({ a: 1 }, 'later', { set: () => undefined, enumerable: true })
    const accessor = /^root\.later: an accessor cannot be stored: give the value .* or make it a getter of a class/
    const odd: Record<string, readonly [root: object, message: RegExp]> = {
      getter: [getter, accessor],
      setter: [setter, accessor],
      nested: [{ a: 1, nested: getter }, /^root\.nested\.later: an accessor cannot be stored: give the value/],
      symbol: [{ a: 1, [Symbol('odd')]: 1 }, /^root: a symbol as a key \(Symbol\(odd\)\)/],
      hidden: [Object.defineProperty({ a: 1 }, 'later', { value: 1 }), /^root\.later: a field that is not enumerable/],
    }
    for (const [what, [root, message]] of Object.entries(odd)) {
      const path = join(dir, what)
      t.throws(() => open(path, { ...OS, root }), { code: 'VALUE', message }, `${what} of a new store`)
      t.notOk(existsSync(path), 'which is not made')
      open(path, { ...OS, root: { a: 1 } }).close()
      for (const readonly of [false, true])
        t.throws(() => open(path, { ...OS, root, readonly }).root.valueOf(), { code: 'VALUE', message }, what)
    }
    t.equal(asked, 0)
    t.end()
  },
)
