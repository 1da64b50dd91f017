// Entries as they stand in one record: all of a small collection, or one leaf of a tree. Keys are decoded at once, values when
// they are asked for; a leaf whose values are references to one object each keeps nothing but these.
import { Decoder } from '../../object/codec.js'
import { unresolved } from '../../object/header.js'
import type { StoredState } from '../../object/record-view.js'
import {
  passNull,
  position,
  readCount,
  readReference,
  readValue,
  skipValue,
  unpackAt,
  unpackWith,
  weighAt,
} from '../../object/unpack.js'
import { unknownForm } from '../../object/values.js'
import type { Offset, Oid, StoredRecord, Stretch, Tid } from '../../store/types.js'
import { decodeKey, type StoredKey } from '../key.js'
import type { Apart } from './forms.js'
import { REFERENCE } from './raw-value.js'

/** Names the version of the record that something was read from. */
export interface Source {
  readonly oid: Oid
  readonly tid: Tid
  readonly at: Offset
  readonly generation: number
}

/** Where a value stands; if it is a reference, or stands apart: the complement (~) of the reference's number. */
type Place = number

/** 'references': to one object each, in their order. 'packed': nothing in the record is a reference. */
export type LeafKind = 'apart' | 'references' | 'packed' | 'mixed'

export class Leaf {
  /** How many entries. */
  readonly size: number
  /** In their order; of a list: none. */
  readonly keys: readonly StoredKey[]
  readonly valued: boolean
  /** What references in the values lead to. */
  readonly refs: readonly Oid[]
  /** Undefined: not from a file. */
  readonly source: Source | undefined
  /** Of each value; undefined: value i is reference i. */
  readonly #places: readonly Place[] | undefined
  /** Entries whose values stand apart, each in the record that the reference leads to. */
  readonly #apart: true | ReadonlySet<number> | undefined
  readonly #packed: Stretch
  #marks: readonly symbol[] | undefined
  // Of interest to those who make a new version of it (edited-leaf.ts), if it is known:
  /** Its keys as they stand in the record. */
  packedKeys: Stretch | undefined
  /** All keys are simple. */
  isSimple: boolean | undefined
  /** Sum of the shares of its entries. */
  fill: number | undefined

  constructor(
    keys: readonly StoredKey[],
    valued: boolean,
    refs: readonly Oid[],
    source: Source | undefined,
    places: readonly Place[] | undefined,
    packed: Stretch,
    size = keys.length,
    apart: Apart = undefined,
  ) {
    this.size = size
    this.keys = keys
    this.valued = valued
    this.refs = refs
    this.source = source
    this.#places = places
    this.#packed = packed
    this.#apart = apart === undefined || apart === true ? apart : new Set(apart)
  }

  /** Throws SchemaError. */
  static read(state: StoredState, valued: boolean, someApart: boolean): Leaf {
    const { packed, refs, oid, tid, at, generation } = state
    const { keys, from, to, places, end, apart } = unpackWith(packed, () => {
      if (readCount() !== Number(valued) + Number(someApart) + 1) unknownForm()
      const from = position()
      const keys = readKeys(refs)
      const to = position()
      const allApart = someApart && passNull()
      const values = allApart ? { count: refs.length, places: undefined } : valued ? readPlaces(refs) : undefined
      if (values && values.count !== keys.length) unknownForm()
      const end = position()
      const apart = someApart ? readApart(keys.length, values?.places) : undefined
      if (allApart && apart !== true) unknownForm()
      return { keys, from, to, places: values?.places, end, apart }
    })
    const kept = upTo(state.keepBytes(places !== undefined), end)
    const leaf = new Leaf(keys, valued, refs, { oid, tid, at, generation }, places, kept, keys.length, apart)
    // Otherwise it would be all that is kept of the record.
    if (places) leaf.packedKeys = { bytes: kept.bytes, from, to }
    return leaf
  }

  /** The same of a list. Throws SchemaError. */
  static readItems(state: StoredState, someApart: boolean): Leaf {
    const { packed, refs, oid, tid, at, generation } = state
    const { count, places, end, apart } = unpackWith(packed, () => {
      if (readCount() !== Number(someApart) + 1) unknownForm()
      const { count, places } = readPlaces(refs)
      const end = position()
      return { count, places, end, apart: someApart ? readApart(count, places) : undefined }
    })
    const kept = upTo(state.keepBytes(places !== undefined), end)
    return new Leaf([], true, refs, { oid, tid, at, generation }, places, kept, count, apart)
  }

  /** A value that stands apart. Throws SchemaError. */
  static readValue(record: StoredRecord, generation: number): Leaf {
    const { oid, tid, refs, offset: at } = record
    const place = unpackWith(record, () => {
      if (readCount() !== 1) unknownForm()
      const start = position()
      if (readReference() >= 0) unknownForm()
      skipValue(2)
      return start
    })
    return new Leaf([], true, refs, { oid, tid, at, generation }, [place], record, 1)
  }

  /** Whether it is of a list. */
  get counted(): boolean {
    return this.keys.length !== this.size
  }

  /** The oid of the object that a value refers to; undefined: it is no reference. */
  reference(at: number): Oid | undefined {
    return this.valued && !this.#isApart(at) ? this.#link(at) : undefined
  }

  /** The oid of the record that has the value; undefined: it stands here. */
  apart(at: number): Oid | undefined {
    return this.#isApart(at) ? this.#link(at) : undefined
  }

  #isApart(at: number): boolean {
    return this.#apart !== undefined && (this.#apart === true || this.#apart.has(at))
  }

  #link(at: number): Oid | undefined {
    const place = this.#places === undefined ? ~at : (this.#places[at] as Place)
    return place < 0 ? this.refs[~place] : undefined
  }

  /** Some values stand apart. */
  get someApart(): boolean {
    return this.#apart !== undefined
  }

  /** Whether something holds for every record that has a value of this leaf. */
  allOfApart(holds: (oid: Oid) => boolean): boolean {
    if (this.#apart === undefined) return true
    for (let at = 0; at < this.size; at++) {
      const oid = this.apart(at)
      if (oid !== undefined && !holds(oid)) return false
    }
    return true
  }

  /** What its values are, if it is the same for all of them. */
  get kind(): LeafKind {
    if (this.#apart !== undefined) return this.#apart === true ? 'apart' : 'mixed'
    if (this.isReferences) return 'references'
    return this.refs.length === 0 ? 'packed' : 'mixed'
  }

  /** A value that stands here, undecoded, and the caller's own; of a set: undefined. */
  value(at: number): unknown {
    if (!this.valued) return undefined
    const place = this.#places === undefined ? ~at : (this.#places[at] as Place)
    if (place >= 0) return unpackAt(this.#packed, place, this.#endOf(at))
    return this.#isApart(at) ? unknownForm() : { '': ~place }
  }

  /** Where a value ends that is no reference; undefined: a reference follows, whose place is not kept. */
  #endOf(at: number): number | undefined {
    const next = this.#places?.[at + 1]
    return next === undefined ? this.#packed.to : next < 0 ? undefined : next
  }

  /** Value i is reference i, of all of them. */
  get isReferences(): boolean {
    return this.valued && this.#places === undefined && this.refs.length === this.keys.length
  }

  /** What `weigh` says of a value. */
  weight(at: number): number {
    if (!this.valued) return 1
    const place = this.#places === undefined ? ~at : (this.#places[at] as Place)
    return place < 0 ? REFERENCE : weighAt(this.#packed, place)
  }

  /** The bytes of the values from `from` to `to`, of a leaf without references. */
  packedValues(from: number, to: number): Stretch {
    const places = this.#places ?? []
    const { bytes, to: end } = this.#packed
    return { bytes, from: places[from] ?? end, to: places[to] ?? end }
  }

  /** How far behind one value another one stands, in the same leaf. */
  distance(from: number, to: number): number {
    return (this.#places?.[to] ?? 0) - (this.#places?.[from] ?? 0)
  }

  /** The references as marks of what nobody followed. */
  get marks(): readonly symbol[] {
    return (this.#marks ??= this.refs.map(unresolved))
  }
}

export const NO_LEAF = new Leaf([], false, [], undefined, undefined, { bytes: new Uint8Array(0), from: 0, to: 0 })

/** The array of keys that comes next of what is being unpacked. */
export function readKeys(refs: readonly Oid[]): StoredKey[] {
  const keys = readValue(1)
  if (!Array.isArray(keys)) return unknownForm()
  let decoder: Decoder | undefined
  for (let n = 0; n < keys.length; n++) {
    const raw: unknown = keys[n]
    if (typeof raw === 'string' || (typeof raw === 'number' && !Number.isNaN(raw))) continue
    keys[n] = decodeKey(raw, (decoder ??= reader(refs)))
  }
  return keys as StoredKey[]
}

function reader(refs: readonly Oid[]): Decoder {
  return new Decoder(refs.map(unresolved), undefined)
}

/** The array of values that comes next. `places` undefined: value i is reference i. */
function readPlaces(refs: readonly Oid[]): { readonly count: number; readonly places: Place[] | undefined } {
  const count = readCount()
  const places: Place[] = []
  let inOrder = true
  for (let n = 0; n < count; n++) {
    const start = position()
    const to = readReference()
    if (to < 0) skipValue(2)
    else if (to >= refs.length) unknownForm()
    if (to !== n) inOrder = false
    places.push(to < 0 ? start : ~to)
  }
  return { count, places: inOrder ? undefined : places }
}

/** Which of so many values stand apart: comes next of what is being unpacked. */
function readApart(count: number, places: readonly Place[] | undefined): Apart {
  const apart = readValue(1)
  const isApart = (at: number): boolean => at < count && (places === undefined || (places[at] as Place) < 0)
  if (apart === true) return count > 0 && (places?.every(place => place < 0) ?? true) ? true : unknownForm()
  if (!Array.isArray(apart) || apart.length === 0) return unknownForm()
  let last = -1
  for (const at of apart as readonly unknown[]) {
    if (!Number.isSafeInteger(at) || (at as number) <= last || !isApart(at as number)) unknownForm()
    last = at as number
  }
  return apart as number[]
}

function upTo({ bytes, from, to }: Stretch, end: number): Stretch {
  return { bytes, from, to: Math.min(to, end) }
}
