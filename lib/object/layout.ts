// Where the parts of a large container stand in the record that was written last, so that the next one takes over as bytes what has not
// changed since (container-writer.ts).
import type { Stretch } from '../store/types.js'
import type { Node } from './plain-node.js'
import { passAt } from './unpack.js'

/** Containers of fewer bytes are written anew: that takes no longer. */
export const LARGE = 512

/** Where a container begins. */
export interface Place {
  readonly bytes: Uint8Array
  readonly from: number
}

export interface Layout {
  /** Of an object. */
  readonly keys: readonly string[] | undefined
  readonly parts: readonly unknown[]
  /** Of the parts that had handlers. */
  readonly nodes: readonly (Node | undefined)[]
  /** Which parts cannot be taken over, as they may mean something else in another record; undefined: none. */
  readonly bound: readonly boolean[] | undefined
  /** Where each part begins, of an object with its key, and at last where all of them end: counted from where the container begins. */
  readonly starts: readonly number[]
  /** Of one that stands directly in a field: the record, and where it begins in that. Others are found from what is around them. */
  record: Stretch | undefined
  at: number
}

/** Of a container that stands directly in a field. */
export function placeOf(layout: Layout | undefined): Place | undefined {
  const record = layout?.record
  return record && { bytes: record.bytes, from: record.from + layout.at }
}

/** What is to be known of a container as soon as the record that has been encoded is the stored one. */
export interface Laid {
  readonly node: Node
  readonly layout: Layout | undefined
  /** As in the layout; -1: it does not stand directly in a field. */
  readonly at: number
}

/** What has been encoded is stored. */
export function settleLayouts({
  laid,
  bytes,
  from,
  to,
}: Stretch & { readonly laid: readonly Laid[] | undefined }): void {
  if (!laid) return
  // Otherwise, of a run of many records, one that is kept would keep all.
  const own = bytes.length > 2 * (to - from) ? bytes.slice(from, to) : undefined
  const record = own ? { bytes: own, from: 0, to: own.length } : { bytes, from, to }
  for (const { node, layout, at } of laid) {
    node.layout = layout
    if (!layout) continue
    layout.record = at < 0 ? undefined : record
    layout.at = at
  }
}

/** A layout in the making. */
export class LayoutDraft {
  readonly starts: number[] = []
  readonly nodes: (Node | undefined)[] = []
  /** There is another one below it. */
  isLarge = false
  #bound: boolean[] | undefined

  bind(part: number): void {
    this.#bound ??= []
    this.#bound[part] = true
  }

  /** The last parts that this one has passed, so many, are to stand from `at` on; gives their handlers. */
  takeOver(follower: Follower, count: number, at: number): readonly (Node | undefined)[] {
    const { starts, nodes } = follower.old
    const first = follower.next - count
    const shift = at - (starts[first] as number)
    for (let was = first; was < follower.next; was++) {
      const node = nodes[was]
      this.starts.push((starts[was] as number) + shift)
      this.nodes.push(node)
      if (node?.layout) this.isLarge = true
    }
    return nodes.slice(first, follower.next)
  }

  layout(keys: readonly string[] | undefined, parts: readonly unknown[], size: number): Layout | undefined {
    if (size < LARGE && !this.isLarge) return undefined
    this.starts.push(size)
    return { keys, parts, nodes: this.nodes, bound: this.#bound, starts: this.starts, record: undefined, at: 0 }
  }
}

/** Goes through the parts that there are now, and beside them through those of a layout. */
export class Follower {
  readonly old: Layout
  readonly #before: Place
  readonly #parts: readonly unknown[]
  readonly #keys: readonly string[] | undefined
  /** The part of the layout that comes next. */
  next = 0
  /** How many parts have come in, or gone if it is negative, in one place that was not met yet. */
  #shift: number

  constructor(old: Layout, before: Place, parts: readonly unknown[], keys: readonly string[] | undefined) {
    this.old = old
    this.#before = before
    this.#parts = parts
    this.#keys = keys
    this.#shift = parts.length - old.parts.length
  }

  /** Passes the parts from `first` on that are what they were; gives the end of these. */
  unchanged(first: number): number {
    if (this.#shift < 0 && !this.#isSame(first, this.next) && this.#isSame(first, this.next - this.#shift)) {
      this.next -= this.#shift
      this.#shift = 0
    }
    let end = first
    for (; this.#isUnchanged(end, this.next); end++) this.next++
    return end
  }

  /** As bytes, the last parts that were passed, so many. */
  passed(count: number): Stretch {
    const { bytes, from } = this.#before
    const { starts } = this.old
    return { bytes, from: from + (starts[this.next - count] as number), to: from + (starts[this.next] as number) }
  }

  /** Passes a part that is not what it was; gives where its value began, if it is the same container. */
  changed(at: number): Place | undefined {
    if (this.#isSame(at, this.next)) {
      const { bytes, from } = this.#before
      const start = from + (this.old.starts[this.next++] as number)
      return { bytes, from: this.#keys ? passAt({ bytes, from: 0, to: bytes.length }, start, 1) : start }
    }
    if (this.#shift > 0 && this.#isSame(at + this.#shift, this.next)) this.#shift--
    else this.next++
    return undefined
  }

  #isSame(at: number, was: number): boolean {
    const { parts, keys } = this.old
    return (
      at < this.#parts.length &&
      was < parts.length &&
      this.#parts[at] === parts[was] &&
      (keys === undefined || this.#keys?.[at] === keys[was])
    )
  }

  #isUnchanged(at: number, was: number): boolean {
    if (!this.#isSame(at, was)) return false
    const { bound, nodes, parts } = this.old
    const part = parts[was]
    // A hole is undefined, too, and 0 is the same as -0.
    if (bound?.[was] === true || part === undefined || (part === 0 && !Object.is(part, this.#parts[at]))) return false
    const node = nodes[was]
    return node === undefined || node.asStored === node.load
  }
}
