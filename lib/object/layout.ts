// Where the parts of a large container stand in the record that was written last, so that the next one takes over as bytes what has not
// changed since (container-writer.ts).
import { stretchOf, type Stretch } from '../store/types.js'
import type { Node } from './plain-node.js'
import { passAt } from './unpack.js'

/** Containers of fewer bytes are written anew: that takes no longer ... */
export const LARGE = 512
/**
 * ... and so are those that have changed and whose parts take fewer on average: to keep where each stands would take several times the
 * memory of the record.
 */
const LARGE_PART = 24
const NO_PARTS: readonly unknown[] = []

/** Where a container begins. */
export interface Place {
  readonly bytes: Uint8Array
  readonly from: number
}

export interface Layout {
  /** Of an object. */
  readonly keys: readonly string[] | undefined
  readonly parts: readonly unknown[]
  /** Of the parts that had handlers; undefined: none. */
  readonly nodes: readonly (Node | undefined)[] | undefined
  /** Which parts cannot be taken over, as they may mean something else in another record; undefined: none. */
  readonly bound: readonly boolean[] | undefined
  /** Where each part begins, of an object with its key, and at last where all of them end: counted from where the container begins. */
  readonly starts: readonly number[]
  /** Of one that stands directly in a field: the record, and where it begins in that. Others are found from what is around them. */
  record: Stretch | undefined
  at: number
  /** The commit that has written the record. */
  tid: number
}

/** Of a container that stands directly in a field, where it stands in the record that is the stored one; undefined: nobody knows. */
export function placeOf({ layout, owner }: Node): Place | undefined {
  if (!layout?.record || layout.tid !== owner.tid) return undefined
  const { record, at } = layout
  return { bytes: record.bytes, from: record.from + at }
}

/** What is to be known of a container as soon as the record that has been encoded is the stored one. */
export interface Laid {
  readonly node: Node
  readonly layout: Layout | undefined
  /** As in the layout; -1: it does not stand directly in a field. */
  readonly at: number
}

/** What has been encoded is stored, by the commit `tid`. */
export function settleLayouts(
  { laid, bytes, from, to }: Stretch & { readonly laid: readonly Laid[] | undefined },
  tid: number,
): void {
  if (!laid) return
  // Otherwise, of a run of many records, one that is kept would keep all.
  const own = bytes.length > 2 * (to - from) ? bytes.slice(from, to) : undefined
  const record = own ? stretchOf(own) : { bytes, from, to }
  for (const { node, layout, at } of laid) {
    node.layout = layout
    if (!layout) continue
    layout.record = at < 0 ? undefined : record
    layout.at = at
    layout.tid = tid
  }
}

/** A layout in the making. */
export class LayoutDraft {
  readonly #parts: readonly unknown[]
  readonly #keys: readonly string[] | undefined
  readonly #starts: number[]
  #nodes: (Node | undefined)[] | undefined
  #bound: boolean[] | undefined
  /** There is another one below it. */
  isAbove = false

  constructor(parts: readonly unknown[], keys: readonly string[] | undefined) {
    this.#parts = parts
    this.#keys = keys
    this.#starts = new Array<number>(parts.length + 1)
  }

  /** Where a part begins, and its handlers. */
  part(part: number, start: number, node: Node | undefined): void {
    this.#starts[part] = start
    if (node) (this.#nodes ??= new Array<Node | undefined>(this.#parts.length))[part] = node
  }

  bind(part: number): void {
    this.#bound ??= []
    this.#bound[part] = true
  }

  /** The parts from `first` on are the last so many that `follower` has passed, and are to stand from `start` on. Gives their handlers. */
  takeOver(first: number, count: number, start: number, follower: Follower): readonly Node[] {
    const { starts, nodes } = follower.old
    const was = follower.next - count
    const shift = start - (starts[was] as number)
    const met: Node[] = []
    for (let i = 0; i < count; i++) {
      const node = nodes?.[was + i]
      this.part(first + i, (starts[was + i] as number) + shift, node)
      if (!node) continue
      met.push(node)
      if (node.layout) this.isAbove = true
    }
    return met
  }

  /** Undefined: it is not worth it. */
  layout(size: number): Layout | undefined {
    const { length } = this.#parts
    const place = { bound: this.#bound, record: undefined, at: 0, tid: 0 }
    if (!this.isAbove) {
      if (size < LARGE) return undefined
      // All of it can be taken over, or nothing.
      if (size < LARGE_PART * length)
        return this.#bound
          ? undefined
          : { ...place, keys: undefined, parts: NO_PARTS, nodes: undefined, starts: [size] }
    }
    this.#starts[length] = size
    const parts = this.#keys ? this.#parts : this.#parts.slice()
    return { ...place, keys: this.#keys, parts, nodes: this.#nodes, starts: this.#starts }
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
  /** Which part of the layout each object is; made when it is asked for. */
  #numbers: Map<object, number> | undefined

  constructor(old: Layout, before: Place, parts: readonly unknown[], keys: readonly string[] | undefined) {
    this.old = old
    this.#before = before
    this.#parts = parts
    this.#keys = keys
    this.#shift = parts.length - old.parts.length
  }

  /** Passes the parts from `first` on that are what they were; gives the end of these. */
  unchanged(first: number): number {
    if (!this.#isSame(first, this.next)) this.#find(first)
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

  /** Parts have gone or come in before this one, or it stood elsewhere; or it is another one. */
  #find(at: number): void {
    if (this.#shift < 0 && this.#isSame(at, this.next - this.#shift)) {
      this.next -= this.#shift
      this.#shift = 0
    } else if (!this.#isSame(at + 1, this.next + 1)) {
      this.next = this.#numberOf(this.#parts[at]) ?? this.next
    }
  }

  #numberOf(part: unknown): number | undefined {
    if (typeof part !== 'object' || part === null) return undefined
    if (!this.#numbers) {
      this.#numbers = new Map()
      for (const [number, each] of this.old.parts.entries())
        if (typeof each === 'object' && each !== null) this.#numbers.set(each, number)
    }
    return this.#numbers.get(part)
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
    const node = nodes?.[was]
    return node === undefined || node.asStored === node.load
  }
}
