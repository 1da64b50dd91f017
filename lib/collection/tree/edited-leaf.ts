// A stored leaf with a few changes, put together from its bytes: entries that nobody changed are neither unpacked nor packed.
// Only where that is simple: keys that are primitive, and values that are references to one object each, or have no
// reference at all. Everything else goes entry by entry (drafts.ts), and comes to the same.
import type { Encoder } from '../../object/codec.js'
import { headerOf, unresolvedOid, type Header } from '../../object/header.js'
import type { StoredState } from '../../object/record-view.js'
import type { Oid } from '../../store/types.js'
import { encodeKeys, keyName, type StoredKey } from '../key.js'
import { findKey } from '../key-order.js'
import { LEAST, leafShare, shareOf } from './fullness.js'
import { Leaf } from './leaf.js'
import { weigh } from './raw-value.js'
import type { Change } from './rewrite.js'

/** Sums of many shares are not exact. */
const SLACK = 1e-9

export class EditedLeaf {
  readonly #leaf: Leaf
  readonly #changes: readonly Change[]
  /** Of each entry, where it stands in the stored leaf, or the complement (~) of the number of its change. */
  readonly #from: readonly number[]
  readonly #fill: number | undefined
  // What the encoding has written:
  #keys: readonly StoredKey[] = []
  /** Where each value stands in the state; undefined: value i is reference i. */
  #places: number[] | undefined

  /** Undefined: it is not simple, or does not stay one node. */
  static make(leaf: Leaf, changes: readonly Change[]): EditedLeaf | undefined {
    if (!leaf.isReferences && leaf.refs.length > 0) return undefined
    const from: number[] = []
    let at = 0
    let growth = 0
    for (let n = 0; n < changes.length; n++) {
      const { key, gone, value } = changes[n] as Change
      if (!isSimple(key) || (leaf.isReferences && !gone && !isReference(value))) return undefined
      const found = findKey(leaf.keys, key)
      const to = found < 0 ? ~found : found
      while (at < to) from.push(at++)
      if (found >= 0) growth -= shareAt(leaf, at++)
      if (gone) continue
      growth += leafShare(key, leaf.valued ? value : null)
      from.push(~n)
    }
    while (at < leaf.keys.length) from.push(at++)
    if (!(leaf.isSimple ??= leaf.keys.every(isSimple)) || !staysOne(leaf, growth)) return undefined
    if (leaf.isReferences && someTwice(leaf, changes)) return undefined
    return new EditedLeaf(leaf, changes, from, leaf.fill === undefined ? undefined : leaf.fill + growth)
  }

  private constructor(leaf: Leaf, changes: readonly Change[], from: readonly number[], fill: number | undefined) {
    this.#leaf = leaf
    this.#changes = changes
    this.#from = from
    this.#fill = fill
  }

  get valued(): boolean {
    return this.#leaf.valued
  }

  /** Writes its keys, and its values. */
  encode(encoder: Encoder): void {
    const { keys, valued, isReferences } = this.#leaf
    const from = this.#from
    this.#keys = from.map(at => (at < 0 ? this.#change(at).key : (keys[at] as StoredKey)))
    encodeKeys(this.#keys, encoder)
    this.#places = undefined
    if (!valued) return
    encoder.array(from.length)
    if (isReferences) this.#references(encoder)
    else this.#values(encoder)
  }

  #references(encoder: Encoder): void {
    for (const at of this.#from) {
      if (at >= 0) encoder.keep(this.#leaf.refs[at] as Oid)
      else encoder.write(this.#change(at).value, this.#name(at))
    }
  }

  #values(encoder: Encoder): void {
    const from = this.#from
    const places: number[] = (this.#places = [])
    for (let n = 0; n < from.length; n++) {
      const at = from[n] as number
      places.push(encoder.position)
      if (at < 0) {
        encoder.write(this.#change(at).value, this.#name(at))
        continue
      }
      const first = n
      while (from[n + 1] === at + n + 1 - first) {
        n++
        places.push(encoder.position + this.#leaf.distance(at, at + n - first))
      }
      encoder.packed(this.#leaf.packedValues(at, at + n + 1 - first))
    }
  }

  /** What reading the record that has been written would give. Undefined: it has to be read. */
  leaf(state: StoredState): Leaf | undefined {
    const { valued, isReferences } = this.#leaf
    if (valued && !isReferences && state.refs.length > 0) return undefined
    const { oid, tid, at, generation, refs } = state
    const kept = state.keepBytes(this.#places !== undefined)
    const leaf = new Leaf(this.#keys, valued, refs, { oid, tid, at, generation }, this.#places, kept)
    leaf.isSimple = true
    leaf.fill = this.#fill
    return leaf
  }

  #change(at: number): Change {
    return this.#changes[~at] as Change
  }

  #name(at: number): string {
    return keyName(this.#change(at).key)
  }
}

export function isSimple(key: StoredKey): boolean {
  return typeof key !== 'object' && typeof key !== 'symbol'
}

function isReference(value: unknown): boolean {
  return typeof value === 'symbol' || headerOf(value) !== undefined
}

/** A record names each object once in its references. */
function someTwice({ refs }: Leaf, changes: readonly Change[]): boolean {
  const met = new Set<Oid | Header>()
  for (const { gone, value } of changes) {
    if (gone) continue
    const header = headerOf(value)
    const to = typeof value === 'symbol' ? unresolvedOid(value) : header && (header.oid || header)
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
