// Objects of many fields are no hash tables in memory, whether their class is the program's or they are plain, and hold what they held.
import t from 'tap'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { open, Persistent, PersistentMap, plain } from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import type { EntityHeader } from '../../lib/object/persistent.js'
import { roomFor } from '../../lib/object/wide.js'
import { tempDir } from '../helpers/temp-dir.js'

setFlagsFromString('--allow-natives-syntax')
// eslint-disable-next-line @typescript-eslint/no-implied-eval -- what the engine makes of an object, only it can say
const isCompact = new Function('object', 'return %HasFastProperties(object)') as (object: object) => boolean

class Root extends Persistent {
  static type = 'Root'
  objects: Persistent[] = []
  data = new PersistentMap<number, Record<string, unknown>>()
}

const COUNT = 20

function fields(count: number, n: number): Record<string, unknown> {
  const names = Array.from({ length: count }, (_, i) => `field ${i}`)
  return Object.fromEntries(names.map((name, i) => [name, i % 3 === 0 ? n * i : i % 3 === 1 ? `text ${n}` : null]))
}

for (const count of [17, 40, 64]) {
  t.test(`${count} fields`, t => {
    // One for each count: how much room the engine makes is settled by the first objects of a class.
    class Wide extends Persistent {
      static type = 'Wide'
      constructor(n: number) {
        super()
        Object.assign(this, fields(count, n))
      }
    }
    const path = join(tempDir(t), 'wide.db')
    const classes = [Wide]
    const db = open(path, { root: Root, classes, durability: 'os' })
    db.transact(({ objects, data }) => {
      for (let n = 0; n < COUNT; n++) {
        objects.push(new Wide(n))
        data.set(n, fields(count, n))
      }
    })
    const state = (object: unknown): object => (headerOf(object) as EntityHeader).state ?? {}
    t.ok(isCompact(state(db.root.objects.at(-1))), 'a new object')
    db.close()

    const { root } = open(path, { root: Root, classes, durability: 'os' })
    root.objects.forEach((object, n) => {
      t.strictSame(plain(object), fields(count, n))
      t.strictSame(Object.keys(object), Object.keys(fields(count, n)))
    })
    t.ok(isCompact(state(root.objects.at(-1))), 'an object that was loaded')
    t.ok(isCompact(plain(root.objects.at(-1)) as object), 'a copy of it')
    const copies = [...root.data.values({ plain: true })]
    copies.forEach((copy, n) => {
      t.strictSame(copy, fields(count, n))
      t.strictSame(Object.keys(copy), Object.keys(fields(count, n)))
    })
    t.ok(isCompact(copies.at(-1) as object), 'a copy of plain data')
    t.ok(isCompact(plain(root.data.get(COUNT - 1)) as object), 'a copy of a value that was handed out')
    for (const [n, value] of root.data) t.strictSame(plain(value), fields(count, n))
    t.end()
  })
}

t.test('room is there for keys that were met before, and for those only', t => {
  const keys = (count: number, name = ''): string[] => Array.from({ length: count }, (_, i) => `${name}"${i}`)
  t.equal(roomFor(keys(16)), undefined, 'few')
  t.equal(roomFor(keys(16)), undefined, 'few again')
  t.equal(roomFor(keys(17)), undefined, 'for the first time')
  t.strictSame(Object.keys(roomFor(keys(17)) as object), keys(17))
  t.not(roomFor(keys(17)), roomFor(keys(17)), 'each has its own')
  t.equal(roomFor([...keys(16), 'other']), undefined, 'another last key')
  t.equal(roomFor(keys(17).reverse()), undefined, 'another order')
  t.strictSame(Object.keys(roomFor(keys(17)) as object), keys(17), 'still')
  for (let n = 0; n < 4; n++) t.equal(roomFor(keys(20, `${n}`)), undefined)
  t.equal(roomFor(keys(17)), undefined, 'forgotten for others')
  for (let n = 0; n < 2; n++) t.equal(roomFor(keys(1000)), undefined, 'too many')
  t.end()
})

t.test('keys that are numbers, and what prototypes have', t => {
  const path = join(tempDir(t), 'wide.db')
  const names = ['z', '10', '2', 'constructor', 'toString', '__proto__', 'hasOwnProperty', ...'abcdefghijklmnop']
  const make = (n: number): object => Object.fromEntries(names.map(name => [name, `${name} of ${n}`]))
  const db = open(path, { root: Root, durability: 'os' })
  db.transact(({ data }) => {
    for (let n = 0; n < 5; n++) data.set(n, make(n) as Record<string, unknown>)
  })
  db.close()
  const { root } = open(path, { root: Root, durability: 'os' })
  const entries = [...root.data.entries({ plain: true })]
  t.equal(entries.length, 5)
  for (const [n, value] of entries) t.strictSame(Object.entries(value), Object.entries(make(n)))
  for (const [n, value] of root.data) t.strictSame(Object.entries(plain(value) as object), Object.entries(make(n)))
  t.end()
})
