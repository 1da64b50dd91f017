// What a PersistentList keeps: its items in one array, without holes, which never leaves this file. A list is one record.
import { CollectionHeader } from '../object/collection.js'
import type { Decoder, Encoder } from '../object/codec.js'
import { headerOf, unresolvedOid, type Kind } from '../object/header.js'
import { sameKeys } from '../object/shapes.js'
import { unknownForm, type Packable } from '../object/values.js'

export class ListHeader extends CollectionHeader {
  /** null: not loaded. */
  #items: unknown[] | null = null
  /** Counts changes and loads. */
  #edition = 0

  constructor(kind: Kind, object: object, isNew: boolean) {
    super(kind, object, isNew)
    if (isNew) this.#items = []
  }

  get loaded(): boolean {
    return this.#items !== null
  }

  protected unload(): void {
    this.#items = null
    this.#edition++
  }

  /** Only of a loaded list. */
  get #all(): unknown[] {
    return this.#items as unknown[]
  }

  // ---- reading: after `touch()` ----

  get length(): number {
    return this.#all.length
  }

  /** Grows with every change and load. */
  get edition(): number {
    return this.#edition
  }

  item(at: number): unknown {
    const item = this.#all[at]
    return typeof item === 'symbol' ? (this.#all[at] = this.handOut(item)) : item
  }

  /** A copy of a part of the list, with arguments as for Array. */
  slice(start?: number, end?: number): unknown[] {
    return this.#all.slice(start, end).map(item => this.handOut(item))
  }

  /** Each item that was there at the start and is when its turn comes: what the methods of Array visit. */
  *visit(): Generator<readonly [item: unknown, at: number], void> {
    this.touch()
    const { length } = this
    for (let at = 0; at < length; at++) {
      this.touch()
      if (at < this.length) yield [this.item(at), at]
    }
  }

  /** The same from the end. */
  *visitBack(): Generator<readonly [item: unknown, at: number], void> {
    this.touch()
    for (let at = this.length - 1; at >= 0; at--) {
      this.touch()
      if (at < this.length) yield [this.item(at), at]
    }
  }

  /** Each item, those that are added meanwhile included. */
  *iterate(): Generator<readonly [at: number, item: unknown], undefined> {
    for (let at = 0; ; at++) {
      this.touch()
      if (at >= this.length) return
      yield [at, this.item(at)]
    }
  }

  /** The items as they can be compared with `sought`, by identity; nothing is loaded for it. */
  comparable(sought: unknown): readonly unknown[] {
    const header = headerOf(sought)
    if (!header || header.scope !== this.scope) return this.#all
    return this.#all.map(item => (typeof item === 'symbol' && unresolvedOid(item) === header.oid ? sought : item))
  }

  // ---- changing ----

  /** Takes out and puts in; `start` and `count` are within the list. Gives what was taken out. */
  splice(start: number, count: number, values: readonly unknown[]): unknown[] {
    return this.replace(start, count, values).map(value => this.handOut(value))
  }

  /** The same; gives what was taken out as it stood there, and so loads nothing. */
  replace(start: number, count: number, values: readonly unknown[]): unknown[] {
    const own = values.map((value, i) => this.adopt(value, start + i))
    if (count === 0 && own.length === 0) return []
    this.change()
    for (const value of own) this.standsIn(value)
    const out = this.#exchange(start, count, own)
    this.#edition++
    for (const value of out) this.takenOut(value)
    return out
  }

  #exchange(start: number, count: number, own: readonly unknown[]): unknown[] {
    const items = this.#all
    // Arguments are limited in number.
    if (own.length < 10_000) return items.splice(start, count, ...own)
    const out = items.slice(start, start + count)
    this.#items = items.slice(0, start).concat(own, items.slice(start + count))
    return out
  }

  /** The same items in another order, if it is another. */
  reorder(items: unknown[]): void {
    if (items.every((item, i) => item === this.#all[i])) return
    this.change()
    this.#items = items
    this.#edition++
  }

  reverse(): void {
    this.reorder(this.#all.slice().reverse())
  }

  // ---- for the object layer ----

  keys(): readonly string[] {
    return ['items']
  }

  encode(encoder: Encoder): Packable[] {
    return [this.#all.map((item, i) => encoder.value(item, i))]
  }

  decode(names: readonly string[], [items]: readonly unknown[], decoder: Decoder): void {
    if (!sameKeys(names, this.keys()) || !Array.isArray(items)) return unknownForm()
    this.#items = items.map(item => decoder.value(item))
    this.#edition++
  }

  // A position is a name for messages, but no place: after a reload something else may stand there.

  eachSlot(visit: (value: unknown, key: unknown) => void): void {
    this.#items?.forEach((item, i) => {
      if (typeof item === 'object' && item !== null) visit(item, i)
    })
  }

  slot(): undefined {
    return undefined
  }

  putBack(): void {
    // nothing is ever found again
  }

  toPlain(convert: (value: unknown) => unknown, begun?: (copy: object) => void): unknown[] {
    const copy: unknown[] = []
    begun?.(copy)
    for (const item of this.#all) copy.push(convert(item))
    return copy
  }
}
