// New versions of a tree's nodes while a commit makes them: split where they are too full, joined where they are too empty,
// and at the end turned into records. What changes in which node is for those who derive from it. Pure: the stored tree
// stays as it is, so the same changes can be made to another state of it.
import type { Header } from '../../object/header.js'
import { Recordable } from '../../object/recordable.js'
import type { Oid } from '../../store/types.js'
import { hasReference, type StoredKey } from '../key.js'
import { compareKeys } from '../key-order.js'
import { asChild, asFirstDraft, isSlight, isSteady, NEW, SlightDraft, split, type Draft, type Item } from './draft.js'
import { EditedLeaf, type Edit, type Edits } from './edited-leaf.js'
import { Filling, innerShare } from './fullness.js'
import type { Leaf } from './leaf.js'
import { NodeHeader, type Content } from './node-header.js'
import type { PartHeader } from './part-header.js'
import { RawValue, weigh } from './raw-value.js'
import type { Tree } from './tree.js'
import { ValueHeader } from './value-header.js'

export interface Rewritten {
  readonly size: number
  readonly height: number
  /** Where the height is 0: the entries. */
  readonly keys: readonly StoredKey[]
  readonly values: readonly unknown[]
  readonly root: NodeHeader | Oid | undefined
  /** Parts of which there is a new version, and new parts. */
  readonly written: readonly PartHeader[]
}

/** Values of so many bytes or more stand apart from their entries. */
const LARGE = 64

/**
 * Whether a value that a transaction has put somewhere is to stand apart; `already`: as the one does whose place it takes.
 * For an object its header is given.
 */
export function standsApart(value: unknown, already: boolean): boolean {
  // Data that shrinks may grow again; another string is another value.
  if (typeof value !== 'object') return typeof value !== 'symbol' && weigh(value) >= LARGE
  if (value === null || value instanceof Recordable || value instanceof RawValue) return false
  return already || weigh(value) >= LARGE
}

export abstract class Drafts {
  protected readonly tree: Tree
  protected readonly collection: Header
  readonly #written: PartHeader[] = []

  constructor(tree: Tree, collection: Header) {
    this.tree = tree
    this.collection = collection
  }

  /** A tree of `size` entries over what has become of the old root. */
  protected finish(size: number, drafts: readonly Draft[]): Rewritten {
    const top = this.#top(drafts)
    if (!top || top.level === 0) {
      const items = top?.items ?? []
      const keys = items.map(({ key }) => key as StoredKey)
      const values = items.map(({ value }) => value)
      return { size, height: 0, keys, values, root: undefined, written: this.#written }
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
    // One that stays as it is has several children, as it had before.
    while (top && top.level > 0 && !isSlight(top) && top.items.length === 1) {
      const [only] = top.items
      top = only && this.#draft({ ...only, key: undefined }, top.level - 1)
    }
    return top
  }

  /** A child that has become the first of all: nothing separates it, or what it begins with, from anything before. */
  protected asFirst(child: Item, level: number): readonly Item[] {
    if (level === 0) {
      const { draft } = child
      const begin = { ...child, key: undefined, share: innerShare(undefined) }
      return [draft ? { ...begin, draft: asFirstDraft(draft) } : begin]
    }
    const draft = this.#draft({ ...child, key: undefined }, level)
    const [first, ...others] = draft.items
    const items = [...this.asFirst(first as Item, level - 1), ...others]
    const joined = this.fillUp(items, level - 1) || items.length !== draft.items.length
    return split({ ...draft, items, dirty: draft.dirty || joined }, false).map(asChild)
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
      const parts = left.items.concat(right.items)
      // An only child had nobody to be joined with, and may have now.
      if (level > 0) this.fillUp(parts, level - 1)
      const both = { level, oid: left.oid || right.oid, low: left.low, items: parts, dirty: true }
      // Of two that the library has filled, two at most; another writer may have filled them more.
      const made = split(both, false).map((draft, n) =>
        n === 1 && left.oid !== 0 ? { ...draft, oid: right.oid } : draft,
      )
      items.splice(at, 2, ...made.map(asChild))
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

  /** What becomes of a stored leaf (without `oid`: of a collection that is one record); `last`: there is nothing behind it. */
  protected edited(leaf: Leaf, oid: Oid, low: StoredKey | undefined, edits: Edits, last: boolean): readonly Draft[] {
    const itemsOf = (): Item[] => this.#itemsOf(leaf, edits)
    if (oid !== NEW && edits.edits.length === 0) return [new SlightDraft(0, oid, low, [], itemsOf, false, leaf.size)]
    const edited = oid !== NEW && keepsLow(low, leaf, edits) ? EditedLeaf.make(leaf, edits) : undefined
    if (edited) return [new SlightDraft(0, oid, low, edited, itemsOf)]
    const items = itemsOf()
    if (items.length === 0) return []
    const appending = last && edits.edits.length > 0 && behindLast(edits) === leaf.size
    return split({ level: 0, oid, low: lowOf(low, items), items, dirty: true }, appending)
  }

  /** The leaves of what was empty. As nothing is kept but what is written, it may be a lot. */
  protected fill(items: Iterable<Item>): readonly Draft[] {
    const filling = new Filling<Item>()
    const drafts: Draft[] = []
    const make = (part: readonly Item[]): void => {
      const low = drafts.length === 0 ? undefined : part[0]?.key
      const header = this.#emit(new NodeHeader(this.content(part, undefined), NEW, this.collection))
      drafts.push({ level: 0, oid: NEW, low, items: [], made: { header, size: part.length }, dirty: true })
    }
    for (const item of items) {
      const full = filling.add(item)
      if (full) make(full)
    }
    const rest = filling.rest()
    if (drafts.length > 0) {
      rest.forEach(make)
      return drafts
    }
    const few = rest.flat()
    return few.length === 0 ? [] : split({ level: 0, oid: NEW, low: undefined, items: few, dirty: true }, true)
  }

  #itemsOf(leaf: Leaf, { edits, at, takes }: Edits): Item[] {
    const before = this.entries(leaf)
    const items: Item[] = []
    let from = 0
    for (let n = 0; n < edits.length; n++) {
      const { key, gone, value } = edits[n] as Edit
      while (from < (at[n] as number)) items.push(before[from++] as Item)
      if (!gone) items.push(this.entry(key, value))
      from += Number(takes[n])
    }
    while (from < before.length) items.push(before[from++] as Item)
    return items
  }

  /** The entries of a stored leaf. */
  protected abstract entries(leaf: Leaf): Item[]
  protected abstract entry(key: StoredKey, value: unknown): Item
  /** The children of a stored inner node that begins at `low`. */
  protected abstract children(node: Oid, low: StoredKey | undefined): Item[]
  /** What a record holds: of a leaf with these entries, or an inner node whose children are written as `children`. */
  protected abstract content(items: readonly Item[], children: readonly (NodeHeader | Oid)[] | undefined): Content

  #write(draft: Draft): NodeHeader | Oid {
    const { level, oid, edited, below, size = 0, recounted, made, dirty } = draft
    if (made) return made.header
    if (edited) {
      edited.start = this.passed(edited.size)
      return this.#emit(new NodeHeader(edited, oid, this.collection))
    }
    if (below) {
      this.passed(size)
      for (const child of below) this.#write(child)
      return oid
    }
    if (recounted) {
      const { counts } = recounted
      const children = recounted.children.map((child, i) => this.#writeChild(child, counts[i]))
      return dirty ? this.#emit(new NodeHeader({ counts, children }, oid, this.collection)) : oid
    }
    const { items } = draft
    const children =
      level === 0 ? undefined : items.map(({ oid, draft, count }) => this.#writeChild(draft ?? (oid as Oid), count))
    if (children && !dirty) return oid
    return this.#emit(new NodeHeader(this.content(items, children), oid, this.collection))
  }

  #writeChild(child: Oid | Draft, count = 0): NodeHeader | Oid {
    if (typeof child !== 'number') return this.#write(child)
    this.passed(count)
    return child
  }

  /** So many items of a list come next; gives how many stand before them. */
  protected passed(_count: number): number {
    return 0 // of interest to lists
  }

  #emit<P extends PartHeader>(part: P): P {
    this.#written.push(part)
    return part
  }

  /** Writes a value that stands apart, in place of the one in the record `oid`. `key`: of its entry, for messages. */
  protected writeApart(value: unknown, key: string | number, oid: Oid): ValueHeader {
    return this.#emit(new ValueHeader(value, key, oid, this.collection))
  }
}

/** Behind the last place at which something happens. */
function behindLast({ at, takes }: Edits): number {
  return (at.at(-1) ?? 0) + Number(takes.at(-1) ?? false)
}

/** Whether it is seen at once that the separator stays. */
function keepsLow(low: StoredKey | undefined, { keys }: Leaf, { edits, at, takes }: Edits): boolean {
  if (low === undefined || !hasReference(low)) return true
  const [first] = keys
  const isFirstKept = at[0] !== 0 || (takes[0] === true && edits[0]?.gone === false)
  return isFirstKept && first !== undefined && compareKeys(low, first) === 0
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
