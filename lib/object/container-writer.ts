// Plain data into the record of its owner. Of a large container that is written again, what has not changed since is taken over from
// the record before as bytes, and not gone through.
import { StaleDataError, ValueError } from '../error.js'
import { DEEPEST } from './adopt.js'
import { Follower, LayoutDraft, placeOf, type Laid, type Layout, type Place } from './layout.js'
import type { Packer } from './packer.js'
import { nodeOf, type Container, type Node } from './plain-node.js'
import { encodePrimitive, keysAreUsual, TAG } from './values.js'

/** Who writes what is no container. */
export interface PartWriter {
  /** Grows with everything that may mean something else in another record: references, and bytes that change unseen. */
  readonly bound: number
  write(value: unknown, key: string | number): void
  path(key: string | number | undefined): string
  refuseTwice(what: string, path: string): never
}

export class ContainerWriter {
  readonly #packer: Packer
  readonly #writer: PartWriter
  /** The encoding. */
  readonly #run: number
  /** The keys that lead to what is being written. */
  readonly way: (string | number)[] = []
  /** The record at hand may be written again. */
  #lays = false
  /** Of the record at hand. */
  laid: Laid[] | undefined

  constructor(packer: Packer, writer: PartWriter, run: number) {
    this.#packer = packer
    this.#writer = writer
    this.#run = run
  }

  /** A record comes next. `lays`: what is known of the one before is of use, and is to be known of this one. */
  begin(lays: boolean): void {
    if (this.way.length > 0) this.way.length = 0
    this.#lays = lays
    this.laid = undefined
  }

  /** One with handlers, standing at `key`; `before`: where it stood in the record before. Gives whether it has a layout. */
  container(node: Node, key: string | number, before?: Place): boolean {
    this.#meet(node, key)
    this.#enter(key)
    let hasLayout = false
    if (this.#lays) hasLayout = this.#again(node, before)
    else this.#content(node.target)
    this.way.pop()
    return hasLayout
  }

  #meet(node: Node, key: string | number): void {
    if (node.met === this.#run) {
      this.#writer.refuseTwice(Array.isArray(node.target) ? 'array' : 'object', this.#writer.path(key))
    }
    if (node.load !== node.owner.load) {
      throw new StaleDataError(
        node.owner.oid,
        `${this.#writer.path(key)} holds plain data of an earlier state: read it again from its owner`,
      )
    }
    node.met = this.#run
  }

  /** One without handlers. */
  bare(target: Container, key: string | number): void {
    this.#enter(key)
    this.#content(target)
    this.way.pop()
  }

  #enter(key: string | number): void {
    this.way.push(key)
    if (this.way.length > DEEPEST)
      throw new ValueError(this.#writer.path(''), `plain data more than ${DEEPEST} levels deep`)
  }

  #content(target: Container): void {
    if (Array.isArray(target)) this.#array(target)
    else this.#plainObject(target)
  }

  #array(target: readonly unknown[]): void {
    this.#refuseHoles(target)
    this.#packer.array(target.length)
    for (let i = 0; i < target.length; i++) this.#writer.write(target[i], i)
  }

  /** Before anything is made for so many elements: most of them may be holes. */
  #refuseHoles(target: readonly unknown[]): void {
    for (let i = 0; i < target.length; i++) {
      if (target[i] !== undefined || Object.hasOwn(target, i)) continue
      const path = this.#writer.path(i)
      throw new ValueError(path, 'a hole in an array: take it out with splice, or put something there')
    }
  }

  #plainObject(target: Record<string, unknown>): void {
    const packer = this.#packer
    const keys = Object.keys(target)
    if (isUsual(target, keys)) {
      packer.map(keys.length)
      for (const key of keys) {
        packer.string(key)
        this.#writer.write(target[key], key)
      }
      return
    }
    packer.map(1)
    packer.string('')
    packer.array(3)
    packer.number(Object.getPrototypeOf(target) === null ? TAG.nullObject : TAG.object)
    packer.value(keys.map(encodePrimitive))
    packer.array(keys.length)
    for (const key of keys) this.#writer.write(target[key], key)
  }

  // ---- a record that has been written before ----

  #again(node: Node, around: Place | undefined): boolean {
    const { target, layout: old } = node
    const at = this.#at
    // Where it stands in something else than before, it is not found, and goes through all checks.
    const before = this.way.length === 1 ? placeOf(node) : around
    if (old && before && old.bound === undefined && node.asStored === node.load) {
      const { bytes, from } = before
      this.#packer.packed({ bytes, from, to: from + (old.starts.at(-1) as number) })
      return this.#note(node, old, at)
    }
    if (Array.isArray(target)) {
      this.#refuseHoles(target)
      return this.#note(node, this.#rewrite(node, target, undefined, at, before), at)
    }
    const keys = Object.keys(target)
    if (isUsual(target, keys)) {
      const parts = keys.map(key => target[key])
      return this.#note(node, this.#rewrite(node, parts, keys, at, before), at)
    }
    this.#plainObject(target)
    return this.#note(node, undefined, at)
  }

  /** `keys`: of an object. Gives its layout, if it is worth it. */
  #rewrite(
    { layout: old }: Node,
    parts: readonly unknown[],
    keys: readonly string[] | undefined,
    at: number,
    before: Place | undefined,
  ): Layout | undefined {
    const packer = this.#packer
    const draft = new LayoutDraft(parts, keys)
    const follower = old && before ? new Follower(old, before, parts, keys) : undefined
    if (keys) packer.map(keys.length)
    else packer.array(parts.length)
    for (let i = 0; i < parts.length;) {
      const end = follower ? follower.unchanged(i) : i
      if (follower && end > i) {
        for (const node of draft.takeOver(i, end - i, this.#at - at, follower)) this.#meet(node, keys?.[i] ?? i)
        packer.packed(follower.passed(end - i))
        i = end
        continue
      }
      const was = follower?.changed(i)
      const part = parts[i]
      const key = keys?.[i]
      const node = typeof part === 'object' ? nodeOf(part) : undefined
      const { bound } = this.#writer
      draft.part(i, this.#at - at, node)
      if (key !== undefined) packer.string(key)
      if (node) draft.isAbove = this.container(node, key ?? i, was) || draft.isAbove
      else this.#writer.write(part, key ?? i)
      if (this.#writer.bound !== bound) draft.bind(i)
      i++
    }
    return draft.layout(this.#at - at)
  }

  get #at(): number {
    return this.#packer.to - this.#packer.from
  }

  #note(node: Node, layout: Layout | undefined, at: number): boolean {
    const isTop = this.way.length === 1
    // One that stands directly in a field may stand elsewhere in the record now.
    if (layout !== node.layout || (isTop && layout)) (this.laid ??= []).push({ node, layout, at: isTop ? at : -1 })
    return layout !== undefined
  }
}

/** Whether it is written as a map of MessagePack. */
function isUsual(target: object, keys: readonly string[]): boolean {
  return Object.getPrototypeOf(target) !== null && keysAreUsual(keys)
}
