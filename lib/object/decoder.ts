// From records to stored values: unpacks a state, and turns its raw values into bare containers, leaves and references.
// Refuses whatever the encoder never writes.
import { types } from 'node:util'
import type { Oid, StoredRecord, Stretch } from '../store/types.js'
import { unresolved, type Header, type Scope } from './header.js'
import { own } from './owned-bytes.js'
import { define, isBare } from './plain-node.js'
import { isKeyList, type Shape } from './shapes.js'
import { position } from './packed-cursor.js'
import { skipValue } from './skip-packed.js'
import { readCount, readReference, readReferences, readSimple, readValue, textIsNext, unpackWith } from './unpack.js'
import { Untracked } from './untracked.js'
import { decodeBytes, decodeSpecial, isBytes, TAG, unknownForm } from './values.js'
import { roomFor } from './wide.js'

const NONE: readonly unknown[] = []

/** Stands in a state for what nobody has asked for: it is still in the record. */
export const LATER = Symbol('not decoded yet')

/** A record of which something was left for later. */
interface Unread extends Stretch {
  readonly refs: readonly Oid[]
}

/** Numbers, booleans and null of a record into a state, LATER for all else. True if there is any of that. Throws SchemaError. */
export function readFields(record: Stretch, keys: readonly string[], state: Record<string, unknown>): boolean {
  return unpackWith(record, () => {
    let later = false
    if (readCount() !== keys.length) unknownForm()
    for (const key of keys) {
      let value: unknown = readSimple()
      if (value === undefined) {
        skipValue(1)
        value = LATER
        later = true
      }
      state[key] = value
    }
    return later
  })
}

/**
 * Decodes what LATER stands for at the key `asked`, and with it every string; all there is unless a key is told. True if there is
 * plain data among that.
 */
export function readLater(
  record: Unread,
  keys: readonly string[],
  state: Record<string, unknown>,
  owner: Header,
  asked?: string,
): boolean {
  const { refs } = record
  const { scope } = owner
  return unpackWith(record, () => {
    let hasParts = false
    let decoder: Decoder | undefined
    readCount()
    for (const key of keys) {
      const isWanted = asked === undefined || key === asked || textIsNext()
      if (!isWanted || state[key] !== LATER) {
        skipValue(1)
        continue
      }
      const reference = readReference()
      if (reference >= 0) {
        const to = refs[reference] ?? unknownForm()
        state[key] = scope.known(to) ?? unresolved(to)
        continue
      }
      const references = readReferences()
      if (references) {
        state[key] = new Untracked(marksOf(references, refs, scope), true, 'only')
        hasParts = true
        continue
      }
      const raw = readValue(1)
      if (typeof raw !== 'object' || raw === null) {
        state[key] = raw
        continue
      }
      decoder ??= new Decoder(referencesOf(record, scope), owner)
      state[key] = decoder.field(raw)
      hasParts = true
    }
    return hasParts
  })
}

/**
 * An array of nothing but references, by their numbers: of what is not known yet, an object is made when it is asked for. To look one up takes
 * a fifth of making a mark.
 */
function marksOf(references: readonly number[], refs: readonly Oid[], scope: Pick<Scope, 'known'>): unknown[] {
  return references.map(reference => {
    const to = refs[reference] ?? unknownForm()
    return scope.known(to) ?? unresolved(to)
  })
}

/** What LATER stands for, as it can be written into another record without being decoded: this reference, or these bytes. */
export type Unasked = Oid | Stretch

/** For each of the keys for which LATER stands, what that is; undefined: it must be decoded, or has been. */
export function unasked(
  record: Unread,
  keys: readonly string[],
  state: Readonly<Record<string, unknown>>,
): (Unasked | undefined)[] {
  const { bytes, refs } = record
  return unpackWith(record, () => {
    readCount()
    return keys.map(key => {
      const from = position()
      // Data may refer to something by its number in this record.
      const isOfThisRecord = refs.length > 0 && !textIsNext()
      const reference = readReference()
      if (reference < 0) skipValue(1)
      if (state[key] !== LATER) return undefined
      if (reference >= 0) return refs[reference] ?? unknownForm()
      return isOfThisRecord ? undefined : { bytes, from, to: position() }
    })
  })
}

export interface Unpacked {
  readonly keys: readonly string[]
  /** One for each key. */
  readonly raw: readonly unknown[]
}

/** Keys and raw values of a record. */
export function unpackState(record: Stretch, { keys: own }: Pick<Shape, 'keys'>): Unpacked {
  const state = unpackWith(record, () => readValue())
  if (!Array.isArray(state)) return unknownForm()
  if (own !== null) {
    if (state.length !== own.length) return unknownForm()
    return { keys: own, raw: state }
  }
  const [names, ...raw] = state as unknown[]
  if (!Array.isArray(names) || names.length !== raw.length) return unknownForm()
  const plain = new Decoder([], undefined)
  const keys = names.map(name => plain.value(name))
  return isKeyList(keys) ? { keys, raw } : unknownForm()
}

/** Raw values into stored ones of an owner, if there is one. Containers are bare, and dates unsealed. */
export class Decoder {
  readonly #refs: readonly unknown[] | ((index: number) => unknown)
  readonly #owner: Header | undefined
  /** Something that it decoded holds marks of references that nobody followed. */
  metMarks = false

  /** `refs`: what references are, by number. */
  constructor(refs: readonly unknown[] | ((index: number) => unknown), owner: Header | undefined) {
    this.#refs = refs
    this.#owner = owner
  }

  /** As it is kept in the state of an object until somebody asks for it. */
  field(raw: unknown): unknown {
    const value = this.value(raw)
    return types.isDate(value) || isBare(value) ? new Untracked(value, true, this.metMarks) : value
  }

  value(raw: unknown): unknown {
    switch (typeof raw) {
      case 'string':
      case 'number':
      case 'boolean':
        return raw
      case 'object':
        return raw === null ? null : this.#object(raw)
      default:
        return unknownForm()
    }
  }

  #object(raw: object): unknown {
    if (Array.isArray(raw)) return this.#array(raw)
    if (raw instanceof Uint8Array) return this.#owned(decodeBytes(raw))
    if (Object.getPrototypeOf(raw) !== Object.prototype) return unknownForm()
    const fields = raw as Record<string, unknown>
    const keys = Object.keys(fields)
    if (keys.length === 1 && keys[0] === '') return this.#special(fields[''])
    const target = roomFor(keys) ?? fields
    for (const key of keys) target[key] = this.value(fields[key])
    return target
  }

  #array(target: unknown[]): unknown {
    for (let i = 0; i < target.length; i++) target[i] = this.value(target[i])
    return target
  }

  #special(what: unknown): unknown {
    if (typeof what === 'number') {
      const refs = this.#refs
      const reference = (typeof refs === 'function' ? refs(what) : refs[what]) ?? unknownForm()
      if (typeof reference === 'symbol') this.metMarks = true
      return reference
    }
    if (!Array.isArray(what)) return unknownForm()
    const [tag, ...parts] = what as unknown[]
    if (tag !== TAG.object && tag !== TAG.nullObject) return this.#owned(decodeSpecial(tag, parts))
    const [keys, values] = parts
    if (!Array.isArray(keys) || !Array.isArray(values) || keys.length !== values.length) return unknownForm()
    const names: unknown = keys.map(key => this.value(key))
    if (!isKeyList(names)) return unknownForm()
    const target = (tag === TAG.nullObject ? Object.create(null) : {}) as Record<string, unknown>
    names.forEach((key, i) => {
      define(target, key, this.value(values[i]))
    })
    return target
  }

  #owned(value: unknown): unknown {
    if (this.#owner && isBytes(value)) own(value, this.#owner)
    return value
  }
}

/** What a record refers to: objects that are known already, otherwise notes to be followed later. */
export function referencesOf(record: Pick<StoredRecord, 'refs'>, scope: Pick<Scope, 'known'>): readonly unknown[] {
  return record.refs.length === 0 ? NONE : record.refs.map(oid => scope.known(oid) ?? unresolved(oid))
}
