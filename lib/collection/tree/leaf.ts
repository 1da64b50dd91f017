// Entries as they stand in one record: all of a small collection, or one leaf of a tree. Keys are decoded (by read-leaf.ts), values
// when they are asked for; a leaf whose values are references to one object each keeps nothing but these.
import type { Encoder } from '../../object/encoder.js'
import { headerOf, unresolved } from '../../object/header.js'
import { referenceAt, unpackAt } from '../../object/unpack.js'
import { weighAt } from '../../object/weigh-packed.js'
import { unknownForm } from '../../object/values.js'
import type { Offset, Oid, Stretch, Tid } from '../../store/types.js'
import { hasReference, type StoredKey } from '../key.js'
import { findKey } from '../key-order.js'
import type { Apart } from './forms.js'
import { REFERENCE } from './raw-value.js'

/** Names the version of the record that something was read from. */
export interface Source {
  readonly oid: Oid
  readonly tid: Tid
  readonly at: Offset
  readonly generation: number
}

/** Where the values of a leaf stand. */
export interface Places {
  /** Of each value: where it begins. */
  readonly starts: readonly number[]
  /** The number of the reference that it is, or that leads to where it stands apart; -1: it is none. Undefined: so it is for all. */
  readonly links: readonly number[] | undefined
  /** Where references begin inside of the others, in order. */
  readonly nested: readonly number[]
}

/** Whether keys refer to objects. 'all': each is a reference, and values have none, so that key i is reference i. */
type KeysRefer = 'all' | 'some' | 'none'

/** 'references': to one object each, in their order. 'packed': nothing in the record is a reference. */
type LeafKind = 'apart' | 'references' | 'packed' | 'mixed'

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
  readonly #places: Places | undefined
  /** Entries whose values stand apart, each in the record that the reference leads to. */
  readonly #apart: true | ReadonlySet<number> | undefined
  readonly #packed: Stretch
  #marks: readonly symbol[] | undefined
  // Of interest to those who make a new version of it (edited-leaf.ts), if it is known:
  /** Its keys as they stand in the record. */
  packedKeys: Stretch | undefined
  #keysRefer: KeysRefer | undefined
  /** Sum of the shares of its entries. */
  fill: number | undefined

  constructor(
    keys: readonly StoredKey[],
    valued: boolean,
    refs: readonly Oid[],
    source: Source | undefined,
    places: Places | undefined,
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

  get keysRefer(): KeysRefer {
    return (this.#keysRefer ??= this.#howKeysRefer())
  }

  set keysRefer(known: KeysRefer) {
    this.#keysRefer = known
  }

  #howKeysRefer(): KeysRefer {
    if (!this.keys.some(hasReference)) return 'none'
    const all = !this.valued && this.refs.length === this.size && this.keys.every(key => typeof key === 'symbol')
    return all ? 'all' : 'some'
  }

  /** Where the key stands; if it does not, the complement (~) of where it would. */
  find(key: StoredKey): number {
    const oid = typeof key === 'object' && this.keysRefer === 'all' ? (headerOf(key)?.oid ?? 0) : 0
    return oid === 0 ? findKey(this.keys, key) : findNumber(this.refs, oid)
  }

  /** Whether it is of a list. */
  get counted(): boolean {
    return this.keys.length !== this.size
  }

  /** The oid of the object that a value refers to; undefined: it is no reference. */
  reference(at: number): Oid | undefined {
    return this.valued && !this.#isApart(at) ? this.linked(at) : undefined
  }

  /** The oid of the record that has the value; undefined: it stands here. */
  apart(at: number): Oid | undefined {
    return this.#isApart(at) ? this.linked(at) : undefined
  }

  #isApart(at: number): boolean {
    return this.#apart !== undefined && (this.#apart === true || this.#apart.has(at))
  }

  /** The number of the reference that a value is, or that leads to where it stands apart; -1: it is none. */
  link(at: number): number {
    return this.#places === undefined ? at : (this.#places.links?.[at] ?? -1)
  }

  /** What that reference leads to. */
  linked(at: number): Oid | undefined {
    const link = this.link(at)
    return link < 0 ? undefined : this.refs[link] // an array looks for -1 among its named properties, which takes long
  }

  /** How many values stand apart. */
  get apartCount(): number {
    return this.#apart === undefined ? 0 : this.#apart === true ? this.size : this.#apart.size
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
    const link = this.link(at)
    if (link < 0) return unpackAt(this.#packed, this.start(at), this.start(at + 1))
    return this.#isApart(at) ? unknownForm() : { '': link }
  }

  /** Where a value begins, or all of them end, of a leaf of which not all values are links. */
  start(at: number): number {
    return this.#places?.starts[at] ?? this.#packed.to
  }

  /** Value i is reference i, of all of them. */
  get isReferences(): boolean {
    return this.valued && this.#places === undefined && this.refs.length === this.size
  }

  /** What `weigh` says of a value. */
  weight(at: number): number {
    if (!this.valued) return 1
    return this.link(at) < 0 ? weighAt(this.#packed, this.start(at)) : REFERENCE
  }

  /** Some values are links. */
  get someLinks(): boolean {
    return this.#places === undefined || this.#places.links !== undefined
  }

  /** Whether there are references inside of values that are none themselves. */
  get isNested(): boolean {
    return this.#places !== undefined && this.#places.nested.length > 0
  }

  /** Writes the values from `from` to `to`, none of which is a link, into another record; `name` is for messages. */
  carry(from: number, to: number, encoder: Encoder, name: string | number): void {
    const { bytes } = this.#packed
    const end = this.start(to)
    let at = this.start(from)
    const nested = this.#places?.nested ?? []
    const first = nested.length === 0 ? 0 : findNumber(nested, at)
    for (let n = first < 0 ? ~first : first; n < nested.length; n++) {
      const start = nested[n] as number
      if (start >= end) break
      encoder.packed({ bytes, from: at, to: start })
      const { index, end: behind } = referenceAt(this.#packed, start)
      encoder.reference(this.refs[index] ?? unknownForm(), name)
      at = behind
    }
    encoder.packed({ bytes, from: at, to: end })
  }

  /** The references as marks of what nobody followed. */
  get marks(): readonly symbol[] {
    return (this.#marks ??= this.refs.map(unresolved))
  }
}

export const NO_LEAF = new Leaf([], false, [], undefined, undefined, { bytes: new Uint8Array(0), from: 0, to: 0 })

/** Where it stands among these, which ascend; if it does not, the complement (~) of where it would. */
function findNumber(numbers: readonly number[], sought: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const number = numbers[middle] as number
    if (number === sought) return middle
    if (number < sought) low = middle + 1
    else high = middle
  }
  return ~low
}
