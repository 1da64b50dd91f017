import t, { type Test } from 'tap'
import { join } from 'node:path'
import { open, oidOf, Persistent, PersistentMap, plain, ValueError } from '../../lib/index.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from '../object/helpers/elsewhere.js'
import { faultsOf } from './check.js'

// Values are kept in the form that is cheapest until somebody asks for them: none of that may be seen.

class Page extends Persistent {
  static type = 'Page'
  data: unknown = null
}

class Shelf extends Persistent {
  static type = 'Shelf'
  map = new PersistentMap<number | string, unknown>()
  other: Page | null = null
}

const options = { root: Shelf, classes: [Page], durability: 'os' } as const

function shelf(t: Test) {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, options)
  t.teardown(() => db.close())
  return { path, db, map: db.root.map }
}

/** Data of every kind that is packed as it stands, and of kinds that are not. */
function anyValue(random: Random, page: Page, depth = 0): unknown {
  const simple: unknown[] = [
    0,
    -1,
    1.5,
    2 ** 40,
    NaN,
    '',
    'text',
    'ünïcode \u{1f600}',
    true,
    null,
    'x'.repeat(random.int(300)),
    random.bytes(1 + random.int(100)),
    Buffer.from(random.bytes(1 + random.int(300))),
  ]
  const special: unknown[] = [-0, undefined, 7n, new Date(5), new Uint8Array(0), new Float64Array(2), '\ud800', page]
  if (depth > 2 || random.chance(0.4)) return random.pick(random.chance(0.9) ? simple : special)
  const parts = Array.from({ length: random.int(5) }, () => anyValue(random, page, depth + 1))
  if (random.chance(0.5)) return parts
  const names = ['a', 'b', '', '7', random.chance(0.1) ? 'constructor' : 'c', 'hasOwnProperty'.slice(random.int(13))]
  return Object.fromEntries(parts.map((part, i) => [names[i] ?? 'd', part]))
}

t.test('what was put into a map is the same before a commit, after it, and elsewhere', async t => {
  const random = seeded(t)
  const { path, db, map } = shelf(t)
  const page = (db.root.other = new Page())
  db.commit()
  const wanted = new Map<number | string, unknown>()
  for (let round = 0; round < 40; round++) {
    db.transact(() => {
      for (let n = 0; n < 30; n++) {
        const key = random.chance(0.5) ? random.int(600) : `key ${random.int(600)}`
        if (random.chance(0.2)) {
          map.delete(key)
          wanted.delete(key)
          continue
        }
        const value = anyValue(random, page)
        map.set(key, value)
        wanted.set(key, value)
        if (random.chance(0.3)) t.same(plain(map.get(key)), plain(value))
      }
    })
    t.same(faultsOf(map as PersistentMap<never, unknown>), [])
    const key = random.pick([...wanted.keys()])
    t.same(plain(map.get(key)), plain(wanted.get(key)))
  }
  const seen = elsewhere<Shelf>(path, options)
  t.teardown(() => seen.close())
  t.equal(seen.root.map.size, wanted.size)
  for (const [key, value] of wanted) t.strictSame(plain(seen.root.map.get(key)), plain(value), String(key))
})

t.test('a value is copied when it is put there', async t => {
  const { db, map } = shelf(t)
  const source = { list: [1], inner: { n: 1 } }
  map.set(1, source)
  source.list.push(2)
  source.inner.n = 2
  t.same(plain(map.get(1)), { list: [1], inner: { n: 1 } })
  db.commit()
  t.same(plain(map.get(1)), { list: [1], inner: { n: 1 } })
})

t.test('a value that was asked for before the commit is the same object after it, and is changed in place', async t => {
  const { path, db, map } = shelf(t)
  map.set(1, { list: [1] })
  const value = map.get(1) as { list: number[] }
  const { list } = value
  list.push(2)
  db.commit()
  t.equal(map.get(1), value)
  t.equal(value.list, list)
  list.push(3)
  db.commit()
  const seen = elsewhere<Shelf>(path, options)
  t.teardown(() => seen.close())
  t.same(plain(seen.root.map.get(1)), { list: [1, 2, 3] })
})

t.test('what cannot be stored is refused with its place, however deep, and no getter is called', async t => {
  const { map } = shelf(t)
  let called = 0
  const getter = Object.defineProperty({}, 'price', { enumerable: true, get: () => ++called })
  for (const [value, path] of [
    [{ a: [1, { f: () => 1 }] }, 'PersistentMap.1.a.1.f'],
    [{ a: Symbol('s') }, 'PersistentMap.1.a'],
    [getter, 'PersistentMap.1.price'],
    [{ a: new Map() }, 'PersistentMap.1.a'],
    [{ a: Array(2) }, 'PersistentMap.1.a.0'],
    [Object.defineProperty({ a: 1 }, 'b', { value: 2 }), 'PersistentMap.1.b'],
    [Object.defineProperty({ a: 1 }, 'b', { enumerable: true, set: () => undefined }), 'PersistentMap.1.b'],
    [{ a: 1, [Symbol('k')]: 2 }, 'PersistentMap.1'],
    [Object.defineProperty({ a: 1 }, Symbol('k'), { value: 2 }), 'PersistentMap.1'],
    [{ a: Object.defineProperty([1], 'raw', { value: 2 }) }, 'PersistentMap.1.a'],
  ] as const) {
    t.throws(() => map.set(1, value), { path, message: new RegExp(path.replaceAll('.', '\\.')) })
    t.throws(() => map.set(1, value), ValueError)
  }
  const loop: unknown[] = [1]
  loop.push({ loop })
  t.throws(() => map.set(1, loop), /contains itself/)
  t.equal(called, 0)
  t.equal(map.size, 0)
})

t.test('containers with an object in them refer to it', async t => {
  const { path, db, map } = shelf(t)
  const page = new Page()
  map.set('page', { page, pages: [page] })
  db.commit()
  const seen = elsewhere<Shelf>(path, options)
  t.teardown(() => seen.close())
  const value = seen.root.map.get('page') as { page: Page; pages: Page[] }
  t.equal(value.page, value.pages[0])
  t.equal(oidOf(value.page), oidOf(page))
})

t.test('data in a field that is asked for only after the commit keeps its place', async t => {
  const { path, db } = shelf(t)
  db.root.other = new Page()
  const page = db.root.other
  page.data = { list: [1], inner: { n: [1] } }
  db.commit()
  const data = page.data as { list: number[]; inner: { n: number[] } }
  const { inner, list } = data
  list.push(9)
  db.abort()
  t.same(plain(list), [1], 'an abort leads it back')
  const rival = elsewhere<Shelf>(path, options)
  t.teardown(() => rival.close())
  ;(rival.root.other?.data as typeof data).inner.n.push(2)
  rival.commit()
  db.refresh()
  t.same(plain(inner), { n: [1, 2] }, 'and so does what others have committed')
  t.equal(page.data, data)
  inner.n.push(3)
  db.commit()
  rival.refresh()
  t.same(plain(rival.root.other?.data), { list: [1], inner: { n: [1, 2, 3] } })
})

t.test('a field that nobody has read is written again as it was', async t => {
  const { path, db } = shelf(t)
  const page = new Page()
  db.root.other = page
  page.data = { list: [1, { page }], when: new Date(7), bytes: new Uint8Array([1]) }
  db.commit()
  const seen = elsewhere<Shelf>(path, options)
  t.teardown(() => seen.close())
  const other = seen.root.other as Page & { more?: number }
  other.more = 1
  seen.commit()
  db.refresh()
  const data = page.data as { list: [number, { page: Page }]; when: Date; bytes: Uint8Array }
  t.equal(data.list[1].page, page)
  t.same(plain(data.bytes), new Uint8Array([1]))
  t.equal(data.when.getTime(), 7)
  t.same(plain((other.data as typeof data).list[0]), 1)
})

t.test('an element of an array that code of the application gives is stored, whatever that code stores', async t => {
  const { path, db, map } = shelf(t)
  const odd = Object.defineProperty([0, 'b'], 0, {
    enumerable: true,
    get() {
      map.set('other', { list: [1, 2, 3] })
      return 'a'
    },
  })
  map.set('odd', { odd, last: true })
  db.commit()
  const rival = elsewhere<Shelf>(path, options)
  t.teardown(() => rival.close())
  t.same(plain(rival.root.map.get('odd')), { odd: ['a', 'b'], last: true })
  t.same(plain(rival.root.map.get('other')), { list: [1, 2, 3] })
})

t.test('such code, or a length of its own, cannot make bytes of what is no value', async t => {
  const { path, db, map } = shelf(t)
  const array = (change: (array: unknown[]) => void): unknown[] => {
    const made: unknown[] = [1, 2, 3]
    const get = (): number => {
      change(made)
      return 7
    }
    return Object.defineProperty(made, 0, { get, enumerable: true, configurable: true })
  }
  const long = (length: unknown): Uint8Array =>
    Object.defineProperty(Uint8Array.of(1, 2, 3), 'length', { value: length })
  map.set(
    'shorter',
    array(made => void (made.length = 1)),
  )
  map.set('longer', [array(made => void made.push(1))])
  for (const length of [1, 1000, 2.5, '2', -1, 1e12]) map.set(`bytes ${String(length)}`, { bytes: long(length) })
  map.set('last', 'sound')
  db.commit()
  const rival = elsewhere<Shelf>(path, options)
  t.teardown(() => rival.close())
  const stored = rival.root.map
  t.same(plain(stored.get('shorter')), [7])
  t.match(plain(stored.get('longer')), [[7, 2, 3]])
  for (const [key, value] of stored)
    if (String(key).startsWith('bytes')) t.same([...(value as { bytes: Uint8Array }).bytes], [1, 2, 3])
  t.equal(stored.get('last'), 'sound')
})

t.test('a large value of bytes or text is no reason to warn', async t => {
  const { db, map } = shelf(t)
  const warnings: string[] = []
  const heard = ({ name, message }: Error): void => {
    if (name === 'PerdureWarning') warnings.push(message)
  }
  process.on('warning', heard)
  t.teardown(() => process.off('warning', heard))
  map
    .set('bytes', new Uint8Array(1 << 17))
    .set('text', 'x'.repeat(1 << 17))
    .set('date', new Date(0))
  db.commit()
  await new Promise(setImmediate)
  t.same(warnings, [])
})

t.test('bytes are copied as they come in, and are the same array from when they are asked for', async t => {
  const { path, db, map } = shelf(t)
  const given = { plain: Uint8Array.of(1, 2), buffer: Buffer.from('abc'), in: { list: [Buffer.from('d')] } }
  for (const [key, value] of Object.entries(given)) map.set(key, value)
  given.plain[0] = 9
  given.buffer[0] = 9
  const [plainBytes, buffer] = [map.get('plain') as Uint8Array, map.get('buffer') as Buffer]
  t.equal(map.get('plain'), plainBytes)
  t.same([plainBytes.constructor.name, [...plainBytes]], ['Uint8Array', [1, 2]])
  t.ok(Buffer.isBuffer(buffer) && buffer.toString() === 'abc')
  const { list } = map.get('in') as typeof given.in
  t.ok(Buffer.isBuffer(list[0]) && list[0] === list[0])
  map.set('again', buffer)
  t.throws(() => db.commit(), { constructor: ValueError, message: /the same plain typed array stands at/ })
  map.delete('buffer')
  db.commit()
  t.equal(map.get('again'), buffer, 'it was moved')
  const rival = elsewhere<Shelf>(path, options)
  t.teardown(() => rival.close())
  const stored = rival.root.map
  t.same([...(stored.get('plain') as Uint8Array)], [1, 2])
  t.ok(Buffer.isBuffer(stored.get('again')) && (stored.get('again') as Buffer).toString() === 'abc')
  t.same(plain(stored.get('in')), { list: [Buffer.from('d')] })
})
