// What a transaction did to a list, made to a stored state of it: the nodes that must be written. Subtrees of which nothing
// is left are not read.
import { headerOf, type Header } from '../../object/header.js'
import type { Oid } from '../../store/types.js'
import { asChild, isSteady, NEW, sizeOf, SlightDraft, split, type Draft, type Item, type Recounted } from './draft.js'
import { Drafts, standsApart, type Rewritten } from './drafts.js'
import type { StoredKey } from '../key.js'
import type { Edit } from './edited-leaf.js'
import { innerShare, leafShare } from './fullness.js'
import type { Leaf } from './leaf.js'
import type { Content, NodeHeader } from './node-header.js'
import { RawValue } from './raw-value.js'
import type { Tree } from './tree.js'
import { ValueHeader } from './value-header.js'

/** So many items of the stored state, from a position on, give way to others. */
export interface Splice {
  readonly at: number
  readonly removed: number
  readonly items: readonly unknown[]
}

/** `splices` in the order of positions, none inside of another. */
export function splice(tree: Tree, splices: readonly Splice[], collection: Header): Rewritten {
  return new Splicing(tree, splices, collection).run()
}

/** A node of which each child that changes stays one. */
function recounted(
  counts: readonly number[],
  children: readonly Oid[],
  changed: readonly { readonly at: number; readonly drafts: readonly Draft[] }[],
): Recounted {
  const made: { counts: number[]; children: (Oid | Draft)[] } = { counts: counts.slice(), children: children.slice() }
  for (const { at, drafts } of changed) {
    const [draft] = drafts
    if (!draft) continue
    made.counts[at] = sizeOf(draft)
    made.children[at] = draft
  }
  return made
}

class Splicing extends Drafts {
  readonly #splices: readonly Splice[]
  /** Of the stored items up to this position, it is settled which are left. */
  #removedTo = 0
  /** How much further than in the stored list stands what comes behind the splices that have been made. */
  #shift = 0
  #noneMoves: boolean | undefined
  /** How many items have been written, or passed. */
  #written = 0

  constructor(tree: Tree, splices: readonly Splice[], collection: Header) {
    super(tree, collection)
    this.#splices = splices
  }

  run(): Rewritten {
    const { root } = this.tree
    let { size } = root
    for (const { removed, items } of this.#splices) size += items.length - removed
    const end = this.#splices.length
    const drafts = !root.leaf
      ? this.#rewrite(root.root, root.height, 0, 0, end, true)
      : root.size === 0
        ? this.fill(this.#items())
        : this.#leaf(root.leaf, NEW, 0, 0, end, true)
    return this.finish(size, drafts)
  }

  /** All that there will be, where nothing was. */
  *#items(): Generator<Item, undefined> {
    let position = 0
    for (const { items } of this.#splices)
      for (const own of items) yield this.entry(position, this.#put(own, position++, undefined))
  }

  /** What is put into a leaf; `stored`: the record in which the item stands apart whose place it takes. */
  #put(own: unknown, position: number, stored: Oid | undefined): unknown {
    const put = headerOf(own) ?? own
    return standsApart(put, stored !== undefined) ? this.writeApart(put, position, stored ?? NEW) : put
  }

  /** What is taken out is nowhere else afterwards: another item may have its record. */
  get #movesNone(): boolean {
    return (this.#noneMoves ??= !this.#splices.some(({ items }) => items.some(item => item instanceof RawValue)))
  }

  /** The subtree that begins at position `start`, with the splices from `from` to `to`; `last`: there is nothing behind it. */
  #rewrite(oid: Oid, level: number, start: number, from: number, to: number, last: boolean): readonly Draft[] {
    if (level === 0) return this.#leaf(this.tree.leaf(oid), oid, start, from, to, last)
    const { counts = [], children } = this.tree.inner(oid)
    const changed: { readonly at: number; readonly drafts: readonly Draft[] }[] = []
    let dirty = false
    let steady = true
    let at = start
    let done = from
    for (let i = 0; i < children.length; i++) {
      const count = counts[i] as number
      const isLast = i + 1 === children.length
      const next = at + count
      const end = isLast ? to : this.#firstFrom(next, done, to)
      if (end !== done || this.#removedTo > at) {
        const isGone = end === done && this.#removedTo >= next
        const drafts = isGone ? [] : this.#rewrite(children[i] as Oid, level - 1, at, done, end, last && isLast)
        const [first] = drafts
        if (drafts.length !== 1 || !first || !isSteady(first)) steady = false
        if (drafts.length !== 1 || !first || sizeOf(first) !== count) dirty = true
        changed.push({ at: i, drafts })
      }
      at = next
      done = end
    }
    const itemsOf = (): Item[] => {
      const items = this.children(oid)
      for (const { at, drafts } of changed.toReversed()) items.splice(at, 1, ...drafts.map(asChild))
      return items
    }
    if (steady) return [new SlightDraft(level, oid, undefined, recounted(counts, children, changed), itemsOf, dirty)]
    const items = itemsOf()
    if (this.fillUp(items, level - 1)) dirty = true
    if (items.length === 0) return []
    return split({ level, oid, low: undefined, items, dirty }, false)
  }

  #leaf(leaf: Leaf, oid: Oid, start: number, from: number, to: number, last: boolean): readonly Draft[] {
    const edits: Edit[] = []
    const at: number[] = []
    const takes: boolean[] = []
    const end = start + leaf.size
    const edit = (stored: number, isTaken: boolean, key: number, gone: boolean, value?: unknown): void => {
      edits.push({ key, gone, value })
      at.push(stored - start)
      takes.push(isTaken)
    }
    const removeTo = (position: number, stored: number): void => {
      for (let gone = position; gone < Math.min(stored, end); gone++) edit(gone, true, gone, true)
    }
    removeTo(start, this.#removedTo)
    for (let i = from; i < to; i++) {
      const splice = this.#splices[i] as Splice
      const removedTo = splice.at + splice.removed
      let stored = splice.at
      splice.items.forEach((own, n) => {
        const position = splice.at + this.#shift + n
        const isTaken = stored < Math.min(removedTo, end)
        const apart = isTaken && this.#movesNone ? leaf.apart(stored - start) : undefined
        const value = this.#put(own, position, apart)
        const staysApart = apart !== undefined && value instanceof ValueHeader
        if (!staysApart) edit(stored, isTaken, position, false, value)
        stored += Number(isTaken)
      })
      removeTo(stored, removedTo)
      this.#shift += splice.items.length - splice.removed
      this.#removedTo = removedTo
    }
    return this.edited(leaf, oid, undefined, { edits, at, takes }, last)
  }

  /** The first of the splices from `from` on that begins at `position` or behind it. */
  #firstFrom(position: number, from: number, to: number): number {
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#splices[middle] as Splice).at < position) low = middle + 1
      else high = middle
    }
    return low
  }

  protected entries(leaf: Leaf): Item[] {
    return Array.from({ length: leaf.size }, (_, at) => this.entry(at, new RawValue(leaf, at)))
  }

  protected entry(_key: StoredKey, value: unknown): Item {
    return { key: undefined, value, count: 1, share: leafShare(undefined, value) }
  }

  protected children(node: Oid): Item[] {
    const { counts = [], children } = this.tree.inner(node)
    return children.map((oid, i) => ({ key: undefined, oid, count: counts[i] ?? 0, share: innerShare(undefined) }))
  }

  protected content(items: readonly Item[], children: readonly (NodeHeader | Oid)[] | undefined): Content {
    if (children) return { counts: items.map(({ count = 0 }) => count), children }
    return { items: items.map(({ value }) => value), start: this.passed(items.length) }
  }

  protected override passed(count: number): number {
    const before = this.#written
    this.#written += count
    return before
  }
}
