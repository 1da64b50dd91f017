// A stored leaf with a few changes, put together from its bytes: entries that nobody changed are neither unpacked nor packed.
// Where a leaf does not stay one node, or all its values come to stand apart, which has a form of its own, it goes entry by entry
// (drafts.ts), and comes to the same.
import type { Encoder } from '../../object/encoder.js'
import type { StoredState } from '../../object/record-view.js'
import { headerOf, unresolved, type Header } from '../../object/header.js'
import { Recordable } from '../../object/recordable.js'
import { elementsOf, passAt } from '../../object/unpack.js'
import { unknownForm } from '../../object/values.js'
import type { Oid } from '../../store/types.js'
import { encodeKey, encodeKeys, hasReference, keyName, type StoredKey } from '../key.js'
import { BARE_LEAF_FORM, ITEMS_FORM, LEAF_FORM, withApart } from './forms.js'
import { LEAST, leafShare, shareOf } from './fullness.js'
import { Leaf } from './leaf.js'
import { encodeAllApart, encodeApart, encodeValue, isApart, linkOf, weigh } from './raw-value.js'

/** Sums of many shares are not exact. */
const SLACK = 1e-9

/** What happens at one place of a stored leaf. */
export interface Edit {
  /** The key that is put there; of a list: only for messages. */
  readonly key: StoredKey
  /** Nothing is put there. */
  readonly gone: boolean
  /** What is put there: as a transaction has it, with the header in place of an object; or a RawValue, which is moved. */
  readonly value: unknown
}

/** In the order of their places. */
export interface Edits {
  readonly edits: readonly Edit[]
  /** Of each: where it is made in the stored leaf ... */
  readonly at: readonly number[]
  /** ... and whether the entry that stands there gives way to it. */
  readonly takes: readonly boolean[]
}

/**
 * What the values of a leaf are before and after: all of them 'apart', or 'references' to one object each, so that the order
 * tells which is which; or whatever they are. 'none': it is of a set.
 */
type Way = 'apart' | 'references' | 'any' | 'none'

export class EditedLeaf {
  readonly #leaf: Leaf
  readonly #edits: Edits
  readonly #way: Way
  /** Some key refers to an object, before or afterwards: then the record's references are not only those of the values ... */
  readonly #keysRefer: boolean
  /** ... and here they are one for each key, and no others. */
  readonly #isOfObjects: boolean
  /** How many entries there are afterwards ... */
  readonly size: number
  /** ... and how many of their values stand apart. */
  readonly #apartCount: number
  readonly #fill: number | undefined
  /** Of a list: the position of its first item, for messages. */
  start = 0
  // What the encoding has written:
  #keys: readonly StoredKey[] = []
  /** Where they stand in the state. */
  #keysFrom = 0
  #keysTo = 0
  #valuesTo = 0
  // Where the values stand, if the order does not tell:
  #starts: number[] = []
  #links: number[] | undefined
  #nested: number[] = []
  #apart: number[] = []

  /** Undefined: it has to go entry by entry. */
  static make(leaf: Leaf, edits: Edits): EditedLeaf | undefined {
    let growth = 0
    let { size } = leaf
    let apart = leaf.apartCount
    for (let n = 0; n < edits.edits.length; n++) {
      const { key, gone, value } = edits.edits[n] as Edit
      if (edits.takes[n]) {
        const at = edits.at[n] as number
        growth -= shareAt(leaf, at)
        size--
        if (leaf.someApart && leaf.apart(at) !== undefined) apart--
      }
      if (gone) continue
      growth += leafShare(leaf.counted ? undefined : key, leaf.valued ? value : null)
      size++
      if (isApart(value)) apart++
    }
    if (!staysOne(leaf, growth)) return undefined
    const keysRefer = leaf.keysRefer !== 'none' || edits.edits.some(({ key, gone }) => !gone && hasReference(key))
    const way = wayOf(leaf, edits.edits, keysRefer)
    // Its form is another one, where nothing tells but the order.
    if (way === 'any' && apart === size && !keysRefer && !leaf.counted) return undefined
    return new EditedLeaf(leaf, edits, way, keysRefer, size, apart, growth)
  }

  private constructor(
    leaf: Leaf,
    edits: Edits,
    way: Way,
    keysRefer: boolean,
    size: number,
    apartCount: number,
    growth: number,
  ) {
    this.#leaf = leaf
    this.#edits = edits
    this.#way = way
    this.#keysRefer = keysRefer
    this.#isOfObjects = leaf.keysRefer === 'all' && edits.edits.every(({ key, gone }) => gone || headerOf(key))
    this.size = size
    this.#apartCount = apartCount
    this.#fill = leaf.fill === undefined ? undefined : leaf.fill + growth
  }

  /** Fields of its record. */
  get form(): readonly string[] {
    if (this.#way === 'none') return BARE_LEAF_FORM
    const form = this.#leaf.counted ? ITEMS_FORM : LEAF_FORM
    return this.#apartCount > 0 ? withApart(form) : form
  }

  /** Writes its keys, and its values. */
  encode(encoder: Encoder): void {
    const { keys, refs, counted } = this.#leaf
    if (this.#isOfObjects) {
      this.#keys = this.#edit(keys, ({ key }) => key)
      const made = this.#edit<Oid | Recordable>(refs, ({ key }) => encoder.refer(headerOf(key) as Header, keyName(key)))
      encoder.array(made.length)
      return encoder.inOrder(made)
    }
    if (!counted) {
      this.#keys = this.#edit(keys, ({ key }) => key)
      this.#keysFrom = encoder.position
      this.#encodeKeys(encoder)
      this.#keysTo = encoder.position
    }
    if (this.#way === 'none') return
    if (this.#way === 'any') return this.#values(encoder)
    const made = this.#edit<Oid | Recordable>(refs, ({ key, value }) =>
      encoder.refer(linkOf(value) ?? unknownForm(), keyName(key)),
    )
    if (this.#way === 'apart' && !counted) return encodeAllApart(made, encoder)
    encoder.array(made.length)
    encoder.inOrder(made)
    if (this.#way === 'apart') encodeApart(true, encoder)
  }

  #encodeKeys(encoder: Encoder): void {
    const { packedKeys } = this.#leaf
    if (!packedKeys || this.#keysRefer) return encodeKeys(this.#keys, encoder)
    encoder.array(this.#keys.length)
    const stored = elementsOf(packedKeys)
    let passed = 0
    let at = stored.from
    const to = (key: number): number => {
      at = passAt(stored, at, key - passed)
      passed = key
      return at
    }
    this.#each(
      (from, end) => encoder.packed({ bytes: stored.bytes, from: to(from), to: to(end) }),
      ({ key }) => encodeKey(key, encoder),
    )
  }

  #values(encoder: Encoder): void {
    const leaf = this.#leaf
    this.#starts = []
    this.#links = undefined
    this.#nested = []
    this.#apart = []
    encoder.array(this.size)
    this.#each(
      (from, to) => {
        if (leaf.someLinks) this.#carry(from, to, encoder)
        else this.#copy(from, to, encoder)
      },
      ({ key, value }) => {
        const name = leaf.counted ? (key as number) : keyName(key)
        const to = linkOf(value)
        if (to !== undefined) return this.#link(to, isApart(value), name, encoder)
        this.#begin(encoder.position)
        encoder.noted = this.#nested
        encodeValue(value, encoder, name)
        encoder.noted = undefined
      },
    )
    this.#valuesTo = encoder.position
    const apart = this.#apart
    if (apart.length > 0) encodeApart(apart.length === this.size ? true : apart, encoder)
  }

  /** Writes stored values. */
  #carry(from: number, to: number, encoder: Encoder): void {
    const leaf = this.#leaf
    for (let at = from; at < to;) {
      const linked = leaf.linked(at)
      if (linked === undefined) {
        let end = at + 1
        while (end < to && leaf.link(end) < 0) end++
        this.#copy(at, end, encoder)
        at = end
      } else {
        this.#link(linked, leaf.apart(at) !== undefined, this.#nameAt(at), encoder)
        at++
      }
    }
  }

  /** The same of some that are no links. */
  #copy(from: number, to: number, encoder: Encoder): void {
    const leaf = this.#leaf
    if (!leaf.isNested) {
      const shift = encoder.position - leaf.start(from)
      for (let at = from; at < to; at++) this.#begin(leaf.start(at) + shift)
      leaf.carry(from, to, encoder, '')
      return
    }
    // What they refer to may have longer or shorter numbers here.
    encoder.noted = this.#nested
    for (let at = from; at < to; at++) {
      this.#begin(encoder.position)
      leaf.carry(at, at + 1, encoder, this.#nameAt(at))
    }
    encoder.noted = undefined
  }

  #begin(position: number): void {
    this.#starts.push(position)
    this.#links?.push(-1)
  }

  #link(to: Oid | Recordable, isApart: boolean, name: string | number, encoder: Encoder): void {
    const at = this.#starts.length
    if (isApart) this.#apart.push(at)
    this.#links ??= new Array<number>(at).fill(-1)
    this.#starts.push(encoder.position)
    this.#links.push(encoder.reference(to, name))
  }

  /** Of a stored entry, for messages. */
  #nameAt(at: number): string | number {
    const key = this.#leaf.keys[at]
    return key === undefined ? this.start + at : typeof key === 'string' || typeof key === 'number' ? key : keyName(key)
  }

  /** What each stored entry has, and in its place or between them what each edit makes of it. */
  #edit<T>(stored: readonly T[], make: (edit: Edit) => T): T[] {
    const { edits, at, takes } = this.#edits
    let edited: T[] | undefined
    let shift = 0
    for (let n = 0; n < edits.length; n++) {
      const edit = edits[n] as Edit
      const place = (at[n] as number) + shift
      const goes = Number(takes[n])
      const comes = edit.gone ? [] : [make(edit)]
      // The first, mostly the only one, makes the copy: with no room that nobody needs.
      if (edited) edited.splice(place, goes, ...comes)
      else edited = stored.toSpliced(place, goes, ...comes)
      shift += comes.length - goes
    }
    return edited ?? stored.slice()
  }

  /** Goes through its entries: `stays` gets stretches of the stored leaf, `comes` what takes its place in or between them. */
  #each(stays: (from: number, to: number) => void, comes: (edit: Edit) => void): void {
    const { edits, at, takes } = this.#edits
    let from = 0
    for (let n = 0; n < edits.length; n++) {
      const to = at[n] as number
      const edit = edits[n] as Edit
      if (from < to) stays(from, to)
      if (!edit.gone) comes(edit)
      from = to + Number(takes[n])
    }
    if (from < this.#leaf.size) stays(from, this.#leaf.size)
  }

  /** What reading the record that has been written would give. Undefined: it has to be read. */
  leaf(state: StoredState): Leaf | undefined {
    const { valued, counted } = this.#leaf
    if (this.#isOfObjects) return this.#leafOfObjects(state)
    if (this.#keysRefer) return undefined
    const { oid, tid, at, generation, refs, packed } = state
    const { bytes, from } = packed
    const links = this.#links
    const inOrder = this.#way !== 'any' || (links?.length === refs.length && links.every((link, i) => link === i))
    const places = inOrder ? undefined : { starts: this.#starts, links, nested: this.#nested }
    const isApart = this.#way === 'apart' || this.#apart.length === this.size
    const apart = isApart || (this.#apart.length > 0 ? this.#apart : undefined)
    const kept = state.keepBytes(places !== undefined)
    const values = places ? { ...kept, to: this.#valuesTo } : kept
    const leaf = new Leaf(this.#keys, valued, refs, { oid, tid, at, generation }, places, values, this.size, apart)
    if (!counted) leaf.packedKeys = { bytes, from: from + this.#keysFrom, to: from + this.#keysTo }
    leaf.keysRefer = 'none'
    leaf.fill = this.#fill
    return leaf
  }

  #leafOfObjects(state: StoredState): Leaf {
    const { oid, tid, at, generation, refs } = state
    const keys = this.#keys.map((key, i) => (typeof key === 'symbol' ? key : unresolved(refs[i] as Oid)))
    const leaf = new Leaf(keys, false, refs, { oid, tid, at, generation }, undefined, state.keepBytes(false))
    leaf.keysRefer = 'all'
    leaf.fill = this.#fill
    return leaf
  }
}

function wayOf(leaf: Leaf, edits: readonly Edit[], keysRefer: boolean): Way {
  const { valued, kind } = leaf
  if (!valued) return 'none'
  if (keysRefer) return 'any'
  if (kind === 'apart') return edits.every(({ gone, value }) => gone || isApart(value)) ? kind : 'any'
  return kind === 'references' && areOthers(leaf, edits) ? kind : 'any'
}

/** Whether all that is put are references to objects that the record does not refer to yet: it names each once. */
function areOthers({ refs }: Leaf, edits: readonly Edit[]): boolean {
  const met = new Set<Oid | Recordable>()
  for (const { gone, value } of edits) {
    if (gone) continue
    const link = isApart(value) ? undefined : linkOf(value)
    const to = link instanceof Recordable ? link.oid || link : link
    if (to === undefined || met.has(to) || (typeof to === 'number' && refs.includes(to))) return false
    met.add(to)
  }
  return true
}

function shareAt(leaf: Leaf, at: number): number {
  return shareOf(0, (leaf.counted ? 0 : weigh(leaf.keys[at])) + leaf.weight(at))
}

function staysOne(leaf: Leaf, growth: number): boolean {
  if (growth === 0) return true
  const fill = fillOf(leaf) + growth
  return fill <= 1 - SLACK && fill >= LEAST + SLACK
}

function fillOf(leaf: Leaf): number {
  if (leaf.fill !== undefined) return leaf.fill
  let fill = 0
  for (let at = 0; at < leaf.size; at++) fill += shareAt(leaf, at)
  return (leaf.fill = fill)
}
