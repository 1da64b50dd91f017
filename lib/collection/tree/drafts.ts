// New versions of a tree's nodes while a commit makes them: split where they are too full, joined where they are too empty,
// and at the end turned into records. What changes in which node is for those who derive from it. Pure: the stored tree
// stays as it is, so the same changes can be made to another state of it.
import type { Header } from '../../object/header.js'
import type { Oid } from '../../store/types.js'
import { hasReference, type StoredKey } from '../key.js'
import { compareKeys } from '../key-order.js'
import type { EditedLeaf } from './edited-leaf.js'
import { cut, fill, innerShare, leafShare, LEAST } from './fullness.js'
import type { Leaf } from './leaf.js'
import { NodeHeader } from './node-header.js'
import { RawValue } from './raw-value.js'
import type { Tree } from './tree.js'

/** An entry of a leaf, or a child of an inner node: `key` is then the one that separates it from the child before. */
export interface Item {
  readonly key: StoredKey | undefined
  readonly share: number
  readonly value?: unknown
  /** The child: as it is in the file, or ... */
  readonly oid?: Oid
  /** ... as it will be. */
  readonly draft?: Draft
}

export interface Draft {
  /** 0: a leaf. */
  readonly level: number
  /** 0: a new node. */
  readonly oid: Oid
  /** What separates it from the node before; undefined: there is none. */
  readonly low: StoredKey | undefined
  readonly items: readonly Item[]
  /** The same as a change of the stored leaf: neither too full nor too empty. */
  readonly edited?: EditedLeaf
  /** Of an inner node that stays as it is: its children that do not. */
  readonly below?: readonly Draft[]
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

export const NEW = 0 as Oid

export abstract class Drafts {
  protected readonly tree: Tree
  /** Leaves have values. */
  protected readonly valued: boolean
  readonly #collection: Header
  readonly #written: NodeHeader[] = []

  constructor(tree: Tree, valued: boolean, collection: Header) {
    this.tree = tree
    this.valued = valued
    this.#collection = collection
  }

  /** A tree of `size` entries over what has become of the old root. */
  protected finish(size: number, drafts: readonly Draft[]): Rewritten {
    const top = this.#top(drafts)
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
  #top(found: readonly Draft[]): Draft | undefined {
    let drafts = found
    for (let level = this.tree.root.height + 1; drafts.length > 1; level++) {
      drafts = split({ level, oid: NEW, low: undefined, items: drafts.map(asChild), dirty: true }, false)
    }
    let [top] = drafts
    while (top && top.level > 0 && top.items.length === 1) {
      const [only] = top.items
      top = only && this.#draft({ ...only, key: undefined }, top.level - 1)
    }
    return top
  }

  /** Joins children that have become too small with a neighbour. */
  protected fillUp(items: Item[], level: number): boolean {
    let joined = false
    for (let i = 0; i < items.length && items.length > 1; i++) {
      const { draft } = items[i] as Item
      if (!draft || isSteady(draft)) continue
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
    if (draft) return { level, oid: draft.oid, low: key, items: draft.items, dirty: draft.dirty }
    const node = oid as Oid
    const items = level === 0 ? this.entries(this.tree.leaf(node)) : this.children(node, key)
    return { level, oid: node, low: key, items, dirty: false }
  }

  protected entries(leaf: Leaf): Item[] {
    return leaf.keys.map((key, i) => {
      const value = leaf.valued ? new RawValue(leaf, i) : undefined
      return { key, value, share: leafShare(key, value ?? null) }
    })
  }

  protected children(node: Oid, low: StoredKey | undefined): Item[] {
    const { separators, children } = this.tree.inner(node)
    return children.map((oid, i) => {
      const key = i === 0 ? low : separators[i - 1]
      return { key, oid, share: innerShare(key) }
    })
  }

  #write(draft: Draft): NodeHeader | Oid {
    const { level, oid, edited, dirty } = draft
    if (edited) return this.#emit(new NodeHeader(edited, oid, this.#collection))
    if (draft.below) {
      for (const child of draft.below) this.#write(child)
      return oid
    }
    const { items } = draft
    if (level === 0) {
      const keys = items.map(({ key }) => key as StoredKey)
      const values = this.valued ? items.map(({ value }) => value) : undefined
      return this.#emit(new NodeHeader({ keys, values }, oid, this.#collection))
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

/** Full enough to stay beside its neighbours. */
export function isSteady(draft: Draft): boolean {
  return draft.edited !== undefined || draft.below !== undefined || fill(draft.items) >= LEAST
}

export function asChild(draft: Draft): Item {
  return { key: draft.low, share: innerShare(draft.low), draft }
}

/**
 * A separator may stay when the key that it was made from goes: but not if that refers to an object, which would be kept
 * in the file for nothing else.
 */
export function lowOf(low: StoredKey | undefined, items: readonly Item[]): StoredKey | undefined {
  if (low === undefined || !hasReference(low)) return low
  const first = items[0]?.key
  return first !== undefined && compareKeys(low, first) === 0 ? low : first
}

/** The first part goes on as the same node. */
export function split(draft: Draft, appending: boolean): readonly Draft[] {
  const parts = cut(draft.items, appending)
  if (parts.length === 1) return [draft]
  return parts.map((items, i) =>
    i === 0
      ? { ...draft, items, dirty: true }
      : { level: draft.level, oid: NEW, low: items[0]?.key, items, dirty: true },
  )
}
