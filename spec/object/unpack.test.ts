import t from 'tap'
import { Packr } from '../../lib/object/msgpack.js'
import { DEEPEST_PACKED, noteReferences, skipValue } from '../../lib/object/skip-packed.js'
import { checkPacked, readReferences, readValue, referenceAt, unpack, unpackWith } from '../../lib/object/unpack.js'
import { stretchOf } from '../../lib/store/types.js'
import { seeded, type Random } from '../helpers/seeded.js'

const packr = new Packr({ useRecords: false, variableMapSize: true })
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const nested = (depth: number): Buffer => Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.of(1)])

function anyValue(random: Random, depth = 0): unknown {
  switch (random.int(depth > 2 ? 6 : 8)) {
    case 0:
      return random.pick([null, true, false])
    case 1:
      return random.pick([0, 127, 128, -1, -33, 255, 65_536, 2 ** 31, -(2 ** 31), 2 ** 40, 0.1, -1e300])
    case 2:
      return 'é'.repeat(random.pick([0, 1, 15, 16, 127, 128, 300]))
    case 3:
      return random.bytes(random.pick([0, 1, 255, 256, 300]))
    case 4:
      return random.int(1000)
    case 5:
      return 'text'
    case 6:
      return Array.from({ length: random.pick([0, 1, 15, 16, 20]) }, () => anyValue(random, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.pick([0, 1, 15, 16, 20]) }, (_, n) => [`key ${n}`, anyValue(random, depth + 1)]),
      )
  }
}

t.test('whatever is packed is unpacked', async t => {
  const random = seeded(t)
  for (let n = 0; n < 100; n++) {
    const value = anyValue(random)
    const packed = packr.pack(value)
    if (!packr.pack(unpack(packed)).equals(packed)) t.fail(`value ${n}`)
  }
})

t.test('what is cut short anywhere, or goes on behind its end, is refused', async t => {
  const packed = packr.pack([1, -300, 'text', new Uint8Array(300), { key: [0.5, 'x'.repeat(300), null] }])
  for (let length = 0; length < packed.length; length++) {
    t.throws(() => unpack(packed.subarray(0, length)), { code: 'SCHEMA' }, `${length} bytes`)
  }
  t.throws(() => unpack(Buffer.concat([packed, Buffer.of(0)])), { code: 'SCHEMA' })
})

t.test('what is never written is refused', async t => {
  const REFUSED = {
    'an extension': 'd4 01 00',
    'a record definition': 'd4 72 40 91 a1 78 01',
    'the byte that is never used': 'c1',
    'an integer of 64 bits': 'cf 00 00 00 00 00 00 00 01',
    'a number as a key': '81 01 01',
    'null as a key': '81 c0 01',
    'bytes as a key': '81 c4 01 61 01',
    'a key that reaches a prototype': '81 a9 5f 5f 70 72 6f 74 6f 5f 5f 01',
    'the same, its length in four bytes': '81 db 00 00 00 09 5f 5f 70 72 6f 74 6f 5f 5f 01',
    'an array of 2^32 - 1': 'dd ff ff ff ff',
    'a map of 2^32 - 1': 'df ff ff ff ff',
  }
  for (const [name, bytes] of Object.entries(REFUSED)) t.throws(() => unpack(hex(bytes)), { code: 'SCHEMA' }, name)
})

t.test('nesting is bounded', async t => {
  t.doesNotThrow(() => unpack(nested(DEEPEST_PACKED)))
  t.throws(() => unpack(nested(DEEPEST_PACKED + 1)), { code: 'SCHEMA' })
  t.throws(() => checkPacked(nested(1_000_000)), { code: 'SCHEMA' })
})

t.test('an error leaves nothing behind', async t => {
  t.throws(() => unpack(hex('91')), { code: 'SCHEMA' })
  t.same(unpack(hex('91 01')), [1])
})

/** Where references begin in these bytes. */
function referencesIn(...bytes: readonly number[]): number[] {
  const found: number[] = []
  unpackWith(stretchOf(Uint8Array.from(bytes)), () => {
    noteReferences(found)
    skipValue()
  })
  return found
}

t.test('references are noted where they begin, and nothing else is', async t => {
  t.same(referencesIn(0x81, 0xa0, 5), [0])
  t.same(referencesIn(0x93, 0x81, 0xa0, 5, 7, 0x81, 0xa0, 0xcc, 0x81), [1, 5])
  t.same(referencesIn(0x81, 0xa1, 0x61, 0x92, 1, 0x81, 0xa0, 0xce, 0, 1, 0, 0), [5], 'below a name')
  t.same(referencesIn(0x81, 0xa0, 0x93, 6, 0x90, 0x90), [], 'an escape')
  t.same(referencesIn(0x81, 0xa0, 0x93, 6, 0x91, 0xa0, 0x91, 0x81, 0xa0, 1), [7], 'inside of an escape')
  t.same(referencesIn(0x82, 0xa0, 5, 0xa1, 0x61, 6), [], 'an empty name among others')
  t.same(referencesIn(0x82, 0xa1, 0x61, 0xcc, 0x81, 0xa0, 5), [], 'the same behind what looks like a map')
  const numbers = stretchOf(Uint8Array.of(0, 0x81, 0xa0, 0xcd, 1, 0))
  t.same(referenceAt(numbers, 1), { index: 256, end: 6 })
})

t.test('what would be a reference, and is not written as one is, is refused where they are looked for', async t => {
  const odd: readonly (readonly number[])[] = [
    [0xde, 0, 1, 0xa0, 5],
    [0x81, 0xd9, 0, 5],
    [0x81, 0xa0, 0xff],
    [0x81, 0xa0, 0xcb, 0x40, 0x08, 0, 0, 0, 0, 0, 0],
    [0x81, 0xa0, 0xd1, 0, 5],
  ]
  for (const bytes of odd) t.throws(() => referencesIn(0x91, ...bytes), { code: 'SCHEMA' })
  t.same(referencesIn(0x81, 0xa0, 5), [0], 'nothing of that is left behind')
  t.same(unpack(Uint8Array.of(0x81, 0xa0, 5)), { '': 5 })
})

t.test('an array of nothing but references is read as their numbers, and nothing else is', t => {
  const read = (text: string): unknown => unpackWith(stretchOf(hex(text)), () => readReferences() ?? [readValue()])
  t.same(read('92 81a005 81a0ccff'), [5, 255])
  t.same(read('dc0001 81a0cd0100'), [256])
  t.same(read('90'), [[]])
  t.same(read('92 81a005 07'), [[{ '': 5 }, 7]])
  t.same(read('91 91 81a005'), [[[{ '': 5 }]]])
  t.same(read('81a005'), [{ '': 5 }])
  for (const wrong of ['92 81a005', '91 81a0', '91 81a0ce000000', 'dc00', '91 81a005 00'])
    t.throws(() => read(wrong), { code: 'SCHEMA' }, wrong)
  t.end()
})
