// Values as they stand in a record, undecoded: put into another record as they are, compared, and weighed. So a commit
// that writes a leaf anew makes no objects of the entries that nobody asked for.
import { types } from 'node:util'
import { DEEPEST } from '../../object/adopt.js'
import type { Encoder } from '../../object/encoder.js'
import { handlerOf, Header, unresolvedOid } from '../../object/header.js'
import { Packed } from '../../object/packed.js'
import { Recordable } from '../../object/recordable.js'
import { ESCAPE, NUMBER, weighBytes, weighDate, WHOLE_NUMBER } from '../../object/weigh-packed.js'
import { Untracked } from '../../object/untracked.js'
import { isBytes, isOrdinaryString, unknownForm } from '../../object/values.js'
import type { Oid } from '../../store/types.js'
import type { Apart } from './forms.js'
import type { Leaf } from './leaf.js'
import { ValueHeader } from './value-header.js'

/** A value of a stored leaf. */
export class RawValue {
  readonly #leaf: Leaf
  readonly #at: number

  constructor(leaf: Leaf, at: number) {
    this.#leaf = leaf
    this.#at = at
  }

  get weight(): number {
    return this.#leaf.weight(this.#at)
  }

  /** The record in which it stands apart; undefined: it does not. */
  get apart(): Oid | undefined {
    return this.#leaf.apart(this.#at)
  }

  /** The object that it is a reference to, or the record in which it stands apart. */
  get linked(): Oid | undefined {
    return this.#leaf.linked(this.#at)
  }

  /** Writes the same value into the record that is being encoded; `name` is for messages. */
  encode(encoder: Encoder, name: string | number): void {
    const to = this.linked
    if (to === undefined) this.#leaf.carry(this.#at, this.#at + 1, encoder, name)
    else encoder.reference(to, name)
  }
}

/** Writes a value of a leaf, a header in place of an object; `name` is for messages. */
export function encodeValue(value: unknown, encoder: Encoder, name: string | number): void {
  if (value instanceof RawValue) value.encode(encoder, name)
  else if (value instanceof Recordable) encoder.reference(value, name)
  else encoder.write(value, name)
}

/** The same for one that stands apart, without writing: gives what stands for it in the list of references. */
export function referApart(value: unknown, encoder: Encoder, name: string | number): Recordable | Oid {
  const to = value instanceof RawValue ? value.apart : value instanceof Recordable ? value : undefined
  return encoder.refer(to ?? unknownForm(), name)
}

/** Of a record whose values all stand apart, and that refers to nothing else: which is which, tells the order. */
export function encodeAllApart(refs: (Recordable | Oid)[], encoder: Encoder): void {
  encoder.listed(refs)
  encoder.write(null, '')
  encoder.write(true, '')
}

/** Writes which values stand apart, where some do. */
export function encodeApart(apart: Apart, encoder: Encoder): void {
  if (apart === true) encoder.write(true, '')
  else if (apart) {
    encoder.array(apart.length)
    for (const at of apart) encoder.write(at, '')
  }
}

/** Which of these values of a leaf stand apart. */
export function apartIn(values: readonly unknown[]): Apart {
  const apart: number[] = []
  for (let at = 0; at < values.length; at++) if (isApart(values[at])) apart.push(at)
  if (apart.length === 0) return undefined
  return apart.length === values.length ? true : apart
}

export function isApart(value: unknown): boolean {
  return value instanceof ValueHeader || (value instanceof RawValue && value.apart !== undefined)
}

/** What stands in the place of a value that is a reference, or stands apart; undefined: the value itself does. */
export function linkOf(value: unknown): Oid | Recordable | undefined {
  if (typeof value === 'symbol') return unresolvedOid(value)
  if (value instanceof RawValue) return value.linked
  return value instanceof Recordable ? value : undefined
}

/** The oid that an undecoded value refers to; undefined: it is no reference, but may be data with an empty key among others. */
export function referenceIn(raw: unknown, refs: readonly Oid[]): Oid | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const index = (raw as { readonly ['']?: unknown })['']
  if (typeof index !== 'number' || Object.keys(raw).length > 1) return undefined
  return refs[index] ?? unknownForm()
}

/** Are two values equal, references by what they lead to? */
export function sameRaw(a: unknown, aRefs: readonly Oid[], b: unknown, bRefs: readonly Oid[]): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b)
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((part, i) => sameRaw(part, aRefs, b[i], bRefs))
  }
  const [aTo, bTo] = [referenceIn(a, aRefs), referenceIn(b, bRefs)]
  if (aTo !== undefined || bTo !== undefined) return aTo === bTo
  const [aParts, bParts] = [Object.entries(a), Object.entries(b)]
  if (aParts.length !== bParts.length) return false
  return aParts.every(([key, part], i) => key === bParts[i]?.[0] && sameRaw(part, aRefs, bParts[i][1], bRefs))
}

/** What a reference weighs. */
export const REFERENCE = 9

/** About how many bytes a key or value takes in a record: what `weighAt` will say of it there. */
export function weigh(value: unknown, depth = 0): number {
  switch (typeof value) {
    case 'string':
      return isOrdinaryString(value) ? value.length + 2 : ESCAPE + weighBytes(2 * value.length)
    case 'number':
      return Object.is(value, -0) ? ESCAPE : Number.isInteger(value) ? WHOLE_NUMBER : NUMBER
    case 'bigint':
      return ESCAPE + value.toString(16).length + 2
    case 'symbol':
      return REFERENCE
    case 'undefined':
      return ESCAPE
    case 'object':
      return value === null ? 1 : weighObject(value, depth)
    default:
      return 1
  }
}

function weighObject(value: object, depth: number): number {
  if (value instanceof RawValue || value instanceof Packed) return value.weight
  if (value instanceof Recordable) return REFERENCE
  if (value instanceof Untracked)
    return types.isDate(value.target) ? weighObject(value.target, depth) : weighContainer(value.target, depth)
  if (isBytes(value)) return (isPlainBytes(value) ? 0 : ESCAPE) + weighBytes(value.byteLength)
  if (types.isDate(value)) return weighDate(Date.prototype.getTime.call(value))
  const handler = handlerOf(value)
  return handler instanceof Header ? REFERENCE : weighContainer(handler?.target ?? value, depth)
}

/** What is being weighed seems to contain itself: whoever writes it is going to refuse that. */
let isEndless = false

function weighContainer(target: object, depth: number): number {
  if (depth === 0) isEndless = false
  if (depth > DEEPEST) isEndless = true
  if (isEndless) return 0
  let sum = 3
  if (Array.isArray(target)) {
    for (const part of target) sum += weigh(part, depth + 1)
    return sum
  }
  const keys = Object.keys(target)
  const isUsual =
    Object.getPrototypeOf(target) !== null &&
    !(keys.length === 1 && keys[0] === '') &&
    keys.every(key => key !== '__proto__' && isOrdinaryString(key))
  for (const key of keys) {
    sum += (isUsual ? key.length + 1 : weigh(key)) + weigh((target as Record<string, unknown>)[key], depth + 1)
  }
  return isUsual ? sum : ESCAPE + 3 + sum
}

/** Not of a class that needs an escape. */
function isPlainBytes(value: object): boolean {
  return types.isUint8Array(value) && !Buffer.isBuffer(value)
}
