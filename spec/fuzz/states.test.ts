// The decoder of states and shapes, given bytes that nobody has written: a value or a SchemaError, and no surprise in msgpackr
// behind the check that stands before it.
import { inspect } from 'node:util'
import t from 'tap'
import { SchemaError } from '../../lib/error.js'
import { Decoder, unpackState } from '../../lib/object/decoder.js'
import { Packr } from '../../lib/object/msgpack.js'
import { decodeShape, type Shape } from '../../lib/object/shapes.js'
import { unpack } from '../../lib/object/unpack.js'
import { special, TAG } from '../../lib/object/values.js'
import type { Offset, Oid, StoredRecord, Tid } from '../../lib/store/types.js'
import type { Random } from '../helpers/seeded.js'
import { fuzz } from './fuzz.js'
import { mutateBytes, packedValues } from './mutate.js'
import '../../lib/index.js'

const packr = new Packr({ useRecords: false, variableMapSize: true })

/** Honest states, to be changed. */
const STATES = [
  packr.pack(['Ada', 1815, -1.5, null, true, ['a', ['b']], { x: 1, y: { z: 'z' } }]),
  packr.pack([special(TAG.date, 1e12), special(TAG.bigint, '-ff'), special(TAG.object, ['__proto__'], [1])]),
  packr.pack([special(TAG.Float64Array, new Uint8Array(16)), special(TAG.string, new Uint8Array(4)), { '': 0 }]),
  packr.pack([['k1', 'k2'], 1, { '': 1 }]),
  packr.pack([
    [1, 'two', [3, ['four']], special(TAG.date, 5)],
    ['a', 'b', { '': 2 }, 'd'],
  ]),
  packr.pack(['Type', 3, ['x', 'y', 'z']]),
  packr.pack(['x'.repeat(300), new Uint8Array(300), Array.from({ length: 40 }, (_, n) => n)]),
]

const REFS = [1, 17, 18] as Oid[]

function bytesFor(random: Random): Buffer {
  const count = random.int(5)
  switch (random.int(3)) {
    case 0:
      return mutateBytes(random, random.pick(STATES))
    case 1:
      return Buffer.concat([Buffer.of(0x90 + count), packedValues(random, count)])
    default:
      return mutateBytes(random, Buffer.concat([Buffer.of(0x90 + count), packedValues(random, count)]))
  }
}

/** Undefined where the form is refused. */
function orRefused<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (error instanceof SchemaError) return undefined
    throw error
  }
}

function one(random: Random): void {
  const state = bytesFor(random)
  orRefused(() => inspect(unpack(state)))
  orRefused(() => decodeShape(17 as Oid, state))
  const at = { offset: 5000 as Offset, previous: 0 as Offset, length: state.length, oid: 18 as Oid, tid: 1 as Tid }
  const record: StoredRecord = { ...at, shape: 17 as Oid, refs: REFS, state, bytes: state, from: 0, to: state.length }
  const keys = random.chance(0.5) ? null : Array.from({ length: (state[0] ?? 0) & 15 }, (_, n) => `key ${n}`)
  const shape: Shape = { oid: 17 as Oid, type: 'Type', version: 1, keys }
  const decoder = new Decoder([{ one: 1 }, { two: 2 }, { three: 3 }], undefined)
  orRefused(() => {
    const { keys: names, raw } = unpackState(record, shape)
    if (!names.every(name => typeof name === 'string')) throw new TypeError('a key that is no string')
    for (const value of raw) orRefused(() => inspect(decoder.value(value), { depth: 4 }))
  })
}

t.test('states that nobody has written are decoded or refused', t =>
  fuzz(t, import.meta.url, random => {
    for (let n = 0; n < 50; n++) one(random)
  }),
)
