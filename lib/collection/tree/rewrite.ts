// What a transaction did to a map or set, made to a stored state of it: the nodes that must be written. Pure: the state
// that it begins with stays as it is, so it can be done again to another one.
//
// A B+tree: entries in leaves of equal depth, inner nodes that lead to them. A node is as full as the shares of its
// entries add up to. At most 1, and at least LEAST for all but a root; no entry counts for more than a quarter, so that
// this can always be kept, however large values are. Splitting what is more than full leaves each half (1 - 1/4) / 2 > LEAST.
import type { Header } from '../../object/header.js'
import type { Oid } from '../../store/types.js'
import { hasReference, type StoredKey } from '../key.js'
import { compareKeys } from '../key-order.js'
import { NodeHeader } from './node-header.js'
import { RawValue, weigh } from './raw-value.js'
import type { Tree } from './tree.js'

export const LEAST = 1 / 3
const LARGEST_SHARE = 1 / 4
/** A full node has so many entries, or so many bytes in them, whatever is reached first. */
const FULL_LEAF = { entries: 96, bytes: 3072 }
const FULL_INNER = { entries: 128, bytes: 3072 }
/** As much as always goes into two nodes. */
const LARGEST_PAIR = 2 - LARGEST_SHARE
/** A leaf to which entries are added at the end of everything is split here: more will follow there. */
const APPENDING = 0.64

/** Of an entry or child whose key, value or reference have so many bytes. */
export function shareOf(level: number, bytes: number): number {
  const full = level === 0 ? FULL_LEAF : FULL_INNER
  return Math.min(LARGEST_SHARE, Math.max(1 / full.entries, bytes / full.bytes))
}

export function leafShare(key: StoredKey, value: unknown): number {
  return shareOf(0, weigh(key) + weigh(value))
}

/** `separator` undefined: of the first child. */
export function innerShare(separator: StoredKey | undefined): number {
  return shareOf(1, (separator === undefined ? 0 : weigh(separator)) + 7)
}

/** What becomes of one key. */
export interface Change {
  readonly key: StoredKey
  readonly gone: boolean
  readonly value: unknown
  /** Had the stored state such a key? */
  readonly existed: boolean
}

/** An entry of a leaf, or a child of an inner node: `key` is then the one that separates it from the child before. */
interface Item {
  readonly key: StoredKey | undefined
  readonly share: number
  readonly value?: unknown
  /** The child: as it is in the file, or ... */
  readonly oid?: Oid
  /** ... as it will be. */
  readonly draft?: Draft
}

interface Draft {
  /** 0: a leaf. */
  readonly level: number
  /** 0: a new node. */
  readonly oid: Oid
  /** What separates it from the node before; undefined: there is none. */
  readonly low: StoredKey | undefined
  readonly items: readonly Item[]
  /** Is it other than the one in the file? (If not, something below it is.) */
  readonly dirty: boolean
}

export interface Rewritten {
  readonly size: number
  readonly height: number
  /** Where the height is 0: the entries. */
  readonly keys: readonly StoredKey[]
  readonly values: readonly unknown[]
  readonly root: NodeHeader | Oid | undefined
  /** New versions of stored nodes, and new nodes. */
  readonly written: readonly NodeHeader[]
}

/** `changes` in the order of keys; `valued`: leaves have values. */
export function rewrite(tree: Tree, changes: readonly Change[], valued: boolean, collection: Header): Rewritten {
  return new Rewrite(tree, changes, valued, collection).run()
}

class Rewrite {
  readonly #tree: Tree
  readonly #changes: readonly Change[]
  readonly #valued: boolean
  readonly #collection: Header
  readonly #written: NodeHeader[] = []

  constructor(tree: Tree, changes: readonly Change[], valued: boolean, collection: Header) {
    this.#tree = tree
    this.#changes = changes.filter(({ gone, existed }) => !gone || existed)
    this.#valued = valued
    this.#collection = collection
  }

  run(): Rewritten {
    const { root } = this.#tree
    let size = root.size
    for (const { gone, existed } of this.#changes) size += Number(!gone) - Number(existed)
    const top = this.#top()
    if (!top || top.level === 0) {
      const items = top?.items ?? []
      const keys = items.map(({ key }) => key as StoredKey)
      const values = items.map(({ value }) => value)
      return { size, height: 0, keys, values, root: undefined, written: [] }
    }
    const written = this.#write(top)
    return { size, height: top.level, keys: [], values: [], root: written, written: this.#written }
  }

  /** The root; undefined: nothing is left. */
  #top(): Draft | undefined {
    const { root } = this.#tree
    const end = this.#changes.length
    let drafts = root.leaf
      ? this.#leaf(this.#entries(root.leaf), 0 as Oid, undefined, 0, end, true)
      : this.#rewrite(root.root, root.height, undefined, 0, end, true)
    for (let level = root.height + 1; drafts.length > 1; level++) {
      drafts = split({ level, oid: 0 as Oid, low: undefined, items: drafts.map(asChild), dirty: true }, false)
    }
    let [top] = drafts
    while (top && top.level > 0 && top.items.length === 1) {
      const [only] = top.items
      top = only && this.#draft({ ...only, key: undefined }, top.level - 1)
    }
    return top
  }

  /** One subtree with the changes from `from` to `to`; `last`: there is nothing behind it. */
  #rewrite(oid: Oid, level: number, low: StoredKey | undefined, from: number, to: number, last: boolean): Draft[] {
    if (level === 0) return this.#leaf(this.#entries(this.#tree.leaf(oid)), oid, low, from, to, last)
    const before = this.#children(oid, low)
    const items: Item[] = []
    let dirty = false
    let done = from
    before.forEach((item, i) => {
      const end = i + 1 < before.length ? this.#firstFrom(before[i + 1]?.key as StoredKey, done, to) : to
      if (end === done) {
        items.push(item)
        return
      }
      const drafts = this.#rewrite(item.oid as Oid, level - 1, item.key, done, end, last && i + 1 === before.length)
      const [first] = drafts
      if (drafts.length !== 1 || first?.low !== item.key) dirty = true
      items.push(...drafts.map(asChild))
      done = end
    })
    if (this.#fillUp(items, level - 1)) dirty = true
    if (items.length === 0) return []
    return split({ level, oid, low: lowOf(low, items), items, dirty }, false)
  }

  #leaf(
    before: readonly Item[],
    oid: Oid,
    low: StoredKey | undefined,
    from: number,
    to: number,
    last: boolean,
  ): Draft[] {
    const items: Item[] = []
    let at = 0
    for (let i = from; i < to; i++) {
      const { key, gone, value } = this.#changes[i] as Change
      let order = 1
      while (at < before.length && (order = compareKeys(key, before[at]?.key as StoredKey)) > 0) {
        items.push(before[at++] as Item)
      }
      if (at < before.length && order === 0) at++
      if (!gone) items.push({ key, value, share: leafShare(key, this.#valued ? value : null) })
    }
    const appending = last && at === before.length && to > from
    while (at < before.length) items.push(before[at++] as Item)
    if (items.length === 0) return []
    return split({ level: 0, oid, low: lowOf(low, items), items, dirty: true }, appending)
  }

  /** Joins children that have become too small with a neighbour. */
  #fillUp(items: Item[], level: number): boolean {
    let joined = false
    for (let i = 0; i < items.length && items.length > 1; i++) {
      const { draft } = items[i] as Item
      if (!draft || fill(draft.items) >= LEAST) continue
      const at = Math.max(0, i - 1)
      const left = this.#draft(items[at] as Item, level)
      const right = this.#draft(items[at + 1] as Item, level)
      const both = {
        level,
        oid: left.oid || right.oid,
        low: left.low,
        items: left.items.concat(right.items),
        dirty: true,
      }
      const [first, second] = split(both, false)
      const parts = second && left.oid !== 0 ? [first, { ...second, oid: right.oid }] : [first, second]
      items.splice(at, 2, ...parts.flatMap(part => (part ? [asChild(part)] : [])))
      joined = true
      i = at - 1
    }
    return joined
  }

  /** A child as a draft, loaded if it is in the file. */
  #draft({ key, oid, draft }: Item, level: number): Draft {
    if (draft) return { ...draft, low: key }
    const node = oid as Oid
    const items = level === 0 ? this.#entries(this.#tree.leaf(node)) : this.#children(node, key)
    return { level, oid: node, low: key, items, dirty: false }
  }

  #entries({
    keys,
    values,
    refs,
  }: {
    keys: readonly StoredKey[]
    values: readonly unknown[] | undefined
    refs: readonly Oid[]
  }): Item[] {
    return keys.map((key, i) => {
      const value = values ? new RawValue(values[i], refs) : undefined
      return { key, value, share: leafShare(key, values ? values[i] : null) }
    })
  }

  #children(node: Oid, low: StoredKey | undefined): Item[] {
    const { separators, children } = this.#tree.inner(node)
    return children.map((oid, i) => {
      const key = i === 0 ? low : separators[i - 1]
      return { key, oid, share: innerShare(key) }
    })
  }

  /** The first of the changes from `from` on whose key is `key` or behind it. */
  #firstFrom(key: StoredKey, from: number, to: number): number {
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys((this.#changes[middle] as Change).key, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #write(draft: Draft): NodeHeader | Oid {
    const { level, oid, items, dirty } = draft
    if (level === 0) {
      const keys = items.map(({ key }) => key as StoredKey)
      return this.#emit(new NodeHeader({ keys, values: this.#valued ? items.map(({ value }) => value) : undefined }, oid, this.#collection)) // prettier-ignore
    }
    const children = items.map(item => (item.draft ? this.#write(item.draft) : (item.oid as Oid)))
    if (!dirty) return oid
    const separators = items.slice(1).map(({ key }) => key as StoredKey)
    return this.#emit(new NodeHeader({ separators, children }, oid, this.#collection))
  }

  #emit(node: NodeHeader): NodeHeader {
    this.#written.push(node)
    return node
  }
}

function asChild(draft: Draft): Item {
  return { key: draft.low, share: innerShare(draft.low), draft }
}

/**
 * A separator may stay when the key that it was made from goes: but not if that refers to an object, which would be kept
 * in the file for nothing else.
 */
function lowOf(low: StoredKey | undefined, items: readonly Item[]): StoredKey | undefined {
  if (low === undefined || !hasReference(low)) return low
  const first = items[0]?.key
  return first !== undefined && compareKeys(low, first) === 0 ? low : first
}

function fill(items: readonly Item[]): number {
  let sum = 0
  for (const { share } of items) sum += share
  return sum
}

/** What is not more than full stays as it is; a lot is packed full. The first part goes on as the same node. */
function split(draft: Draft, appending: boolean): Draft[] {
  const total = fill(draft.items)
  if (total <= 1) return [draft]
  const parts = total <= LARGEST_PAIR ? cutInTwo(draft.items, total, appending) : pack(draft.items)
  return parts.map((items, i) =>
    i === 0
      ? { ...draft, items, dirty: true }
      : { level: draft.level, oid: 0 as Oid, low: items[0]?.key, items, dirty: true },
  )
}

function cutInTwo(items: readonly Item[], total: number, appending: boolean): (readonly Item[])[] {
  const [left, at] = cutAt(items, appending ? total * APPENDING : total / 2)
  if (appending && (left > 1 || total - left < LEAST)) return cutInTwo(items, total, false)
  return [items.slice(0, at), items.slice(at)]
}

/** Where the items before come next to `wanted`, and what they are. */
function cutAt(items: readonly Item[], wanted: number): [sum: number, at: number] {
  let sum = 0
  let at = 0
  for (;;) {
    const { share } = items[at] as Item
    if (sum + share / 2 > wanted) return [sum, at]
    sum += share
    at++
  }
}

function pack(items: readonly Item[]): (readonly Item[])[] {
  const parts: Item[][] = []
  let sum = Infinity
  for (const item of items) {
    if (sum + item.share > 1) {
      parts.push([])
      sum = 0
    }
    parts.at(-1)?.push(item)
    sum += item.share
  }
  const [before, last] = parts.slice(-2)
  if (!before || !last || sum >= LEAST) return parts
  const both = before.concat(last)
  return [...parts.slice(0, -2), ...cutInTwo(both, fill(both), false)]
}
