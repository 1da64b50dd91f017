import t from 'tap'
import { format, inspect } from 'node:util'
import { join } from 'node:path'
import { open, oidOf, Persistent, PersistentMap } from '../../lib/index.js'
import { printed } from '../helpers/printed.js'
import { tempDir } from '../helpers/temp-dir.js'
import { Item } from './helpers/classes.js'
import { elsewhere } from './helpers/elsewhere.js'

t.test('looking shows fields and references, loads nothing and is no access', async t => {
  const path = join(tempDir(t), 'look.db')
  const root: { first: Item | null; list: { at: Item }[]; n: number } = { first: null, list: [], n: 1 }
  const options = { root, classes: [Item], durability: 'os' as const }
  const db = open(path, options)
  db.transact(r => {
    r.first = new Item()
    r.list = [{ at: r.first }]
  })
  const oid = oidOf(db.root.first as Item)
  const other = elsewhere<typeof db.root>(path, options)
  t.equal(inspect(other.root), `root 1 { first: [Item ${oid}], list: [ { at: [Item ${oid}] } ], n: 1 }`, 'not loaded')
  t.equal(other.root.n, 1)
  t.equal(inspect(other.root), `root 1 { first: [Item ${oid}], list: [ { at: [Item ${oid}] } ], n: 1 }`, 'loaded')
  const { list } = other.root
  t.equal(printed(list), `[ { at: [Item ${oid}] } ]`, 'plain data that nobody has used')
  t.equal(printed(list[0]), `{ at: [Item ${oid}] }`)
  t.same(Reflect.ownKeys(list[0] as object), ['at'])
  t.equal(inspect(other.root.first), `Item ${oid} { n: 0, name: '', tags: [], next: null }`)
  t.equal(inspect({ deep: { er: { and: other.root } } }), '{ deep: { er: { and: [root 1] } } }')
  t.equal(inspect(new Item()), `Item { n: 0, name: '', tags: [], next: null }`)

  const own = other.connect()
  own.root.n = 2
  inspect(own.root.first)
  inspect(own.get(oid as number))
  db.transact(r => {
    if (r.first) r.first.n++
  })
  own.commit()
  t.equal(own.root.n, 2, 'what was looked at did not conflict')
  own.close()
  other.close()
  t.match(inspect(other), /Connection/)
  db.close()
  t.match(inspect(db.path), /look\.db/)
})

t.test('what leads to a connection or a collection, and is another object, prints as such', async t => {
  const db = open(join(tempDir(t), 'look.db'), { root: { n: 1 } })
  const connection = inspect(db)
  const map = new PersistentMap([[1, 'one']])
  for (const each of [db, map]) {
    const name = each.constructor.name
    t.equal(inspect(Object.create(each)), `${name} {}`)
    t.equal(inspect({ __proto__: each, own: 1 }), `${name} { own: 1 }`)
    t.equal(inspect(new Proxy(each, {})), inspect(new Proxy(each, {}), { showProxy: true }))
    t.match(inspect({ deep: { er: { and: new Proxy(each, {}) } } }), /Proxy/)
  }
  t.equal(inspect(new Proxy(map, {})), "Proxy [ PersistentMap Map(1) { 1 => 'one' }, {} ]")
  t.match(inspect(new Proxy(db, {}), { breakLength: Infinity }), /^Proxy \[ Connection \{.*\}, \{\} \]$/)
  t.equal(inspect(db), connection)
  db.close()
})

t.test('an object that is not loaded prints with its defaults and without transient fields', async t => {
  const path = join(tempDir(t), 'look.db')
  class Before extends Persistent {
    static type = 'User'
    name = 'ada'
    secret = 'hidden'
  }
  class User extends Persistent {
    static type = 'User'
    static defaults = { tags: [{ n: 1 }], name: 'nobody', note: '' }
    static transient = ['secret', 'note']
    name = ''
  }
  class Upgraded extends User {
    static override type = 'User'
    static version = 2
    static upgrade(state: Record<string, unknown>): void {
      state.tags = []
    }
  }
  const root: { user: Persistent | null } = { user: null }
  const db = open(path, { root, classes: [Before], durability: 'os' })
  db.transact(r => (r.user = new Before()))
  const oid = oidOf(db.root.user as Persistent)
  db.close()
  const printedWith = (Class: typeof User): string[] => {
    const own = open(path, { root, classes: [Class] })
    const user = own.get(oid as number) as Persistent
    const before = inspect(user)
    Object.keys(user)
    const texts = [before, inspect(user)]
    own.close()
    return texts
  }
  const whole = `User ${oid} { name: 'ada', tags: [ { n: 1 } ] }`
  t.same(printedWith(User), [whole, whole])
  t.same(User.defaults.tags, [{ n: 1 }])
  t.same(printedWith(Upgraded), [`User ${oid} { name: 'ada' }`, `User ${oid} { name: 'ada', tags: [] }`])
})

t.test('a connection prints where it is', t => {
  const path = join(tempDir(t), 'printed.db')
  const db = open(path, { root: { n: 1 } })
  db.root.n = 2
  t.equal(
    inspect(db, { breakLength: Infinity }),
    `Connection { path: '${path}', tid: 1, changed: true, closed: false }`,
  )
  db.abort()
  db.close()
  t.match(inspect(db), /closed: true/)
  t.end()
})

t.test('data that contains itself prints, until a commit refuses it', t => {
  const root: { a: { inner: Record<string, unknown> }; map: PersistentMap<string, Record<string, unknown>> } = {
    a: { inner: {} },
    map: new PersistentMap(),
  }
  const db = open(join(tempDir(t), 'look.db'), { root, durability: 'os' })
  const { a, map } = db.root
  a.inner.up = a
  map.set('key', { inner: {} })
  const value = map.get('key') as { inner: Record<string, unknown> }
  value.inner.up = value
  t.match(inspect(db.root, { depth: 9 }), 'up: [Circular]')
  t.match(inspect(map, { depth: 9 }), 'up: [Circular]')
  t.throws(() => db.commit(), { code: 'VALUE' })
  db.abort()
  db.close()
  t.end()
})

t.test('who looks behind the Proxy, as %o and the prompt of Node do, sees the data and no internals', t => {
  const path = join(tempDir(t), 'behind.db')
  const root: { first: Item | null; list: { at: Item; tags: string[] }[] } = { first: null, list: [] }
  const options = { root, classes: [Item], durability: 'os' as const }
  const db = open(path, options)
  db.transact(r => {
    r.first = new Item()
    r.list = [{ at: r.first, tags: ['a'] }]
  })
  const oid = oidOf(db.root.first as Item)
  const behind = (value: unknown): string => inspect(value, { showProxy: true, depth: 9 }).replace(/\s+/g, ' ')
  const first = `Item ${oid} { n: 0, name: '', tags: [], next: null }`
  const tracked = `Proxy [ [ { at: Proxy [ {}, ${first} ], tags: [ 'a' ] } ], tracked ]`
  t.equal(behind(db.root.first), `Proxy [ {}, ${first} ]`)
  t.equal(behind(db.root), `Proxy [ {}, root 1 { first: [Item ${oid}], list: [ { at: [Item ${oid}], tags: [ 'a' ] } ] } ]`) // prettier-ignore
  t.equal(behind(db.root.list), tracked)
  t.equal(format('%o', db.root.list[0]?.tags), "Proxy [ [ 'a', [length]: 1 ], tracked ]")
  const other = elsewhere<typeof db.root>(path, options)
  t.equal(
    behind(other.root.list),
    `Proxy [ [ Proxy [ { at: [object ${oid}], tags: [ 'a' ] }, tracked ] ], tracked ]`,
    'nobody has used it',
  )
  other.close()
  db.close()
  t.end()
})

t.test('what is derived from a connection or a collection may lead to itself, and is not run', async t => {
  const db = open(join(tempDir(t), 'look.db'), { root: { n: 1 } })
  for (const each of [db, new PersistentMap([[1, 'one']])]) {
    const scope = Object.create(each) as Record<string, unknown>
    Object.defineProperty(scope, 'user', { enumerable: true, value: { scope, name: 'ada' } })
    Object.defineProperty(scope, 'job', { enumerable: true, value: { scope } })
    const thrown = (): never => t.fail('the getter was called') as never
    Object.defineProperty(scope, 'asked', { enumerable: true, get: thrown })
    t.match(inspect(scope), /user: \{ scope: \[Circular \*1\], name: 'ada' \}/)
    t.ok(inspect(scope).length < 500)
  }
  db.close()
})
