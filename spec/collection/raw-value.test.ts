// A commit that changes one entry writes the others of its leaf anew without decoding them, and compares them undecoded:
// whatever can be a value must come through that as it is, and references must lead where they led.
import { inspect } from 'node:util'
import t from 'tap'
import { PersistentMap, plain } from '../../lib/index.js'
import { shelf, thing } from './store.js'

const nullObject = (fields: object): object => Object.assign(Object.create(null) as object, fields)

const values: Readonly<Record<string, () => unknown>> = {
  'an empty key alone': () => ({ '': 0 }),
  'an empty key among others': () => ({ '': 0, a: 1 }),
  'an empty key with a later number': () => ({ a: 1, '': 2 }),
  'an empty key below an empty key': () => ({ '': { '': 1, a: [{ '': 0 }] }, a: { '': 1 } }),
  'an empty key and an array': () => ({ '': [0, 1], a: 1 }),
  'an own __proto__': () => JSON.parse('{"__proto__":{"a":1},"":1}') as unknown,
  'names that objects have': () => ({ constructor: 1, hasOwnProperty: { toString: 2 } }),
  'no prototype': () => nullObject({ '': 0, a: nullObject({ '': 1 }) }),
  undefined: () => undefined,
  'special values in an array': () => [undefined, -0, NaN, Infinity, 10n, -(2n ** 70n), null],
  'a large number': () => 2 ** 53,
  'a fraction': () => 0.1,
  dates: () => [new Date(0), new Date(NaN)],
  bytes: () => Uint8Array.of(0, 255),
  'other bytes': () => ({ '': Buffer.from('a'), f: Float64Array.of(-0, 1.5) }),
  text: () => '\ufeffa\ud800b\0',
  'names in text': () => ({ '\ud800': 1, '\ufeff': 2 }),
}

/** Tells apart what the values above are made of. */
const shown = (value: unknown): string => inspect(value, { depth: 9 })

for (const many of [0, 300]) {
  t.test(`every value stays what it is while its neighbours change, among ${many} others`, async t => {
    const { db, rival } = shelf(t)
    const { map } = db.root
    for (const name of ['first', 'second', 'third']) map.set(`${name} thing`, thing(name))
    const names = Object.keys(values)
    for (const name of names) map.set(name, values[name]?.())
    for (let n = 0; n < many; n++) map.set(`${names[n % names.length]} ${n}`, thing(`${n}`))
    db.commit()
    for (const name of names) {
      rival.root.map.set(`${name}, a neighbour`, [thing(name)])
      rival.root.map.set(name.slice(0, 3), { '': 0, name, thing: thing(name) })
      rival.commit()
    }
    const fresh = db.connect()
    t.teardown(() => fresh.close())
    for (const each of [rival, fresh]) {
      for (const name of names) t.equal(shown(plain(each.root.map.get(name))), shown(values[name]?.()), name)
      for (const name of ['first', 'second', 'third'])
        t.match(plain(each.root.map.get(`${name} thing`)), { name }, 'references lead where they led')
    }
  })
}

t.test('what is stored again as it was is no change; anything else is', async t => {
  const { db, rival } = shelf(t)
  const { map } = db.root
  const names = Object.keys(values)
  const other = new PersistentMap<string, unknown>()
  map.set('a thing', thing('before')).set('other', other)
  for (const name of names) map.set(name, values[name]?.())
  db.commit()
  const commitsAfter = (key: string, value: unknown): boolean => {
    db.refresh()
    rival.refresh()
    map.get(key)
    other.set(key, 1)
    rival.root.map.set(key, value)
    // With other references in the record than before.
    rival.root.map.set('a thing', thing('after'))
    rival.commit()
    try {
      db.commit()
      return true
    } catch {
      db.abort()
      return false
    }
  }
  for (const name of names) {
    t.ok(commitsAfter(name, values[name]?.()), `${name}, again`)
    const different = names.filter(other => shown(values[other]?.()) !== shown(values[name]?.()))
    for (const other of different) {
      t.notOk(commitsAfter(name, values[other]?.()), `${other} in place of ${name}`)
      rival.root.map.set(name, values[name]?.())
      rival.commit()
    }
  }
})
