// Files made to harm: all their checksums are right, and what they say is not. Each must give typed errors (or, where it means
// something, values) within a second and a small multiple of its size in memory, and reach no prototype.
import t from 'tap'
import { Packr } from '../../lib/object/msgpack.js'
import { TAG } from '../../lib/object/values.js'
import { random } from '../helpers/seeded.js'
import {
  breakRecords,
  craft,
  craftFrames,
  craftRoot,
  SHAPE,
  varints,
  type CraftedFrame,
  type CraftedRecord,
} from './crafted-file.js'
import { craftTree, FAULTY } from './crafted-tree.js'
import { exercise, prototypes } from './exercise.js'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const pack = (value: unknown): Buffer => packr.pack(value)
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const repeat = (text: string, times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => hex(text)))
/** The state of a root with one field, from the bytes of that field's value. */
const field = (...value: Uint8Array[]): Buffer => Buffer.concat([hex('91'), ...value])
const rootOf = (...value: Uint8Array[]): Buffer => craftRoot(field(...value))
const special = (...parts: unknown[]): Buffer => rootOf(pack({ '': parts }))
const shapeOf = (state: Uint8Array, rootState = hex('91 01')): Buffer =>
  craft([
    { oid: 17, shape: 0, state },
    { oid: 1, shape: 17, state: rootState },
  ])
const withRoot = (...more: CraftedRecord[]): CraftedRecord[] => [{ oid: 1, state: hex('91 01') }, ...more]

const MEGABYTE = 2 ** 20
const MOST = Number.MAX_SAFE_INTEGER
const numbers = random(7)

const FILES: Readonly<Record<string, () => Uint8Array>> = {
  // lengths and counts
  'an array of 2^32 - 1': () => rootOf(hex('dd ff ff ff ff')),
  'a map of 2^32 - 1': () => rootOf(hex('df ff ff ff ff')),
  'a string of 2^32 - 1': () => rootOf(hex('db ff ff ff ff')),
  'bytes of 2^32 - 1': () => rootOf(hex('c6 ff ff ff ff')),
  'arrays that each claim all the rest': () => {
    const bytes = repeat('dd 00 00 00 00', 1500)
    for (let at = 0; at < bytes.length; at += 5) bytes.writeUInt32BE(bytes.length - at - 5, at + 1)
    return rootOf(bytes)
  },
  'a thousand arrays of 2^16 - 1 in a row': () => craftRoot(Buffer.concat([hex('dc 03 e8'), repeat('dc ff ff', 1000)])),
  'an array that is cut short': () => rootOf(hex('dd 00 00 00 05 01 02')),
  'a value behind the state': () => craftRoot(hex('91 01 01')),
  'an empty state': () => craftRoot(new Uint8Array()),
  'a state that is no array': () => craftRoot(hex('a1 78')),
  'a state with too many values': () => craftRoot(hex('92 01 02')),
  'a state with too few': () => craftRoot(hex('90')),

  // depth
  'a million arrays in each other': () => rootOf(repeat('91', MEGABYTE), hex('01')),
  'a hundred thousand maps in each other': () => rootOf(repeat('81 a1 61', 100_000), hex('01')),
  'a hundred thousand objects with escapes': () => rootOf(repeat('81 a0 93 05 91 a0 91', 100_000), hex('01')),
  'arrays as deep as they may be': () => rootOf(repeat('91', 998), hex('01')),
  'a key of a map, nested deeply': () =>
    shapeOf(pack(['PersistentSet', 1, ['values']]), field(repeat('91', 900), hex('01'))),

  // extensions
  ...Object.fromEntries(
    [0x00, 0x42, 0x62, 0x65, 0x69, 0x70, 0x72, 0x73, 0x74, 0x78, 0xff].flatMap(type => {
      const name = `an extension of type ${type.toString(16)}`
      const byte = Buffer.of(type)
      return [
        [name, () => rootOf(hex('c7 04'), byte, hex('92 a1 78 01'))],
        [`${name}, of fixed length`, () => rootOf(hex('d4'), byte, hex('40'))],
        [`${name}, of 2^32 - 1 bytes`, () => rootOf(hex('c9 ff ff ff ff'), byte)],
      ]
    }),
  ),
  'a record definition and its use': () => rootOf(hex('92 d4 72 40 91 a9'), Buffer.from('__proto__'), hex('80 40 80')),
  'the byte that is never used': () => rootOf(hex('c1')),
  'an integer of 64 bits': () => rootOf(hex('cf ff ff ff ff ff ff ff ff')),

  // keys
  'a map with __proto__': () =>
    rootOf(hex('81 a9'), Buffer.from('__proto__'), hex('81 a8'), Buffer.from('polluted'), hex('c3')),
  'a map with __proto__, its length in two bytes': () =>
    rootOf(hex('81 da 00 09'), Buffer.from('__proto__'), hex('80')),
  'a map with the names of methods': () =>
    rootOf(
      pack(new Map(['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'then', 'toJSON'].map(key => [key, 1]))),
    ),
  'an object with __proto__': () => special(TAG.object, ['__proto__'], [{ polluted: true }]),
  'an object with the same key twice': () => special(TAG.object, ['a', 'a'], [1, 2]),
  'an object whose keys are objects': () => special(TAG.object, [{ toString: 1 }], [1]),
  'a map with the same key twice': () => rootOf(hex('82 a1 61 01 a1 61 02')),
  'a map with a number as key': () => rootOf(hex('81 01 01')),
  'a map with an array as key': () => rootOf(hex('81 91 01 01')),

  // values
  'a tag that there is not': () => special(99, 1),
  'a tag that is no number': () => special({ toString: null }, 1),
  'an escape that is empty': () => special(),
  'an escape that is a string': () => rootOf(pack({ '': 'x' })),
  'a reference before the first': () => rootOf(pack({ '': -1 })),
  'a reference behind the last': () => rootOf(pack({ '': 1e9 })),
  'a reference in between': () => rootOf(pack({ '': 0.5 })),
  'a bigint that is none': () => special(TAG.bigint, 'zz'),
  'a bigint of nothing': () => special(TAG.bigint, ''),
  'a bigint with spaces': () => special(TAG.bigint, ' 1'),
  'a bigint of many digits': () => special(TAG.bigint, 'f'.repeat(100_000)),
  'a date that is a string': () => special(TAG.date, 'now'),
  'a date out of range': () => special(TAG.date, 1e300),
  'half a code unit': () => special(TAG.string, Buffer.of(1, 2, 3)),
  'three quarters of a number': () => special(TAG.Float64Array, Buffer.of(1, 2, 3, 4, 5, 6)),
  'typed arrays of strings': () => special(TAG.Int32Array, 'abcd'),
  'a buffer of nothing': () => special(TAG.Buffer),
  'strings that are not UTF-8': () => rootOf(hex('93 a4 f0 f0 f0 f0 a1 ff'), hex('d9 05 e0 80 ed a0 f4')),
  'many empty containers': () => rootOf(hex('dd 00 01 00 00'), repeat('80', 2 ** 16)),

  // shapes
  'a shape of itself': () => craft([{ oid: 1, shape: 1, state: pack(['', 1, ['x']]) }]),
  'two shapes of each other': () =>
    craft([
      { oid: 17, shape: 18, state: pack(['', 1, ['x']]) },
      { oid: 18, shape: 17, state: pack(['', 1, ['x']]) },
      { oid: 1, shape: 17, state: hex('91 01') },
    ]),
  'a shape that is not there': () => craft([{ oid: 1, shape: 99, state: hex('91 01') }]),
  'a shape that is an object': () => craft([...withRoot(), { oid: 17, shape: 1, state: pack(['', 1, ['x']]) }]),
  'the root as a shape': () => craft([{ oid: 1, shape: 0, state: pack(['', 1, ['x']]) }]),
  'reserved shapes': () =>
    craft(withRoot(...[2, 3, 4, 15].map(shape => ({ oid: 20 + shape, shape, state: hex('91 01') })))),
  'a shape of bytes': () => shapeOf(hex('c4 02 01 02')),
  'a shape of two': () => shapeOf(pack(['', 1])),
  'a shape with a map as type': () => shapeOf(pack([{ toString: 1 }, 1, ['x']])),
  'a shape without a version': () => shapeOf(pack(['', 'x', ['x']])),
  'a shape with keys twice': () => shapeOf(pack(['', 1, ['x', 'x']]), hex('92 01 02')),
  'a shape with numbers as keys': () => shapeOf(pack(['', 1, [1, 2]]), hex('92 01 02')),
  'a shape with __proto__ as key': () => shapeOf(pack(['', 1, ['__proto__']]), field(pack({ polluted: true }))),
  'a shape with the names of methods': () => shapeOf(pack(['', 1, ['constructor', 'toString']]), hex('92 01 02')),
  'a shape deeper than the stack': () => shapeOf(Buffer.concat([hex('93 a0 01'), repeat('91', 100_000), hex('01')])),
  'keys in the record that are none': () => shapeOf(pack(['', 1, null]), pack([[{ toString: 1 }], 1])),
  'keys in the record, fewer than values': () => shapeOf(pack(['', 1, null]), pack([[], 1])),
  'keys in the record, twice': () => shapeOf(pack(['', 1, null]), pack([['a', 'a'], 1, 2])),
  'keys in no record': () => shapeOf(pack(['', 1, null]), hex('90')),
  ...Object.fromEntries(
    ['__proto__', 'constructor', 'toString', 'Object', 'Persistent', 'node:fs', '../x', '(gone)', 'root'].map(type => [
      `a class named ${type}`,
      () => shapeOf(pack([type, 1, ['x']])),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries({ PersistentMap: ['keys', 'values'], PersistentList: ['items'], PersistentSet: ['values'] }).flatMap(
      ([type, keys]) =>
        [
          [],
          [1],
          [[1, 2, 3]],
          [[null, {}, true, { '': [TAG.undefined] }]],
          [[{ '': [TAG.date, NaN] }]],
          [
            ['b', 'a', 'a'],
            [1, 2, 3],
          ],
          [['a'], []],
          [[NaN], [1]],
          [
            [[], [[]], [[[]]]],
            [1, 2, 3],
          ],
        ].map((values, n) => [
          `a ${type} of wrong values (${n})`,
          () => shapeOf(pack([type, 1, keys]), pack(values.slice(0, keys.length))),
        ]),
    ),
  ),

  // trees
  ...Object.fromEntries(Object.entries(FAULTY).map(([name, [tree]]) => [name, () => craftTree(tree)])),

  // records
  'a record with 2^50 references': () => craft([varints(1, SHAPE, 1, 0, 2 ** 50)]),
  'a record with more references than bytes': () =>
    craft([Buffer.concat([varints(1, SHAPE, 1, 0, 100, 1, 2), hex('91 01')])]),
  'a record that ends in a number': () => craft([Buffer.of(1, SHAPE, 1, 0, 0x80)]),
  'a number of more than 2^53': () =>
    craft([Buffer.concat([hex('01 10 ff ff ff ff ff ff ff ff 00 00'), hex('91 01')])]),
  'an empty record': () => craft([new Uint8Array()]),
  'object 0': () => craft(withRoot({ oid: 0, state: hex('91 01') })),
  'object 2^53 - 1': () => craft(withRoot({ oid: MOST, state: hex('91 01') })),
  'objects far from each other': () =>
    craft(withRoot(...Array.from({ length: 20_000 }, (_, n) => ({ oid: 2 ** 20 + n * 2 ** 33, state: hex('91 01') })))),
  'references far from each other': () =>
    craftRoot(
      field(hex('01')),
      Array.from({ length: 20_000 }, () => numbers.int(2 ** 31) * 2 ** 21 + 99),
    ),
  'the same reference twenty thousand times': () =>
    craftRoot(
      field(pack({ '': 0 })),
      Array.from({ length: 20_000 }, () => 1),
    ),
  'references to shapes': () => craftRoot(field(pack({ '': 0 })), [SHAPE]),
  'references to nothing': () => craftRoot(field(pack({ '': 0 })), [77]),
  'a version before the file': () => craft([{ oid: 1, back: 4000, state: hex('91 01') }]),
  'a version before byte 0': () => craft([{ oid: 1, back: 2 ** 40, state: hex('91 01') }]),
  'a version that is another object': () =>
    craft(withRoot(), [{ records: [{ oid: 1, back: 95 + 14, state: hex('91 02') }] }]),
  'versions that lead everywhere': () =>
    craft(
      withRoot(),
      Array.from({ length: 300 }, (_, n) => ({ records: [{ oid: 1, back: n + 1, state: hex('91 02') }] })),
    ),
  'twenty thousand damaged records': () =>
    breakRecords(craft(withRoot(...Array.from({ length: 20_000 }, (_, n) => ({ oid: 20 + n, state: hex('91 01') }))))),
  'a damaged record full of what looks like long ones': () =>
    breakRecords(craft(withRoot({ oid: 20, state: repeat('80 80 10 00 00 00 00 01 10 01 00 80 40', 80_000) }))),
  'ids of transactions': () =>
    craft(
      withRoot(
        { oid: 20, shape: 2, state: new Uint8Array() },
        { oid: 21, shape: 2, state: Buffer.alloc(8, 0xff) },
        { oid: 22, shape: 2, state: Buffer.concat([Buffer.alloc(8), Buffer.from('__proto__')]) },
        { oid: 23, shape: 2, state: Buffer.alloc(MEGABYTE, 0xf0) },
      ),
    ),

  // frames and headers
  ...Object.fromEntries(
    (
      [
        { records: 2 ** 32 - 1 },
        { records: 0 },
        { nextOid: 0 },
        { nextOid: 17 },
        { tid: MOST },
        { time: MOST },
        { syncedTo: MOST },
        { kind: 'base' },
        { kind: 'control', control: 'superseded' },
        { kind: 'control', control: 'suspect' },
      ] satisfies CraftedFrame['header'][]
    ).map(header => [
      `a frame with ${JSON.stringify(header)}`,
      () => craft(withRoot(), [{ header, records: [{ oid: 1, state: hex('91 02') }] }, { records: withRoot() }]),
    ]),
  ),
  'a frame of ten thousand others': () =>
    craft(
      withRoot(),
      Array.from({ length: 10_000 }, () => ({})),
    ),
  ...Object.fromEntries(
    [
      { generation: MOST },
      { baseTid: MOST },
      { baseTime: MOST },
      { nextOid: MOST },
      { baseEnd: MOST },
      { baseEnd: 0 },
      { baseEnd: 4097 },
      { idsSince: MOST },
      { readonlyFlags: 1 },
      { moments: Array.from({ length: 128 }, () => ({ tid: MOST, time: MOST })) },
    ].map(header => [
      `a header with ${JSON.stringify(header).slice(0, 60)}`,
      () => craftFrames([{ records: [{ oid: SHAPE, shape: 0, state: pack(['', 1, ['x']]) }, ...withRoot()] }], header),
    ]),
  ),

  // annotations
  ...Object.fromEntries(
    ['d4 72 40', '81 a4 6e 6f 74 65 80', 'c0', '01', '91', 'df ff ff ff ff', '80 80'].map(annotation => [
      `an annotation of ${annotation}`,
      () => craft(withRoot(), [{ annotation: hex(annotation) }]),
    ]),
  ),
  'an annotation deeper than the stack': () => craft(withRoot(), [{ annotation: repeat('91', 100_000) }]),
}

/** An empty array takes one byte in the file, and some 600 in memory once it is tracked: valid, if odd, data may cost that much. */
const BYTES_FOR_ONE = 600

t.test('a crafted file gives values or typed errors, soon, and in little memory', async t => {
  const before = prototypes()
  let read = 0
  for (const [name, make] of Object.entries(FILES)) {
    const bytes = make()
    const memory = process.resourceUsage().maxRSS
    const found = await exercise(bytes)
    const grown = (process.resourceUsage().maxRSS - memory) * 1024
    read += found.read
    for (const each of found.untyped) t.fail(`${name}: ${each}`)
    if (found.slowest > 1000) t.fail(`${name}: ${found.slowestStep} took ${Math.round(found.slowest)} ms`)
    if (grown > 32 * MEGABYTE + BYTES_FOR_ONE * bytes.length)
      t.fail(`${name}: ${grown} bytes for a file of ${bytes.length}`)
    if (found.slowest > 200 || grown > 16 * MEGABYTE)
      t.comment(
        `${name}: ${bytes.length} bytes, ${Math.round(found.slowest)} ms for ${found.slowestStep}, ${Math.round(grown / MEGABYTE)} MiB`,
      )
    if (prototypes() !== before) t.fail(`${name}: a prototype has been changed`)
    if ('polluted' in {}) t.fail(`${name}: every object has been changed`)
  }
  t.comment(`${Object.keys(FILES).length} files, ${read} steps without an error`)
})
