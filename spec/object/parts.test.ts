// Containers in plain data get their handlers when they are asked for. Nobody can tell when that was.
import t, { type Test } from 'tap'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { open, Persistent, PersistentMap, plain, StaleDataError, type Connection } from '../../lib/index.js'
import { isBare, nodeOf } from '../../lib/object/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

interface Data {
  n: number
  inner: { deep: { list: { id: number }[] }; tags: string[] }
  taken?: unknown
}
const data = (): Data => ({ n: 1, inner: { deep: { list: [{ id: 1 }, { id: 2 }] }, tags: ['a'] } })

class Home extends Persistent {
  static type = 'Home'
  field: Data = data()
  map = new PersistentMap<string, Data>([['key', data()]])
}
const options = { root: Home, durability: 'os' } as const

/** Where the data stands: in a field of an object, or at a key of a map. */
const owners: readonly (readonly [
  where: string,
  get: (home: Home) => Data,
  set: (home: Home, value: Data) => unknown,
])[] = [
  ['in a field', home => home.field, (home, value) => (home.field = value)],
  ['in a map', home => home.map.get('key') as Data, (home, value) => home.map.set('key', value)],
]

function stored(t: Test): { readonly rival: Connection<Home>; readonly again: () => Connection<Home> } {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, options)
  const rival = elsewhere<Home>(path, options)
  // As a connection that has loaded nothing yet.
  const again = (): Connection<Home> => {
    const own = db.connect()
    t.teardown(() => {
      if (own.changed) own.abort()
      own.close()
    })
    return own
  }
  t.teardown(() => {
    rival.close()
    db.close()
  })
  return { rival, again }
}

for (const [where, get, set] of owners) {
  t.test(`${where}, a container has no handlers before it is asked for, and is the same from then on`, async t => {
    const { root } = stored(t).again()
    const top = get(root)
    const bareIn = (value: object): unknown[] => Object.values(nodeOf(value)?.target ?? {}).filter(isBare)
    t.equal(top.n, 1)
    t.equal(bareIn(top).length, 1)
    const { inner } = top
    t.equal(bareIn(top).length, 0)
    t.equal(bareIn(inner).length, 2)
    t.equal(get(root).inner, inner)
    t.equal(inner.deep, inner.deep)
    t.equal(inner.deep.list[1], inner.deep.list.at(1))
  })

  t.test(`${where}, whatever hands a container out, changes in it are seen`, async t => {
    const ways: Record<string, (top: Data) => Data['inner']> = {
      'a field': top => top.inner,
      'Object.values': top => Object.values(top)[1] as Data['inner'],
      'Object.entries': top => (Object.entries(top)[1] as [string, Data['inner']])[1],
      'a copy of the fields': top => ({ ...top }).inner,
      'a property descriptor': top => Reflect.getOwnPropertyDescriptor(top, 'inner')?.value as Data['inner'],
      'Reflect.get': top => Reflect.get(top, 'inner'),
    }
    for (const [name, way] of Object.entries(ways)) {
      const { again } = stored(t)
      const own = again()
      way(get(own.root)).tags.push(name)
      t.ok(own.changed, name)
      own.commit()
      t.strictSame(plain(get(again().root).inner.tags), ['a', name])
    }
  })

  t.test(`${where}, whatever hands out an element, changes in it are seen`, async t => {
    const ways: Record<string, (list: { id: number }[]) => { id: number }> = {
      'an index': list => list[1] as { id: number },
      at: list => list.at(-1) as { id: number },
      iteration: list => [...list][1] as { id: number },
      find: list => list.find(({ id }) => id === 2) as { id: number },
      filter: list => list.filter(({ id }) => id === 2)[0] as { id: number },
      slice: list => list.slice(1)[0] as { id: number },
      entries: list => [...list.entries()][1]?.[1] as { id: number },
      sort: list => list.sort((a, b) => b.id - a.id)[0] as { id: number },
      reverse: list => list.reverse()[0] as { id: number },
    }
    for (const [name, way] of Object.entries(ways)) {
      const { again } = stored(t)
      const own = again()
      way(get(own.root).inner.deep.list).id = 7
      own.commit()
      t.strictSame(
        get(again().root)
          .inner.deep.list.map(({ id }) => id)
          .sort(),
        [1, 7],
        name,
      )
    }
    for (const name of ['pop', 'shift', 'splice'] as const) {
      const own = stored(t).again()
      const { list } = get(own.root).inner.deep
      const out = name === 'splice' ? list.splice(0, 1)[0] : list[name]()
      if (!out) throw new Error('nothing was taken out')
      list.push(out)
      t.equal(list.at(-1), out, `${name} gives what can be put back as it is`)
    }
  })

  t.test(`${where}, a container first asked for where its own container was taken out is local data`, async t => {
    const { again } = stored(t)
    const own = again()
    const { inner } = get(own.root)
    set(own.root, { n: 2, inner: { deep: { list: [] }, tags: [] } })
    const { tags } = inner
    tags.push('local')
    own.commit()
    t.strictSame(plain(get(own.root).inner.tags), [])
    t.strictSame(plain(tags), ['a', 'local'])
    tags.push('still')
    t.notOk(own.changed)
    set(own.root, data())
    own.abort()
    t.strictSame(plain(tags), ['a', 'local', 'still'])
  })

  t.test(`${where}, and it returns to its stored place when that is undone`, async t => {
    const { again } = stored(t)
    const own = again()
    const { inner } = get(own.root)
    set(own.root, { n: 2, inner: { deep: { list: [] }, tags: [] } })
    const { tags } = inner
    tags.push('local')
    own.abort()
    t.strictSame(plain(tags), ['a'])
    t.equal(get(own.root).inner.tags, tags)
    tags.push('b')
    own.commit()
    t.strictSame(plain(get(again().root).inner.tags), ['a', 'b'])
  })

  t.test(`${where}, it follows its stored place however late it was asked for`, async t => {
    const { rival, again } = stored(t)
    const own = again()
    const { inner } = get(own.root)
    const change = (tags: string[]): void => {
      rival.refresh()
      set(rival.root, { n: 3, inner: { deep: { list: [{ id: 9 }] }, tags } })
      rival.commit()
      own.refresh()
    }
    change(['second'])
    const { tags, deep } = inner
    t.strictSame(plain(tags), ['second'])
    const [first] = deep.list
    change(['third'])
    t.strictSame(plain(tags), ['third'])
    t.equal(get(own.root).inner.tags, tags)
    t.equal(get(own.root).inner.deep, deep)
    t.throws(() => first?.id, StaleDataError)
  })

  t.test(`${where}, a container that was moved with parts that nobody asked for is found with them`, async t => {
    const { again } = stored(t)
    const own = again()
    const top = get(own.root)
    const { inner } = top
    top.taken = inner
    top.inner = data().inner
    const { deep } = inner
    deep.list.push({ id: 3 })
    own.commit()
    t.equal(top.taken, inner)
    t.strictSame((plain(get(again().root).taken) as Data['inner']).deep.list, [{ id: 1 }, { id: 2 }, { id: 3 }])
    deep.list.push({ id: 4 })
    own.abort()
    t.equal(deep.list.length, 3)
  })

  t.test(`${where}, what is inherited is no part`, async t => {
    const { root } = stored(t).again()
    const top = get(root) as Data & { __proto__: unknown }
    t.equal(top.__proto__, Object.prototype)
    t.equal(top.constructor, Object)
    t.strictSame(Object.keys(top), ['n', 'inner'])
    t.equal(
      (top.inner.tags as { [Symbol.unscopables]?: unknown })[Symbol.unscopables],
      Array.prototype[Symbol.unscopables],
    )
  })

  t.test(`${where}, copies of data with parts that nobody asked for are whole`, async t => {
    const { again } = stored(t)
    const own = again()
    t.strictSame(plain(get(own.root)), data())
    t.same(JSON.parse(JSON.stringify(get(again().root))), data())
    const other = own.root.map
    other.set('copy', get(again().root))
    own.commit()
    t.strictSame(plain(again().root.map.get('copy')), data())
  })
}

t.test('what is put back into an object that had no plain data by then is found again like any other', t => {
  const { rival, again } = stored(t)
  const own = again()
  const root = own.root as Omit<Home, 'field'> & { field: Data | number }
  const others = rival.root as Home & { other?: number }
  const kept = own.root.field
  root.field = 1
  own.commit()
  rival.transact(() => (others.other = 1))
  own.refresh()
  t.equal(root.field, 1)
  root.field = kept
  own.commit()
  rival.transact(() => (others.other = 2))
  own.refresh()
  t.equal(kept.n, 1)
  t.equal(own.root.field, kept)
  kept.n = 2
  own.commit()
  rival.refresh()
  t.equal(rival.root.field.n, 2)
  t.end()
})

t.test('an object may hold any number of containers', t => {
  const { rival } = stored(t)
  const many = 16_000
  const root = rival.root as unknown as Record<string, { n: number }>
  rival.transact(() => {
    for (let n = 0; n < many; n++) root[`k${n}`] = { n }
  })
  const own = rival.connect()
  let sum = 0
  for (let n = 0; n < many; n++) sum += (own.root as unknown as typeof root)[`k${n}`]?.n ?? 0
  t.equal(sum, (many * (many - 1)) / 2)
  own.close()
  t.end()
})

t.test('what comes from the defaults of a class and is taken out is local data', t => {
  const path = join(tempDir(t), 'app.db')
  class Before extends Persistent {
    static type = 'Home'
    n = 1
  }
  class After extends Persistent {
    static type = 'Home'
    static defaults = { more: { n: 1 } }
    n = 1
    more: { n: number } | null = null
  }
  open(path, { root: Before, durability: 'os' }).close()
  const db = open(path, { root: After, durability: 'os' })
  t.teardown(() => db.close())
  const held = db.root.more!
  t.equal(held.n, 1)
  db.root.more = null
  db.commit()
  held.n = 7
  t.notOk(db.changed)
  t.end()
})

t.test('bytes in two fields are refused, and both are named', t => {
  class Bytes extends Persistent {
    static type = 'Bytes'
    one: Uint8Array | null = null
    two: Uint8Array | null = null
  }
  const db = open(join(tempDir(t), 'app.db'), { root: Bytes, durability: 'os' })
  t.teardown(() => db.close())
  for (const load of [false, true]) {
    db.root.one = new Uint8Array([1])
    if (load) db.commit()
    const own = load ? db.connect() : db
    own.root.two = own.root.one
    t.throws(() => own.commit(), { code: 'VALUE', message: /stands at Bytes\.one too/ })
    own.abort()
    if (load) own.close()
  }
  t.end()
})

t.test('what was asked for where the stack is full is tracked when it is handed out', async t => {
  const path = join(tempDir(t), 'full.db')
  // This one is put in by a call, which can fail.
  const root = { doc: JSON.parse('{"__proto__":{"n":0}}') as { ['__proto__']: { n: number } } }
  const first = open(path, { root, durability: 'os' })
  first.close()
  const db = open(path, { root, durability: 'os' })
  const { doc } = db.root
  const { defineProperty } = Object
  Object.defineProperty = () => {
    throw new RangeError('as where the stack is full')
  }
  try {
    assert.throws(() => doc['__proto__'], RangeError)
  } finally {
    Object.defineProperty = defineProperty
  }
  doc['__proto__'].n = 5
  t.ok(db.changed)
  db.commit()
  db.close()
})
