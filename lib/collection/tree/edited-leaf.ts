// A stored leaf with a few changes, put together from its bytes: entries that nobody changed are neither unpacked nor packed.
// Only where that is simple: keys that are primitive, and values that are references to one object each, or have no
// reference at all. Everything else goes entry by entry (drafts.ts), and comes to the same.
import type { Encoder } from '../../object/codec.js'
import { headerOf, unresolvedOid, type Header } from '../../object/header.js'
import { Packed } from '../../object/packed.js'
import { encodePrimitive } from '../../object/values.js'
import type { Oid } from '../../store/types.js'
import { keyName, type StoredKey } from '../key.js'
import { findKey } from '../key-order.js'
import { LEAST, leafShare, shareOf } from './fullness.js'
import type { Leaf } from './leaf.js'
import { weigh } from './raw-value.js'
import type { Change } from './rewrite.js'

/** Sums of many shares are not exact. */
const SLACK = 1e-9

export class EditedLeaf {
  readonly #leaf: Leaf
  readonly #changes: readonly Change[]
  /** Of each entry, where it stands in the stored leaf, or the complement (~) of the number of its change. */
  readonly #from: readonly number[]

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
    if (!leaf.keys.every(isSimple) || !staysOne(leaf, growth)) return undefined
    if (leaf.isReferences && someTwice(leaf, changes)) return undefined
    return new EditedLeaf(leaf, changes, from)
  }

  private constructor(leaf: Leaf, changes: readonly Change[], from: readonly number[]) {
    this.#leaf = leaf
    this.#changes = changes
    this.#from = from
  }

  get valued(): boolean {
    return this.#leaf.valued
  }

  /** The state of its record. */
  encode(encoder: Encoder): Uint8Array {
    const { keys, valued, isReferences } = this.#leaf
    const packed = this.#from.map(at => encodePrimitive(at < 0 ? this.#change(at).key : keys[at]))
    const parts = [Uint8Array.of(valued ? 0x92 : 0x91), encoder.pack(packed)]
    if (isReferences) parts.push(this.#references(encoder))
    else if (valued) this.#values(encoder, parts)
    return Buffer.concat(parts)
  }

  /** Value i is reference i. */
  #references(encoder: Encoder): Uint8Array {
    for (const at of this.#from) {
      if (at >= 0) encoder.keep(this.#leaf.refs[at] as Oid)
      else encoder.value(this.#change(at).value, this.#name(at))
    }
    const { length } = this.#from
    return (referencesTo[length] ??= encoder.pack(Array.from({ length }, (_, n) => ({ '': n }))))
  }

  #values(encoder: Encoder, parts: Uint8Array[]): void {
    const from = this.#from
    parts.push(arrayOf(from.length))
    for (let n = 0; n < from.length; n++) {
      const at = from[n] as number
      if (at < 0) {
        const { value } = this.#change(at)
        parts.push(value instanceof Packed ? value.bytes : encoder.pack(encoder.value(value, this.#name(at))))
        continue
      }
      const first = n
      while (from[n + 1] === at + n + 1 - first) n++
      parts.push(this.#leaf.packedValues(at, at + n + 1 - first))
    }
  }

  #change(at: number): Change {
    return this.#changes[~at] as Change
  }

  #name(at: number): string {
    return keyName(this.#change(at).key)
  }
}

/** Packed arrays of the references 0, 1, 2 ..., by how many they are. */
const referencesTo: Uint8Array[] = []

/** What a MessagePack array of so many values begins with. */
export function arrayOf(count: number): Uint8Array {
  if (count < 16) return Uint8Array.of(0x90 + count)
  return Uint8Array.of(0xdc, count >> 8, count) // there are never more in a record
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

const fills = new WeakMap<Leaf, number>()

function fillOf(leaf: Leaf): number {
  let fill = fills.get(leaf)
  if (fill === undefined) {
    fill = 0
    for (let at = 0; at < leaf.keys.length; at++) fill += shareAt(leaf, at)
    fills.set(leaf, fill)
  }
  return fill
}
