// Changes bytes and values at random: as damage does, and as somebody does who knows the format.
import type { Random } from '../helpers/seeded.js'

const NUMBERS = [
  0,
  1,
  2,
  3,
  15,
  16,
  17,
  127,
  128,
  255,
  256,
  4095,
  4096,
  65535,
  65536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 40,
  2 ** 52,
  Number.MAX_SAFE_INTEGER,
]

/** One that sits on an edge, or near `usual`. */
export function oddNumber(random: Random, usual = 0, most: number = Number.MAX_SAFE_INTEGER): number {
  const number = random.chance(0.5) ? random.pick(NUMBERS) : Math.max(0, usual + random.int(9) - 4)
  return Math.min(number, most)
}

/** A few changes, also of the length. */
export function mutateBytes(random: Random, bytes: Uint8Array, changes = 1 + random.int(4)): Buffer {
  let out: Buffer = Buffer.from(bytes)
  for (let n = 0; n < changes; n++) out = mutateOnce(random, out)
  return out
}

function mutateOnce(random: Random, bytes: Buffer): Buffer {
  const at = random.int(bytes.length + 1)
  const length = Math.min(bytes.length - at, 1 + random.int(random.pick([2, 8, 64, 600])))
  const part = bytes.subarray(at, at + length)
  const before = bytes.subarray(0, at)
  const behind = bytes.subarray(at + length)
  switch (random.int(8)) {
    case 0:
      if (part.length > 0) part[0] = part[0]! ^ (1 << random.int(8))
      return bytes
    case 1:
      if (part.length > 0)
        part[0] = random.pick([0, 1, 0x7f, 0x80, 0x90, 0xa0, 0xc0, 0xc4, 0xc7, 0xd4, 0xdd, 0xdf, 0xff])
      return bytes
    case 2:
      part.fill(random.pick([0, 0xff, 0x91, 0x81]))
      return bytes
    case 3:
      part.set(random.bytes(part.length))
      return bytes
    case 4:
      return Buffer.concat([before, behind])
    case 5:
      return Buffer.concat([before, part, part, behind])
    case 6:
      return Buffer.concat([before, random.bytes(length), part, behind])
    default: {
      const from = random.int(bytes.length + 1)
      part.set(Buffer.from(bytes.subarray(from, from + length)))
      return bytes
    }
  }
}

/** A MessagePack value, mostly of the kinds that a state may hold, sometimes not. */
export function packedValue(random: Random, depth = 0): Buffer {
  const kind = random.int(depth > 5 ? 7 : 12)
  switch (kind) {
    case 0:
      return Buffer.of(random.int(256))
    case 1:
      return Buffer.of(random.pick([0xc0, 0xc2, 0xc3, random.int(128)]))
    case 2:
      return packedText(random)
    case 3:
      return Buffer.concat([Buffer.of(random.pick([0xcb, 0xca, 0xcd, 0xce, 0xd1, 0xd2])), random.bytes(random.int(9))])
    case 4: {
      const bytes = random.bytes(random.int(20))
      return Buffer.concat([Buffer.of(0xc4, bytes.length), bytes])
    }
    case 5:
      return Buffer.concat([Buffer.of(random.pick([0xc7, 0xc8, 0xd4, 0xd5, 0xd6, 0xd9, 0xdc, 0xde])), random.bytes(3)])
    case 6: // a reference
      return Buffer.concat([Buffer.of(0x81, 0xa0), Buffer.of(random.int(6))])
    case 7:
    case 8: {
      // a special value
      const parts = random.int(4)
      return Buffer.concat([Buffer.of(0x81, 0xa0, 0x91 + parts, random.int(20)), packedValues(random, parts, depth)])
    }
    case 9: {
      const count = random.int(5)
      const length = random.chance(0.9) ? count : random.int(16)
      return Buffer.concat([Buffer.of(0x90 + length), packedValues(random, count, depth)])
    }
    case 10: {
      const lists = [random.int(4), random.int(4)].map(count =>
        Buffer.concat([Buffer.of(0x90 + count), packedValues(random, count, depth)]),
      )
      return Buffer.concat([Buffer.of(0x81, 0xa0, 0x93, random.pick([5, 6])), ...lists])
    }
    default: {
      const count = random.int(4)
      const parts = Array.from({ length: count }, () => [
        random.chance(0.95) ? packedText(random) : packedValue(random, depth + 1),
        packedValue(random, depth + 1),
      ])
      return Buffer.concat([Buffer.of(0x80 + count), ...parts.flat()])
    }
  }
}

export function packedValues(random: Random, count: number, depth = 0): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => packedValue(random, depth + 1)))
}

const TEXTS = [
  '',
  'a',
  'x',
  'note',
  '__proto__',
  'constructor',
  'toString',
  'length',
  '0',
  'then',
  'ff',
  '-1',
  'é\u{1f600}',
]

function packedText(random: Random): Buffer {
  const text = random.chance(0.8) ? Buffer.from(random.pick(TEXTS)) : Buffer.from(random.bytes(random.int(70)))
  return Buffer.concat([text.length < 32 ? Buffer.of(0xa0 + text.length) : Buffer.of(0xd9, text.length), text])
}
