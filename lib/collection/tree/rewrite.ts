// What a transaction did to a map or set, made to a stored state of it: the nodes that must be written.
import { headerOf, type Header } from '../../object/header.js'
import type { Oid } from '../../store/types.js'
import { keyName, looksLike, type StoredKey } from '../key.js'
import { compareKeys } from '../key-order.js'
import { asChild, isSteady, NEW, SlightDraft, split, type Draft, type Item } from './draft.js'
import { Drafts, standsApart, type Rewritten } from './drafts.js'
import type { Edit } from './edited-leaf.js'
import { innerShare, leafShare } from './fullness.js'
import type { Leaf } from './leaf.js'
import type { Content, NodeHeader } from './node-header.js'
import { RawValue } from './raw-value.js'
import { childFor, type Tree } from './tree.js'
import { ValueHeader } from './value-header.js'

/** What becomes of one key. */
export interface Change {
  readonly key: StoredKey
  readonly gone: boolean
  /** As a transaction has put it there; while a leaf is rewritten, the header in place of an object. */
  readonly value: unknown
  /** Had the stored state such a key? */
  readonly existed: boolean
}

/** `changes` in the order of keys; `valued`: leaves have values. */
export function rewrite(tree: Tree, changes: readonly Change[], valued: boolean, collection: Header): Rewritten {
  return new Rewrite(tree, changes, valued, collection).run()
}

class Rewrite extends Drafts {
  readonly #changes: readonly Change[]
  /** Leaves have values. */
  readonly #valued: boolean

  constructor(tree: Tree, changes: readonly Change[], valued: boolean, collection: Header) {
    super(tree, collection)
    this.#valued = valued
    this.#changes = changes.filter(({ gone, existed }) => !gone || existed)
  }

  run(): Rewritten {
    const { root } = this.tree
    let size = root.size
    for (const { gone, existed } of this.#changes) size += Number(!gone) - Number(existed)
    const end = this.#changes.length
    const drafts = !root.leaf
      ? this.#rewrite(root.root, root.height, undefined, 0, end, true)
      : root.size === 0
        ? this.fill(this.#items())
        : this.#leaf(root.leaf, NEW, undefined, 0, end, true)
    return this.finish(size, drafts)
  }

  /** All that there will be, where nothing was. */
  *#items(): Generator<Item, undefined> {
    for (const change of this.#changes) yield this.entry(change.key, this.#put(change, undefined))
  }

  /** One subtree with the changes from `from` to `to`; `last`: there is nothing behind it. */
  #rewrite(
    oid: Oid,
    level: number,
    low: StoredKey | undefined,
    from: number,
    to: number,
    last: boolean,
  ): readonly Draft[] {
    if (level === 0) return this.#leaf(this.tree.leaf(oid), oid, low, from, to, last)
    const inner = this.tree.inner(oid)
    const { separators, children } = inner
    const changed: { readonly at: number; readonly drafts: readonly Draft[] }[] = []
    let dirty = false
    let steady = true
    for (let done = from; done < to;) {
      const at = childFor(inner, this.#changes[done]?.key as StoredKey)
      const isLast = at === separators.length
      const end = isLast ? to : this.#firstFrom(separators[at] as StoredKey, done, to)
      const child = children[at] as Oid
      const childLow = at === 0 ? low : separators[at - 1]
      const drafts = this.#rewrite(child, level - 1, childLow, done, end, last && isLast)
      changed.push({ at, drafts })
      const [first] = drafts
      if (!first || drafts.length !== 1 || first.low !== childLow) dirty = true
      if (dirty || !first || !isSteady(first)) steady = false
      done = end
    }
    const itemsOf = (): Item[] => {
      const items = this.children(oid, low)
      for (const { at, drafts } of changed.toReversed()) items.splice(at, 1, ...drafts.map(asChild))
      return items
    }
    // Mostly what has changed below is of no consequence here.
    if (steady) {
      const below: Draft[] = []
      for (const { drafts } of changed) below.push(...drafts)
      return [new SlightDraft(level, oid, low, below, itemsOf)]
    }
    const items = itemsOf()
    const [first] = items
    if (!first) return []
    if (low === undefined && first.key !== undefined) items.splice(0, 1, ...this.asFirst(first, level - 1))
    if (this.fillUp(items, level - 1)) dirty = true
    return split({ level, oid, low: items[0]?.key, items, dirty }, false)
  }

  /** A leaf with the changes from `from` to `to`. Large values are written apart, which may leave nothing to do in the leaf itself. */
  #leaf(leaf: Leaf, oid: Oid, low: StoredKey | undefined, from: number, to: number, last: boolean): readonly Draft[] {
    const edits: Edit[] = []
    const at: number[] = []
    const takes: boolean[] = []
    for (let i = from; i < to; i++) {
      const change = this.#changes[i] as Change
      const { key, gone } = change
      const found = leaf.find(key)
      let edit: Edit = change
      if (!gone && this.#valued) {
        const stored = found < 0 ? undefined : leaf.apart(found)
        const value = this.#put(change, stored)
        if (stored !== undefined && value instanceof ValueHeader && looksLike(key, leaf.keys[found] as StoredKey))
          continue
        if (value !== change.value) edit = { key, gone, value }
      }
      edits.push(edit)
      at.push(found < 0 ? ~found : found)
      takes.push(found >= 0)
    }
    return this.edited(leaf, oid, low, { edits, at, takes }, last)
  }

  /** What is put into a leaf; `stored`: the record in which the value stands apart whose place it takes. */
  #put({ key, value }: Change, stored: Oid | undefined): unknown {
    const put = headerOf(value) ?? value
    return this.#valued && standsApart(put, stored !== undefined)
      ? this.writeApart(put, keyName(key), stored ?? NEW)
      : put
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

  protected entries(leaf: Leaf): Item[] {
    return leaf.keys.map((key, i) => {
      const value = leaf.valued ? new RawValue(leaf, i) : undefined
      return { key, value, share: leafShare(key, value ?? null) }
    })
  }

  protected entry(key: StoredKey, value: unknown): Item {
    return { key, value, share: leafShare(key, this.#valued ? value : null) }
  }

  protected children(node: Oid, low: StoredKey | undefined): Item[] {
    const { separators, children } = this.tree.inner(node)
    return children.map((oid, i) => {
      const key = i === 0 ? low : separators[i - 1]
      return { key, oid, share: innerShare(key) }
    })
  }

  protected content(items: readonly Item[], children: readonly (NodeHeader | Oid)[] | undefined): Content {
    if (children) return { separators: items.slice(1).map(({ key }) => key as StoredKey), children }
    const keys = items.map(({ key }) => key as StoredKey)
    return { keys, values: this.#valued ? items.map(({ value }) => value) : undefined }
  }
}
