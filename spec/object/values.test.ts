import t, { type Test } from 'tap'
import assert from 'node:assert/strict'
import { addExtension } from 'msgpackr'
import { join } from 'node:path'
import { constants } from 'node:buffer'
import { open } from '../../lib/index.js'
import { isOrdinaryString, LONGEST_UTF8 } from '../../lib/object/values.js'
import { tempDir } from '../helpers/temp-dir.js'

// tap's own reports fail on invalid dates.
function same(t: Test, found: unknown, wanted: unknown, what = 'equal'): void {
  try {
    assert.deepStrictEqual(found, wanted)
    t.pass(what)
  } catch (error) {
    t.fail(`${what}: ${String(error)}`)
  }
}

const bare = (fields: object): object => Object.assign(Object.create(null) as object, fields)
const withProto: unknown = JSON.parse('{"a":1,"__proto__":{"x":1},"z":2}')
const typed = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
]

const supported: [string, unknown][] = [
  ['null', null],
  ['undefined', undefined],
  ['booleans', [true, false]],
  [
    'small and large numbers',
    [
      0,
      1,
      -1,
      127,
      128,
      255,
      256,
      65535,
      65536,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      -(2 ** 31),
      -(2 ** 31) - 1,
      2 ** 53,
      -(2 ** 53),
      0.1,
      1e300,
      5e-324,
    ],
  ],
  ['minus zero', [-0, 0]],
  ['what is no number', [NaN, Infinity, -Infinity]],
  ['strings', ['', 'a', 'ä', '€', '😀', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(70_000), '\u0000', 'é'.repeat(100)]],
  ['lone surrogates', ['\ud800', 'a\udc00b', '\udc00\ud800', `${'x'.repeat(200)}\ud83d`]],
  ['a byte order mark', ['\ufeff', `\ufeff${'x'.repeat(100)}`, `a\ufeff`, { [`\ufeff${'k'.repeat(100)}`]: 1 }]],
  ['bigints', [0n, 1n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n, 10n ** 400n, -(10n ** 400n)]],
  ['dates', [new Date(0), new Date(-1), new Date(1.5e12), new Date(8.64e15)]],
  ['Buffer', [Buffer.from([1, 2, 3]), Buffer.alloc(0)]],
  ...typed.map((C): [string, unknown] => [
    C.name,
    [C.from([0, 1, 200]), new C(0), C.from([1, 2, 3, 4]).subarray(1, 3)],
  ]),
  ['BigInt64Array', BigInt64Array.from([-1n, 2n])],
  ['BigUint64Array', BigUint64Array.from([1n, 2n ** 64n - 1n])],
  ['floats bit for bit', [Float64Array.from([-0, NaN, 0.1]), Float32Array.from([0.1])]],
  ['nested arrays and objects', { a: [[], {}, [{ b: [1, [2]] }]], c: { d: { e: null } } }],
  ['undefined in places', { a: undefined, b: [undefined, null] }],
  ['keys in their order', { z: 1, a: 2, 10: 3, 2: 4, m: 5 }],
  ['objects without prototype', [bare({ a: 1 }), bare({}), { x: bare({ y: bare({}) }) }]],
  ['an own __proto__', withProto],
  [
    'keys that mean something elsewhere',
    { constructor: 1, hasOwnProperty: 2, toString: 3, toJSON: 4, then: 5, length: 6, valueOf: 7 },
  ],
  ['an empty key', [{ '': 1 }, { '': 0, a: 1 }, { '': [3, 1] }, { '': { '': 5 } }]],
  ['keys with lone surrogates', { 'a\ud800': 1, '\udc00': [2] }],
  ['a long array', Array.from({ length: 70_000 }, (_, i) => i)],
  ['an object of many keys', Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]))],
]

for (const [name, value] of supported) {
  t.test(`comes back equal: ${name}`, async t => {
    const path = join(tempDir(t), 'values.db')
    const db = open(path, { durability: 'os' })
    db.root.value = value
    db.root.more = { value }
    same(t, db.root.value, value, 'before the commit')
    db.commit()
    db.close()
    const again = open(path)
    same(t, again.root.value, value)
    same(t, (again.root.more as { value: unknown }).value, value)
    const keys = (x: unknown): unknown =>
      x !== null && typeof x === 'object' && !ArrayBuffer.isView(x)
        ? Object.entries(x).map(([k, v]) => [k, keys(v)])
        : 0
    same(t, keys(again.root.value), keys(value), 'key order')
    again.close()
  })
}

const cyclic: unknown[] = []
cyclic.push({ deep: cyclic })
class Foreign {
  x = 1
}
class Bytes extends Uint8Array {}
class List extends Array<number> {}
const refused: [string, unknown, string, RegExp][] = [
  ['functions', { a: [() => 1] }, 'root.value.a.0', /function/],
  ['symbols', [Symbol('x')], 'root.value.0', /symbol/],
  ['symbol keys', { a: { [Symbol('k')]: 1 } }, 'root.value.a', /symbol as a key/],
  ['Map', { m: new Map() }, 'root.value.m', /PersistentMap/],
  ['Set', new Set(), 'root.value', /PersistentSet/],
  ['foreign classes', [1, new Foreign()], 'root.value.1', /Foreign/],
  ['derived bytes', new Bytes(1), 'root.value', /Bytes/],
  ['derived arrays', [new List()], 'root.value.0', /List/],
  ['boxed strings', Object('x'), 'root.value', /String/],
  ['regular expressions', /x/, 'root.value', /RegExp/],
  ['errors', new Error('x'), 'root.value', /Error/],
  ['promises', Promise.resolve(), 'root.value', /await/],
  ['buffers without a view', new ArrayBuffer(1), 'root.value', /ArrayBuffer/],
  ['views of no type', new DataView(new ArrayBuffer(1)), 'root.value', /DataView/],
  [
    'accessors',
    {
      get a() {
        return 1
      },
    },
    'root.value.a',
    /accessor/,
  ],
  ['fields that do not show', Object.defineProperty({}, 'hidden', { value: 1 }), 'root.value.hidden', /enumerable/],
  ['holes', [1, , 3], 'root.value.1', /hole/], // eslint-disable-line no-sparse-arrays
  ['named fields of arrays', Object.assign([1], { name: 'x' }), 'root.value', /named fields/],
  ['named fields of empty arrays', Object.assign([], { name: 'x' }), 'root.value', /named fields/],
  ['hidden fields of arrays', Object.defineProperty([1], 'raw', { value: 1 }), 'root.value', /named fields/],
  ['symbols as keys of arrays', Object.assign([1], { [Symbol('k')]: 1 }), 'root.value', /named fields/],
  ['a hole beside a named field', Object.assign([1, , 3], { name: 'x' }), 'root.value.1', /hole/], // eslint-disable-line no-sparse-arrays
  ['cycles', cyclic, 'root.value.0.deep', /contains itself/],
]

for (const [name, value, at, why] of refused) {
  t.test(`refused where it is assigned, with the path: ${name}`, async t => {
    const root: { value: unknown; kept: number[] } = { value: null, kept: [1] }
    const db = open(join(tempDir(t), 'values.db'), { durability: 'os', root })
    t.throws(() => (db.root.value = value), { name: 'ValueError', code: 'VALUE', path: at, message: why })
    t.throws(() => db.root.kept.push(value as number), { name: 'ValueError' })
    t.same(db.root.kept, [1], 'nothing was done')
    t.equal(db.root.value, null)
    db.close()
  })
}

t.test('what an application registers with msgpackr changes nothing', async t => {
  const path = join(tempDir(t), 'values.db')
  class Mine {}
  addExtension({ Class: Mine, type: 1, pack: () => Buffer.from('x'), unpack: () => new Mine() })
  addExtension({ Class: Uint8Array, type: 2, pack: () => Buffer.from('y'), unpack: () => 'spoilt' })
  addExtension({ Class: Buffer, type: 3, pack: () => Buffer.from('y'), unpack: () => 'spoilt' })
  addExtension({ Class: Array, type: 4, pack: () => Buffer.from('y'), unpack: () => 'spoilt' })
  const value = { a: new Uint8Array([1, 2]), b: Buffer.from([3]), c: [1, [2]], d: new Float32Array([1]), e: '\ud800' }
  const db = open(path, { durability: 'os' })
  db.root.value = value
  db.commit()
  db.close()
  const again = open(path)
  same(t, again.root.value, value)
  again.close()
})

t.test('a stored Date refuses its setters and is a Date all the same', async t => {
  const db = open(join(tempDir(t), 'values.db'), { root: { due: new Date(0) } })
  const { due } = db.root
  t.throws(() => due.setFullYear(2000), { name: 'TypeError' })
  t.equal(due.constructor, Date)
  t.equal(new Date(due).setFullYear(2000) > 0, true, 'a copy is ordinary')
  t.equal(db.root.due, due)
  db.close()
})

t.test('an invalid date comes back invalid', async t => {
  const path = join(tempDir(t), 'values.db')
  const db = open(path)
  db.root.due = new Date(NaN)
  db.commit()
  db.close()
  const again = open(path)
  t.ok(again.root.due instanceof Date && Number.isNaN(again.root.due.getTime()))
  again.close()
})

t.test('keys beyond 64, and odd ones, stand in the record', async t => {
  const path = join(tempDir(t), 'values.db')
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]))
  const db = open(path)
  Object.assign(db.root, many, { '\ud800': 1, '': 2, toString: 3 })
  db.commit()
  db.close()
  const again = open(path)
  t.strictSame({ ...again.root }, { ...many, '\ud800': 1, '': 2, toString: 3 })
  again.close()
})

t.test('an object without a class may change its keys as often as it likes', async t => {
  const path = join(tempDir(t), 'values.db')
  const db = open(path, { durability: 'os' })
  for (let i = 0; i < 80; i++) {
    delete db.root[`f${i - 1}`]
    db.root[`f${i}`] = i
    db.commit()
  }
  db.close()
  const again = open(path)
  t.same({ ...again.root }, { f79: 79 })
  again.close()
})

t.test('no string is written as UTF-8 of which Node could not make a string again', async t => {
  t.ok(LONGEST_UTF8 <= constants.MAX_STRING_LENGTH)
  const half = 'é'.repeat(LONGEST_UTF8 / 2)
  t.equal(isOrdinaryString(half), true)
  t.equal(isOrdinaryString(`${half}x`), false)
})
