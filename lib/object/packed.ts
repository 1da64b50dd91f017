// Plain data that was packed as it came in, where nothing in it needs an escape: most values of a map are only stored, and
// bytes are the cheapest way to keep them until then. Whoever asks for one gets it unpacked.
import { types } from 'node:util'
import { Packr } from './msgpack.js'
import { NUMBER, unpack, WHOLE_NUMBER } from './unpack.js'
import { isOrdinaryString } from './values.js'

const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false })
/** msgpackr gives the buffer in which it has packed, with `start` and `end`. */
const IN_PLACE = 512

/** Deeper data takes the usual way. */
const DEEP = 50

export class Packed {
  /** About how many bytes it takes, as the collections count: see unpack.ts. */
  readonly weight: number
  readonly #bytes: Uint8Array
  readonly #from: number
  readonly #to: number

  /** Undefined: the value has to take the usual way, be it only for a good message. */
  static of(value: object): Packed | undefined {
    const weight = simpleWeight(value, 0)
    if (Number.isNaN(weight)) return undefined
    const bytes: Uint8Array & { readonly start?: number; readonly end?: number } = packr.pack(value, IN_PLACE)
    return new Packed(bytes, bytes.start ?? 0, bytes.end ?? bytes.length, weight)
  }

  private constructor(bytes: Uint8Array, from: number, to: number, weight: number) {
    this.#bytes = bytes
    this.#from = from
    this.#to = to
    this.weight = weight
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(this.#from, this.#to)
  }

  /** The caller's own. */
  unpack(): unknown {
    return unpack(this.bytes)
  }
}

/** NaN: it is not packed as it stands, by itself and with nothing that could change what is packed. */
function simpleWeight(value: unknown, depth: number): number {
  switch (typeof value) {
    case 'string':
      return isOrdinaryString(value) ? value.length + 2 : NaN
    case 'number':
      return Number.isInteger(value) ? (Object.is(value, -0) ? NaN : WHOLE_NUMBER) : NUMBER
    case 'boolean':
      return 1
    case 'object':
      if (value === null) return 1
      if (depth > DEEP || types.isProxy(value)) return NaN
      return Array.isArray(value) ? arrayWeight(value, depth) : objectWeight(value, depth)
    default:
      return NaN
  }
}

function arrayWeight(value: readonly unknown[], depth: number): number {
  if (Object.getPrototypeOf(value) !== Array.prototype || Reflect.ownKeys(value).length !== value.length + 1) return NaN
  let sum = 3
  for (let i = 0; i < value.length; i++) {
    const weight = fieldWeight(value, i, depth)
    if (Number.isNaN(weight)) return NaN
    sum += weight
  }
  return sum
}

function objectWeight(value: object, depth: number): number {
  if (Object.getPrototypeOf(value) !== Object.prototype) return NaN
  const keys = Reflect.ownKeys(value)
  if (keys.length === 1 && keys[0] === '') return NaN
  let sum = 3
  for (const key of keys) {
    // msgpackr asks a plain object for some of these.
    if (typeof key === 'symbol' || key === '__proto__' || key === 'constructor' || key === 'hasOwnProperty') return NaN
    const weight = isOrdinaryString(key) ? fieldWeight(value, key, depth) : NaN
    if (Number.isNaN(weight)) return NaN
    sum += key.length + 1 + weight
  }
  return sum
}

function fieldWeight(value: object, key: string | number, depth: number): number {
  const field = Object.getOwnPropertyDescriptor(value, key)
  if (!field?.enumerable || field.get || field.set) return NaN
  return simpleWeight(field.value, depth + 1)
}
