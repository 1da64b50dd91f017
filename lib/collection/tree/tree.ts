// One state of a stored collection, for reading: finding a key or position, and going from entry to entry either way.
import type { RecordView } from '../../object/record-view.js'
import type { Oid } from '../../store/types.js'
import { unknownForm } from '../../object/values.js'
import type { StoredKey } from '../key.js'
import { compareKeys, findKey } from '../key-order.js'
import type { Leaf } from './leaf.js'
import { apartOf, innerOf, leafOf, NO_ENTRIES, type Inner, type Root } from './node.js'

/** An entry of a stored state; or a value that stands apart from it, which is a leaf by itself. */
export interface Found {
  readonly leaf: Leaf
  readonly at: number
}

export class Tree {
  readonly root: Root
  /** Undefined: not stored, and so of one leaf. */
  readonly view: RecordView | undefined
  /** Where a key was last looked for: the next one is often near. */
  #near: Leaf | undefined
  /** That leaf has the keys from this on ... */
  #low: StoredKey | undefined
  /** ... and before this; undefined: no other one has keys on that side. */
  #high: StoredKey | undefined

  constructor(root: Root = NO_ENTRIES, view?: RecordView) {
    this.root = root
    this.view = view
  }

  get size(): number {
    return this.root.size
  }

  find(key: StoredKey): Found | undefined {
    const leaf = this.root.leaf ?? this.#leafFor(key, this.root)
    const at = leaf.find(key)
    return at < 0 ? undefined : { leaf, at }
  }

  #leafFor(key: StoredKey, { root, height }: { readonly root: Oid; readonly height: number }): Leaf {
    if (this.#near && this.#isNear(key)) return this.#near
    let oid = root
    let low: StoredKey | undefined
    let high: StoredKey | undefined
    for (let level = height; level > 0; level--) {
      const inner = this.inner(oid)
      const at = childFor(inner, key)
      if (at > 0) low = inner.separators[at - 1]
      if (at < inner.separators.length) high = inner.separators[at]
      oid = inner.children[at] as Oid
    }
    const leaf = this.leaf(oid)
    this.#near = leaf
    this.#low = low
    this.#high = high
    return leaf
  }

  #isNear(key: StoredKey): boolean {
    return (
      (this.#low === undefined || compareKeys(key, this.#low) >= 0) &&
      (this.#high === undefined || compareKeys(key, this.#high) < 0)
    )
  }

  /** What stands at this position of a list, which has so many items. */
  item(position: number): Found {
    const { root } = this
    let { leaf } = root
    let at = position
    if (root.leaf === undefined) {
      let oid = root.root
      for (let level = root.height; level > 0; level--) {
        const inner = this.inner(oid)
        const [child, before] = childAt(inner, at)
        oid = inner.children[child] as Oid
        at -= before
      }
      leaf = this.leaf(oid)
    }
    return leaf?.counted === true && at < leaf.size ? { leaf, at } : unknownForm()
  }

  /** Where the value of an entry stands: there, or apart. */
  content(entry: Found): Found {
    const apart = entry.leaf.apart(entry.at)
    return apart === undefined ? entry : { leaf: apartOf(this.view as RecordView, apart), at: 0 }
  }

  /** Only of a tree that is stored. */
  inner(oid: Oid): Inner {
    return innerOf(this.view as RecordView, oid)
  }

  leaf(oid: Oid): Leaf {
    return leafOf(this.view as RecordView, oid)
  }
}

/** Which child has the key, if any. */
export function childFor({ separators }: Inner, key: StoredKey): number {
  const at = findKey(separators, key)
  return at < 0 ? ~at : at + 1
}

/** Which child of a list's node has the item at this position, and how many items stand before that child. */
function childAt({ counts, children }: Inner, position: number): [child: number, before: number] {
  if (!counts) return unknownForm()
  let before = 0
  for (let child = 0; child < counts.length; child++) {
    const next = before + (counts[child] as number)
    if (position < next) return [child, before]
    before = next
  }
  return children.length === 0 ? unknownForm() : [children.length - 1, before - (counts.at(-1) as number)]
}

interface Step {
  readonly inner: Inner
  at: number
}

/** Stands at an entry, or past either end. Loads a leaf when it is asked for something in it. */
export class Cursor {
  readonly #tree: Tree
  /** From the root down. */
  readonly #path: Step[] = []
  /** 0: the tree is one leaf. */
  #oid = 0 as Oid
  #leaf: Leaf | undefined
  /** In the leaf; -1: the last one. */
  #at = 0
  #ended = false

  constructor(tree: Tree) {
    this.#tree = tree
    this.#leaf = tree.root.leaf
  }

  /** At the first entry. */
  toFirst(): this {
    this.#enter(() => 0)
    this.#at = 0
    return this.#settle(1)
  }

  toLast(): this {
    this.#enter(({ children }) => children.length - 1)
    this.#at = -1
    return this.#settle(-1)
  }

  /** At the first entry from `key` on; behind it, if so `open`. */
  toFrom(key: StoredKey, open: boolean): this {
    this.#enter(inner => childFor(inner, key))
    const at = this.leaf.find(key)
    this.#at = at < 0 ? ~at : open ? at + 1 : at
    return this.#settle(1)
  }

  /** At the last entry up to `key`; before it, if so `open`. */
  toUpTo(key: StoredKey, open: boolean): this {
    this.#enter(inner => childFor(inner, key))
    const at = this.leaf.find(key)
    const to = at < 0 ? ~at - 1 : open ? at - 1 : at
    if (to < 0) return this.#leave(-1)
    this.#at = to
    return this
  }

  /** At the item at this position of a list; behind the last one, if it has no more. */
  toPosition(position: number): this {
    let at = position
    this.#enter(inner => {
      const [child, before] = childAt(inner, at)
      at -= before
      return child
    })
    this.#at = at
    if (at > 0 && this.leaf.size < at) unknownForm()
    return this.#settle(1)
  }

  get ended(): boolean {
    return this.#ended
  }

  get leaf(): Leaf {
    return (this.#leaf ??= this.#tree.leaf(this.#oid))
  }

  get at(): number {
    return this.#at < 0 ? (this.#at = this.leaf.size - 1) : this.#at
  }

  get key(): StoredKey {
    return this.leaf.keys[this.at] ?? unknownForm()
  }

  next(): void {
    this.#at = this.at + 1
    this.#settle(1)
  }

  previous(): void {
    this.#at = this.at - 1
    if (this.#at < 0) this.#leave(-1)
  }

  /** The leaf, while nothing of it has been passed; 0: something has, or there is no tree. */
  get wholeLeaf(): Oid {
    return this.#at === 0 && !this.#ended ? this.#oid : (0 as Oid)
  }

  /** Of a list: how many items the leaf has, known without reading it. */
  get leafCount(): number {
    const step = this.#path.at(-1)
    return step?.inner.counts?.[step.at] ?? this.leaf.size
  }

  /** No key of the leaf stands before this one; undefined: it is the first leaf. Known without reading it. */
  get leafLow(): StoredKey | undefined {
    const step = this.#path.findLast(({ at }) => at > 0)
    return step?.inner.separators[step.at - 1]
  }

  passLeaf(): void {
    this.#leave(1)
  }

  #enter(pick: (inner: Inner) => number): void {
    const { root } = this.#tree
    this.#ended = false
    this.#path.length = 0
    if (root.leaf) this.#leaf = root.leaf
    else this.#descend(root.root, pick)
  }

  #descend(from: Oid, pick: (inner: Inner) => number): void {
    let oid = from
    while (this.#path.length < this.#tree.root.height) {
      const inner = this.#tree.inner(oid)
      const at = pick(inner)
      this.#path.push({ inner, at })
      oid = inner.children[at] as Oid
    }
    this.#oid = oid
    this.#leaf = undefined
  }

  /** Behind the last entry of a leaf, goes on to the next one; the leaves of a tree are not empty. */
  #settle(by: 1 | -1): this {
    if (this.#oid !== 0 && this.#leaf === undefined && this.#at <= 0) return this
    const { size } = this.leaf
    if (size === 0 || this.#at >= size) this.#leave(by)
    return this
  }

  #leave(by: 1 | -1): this {
    for (let step = this.#path.pop(); step; step = this.#path.pop()) {
      const at = step.at + by
      const child = step.inner.children[at]
      if (child === undefined) continue
      this.#path.push({ inner: step.inner, at })
      this.#descend(child, ({ children }) => (by > 0 ? 0 : children.length - 1))
      this.#at = by > 0 ? 0 : -1
      return this
    }
    this.#ended = true
    return this
  }
}

/** One end of a range of keys. */
export interface Bound {
  readonly key: StoredKey
  /** The key itself is outside. */
  readonly open: boolean
}

export interface Range {
  readonly low: Bound | undefined
  readonly high: Bound | undefined
}

export const EVERYTHING: Range = { low: undefined, high: undefined }

export function isBelow(key: StoredKey, low: Bound | undefined): boolean {
  if (!low) return false
  const order = compareKeys(key, low.key)
  return low.open ? order <= 0 : order < 0
}

export function isAbove(key: StoredKey, high: Bound | undefined): boolean {
  if (!high) return false
  const order = compareKeys(key, high.key)
  return high.open ? order >= 0 : order > 0
}
