// A stored leaf with a few changes, put together from its bytes: entries that nobody changed are neither unpacked nor packed.
// Only where that is simple: keys that are primitive, and values that all stand apart, or are references to one object each, or
// have no reference at all. Everything else goes entry by entry (drafts.ts), and comes to the same.
import type { Encoder } from '../../object/codec.js'
import { Header, unresolvedOid } from '../../object/header.js'
import type { StoredState } from '../../object/record-view.js'
import { elementsOf, passAt } from '../../object/unpack.js'
import type { Oid } from '../../store/types.js'
import { encodeKey, encodeKeys, keyName, type StoredKey } from '../key.js'
import { findKey } from '../key-order.js'
import { BARE_LEAF_FORM, LEAF_FORM, withApart } from './forms.js'
import { LEAST, leafShare, shareOf } from './fullness.js'
import { Leaf, type LeafKind } from './leaf.js'
import { encodeAllApart, encodeValue, weigh } from './raw-value.js'
import type { Change } from './rewrite.js'
import { ValueHeader } from './value-header.js'

/** Sums of many shares are not exact. */
const SLACK = 1e-9

export class EditedLeaf {
  readonly #leaf: Leaf
  readonly #changes: readonly Change[]
  /** Of each change: where it is made in the stored leaf ... */
  readonly #at: readonly number[]
  /** ... and whether the entry that stands there gives way to it. */
  readonly #replaces: readonly boolean[]
  readonly #fill: number | undefined
  // What the encoding has written:
  #keys: readonly StoredKey[] = []
  /** Where they stand in the state. */
  #keysFrom = 0
  #keysTo = 0
  /** Where each value stands in the state; undefined: value i is reference i. */
  #places: number[] | undefined

  /** Undefined: it is not simple, or does not stay one node. */
  static make(leaf: Leaf, changes: readonly Change[]): EditedLeaf | undefined {
    const { kind } = leaf
    if (kind === 'mixed') return undefined
    const places: number[] = []
    const replaces: boolean[] = []
    let growth = 0
    for (const { key, gone, value } of changes) {
      if (!isSimple(key) || (!gone && !fits(value, kind))) return undefined
      const found = findKey(leaf.keys, key)
      places.push(found < 0 ? ~found : found)
      replaces.push(found >= 0)
      if (found >= 0) growth -= shareAt(leaf, found)
      if (!gone) growth += leafShare(key, leaf.valued ? value : null)
    }
    if (!(leaf.isSimple ??= leaf.keys.every(isSimple)) || !staysOne(leaf, growth)) return undefined
    if (kind === 'references' && someTwice(leaf, changes)) return undefined
    return new EditedLeaf(leaf, changes, places, replaces, leaf.fill === undefined ? undefined : leaf.fill + growth)
  }

  private constructor(
    leaf: Leaf,
    changes: readonly Change[],
    at: readonly number[],
    replaces: readonly boolean[],
    fill: number | undefined,
  ) {
    this.#leaf = leaf
    this.#changes = changes
    this.#at = at
    this.#replaces = replaces
    this.#fill = fill
  }

  /** Fields of its record. */
  get form(): readonly string[] {
    const { valued, kind } = this.#leaf
    if (!valued) return BARE_LEAF_FORM
    return kind === 'apart' ? withApart(LEAF_FORM) : LEAF_FORM
  }

  /** Writes its keys, and its values. */
  encode(encoder: Encoder): void {
    const { keys, valued, kind } = this.#leaf
    this.#keys = this.#edit(keys, ({ key }) => key)
    this.#keysFrom = encoder.position
    this.#encodeKeys(encoder)
    this.#keysTo = encoder.position
    this.#places = undefined
    if (!valued) return
    if (kind === 'packed') {
      encoder.array(this.#keys.length)
      this.#values(encoder)
      return
    }
    const refs = this.#edit<Oid | Header>(this.#leaf.refs, change => refer(change, encoder))
    if (kind === 'apart') return encodeAllApart(refs, encoder)
    encoder.array(refs.length)
    encoder.inOrder(refs)
  }

  #encodeKeys(encoder: Encoder): void {
    const { packedKeys } = this.#leaf
    if (!packedKeys) return encodeKeys(this.#keys, encoder)
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
    const places: number[] = (this.#places = [])
    this.#each(
      (from, to) => {
        for (let at = from; at < to; at++) places.push(encoder.position + leaf.distance(from, at))
        encoder.packed(leaf.packedValues(from, to))
      },
      ({ key, value }) => {
        places.push(encoder.position)
        encodeValue(value, encoder, keyName(key))
      },
    )
  }

  /** What each stored entry has, and in its place or between them what each change makes of it. */
  #edit<T>(stored: readonly T[], make: (change: Change) => T): T[] {
    const made = this.#changes.map(change => (change.gone ? [] : [make(change)]))
    const edited = stored.slice()
    // From the end, so that what comes before stays in its place.
    for (let n = made.length - 1; n >= 0; n--)
      edited.splice(this.#at[n] as number, Number(this.#replaces[n]), ...(made[n] as T[]))
    return edited
  }

  /** Goes through its entries: `stays` gets stretches of the stored leaf, `comes` what takes its place in or between them. */
  #each(stays: (from: number, to: number) => void, comes: (change: Change) => void): void {
    let from = 0
    for (let n = 0; n < this.#changes.length; n++) {
      const at = this.#at[n] as number
      const change = this.#changes[n] as Change
      if (from < at) stays(from, at)
      if (!change.gone) comes(change)
      from = at + Number(this.#replaces[n])
    }
    if (from < this.#leaf.size) stays(from, this.#leaf.size)
  }

  /** What reading the record that has been written would give. Undefined: it has to be read. */
  leaf(state: StoredState): Leaf | undefined {
    const { valued, kind } = this.#leaf
    if (valued && kind === 'packed' && state.refs.length > 0) return undefined
    const { oid, tid, at, generation, refs, packed } = state
    const { bytes, from } = packed
    const kept = state.keepBytes(this.#places !== undefined)
    const size = this.#keys.length
    const apart = kind === 'apart' || undefined
    const leaf = new Leaf(this.#keys, valued, refs, { oid, tid, at, generation }, this.#places, kept, size, apart)
    leaf.packedKeys = { bytes, from: from + this.#keysFrom, to: from + this.#keysTo }
    leaf.isSimple = true
    leaf.fill = this.#fill
    return leaf
  }
}

export function isSimple(key: StoredKey): boolean {
  return typeof key !== 'object' && typeof key !== 'symbol'
}

/** What stands for the value in the list of references. */
function refer({ key, value }: Change, encoder: Encoder): Oid | Header {
  return encoder.refer(typeof value === 'symbol' ? unresolvedOid(value) : (value as Header), keyName(key))
}

/** Whether a leaf with this value stays what it is. */
function fits(value: unknown, kind: LeafKind): boolean {
  const isApart = value instanceof ValueHeader
  if (kind === 'apart' || isApart) return kind === 'apart' && isApart
  return kind === 'packed' || typeof value === 'symbol' || value instanceof Header
}

/** A record names each object once in its references. */
function someTwice({ refs }: Leaf, changes: readonly Change[]): boolean {
  const met = new Set<Oid | Header>()
  for (const { gone, value } of changes) {
    if (gone) continue
    const to =
      typeof value === 'symbol' ? unresolvedOid(value) : value instanceof Header ? value.oid || value : undefined
    if (to === undefined || met.has(to) || (typeof to === 'number' && refs.includes(to))) return true
    met.add(to)
  }
  return false
}

function shareAt(leaf: Leaf, at: number): number {
  return shareOf(0, weigh(leaf.keys[at]) + leaf.weight(at))
}

function staysOne(leaf: Leaf, growth: number): boolean {
  if (growth === 0) return true
  const fill = fillOf(leaf) + growth
  return fill <= 1 - SLACK && fill >= LEAST + SLACK
}

function fillOf(leaf: Leaf): number {
  if (leaf.fill !== undefined) return leaf.fill
  let fill = 0
  for (let at = 0; at < leaf.keys.length; at++) fill += shareAt(leaf, at)
  return (leaf.fill = fill)
}
