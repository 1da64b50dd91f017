// Keys to test with: a list of all kinds in their order, and random ones.
import type { Key } from '../../lib/index.js'
import type { Random } from '../helpers/seeded.js'

/** No native Map looks at what stands behind it. */
export const LONG = 'a'.repeat(2 ** 14)

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** Each before the next, no two the same; a function, because keys can be changed from outside of a collection. */
export function keysInOrder(): Key[] {
  return [
    ...[
      -Infinity,
      -(2n ** 70n),
      -Number.MAX_SAFE_INTEGER,
      -1.5,
      -1,
      -1n,
      -Number.MIN_VALUE,
      0,
      0n,
      Number.MIN_VALUE,
      0.5,
      1,
    ],
    ...[
      1n,
      1.5,
      2n,
      2 ** 53,
      2n ** 53n,
      2n ** 53n + 1n,
      2 ** 53 + 2,
      2n ** 53n + 2n,
      2n ** 64n - 1n,
      2 ** 64,
      2n ** 64n,
    ],
    ...[Number.MAX_VALUE, 10n ** 400n, Infinity],
    ...[new Date(-8.64e15), new Date(-1), new Date(0), new Date(1), new Date(8.64e15)],
    ...[
      '',
      '\0',
      '\x01',
      '0',
      '1',
      'A',
      'Z',
      'a',
      LONG,
      `${LONG}x`,
      `${LONG}y`,
      'ab',
      'b',
      '\x7f',
      'ß',
      'é',
      '\ud7ff',
      '\ud800',
      '\u{1f600}',
      '\udfff',
      '\ufeff',
      '\uffff',
    ],
    ...[bytes(), bytes(0), bytes(0, 0), bytes(0, 255), Buffer.from([1]), bytes(1, 0), Buffer.from('a'), bytes(255)],
    [],
    [-1],
    [0],
    [0, 0],
    [0, [0]],
    [0n],
    [new Date(0)],
    ['a'],
    ['a', 1],
    ['a', 1, bytes(1)],
    ['a', 2],
    ['b'],
    [bytes(0)],
    [[]],
    [[0], 0],
    [[0, 0]],
  ]
}

/** Any key without references; often near to others. */
export function randomKey(random: Random, depth = 0): Key {
  switch (random.int(depth < 3 ? 9 : 8)) {
    case 0:
      return random.int(7) - 3
    case 1:
      return BigInt(random.int(7) - 3)
    case 2:
      return 2 ** 53 + 2 * random.int(4)
    case 3:
      return 2n ** 53n + BigInt(random.int(8))
    case 4:
      return random.pick([random.next() * 10 ** random.int(20), -random.next(), Infinity, -Infinity, 0, -0])
    case 5:
      return new Date(random.int(5) * 1000)
    case 6:
      return String.fromCharCode(
        ...Array.from({ length: random.int(4) }, () => random.pick([0x61, 0x62, 0xd83d, 0xde00, 0xfeff])),
      )
    case 7:
      return random.chance(0.5) ? random.bytes(random.int(2)) : Buffer.from(random.bytes(random.int(2)))
    default:
      return Array.from({ length: random.int(4) }, () => randomKey(random, depth + 1))
  }
}

/** Two keys have the same text if and only if they are the same key. */
export function keyText(key: Key): string {
  if (typeof key === 'bigint') return `bigint ${key}`
  if (typeof key === 'number') return `number ${key}`
  if (key instanceof Date) return `date ${key.getTime()}`
  if (key instanceof Uint8Array) return `bytes ${Buffer.from(key).toString('hex')}`
  if (Array.isArray(key)) return `(${key.map(part => `${keyText(part as Key)},`).join('')})`
  return JSON.stringify(key)
}
