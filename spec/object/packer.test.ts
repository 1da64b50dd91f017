// The writer of MessagePack, beside msgpackr: the same bytes, and a reader finds in them what was written.
import t from 'tap'
import { isDeepStrictEqual } from 'node:util'
import { Packr } from '../../lib/object/msgpack.js'
import { pack, Packer } from '../../lib/object/packer.js'
import { unpack, unpackAll } from '../../lib/object/unpack.js'
import type { Packable } from '../../lib/object/values.js'

const packr = new Packr({ useRecords: false, variableMapSize: true })

const around = (...edges: number[]): number[] => edges.flatMap(edge => [edge - 1, edge, edge + 1])
const lengths = [0, 1, ...around(16, 32, 64, 85, 128, 256, 1 << 14), 65535, 65536, 70_000]

const values: Readonly<Record<string, Packable[]>> = {
  'null and booleans': [null, true, false],
  'whole numbers': around(0, 0x80, 0x100, 0x10000, 2 ** 31, 2 ** 32, 2 ** 53 - 2).flatMap(n => [n, n === 0 ? 0 : -n]),
  'small negative numbers': around(-0x20, -0x80, -0x8000, -(2 ** 31)),
  'other numbers': [0.1, -1.5, 5e-324, 1e300, NaN, Infinity, -Infinity],
  'text in ASCII': lengths.map(length => 'a'.repeat(length)),
  'text of two bytes each': lengths.map(length => 'é'.repeat(length)),
  'text of three bytes each': lengths.map(length => '€'.repeat(length)),
  'text of pairs': lengths.map(length => '😀'.repeat(length)),
  'text with something else at its end': lengths.map(length => `${'a'.repeat(length)}é€😀`),
  bytes: lengths.map(length => new Uint8Array(length).fill(7)),
  arrays: lengths.map(length => Array.from({ length }, (_, n) => n)),
  maps: lengths.map(length => Object.fromEntries(Array.from({ length }, (_, n) => [`k${n}`, n]))),
  'names that objects have': [{ constructor: 1, hasOwnProperty: { toString: 2 }, toJSON: 3 }],
  'data in data': [{ a: [{ b: [[], {}, { '': [null, 'x'] }] }], c: [[[[1]]]] }],
}

for (const [name, each] of Object.entries(values)) {
  t.test(`writes what msgpackr writes: ${name}`, async t => {
    for (const [n, value] of each.entries()) {
      const bytes = pack(value)
      const expected = name.startsWith('names') ? undefined : packr.pack(value)
      if (expected && Buffer.compare(bytes, expected) !== 0) t.fail(`value ${n} has other bytes than msgpackr's`)
      if (!isDeepStrictEqual(plainly(unpack(bytes)), value)) t.fail(`value ${n} is not read as it was written`)
    }
  })
}

/** Bytes of the class that they had. */
function plainly(value: unknown): unknown {
  return value instanceof Uint8Array ? new Uint8Array(value) : value
}

t.test('what needs an escape is not written at all', async t => {
  const packer = new Packer()
  packer.begin()
  packer.number(1)
  for (const text of ['\ud800', 'a\udc00b', '\ufeff', `\ufeff${'x'.repeat(100)}`, `${'x'.repeat(200)}\ud83d`])
    t.equal(packer.text(text), false)
  t.same(unpackAll(packer), 1)
})

t.test('what was written stays as it is while more is written, however much', async t => {
  const packer = new Packer()
  const written = Array.from({ length: 300 }, (_, n) => {
    packer.begin()
    packer.array(2)
    packer.string(`${n} `.repeat(n))
    packer.packed({ bytes: Uint8Array.of(9, n & 0x7f, 9), from: 1, to: 2 })
    const { bytes, from, to } = packer
    return { bytes, from, to }
  })
  for (const [n, stretch] of written.entries()) t.strictSame(unpackAll(stretch), [`${n} `.repeat(n), n & 0x7f])
})

t.test('a large value is held in no more memory than it takes', async t => {
  for (const value of [new Uint8Array(1e6), 'x'.repeat(1e6)]) {
    const packer = new Packer()
    packer.begin()
    packer.map(1)
    packer.string('content')
    packer.value(value)
    t.ok(packer.bytes.length < 1.1e6, `${packer.bytes.length} bytes`)
  }
})

t.test('a state that no frame can hold is refused', async t => {
  const packer = new Packer()
  packer.begin()
  t.throws(() => packer.packed({ bytes: new Uint8Array(), from: 0, to: 2 ** 30 + 1 }), { code: 'COMMIT_TOO_LARGE' })
})
