// JSON.stringify is given copies of plain data. Nobody can tell, but by the time that it takes: it says what it would say of ordinary
// data, counts as reading, and lets nobody at what is stored.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  open,
  Persistent,
  PersistentMap,
  plain,
  StaleDataError,
  WriteConflictError,
  type Connection,
} from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

class Home extends Persistent {
  static type = 'Home'
  field: unknown = null
  map = new PersistentMap<string, unknown>()
  friend: Home | null = null
}

class Secret extends Persistent {
  static type = 'Secret'
  code = 42
  toJSON(): string {
    return 'secret'
  }
}

const options = { root: Home, classes: [Secret], durability: 'os' } as const

function values(): Record<string, unknown> {
  const bare = Object.assign(Object.create(null) as object, { a: 1, at: new Date(5) })
  return {
    flat: { a: 1, b: 'text', c: null, d: true },
    deep: {
      list: [
        { id: 1, tags: ['x', 'y'] },
        { id: 2, tags: [] },
      ],
      at: new Date(1e12),
      none: undefined,
    },
    array: [undefined, NaN, -0, Infinity, new Date(NaN), [new Date(3), undefined]],
    bytes: { small: new Uint8Array([1, 2]), buffer: Buffer.from('ab'), floats: [new Float64Array([0.5])] },
    bare,
    names: JSON.parse('{ "__proto__": { "a": [1] }, "constructor": [2], "length": 3 }'),
    named: { toJSON: 'a field', inner: { toJSON: { a: 1 } }, none: { toJSON: undefined, list: [1] } },
    empty: [{}, []],
  }
}

/** In a field of an object and in a map, as it was put in, and as another connection finds it. */
function each(t: Test, value: unknown, check: (stored: unknown, how: string) => void): void {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, options)
  t.teardown(() => db.close())
  db.transact(() => {
    db.root.field = value
    db.root.map.set('key', value)
    check(db.root.field, 'a field, put in')
    check(db.root.map.get('key'), 'in a map, put in')
  })
  const again = db.connect()
  t.teardown(() => again.close())
  check(again.root.field, 'a field, stored')
  check(again.root.map.get('key'), 'in a map, stored')
  check(again.root.field, 'a field, asked again')
}

void t.test('it says what it says of ordinary data', t => {
  const ordinary = values()
  for (const [name, value] of Object.entries(values())) {
    each(t, value, (stored, how) => {
      t.equal(JSON.stringify(stored), JSON.stringify(ordinary[name]), `${name}, ${how}`)
      t.equal(JSON.stringify({ in: [stored] }, null, 2), JSON.stringify({ in: [ordinary[name]] }, null, 2))
      t.equal(JSON.stringify(stored, ['a', 'list', 'id']), JSON.stringify(ordinary[name], ['a', 'list', 'id']))
    })
  }
  t.end()
})

void t.test('what was handed out before, and changed, stands in it', t => {
  each(t, values().deep, stored => {
    const deep = stored as { list: { id: number; tags: string[] }[]; more?: unknown }
    const { tags } = deep.list[0]!
    t.strictSame((JSON.parse(JSON.stringify(deep)) as typeof deep).list[0]?.tags, tags)
  })
  const db = open(join(tempDir(t), 'app.db'), options)
  t.teardown(() => db.close())
  db.transact(() => (db.root.field = values().deep))
  db.transact(() => {
    const deep = db.root.field as { list: { id: number; tags: string[] }[] }
    deep.list[1]!.tags.push('z')
    deep.list.push({ id: 3, tags: ['new'] })
    t.equal(JSON.stringify(deep.list), '[{"id":1,"tags":["x","y"]},{"id":2,"tags":["z"]},{"id":3,"tags":["new"]}]')
    const [taken] = deep.list.splice(0, 1)
    t.equal(JSON.stringify(taken), '{"id":1,"tags":["x","y"]}', 'what was taken out as well')
  })
  t.end()
})

void t.test('objects in it are asked themselves', t => {
  const db = open(join(tempDir(t), 'app.db'), options)
  t.teardown(() => db.close())
  const home = new Home()
  home.field = [1]
  db.transact(() => (db.root.field = { secret: new Secret(), list: [home, home] }))
  const again = db.connect()
  t.teardown(() => again.close())
  const told = '{"field":[1],"map":[],"friend":null}'
  t.equal(JSON.stringify(again.root.field), `{"secret":"secret","list":[${told},${told}]}`)
  db.transact(() => (home.field = { back: [db.root] }))
  again.refresh()
  t.throws(() => JSON.stringify(again.root), /circular/, 'a way that leads back is found')
  t.end()
})

void t.test('whoever is handed its parts cannot change what is stored', t => {
  each(t, values().deep, (stored, how) => {
    const before = JSON.stringify(stored)
    JSON.stringify(stored, (_key, value: unknown) => {
      if (Array.isArray(value)) value.push('meddled')
      else if (typeof value === 'object' && value !== null) Object.assign(value, { meddled: true })
      return Array.isArray(value) ? value.slice(0, 1) : value
    })
    const copy = (stored as { toJSON(): { list: unknown[]; at: Date } }).toJSON()
    copy.list.length = 0
    copy.at.setTime(0)
    t.equal(JSON.stringify(stored), before, how)
  })
  t.end()
})

void t.test('copies share no bytes with what is stored', t => {
  each(t, { list: [new Uint8Array([1, 2]), Buffer.from('ab'), new Float64Array([1])] }, (stored, how) => {
    const before = JSON.stringify(stored)
    for (const copy of [plain(stored), (stored as { toJSON(): unknown }).toJSON()])
      for (const bytes of (copy as { list: (Uint8Array | Float64Array)[] }).list) bytes[0] = 77
    t.equal(JSON.stringify(stored), before, how)
  })
  t.end()
})

void t.test('a way that leads back is refused as of ordinary data, if it is gone at all', t => {
  const db = open(join(tempDir(t), 'app.db'), options)
  t.teardown(() => db.close())
  const tie = (field: { a: Record<string, unknown>; list?: unknown[] }): unknown => {
    Object.assign(field.a, { keep: 1, back: field })
    field.list = [[field.a]]
    return field
  }
  const tied = tie({ a: {} })
  db.root.field = { a: {} }
  tie(db.root.field as never)
  t.throws(() => JSON.stringify(db.root.field), TypeError)
  t.equal(JSON.stringify(db.root.field, ['keep', 'a']), JSON.stringify(tied, ['keep', 'a']))
  const copy = plain(db.root.field) as { a: { back: unknown }; list: unknown[][] }
  t.equal(copy.a.back, copy)
  t.throws(() => db.commit(), { code: 'VALUE' })
  Object.assign((db.root.field as { a: object }).a, { again: db.root.field })
  t.throws(() => db.commit(), { code: 'VALUE' }, 'also if there are many such ways')
  db.abort()
  t.end()
})

void t.test('what is reached again through an object is copied again, as deep as it is still to go', t => {
  const db = open(join(tempDir(t), 'app.db'), options)
  t.teardown(() => db.close())
  db.transact(() => (db.root.field = { home: db.root, n: 1 }))
  const copy = plain(db.root.field, { depth: 1 }) as { home: { field: { home: unknown; n: number } } }
  t.not(copy.home.field, copy)
  t.strictSame(copy.home.field.n, 1)
  t.equal(copy.home.field.home, copy.home)
  t.end()
})

void t.test('a field of that name is a field like any other', t => {
  each(t, { toJSON: undefined, a: 1 }, stored => {
    const field = stored as { toJSON?: unknown; a: number }
    t.equal(field.toJSON, undefined)
    t.strictSame({ ...field }, { toJSON: undefined, a: 1 })
    t.strictSame(Object.entries(field), [
      ['toJSON', undefined],
      ['a', 1],
    ])
  })
  const db = open(join(tempDir(t), 'app.db'), options)
  t.teardown(() => db.close())
  db.transact(() => (db.root.field = { toJSON: undefined }))
  db.transact(() => ((db.root.field as { toJSON?: unknown }).toJSON ??= 'x'))
  t.strictSame(plain(db.root.field), { toJSON: 'x' })
  t.end()
})

void t.test('nobody finds it among the fields', t => {
  each(t, values().deep, stored => {
    t.notOk('toJSON' in (stored as object))
    t.notOk(Object.hasOwn(stored as object, 'toJSON'))
    t.strictSame(Object.keys(stored as object), ['list', 'at', 'none'])
    const { toJSON } = stored as { toJSON: (this: void) => unknown }
    t.equal(toJSON(), undefined, 'and without a container it does nothing')
  })
  t.end()
})

void t.test('it is a read', t => {
  const path = join(tempDir(t), 'app.db')
  const db: Connection<Home> = open(path, options)
  t.teardown(() => db.close())
  db.transact(() => {
    db.root.field = { list: [1] }
    db.root.friend = new Home()
    db.root.map.set('key', { list: [1] })
  })
  const rival = elsewhere<Home>(path, options)
  t.teardown(() => rival.close())
  const change = {
    'a field': () => ((rival.root.field as { list: number[] }).list[0] = 2),
    'in a map': () => ((rival.root.map.get('key') as { list: number[] }).list[0] = 2),
  }
  const held = { 'a field': db.root.field, 'in a map': db.root.map.get('key') }
  for (const where of ['a field', 'in a map'] as const) {
    db.refresh()
    JSON.stringify(held[where])
    rival.transact(change[where])
    db.root.friend!.field = where
    t.throws(() => db.commit(), WriteConflictError, where)
    db.abort()
    t.equal(JSON.stringify(held[where]), '{"list":[2]}', 'what was held is what stands there now')
  }
  const { list } = held['in a map'] as { list: number[] }
  rival.transact(() => rival.root.map.delete('key'))
  db.refresh()
  t.throws(() => JSON.stringify(held['in a map']), StaleDataError)
  t.throws(() => JSON.stringify(list), StaleDataError)
  t.end()
})

void t.test('plain refuses options that there are not, and does what it does in array.map', t => {
  const data = [{ a: 1 }, { b: [2] }]
  t.same(data.map(plain), data)
  t.throws(() => plain(data, { dept: 1 } as never), {
    name: 'TypeError',
    message: /there is no option dept; there are depth/,
  })
  t.throws(() => plain(data, { Depth: 1 } as never), /did you mean depth\?/)
  t.throws(() => plain(data, null as never), /expects an object of options, not null/)
  for (const depth of [-1, NaN, '1'])
    t.throws(() => plain(data, { depth } as never), {
      name: 'RangeError',
      message: /depth must be a number of at least 0/,
    })
  t.same(plain(data, { depth: Infinity }), data)
  t.end()
})
