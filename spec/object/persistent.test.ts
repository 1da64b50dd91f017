import t, { type Test } from 'tap'
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  connectionOf,
  isUnknown,
  oidOf,
  open,
  Persistent,
  PersistentList,
  PersistentMap,
  plain,
  touch,
  typeOf,
  type Connection,
  type OpenOptions,
} from '../../lib/index.js'
import { headerOf, type Header } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import { ROOT_OID } from '../../lib/store/types.js'
import { tempDir } from '../helpers/temp-dir.js'
import { Item } from './helpers/classes.js'
import { elsewhere } from './helpers/elsewhere.js'

class Shelf extends Persistent {
  static type = 'Shelf'
  static transient = ['cache']
  first: Item | null = null
  items: Item[] = []
  settings: Record<string, { n: number; tags: string[] }> = { view: { n: 1, tags: ['a'] } }
  bytes = new Uint8Array([1, 2, 3])
  cache: Map<string, number> | undefined
  #later = 0
  get size(): number {
    return this.items.length
  }
  set size(n: number) {
    this.items.length = n
  }
  add(name: string): Item {
    const item = new Item()
    item.name = name
    this.items.push(item)
    return item
  }
  later(): number {
    return ++this.#later
  }
}

const options = { root: Shelf, classes: [Item], durability: 'os' } as const
function shelf(t: Test, more: OpenOptions = {}): Connection<Shelf> {
  const db = open(join(tempDir(t), 'shelf.db'), { ...options, ...more })
  t.teardown(() => {
    db[Symbol.dispose]()
  })
  return db
}
function other(t: Test, db: Connection<Shelf>): Connection<Shelf> {
  const connection = elsewhere<Shelf>(db.path, options)
  t.teardown(() => {
    connection[Symbol.dispose]()
  })
  return connection
}

t.test('references keep identity, cycles included', t => {
  const db = shelf(t)
  db.transact(root => {
    const a = root.add('a')
    const b = root.add('b')
    a.next = b
    b.next = a
    root.first = a
  })
  const seen = other(t, db)
  const { first, items } = seen.root
  t.equal(first, items[0])
  t.equal(first?.next?.next, first)
  t.equal(seen.get(oidOf(first as Item) as number), first)
  t.ok(first instanceof Item)
  t.end()
})

t.test('an object knows its number, type and connection once it is stored', t => {
  const db = shelf(t)
  const item = new Item()
  t.equal(oidOf(item), undefined)
  t.equal(connectionOf(item), undefined)
  db.root.first = item
  db.commit()
  t.equal(oidOf(db.root), 1)
  t.ok((oidOf(item) as number) >= 16)
  t.equal(typeOf(item), 'Item')
  t.equal(connectionOf(item), db)
  t.equal(isUnknown(item), false)
  t.throws(() => oidOf({}), { name: 'TypeError' })
  t.end()
})

t.test('new objects get their numbers in the order of their creation', t => {
  const db = shelf(t)
  const [x, y, z] = [new Item(), new Item(), new Item()]
  db.root.items.push(z, x, y)
  db.commit()
  const [a, b, c] = [x, y, z].map(item => oidOf(item) as number) as [number, number, number]
  t.same([b - a, c - b], [1, 1])
  t.end()
})

t.test('objects and plain data are ordinary to look at', t => {
  const db = shelf(t)
  const { root } = db
  t.same(Object.keys(root), ['first', 'items', 'settings', 'bytes'])
  t.equal('items' in root, true)
  t.equal('nothing' in root, false)
  t.equal(Object.hasOwn(root, 'first'), true)
  t.equal(Array.isArray(root.items), true)
  t.equal(JSON.stringify(root.settings), '{"view":{"n":1,"tags":["a"]}}')
  assert.deepStrictEqual(root.settings, { view: { n: 1, tags: ['a'] } })
  t.equal(root.items, root.items)
  t.equal(root.constructor, Shelf)
  t.equal(Object.getPrototypeOf(root), Shelf.prototype)
  t.throws(() => Object.freeze(root.items), { name: 'TypeError' })
  t.throws(() => Object.setPrototypeOf(root, null) as unknown, { name: 'TypeError' })
  t.end()
})

t.test('a change in place marks the owner', t => {
  const db = shelf(t)
  db.root.settings.view!.tags.push('b') // set by the class
  t.equal(db.changed, true)
  db.commit()
  t.same(other(t, db).root.settings, { view: { n: 1, tags: ['a', 'b'] } })
  t.end()
})

t.test('accessors and methods run on the object', t => {
  const db = shelf(t)
  db.transact(root => root.add('a'))
  t.equal(db.root.size, 1)
  db.root.size = 0
  db.commit()
  t.equal(other(t, db).root.size, 0)
  db.root.add('b')
  const derived = Object.create(db.root) as Shelf
  derived.size = 0
  t.equal(db.root.items.length, 0, 'also of what has it as its prototype')
  t.same(Object.keys(derived), [])
  db.abort()
  t.end()
})

t.test('a field cannot take the name of a method', t => {
  const db = shelf(t)
  const root = db.root as unknown as Record<string, unknown>
  t.throws(() => (root.add = 1), { code: 'VALUE', path: 'Shelf.add' })
  t.throws(() => Object.defineProperty(root, 'x', { get: () => 1 }), { code: 'VALUE' })
  t.end()
})

t.test('transient fields hold anything, beside the state', t => {
  const db = shelf(t)
  db.root.cache = new Map([['x', 1]])
  t.equal(db.changed, false)
  t.equal(db.root.cache.get('x'), 1)
  t.notOk(Object.keys(db.root).includes('cache'))
  t.equal(other(t, db).root.cache, undefined)
  t.end()
})

t.test('touch asks for the owner, and says who that is', t => {
  const db = shelf(t)
  const map = new PersistentMap<string, { n: number; bytes: Uint8Array }>([['a', { n: 1, bytes: Uint8Array.of(1) }]])
  db.transact(root => ((root.first = new Item()).next = map as unknown as Item))
  const value = map.get('a')!
  const message = `expects a persistent object: this is plain data of PersistentMap ${oidOf(map)}, which is one`
  t.throws(() => touch(value), { name: 'TypeError', message })
  t.throws(() => touch(value.bytes), { name: 'TypeError', message })
  t.throws(() => touch({}), { name: 'TypeError', message: 'expects a persistent object' })
  t.end()
})

t.test('bytes that were handed over to somebody else are refused, not stored as none', t => {
  const root: { at: { bytes?: NodeJS.TypedArray } } = { at: {} }
  const db = open(join(tempDir(t), 'bytes.db'), { root, durability: 'os' })
  const transfer = ({ buffer }: NodeJS.TypedArray): void => void structuredClone(0, { transfer: [buffer as ArrayBuffer] }) // prettier-ignore
  const gone = new Float64Array(3)
  transfer(gone)
  t.throws(() => (db.root.at.bytes = gone), { code: 'VALUE', path: 'root.at.bytes', message: /transferred/ })
  t.equal(db.changed, false)
  for (const bytes of [Uint8Array.of(1), new Float32Array(2), Buffer.from('abc')]) {
    db.root.at.bytes = bytes
    transfer(db.root.at.bytes)
    t.throws(() => db.commit(), { code: 'VALUE', path: 'root.at.bytes', message: /transferred/ })
    db.abort()
  }
  db.root.at.bytes = new Uint8Array(0)
  db.commit()
  db.close()
  t.end()
})

t.test('what cannot be done to a stored object is refused with the reason', t => {
  const db = shelf(t)
  class Addr extends Persistent {
    static type = 'Addr'
    get full(): string {
      return 'x'
    }
  }
  const addr = new Addr()
  t.throws(() => Object.assign(addr, { full: 'y' }), { name: 'TypeError', message: 'Addr.full has only a getter' })
  for (const stored of [addr, db.root, db.root.items])
    t.throws(() => Object.setPrototypeOf(stored, null) as unknown, { name: 'TypeError', message: /another prototype/ })
  t.equal(Object.setPrototypeOf(addr, Addr.prototype), addr)
  t.throws(() => open(db.path, { readonly: true, until: '1' as never }), { message: /, not '1'$/ })
  t.end()
})

t.test('bytes changed inside a typed array need touch', t => {
  const db = shelf(t)
  db.root.bytes[0] = 9
  t.equal(db.changed, false)
  touch(db.root)
  db.commit()
  t.equal(other(t, db).root.bytes[0], 9)
  t.end()
})

t.test("foreign plain data is copied in; the owner's own is moved", t => {
  const db = shelf(t)
  const kept = { n: 1, tags: ['x'] }
  db.root.settings.a = kept
  t.not(db.root.settings.a, kept)
  const { a } = db.root.settings
  db.root.settings.b = a
  delete db.root.settings.a
  t.equal(db.root.settings.b, a)
  db.root.items.push(new Item())
  const item = db.root.items[0] as Item
  item.tags = a.tags
  t.not(item.tags, a.tags, 'another owner gets a copy')
  db.abort()
  t.end()
})

t.test('what was taken out is ordinary local data after the commit', t => {
  const db = shelf(t)
  const view = db.root.settings.view!
  delete db.root.settings.view
  db.commit()
  view.n = 7
  view.tags.push('more')
  t.equal(db.changed, false)
  t.same(view, { n: 7, tags: ['a', 'more'] })
  t.end()
})

t.test('one container in two places is refused by the commit, which names both', t => {
  const db = shelf(t)
  db.root.settings.other = db.root.settings.view!
  t.throws(() => db.commit(), { code: 'VALUE', path: 'Shelf.settings.other', message: /Shelf\.settings\.view/ })
  delete db.root.settings.view
  db.commit()
  t.end()
})

t.test('a failed commit leaves the connection as it was', t => {
  const db = shelf(t)
  const seen = other(t, db)
  const item = new Item()
  db.root.first = item
  seen.root.first = null
  seen.commit()
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT', conflicts: [{ oid: 1, type: 'Shelf', kind: 'write' }] })
  t.equal(oidOf(item), undefined)
  t.equal(db.changed, true)
  t.equal(db.root.first, item)
  db.abort()
  t.equal(db.root.first, null)
  item.name = 'still there'
  db.root.first = item
  db.commit()
  seen.refresh()
  t.match(seen.root.first, { name: 'still there' })
  t.end()
})

t.test('plain data that was handed out follows its owner', t => {
  const db = shelf(t)
  const seen = other(t, db)
  const { view } = db.root.settings
  const { tags } = view!
  seen.root.settings = { view: { n: 5, tags: ['new'] } }
  seen.commit()
  db.refresh()
  t.equal(view?.n, 5)
  t.same(tags, ['new'])
  t.equal(db.root.settings.view, view)
  seen.root.settings = { view: { n: 6, tags: null as unknown as string[] } }
  seen.commit()
  db.refresh()
  t.equal(view?.n, 6)
  t.throws(() => tags.length, { code: 'STALE_DATA', oid: 1 })
  t.end()
})

t.test('elements of arrays are found again in the version in which they were got, and in no other', t => {
  const path = join(tempDir(t), 'list.db')
  const db = open(path, { root: { list: [{ n: 1 }] }, durability: 'os' })
  const [first] = db.root.list
  db.root.list.push({ n: 2 })
  db.abort()
  t.equal(first?.n, 1)
  t.equal(db.root.list[0], first)
  t.equal(db.root.list.length, 1)
  const other = open(path, { root: { list: [{ n: 1 }] }, durability: 'os' })
  other.transact(root => root.list.push({ n: 2 }))
  other.close()
  db.refresh()
  t.throws(() => first?.n, { code: 'STALE_DATA' })
  db.close()
  t.end()
})

t.test('objects of two connections do not mix', t => {
  const db = shelf(t)
  db.transact(root => root.add('a'))
  const own = db.connect()
  t.throws(() => (own.root.first = db.root.items[0] as Item), { name: 'ValueError', message: /another connection/ })
  own.close()
  t.end()
})

t.test('an object of a class that is not registered is refused by the commit', t => {
  class Strange extends Persistent {
    static type = 'Strange'
  }
  const db = shelf(t)
  db.root.first = new Strange() as unknown as Item
  t.throws(() => db.commit(), { code: 'VALUE', path: 'Shelf.first', message: /Strange is not registered/ })
  db.abort()
  t.end()
})

t.test('plain data kept after storing it is not the stored one, and a commit that sees that warns', async t => {
  const db = shelf(t)
  const warning = new Promise<Error & { code?: string }>(resolve => {
    process.on('warning', (given: Error & { code?: string }) => {
      if (given.code === 'PERDURE_KEPT_SOURCE') resolve(given)
    })
  })
  const kept = { view: { n: 1, tags: [] } as { n: number; tags: string[] } }
  db.root.settings = kept
  kept.view = { n: 2, tags: [] }
  db.commit()
  t.match(await warning, { code: 'PERDURE_KEPT_SOURCE', message: /Shelf\.settings/ })
  t.equal(db.root.settings.view?.n, 1)
})

t.test('the same of what was put into collections, or deeper into plain data', async t => {
  const path = join(tempDir(t), 'sources.db')
  const root = {
    map: new PersistentMap<string, { n: number }>(),
    list: new PersistentList<{ n: number }>(),
    deep: { part: {} },
  }
  const db = open(path, { root, durability: 'os' })
  const warnings: string[] = []
  const listen = (given: Error & { code?: string }): void => {
    if (given.code === 'PERDURE_KEPT_SOURCE') warnings.push(given.message)
  }
  process.on('warning', listen)
  const kept: [{ n: number }, { n: number }, { n: number }] = [{ n: 1 }, { n: 1 }, { n: 1 }]
  const still = { n: 1 }
  db.root.map.set('still', still)
  db.root.map.set('moved', db.root.map.get('still')!)
  db.root.map.delete('still')
  db.root.map.get('moved')!.n = 3 // the stored one
  db.root.map.set('key', kept[0])
  db.root.list.push(kept[1])
  db.root.deep.part = kept[2]
  for (const source of kept) source.n = 2
  db.commit()
  await new Promise(resolve => setImmediate(resolve))
  t.equal(warnings.length, 3)
  for (const [i, place] of ['PersistentMap.key', 'PersistentList.0', 'root.deep.part'].entries())
    t.ok(
      warnings.some(message => message.includes(`assigned to ${place} was`)),
      `${place} is named, number ${i}`,
    )
  process.off('warning', listen)
  db.close()
})

t.test('to look for that runs no code of the program within the commit', async t => {
  const path = join(tempDir(t), 'getter.db')
  const root = { list: new PersistentList<unknown>(), other: new PersistentList<string>(), data: {} as object }
  const db = open(path, { root, durability: 'os' })
  let counts = false
  const element = Object.defineProperty([0], 0, {
    get: () => {
      if (counts) db.root.other.push('from the getter')
      return 1
    },
    enumerable: true,
    configurable: true,
  })
  const { proxy, revoke } = Proxy.revocable({ n: 1 }, {})
  db.root.list.push(element)
  db.root.data = proxy
  counts = true
  revoke()
  db.commit()
  counts = false
  t.same([plain(db.root.list), plain(db.root.data), db.changed], [[[1]], { n: 1 }, false])
  db.root.other.push('later')
  db.commit()
  db.close()
  const again = open<typeof root>(path, { durability: 'os' } as never)
  t.same([...again.root.other], ['later'])
  again.close()
})

t.test('plain gives ordinary data, following as many references as it is told', t => {
  const db = shelf(t)
  db.transact(root => {
    root.first = root.add('a')
    root.first.next = root.first
  })
  const oid = oidOf(db.root.first as Item)
  t.strictSame(structuredClone(plain(db.root)), {
    first: { type: 'Item', oid },
    items: [{ type: 'Item', oid }],
    settings: { view: { n: 1, tags: ['a'] } },
    bytes: new Uint8Array([1, 2, 3]),
  })
  const deep = plain(db.root, { depth: 1 }) as { first: { next: unknown }; items: unknown[] }
  t.equal(deep.first, deep.items[0])
  t.equal(deep.first.next, deep.first)
  t.strictSame(plain(db.root.items), [{ type: 'Item', oid }], 'from plain data on it is the same')
  t.match(plain(db.root.items, { depth: 1 }), [{ next: { next: Object } }])
  t.end()
})

for (const many of [1, 3, 127, 128, 129, 400]) {
  t.test(`an object may refer to ${many} others, often to each, and names each once`, async t => {
    const path = join(tempDir(t), 'many.db')
    const options = { root: Shelf, classes: [Item], durability: 'os' } as const
    const db = open(path, options)
    for (let n = 0; n < many; n++) db.root.add(`${n}`)
    db.commit()
    db.root.items.push(...db.root.items)
    for (const name of ['one', 'another']) db.root.items.push(db.root.add(name))
    db.root.first = db.root.items[many - 1] ?? null
    db.commit()
    const { store } = (headerOf(db.root) as Header).scope as Session
    t.equal(store.current.read(store.current.newest(ROOT_OID)).refs.length, many + 2)
    db.close()
    const again = open(path, options)
    const { items, first } = again.root
    t.same(
      items.map(({ name }) => name),
      [...Array.from({ length: 2 * many }, (_, n) => `${n % many}`), 'one', 'one', 'another', 'another'],
    )
    t.equal(new Set(items).size, many + 2)
    t.equal(first, items[many - 1])
    again.close()
  })
}

t.test('a note that is no option of commit, and what is no number of an object, are refused', t => {
  const db = shelf(t)
  db.root.settings = { view: { n: 1, tags: [] } }
  const refused = (act: () => unknown, message: RegExp): void => {
    t.throws(act, { name: 'TypeError', message })
  }
  refused(() => db.commit('note' as never), /commit: expects an object of options, not 'note'; there are note, meta/)
  refused(() => db.commit({ Note: 'x' } as never), /commit: there is no option Note; did you mean note\?/)
  for (const [options, shown] of [
    [[], /not \[\]; there/],
    [new Date(0), /not 1970-01-01T00:00:00.000Z; there/],
    [new Map(), /not Map\(0\) \{\}/],
    [db.root, /there is no option first/],
    [Object.create({ Note: 'x' }), /there is no option Note/],
  ] as [object, RegExp][])
    refused(() => db.commit(options), shown)
  for (const note of [5, {}, null, true, ['x'], Object('x')] as unknown[])
    refused(() => db.commit({ note } as never), /^note must be a string, not /)
  t.ok(db.changed)
  db.commit(Object.assign(Object.create(null) as object, { note: 'x', meta: 1 }))
  for (const oid of ['key', '1', 1n, undefined, null, db.root])
    refused(() => db.get(oid as never), /get: expects the number of an object, as oidOf\(\) gives it, not /)
  t.equal(db.get(1), db.root)
  t.equal(db.get(99), undefined)
  t.end()
})

t.test('a store in memory is refused, and no file of that name is made', t => {
  const message = /^open: a store is always in a file: .* temporary directory, with \{ durability: 'os' \}$/
  t.throws(() => open(':memory:'), { name: 'TypeError', message })
  t.equal(existsSync(':memory:'), false)
  open(join(tempDir(t), ':memory:')).close()
  t.end()
})

t.test('an option that is undefined is as if it were not given', async t => {
  const none = undefined
  const db = open(join(tempDir(t), 'none.db'), {
    ...{ root: { n: 0 }, classes: none, readonly: none, until: none, durability: none, isolation: none, writes: none },
    ...{ cacheBytes: none, lockTimeout: none, mode: none, unsafeFilesystem: none, onProgress: none, signal: none },
  })
  const options = { attempts: none, timeout: none, note: none, meta: none, isolation: none, id: none }
  t.equal(
    db.transact(function add(root) {
      return ++root.n
    }, options),
    1,
  )
  t.equal(await db.transactAsync(root => ++root.n, options), 2)
  db.root.n++
  db.commit({ note: none, meta: none })
  const commits = [...db.log({ after: none, until: none, reverse: none, limit: none })]
  t.same(
    commits.map(({ note }) => note),
    [none, 'add', none, none],
  )
  t.equal(db.resolve('x', { since: none }), 'not committed')
  t.same(plain(db.root, { depth: none }), { n: 3 })
  const map = new PersistentMap([['a', 1]])
  const range = { gte: none, gt: none, lte: none, lt: none, prefix: none }
  t.same([...map.keys({ ...range, reverse: none, limit: none })], ['a'])
  t.equal(map.count(range), 1)
  t.equal((await db.pack({ onProgress: none, signal: none })).dropped, 0)
  await t.rejects(db.pack({ onProgress: 5 } as never), { name: 'TypeError', message: /onProgress must be a function/ })
  await t.rejects(db.pack({ signal: true } as never), { name: 'TypeError', message: /signal must be an AbortSignal/ })
  db.close()
})

t.test('misspelt options and impossible roots are refused, with what was meant', t => {
  const path = join(tempDir(t), 'never.db')
  const refused = (options: unknown, message: RegExp): void => {
    t.throws(() => open(path, options as never), { name: 'TypeError', message })
  }
  refused('x', /expects an object of options/)
  refused([], /expects an object of options, not \[\]/)
  refused({ readOnly: true }, /there is no option readOnly; did you mean readonly\?/)
  refused({ rot: {} }, /there is no option rot; there are root, classes/)
  refused({ classes: Item }, /classes must be an array/)
  for (const root of [null, [], 'text', 5, new Date(), new PersistentMap()])
    refused({ root }, /root must be a class that/)
  for (const lockTimeout of [-1, NaN, '5' as unknown as number])
    t.throws(() => open(path, { lockTimeout }), { name: 'RangeError', message: /lockTimeout must be/ })
  refused({ readonly: 'no' }, /readonly must be true or false, not 'no'/)
  refused({ unsafeFilesystem: 1 }, /unsafeFilesystem must be true or false/)
  refused({ onProgress: 5 }, /onProgress must be a function/)
  for (const signal of [5, null, {}, new AbortController()]) refused({ signal }, /signal must be an AbortSignal/)
  for (const mode of [0o1000, -1, 1.5, '600'])
    t.throws(() => open(path, { mode } as object), { name: 'RangeError', message: /mode must be permission bits/ })
  t.notOk(existsSync(path))
  const db = open(path, { root: Object.assign(Object.create(null) as object, { a: { b: 1 } }) })
  t.throws(() => Object.freeze((db.root as unknown as { a: object }).a), {
    name: 'TypeError',
    message: /cannot be frozen/,
  })
  t.throws(() => Object.freeze(db.root), { name: 'TypeError', message: /cannot be frozen/ })
  t.throws(() => Object.assign(db.root, { url: new URL('http://x') }), { code: 'VALUE' })
  t.throws(() => Object.assign(db.root, { pattern: /x/ }), { code: 'VALUE', message: /store what it is made of/ })
  db.close()
  t.end()
})
