// Plain data that was packed as it came in, where nothing in it but dates, buffers and undefined needs an escape: most values of a
// map are only stored, and bytes are the cheapest way to keep them until then. Whoever asks for one gets it unpacked.
import { types } from 'node:util'
import type { Stretch } from '../store/types.js'
import { Date } from './date.js'
import { Decoder } from './decoder.js'
import type { Header } from './header.js'
import { isMentioned } from './mentioned.js'
import { ownerOf } from './owned-bytes.js'
import { Packer } from './packer.js'
import { unpackAll } from './unpack.js'
import { ESCAPE, NUMBER, weighBytes, weighDate, WHOLE_NUMBER } from './weigh-packed.js'

/** Only for values as they come in: what an encoder is writing is not disturbed. */
const packer = new Packer()

/** An element of an array may be got by code of the application, which may want to have something packed. */
let isPacking = false

/** Deeper data takes the usual way. */
const DEEP = 50

export class Packed implements Stretch {
  /** About how many bytes it takes, as the collections count: see unpack.ts. */
  readonly weight: number
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number

  /** Undefined: the value has to take the usual way, be it only for a good message. */
  static of(value: object): Packed | undefined {
    if (isPacking) return undefined
    isPacking = true
    try {
      packer.begin()
      packer.array(1)
      const weight = pack(value, 0)
      return Number.isNaN(weight) ? undefined : new Packed(packer, weight)
    } finally {
      isPacking = false
    }
  }

  /** Given an array with the value in it and nothing else, whose head is one byte: so the bytes make a state, too. */
  private constructor({ bytes, from, to }: Stretch, weight: number) {
    this.bytes = bytes
    this.from = from + 1
    this.to = to
    this.weight = weight
  }

  /** The caller's own, or of `owner`, with containers bare and dates unsealed. */
  unpack(owner?: Header): unknown {
    return new Decoder([], owner).value(unpackAll(this))
  }

  /** An array with nothing else in it. */
  get alone(): Stretch {
    return { bytes: this.bytes, from: this.from - 1, to: this.to }
  }

  /** It is an array or object. */
  get isContainer(): boolean {
    const { bytes, from } = this
    const token = bytes[from] as number
    const isEscape = token === 0x81 && bytes[from + 1] === 0xa0
    return ((token >= 0x80 && token < 0xa0) || (token >= 0xdc && token <= 0xdf)) && !isEscape
  }
}

/** Packs a value and weighs it. NaN: it is not packed as it stands, by itself; what was begun is of no use. */
function pack(value: unknown, depth: number): number {
  switch (typeof value) {
    case 'string':
      return packer.text(value) ? value.length + 2 : NaN
    case 'number':
      if (Object.is(value, -0)) return NaN
      packer.number(value)
      return Number.isInteger(value) ? WHOLE_NUMBER : NUMBER
    case 'boolean':
      packer.boolean(value)
      return 1
    case 'undefined':
      packer.undefined()
      return ESCAPE
    case 'object':
      if (value === null) {
        packer.nil()
        return 1
      }
      if (depth > DEEP || types.isProxy(value)) return NaN
      if (Array.isArray(value)) return packArray(value, depth)
      return ArrayBuffer.isView(value) ? packBytes(value) : packObject(value, depth)
    default:
      return NaN
  }
}

function packArray(value: readonly unknown[], depth: number): number {
  if (Object.getPrototypeOf(value) !== Array.prototype || Reflect.ownKeys(value).length !== value.length + 1) return NaN
  const count = value.length
  packer.array(count)
  let sum = 3
  for (let i = 0; i < count; i++) {
    const weight = pack(value[i], depth + 1)
    if (Number.isNaN(weight)) return NaN
    sum += weight
  }
  // Code that gives an element may do anything.
  return value.length === count ? sum : NaN
}

function packObject(value: object, depth: number): number {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype) return prototype === Date.prototype && types.isDate(value) ? packDate(value) : NaN
  const keys = Object.keys(value)
  if (keys.length === 1 && keys[0] === '') return NaN
  if (keys[1] === 'oid' && isMentioned(value)) return NaN
  // Together these take less than half of the time of Reflect.ownKeys.
  if (Object.getOwnPropertyNames(value).length !== keys.length || Object.getOwnPropertySymbols(value).length > 0)
    return NaN
  packer.map(keys.length)
  let sum = 3
  for (const key of keys) {
    const weight = key !== '__proto__' && packer.text(key) ? packField(value, key, depth) : NaN
    if (Number.isNaN(weight)) return NaN
    sum += key.length + 1 + weight
  }
  return sum
}

function packDate(value: Date): number {
  const time = Date.prototype.getTime.call(value)
  packer.date(time)
  return weighDate(time)
}

/** Most arrays of bytes; others, and what is moved, take the usual way. */
function packBytes(value: ArrayBufferView): number {
  const prototype: unknown = Object.getPrototypeOf(value)
  const isBuffer = prototype === Buffer.prototype
  if (!(isBuffer || prototype === Uint8Array.prototype) || !types.isUint8Array(value)) return NaN
  // Bytes that are shared may change meanwhile, and those that are gone are refused.
  if (Object.hasOwn(value, 'length')) return NaN
  if (value.length === 0 || !(value.buffer instanceof ArrayBuffer) || ownerOf(value) !== undefined) return NaN
  if (isBuffer) packer.buffer(value)
  else packer.binary(value)
  return weighBytes(value.length) + (isBuffer ? ESCAPE : 0)
}

function packField(value: object, key: string, depth: number): number {
  const field = Object.getOwnPropertyDescriptor(value, key)
  if (!field?.enumerable || field.get || field.set) return NaN
  return pack(field.value, depth + 1)
}
