// A list as one transaction sees it: a stored state, which is only read (tree/), and what the transaction did to it
// (list-edits.ts) and depends on (list-notes.ts). An item is named by its key: the position in the stored list, or, if the
// transaction put it there, a number of its own above all of these.
import type { Conflict } from '../error.js'
import type { Encoder } from '../object/codec.js'
import { headerOf, unresolved, unresolvedOid, type Kind } from '../object/header.js'
import type { Looked } from '../object/merging.js'
import type { RecordView, StoredState } from '../object/record-view.js'
import type { Packable } from '../object/values.js'
import type { Oid } from '../store/types.js'
import type { StoredKey } from './key.js'
import { ListEdits, splicesFor, type Side } from './list-edits.js'
import { LENGTH, ListNotes } from './list-notes.js'
import { Own, Stretch, type Piece } from './pieces.js'
import { TreeHeader } from './tree-header.js'
import type { Rewritten } from './tree/drafts.js'
import type { Leaf } from './tree/leaf.js'
import { lookAtValue } from './tree/look.js'
import { ITEMS_FORM, rootOf } from './tree/node.js'
import { encodeItems } from './tree/node-header.js'
import { RawValue } from './tree/raw-value.js'
import { splice } from './tree/splice.js'
import { Cursor, isLastVersion, Tree, type Found } from './tree/tree.js'

/** Keys of items that a transaction put in. */
const FIRST_OWN = 2 ** 52
/** Conflicts name so many positions. */
const MOST_NAMED = 5

export class ListHeader extends TreeHeader {
  #edits: ListEdits | undefined
  readonly #notes = new ListNotes()
  #nextOwn = FIRST_OWN
  #edition = 0
  /** The leaf that was read last, and the position of its first item. */
  #near: { readonly tree: Tree; readonly leaf: Leaf; readonly start: number } | undefined
  /** How much longer than the list that was read the one is to which the encoding at hand makes the changes. */
  #growth = 0

  constructor(kind: Kind, object: object, isNew: boolean) {
    super(kind, object, isNew, ITEMS_FORM)
  }

  protected override get valued(): boolean {
    return true
  }

  /** A position is no lasting name: after a reload something else may stand there. */
  override readonly keysLast = false

  get #now(): ListEdits {
    return (this.#edits ??= new ListEdits(this.stored.size))
  }

  override take(state: StoredState): void {
    super.take(state)
    this.dropChanges()
  }

  protected dropChanges(): void {
    this.#edits = undefined
    this.#near = undefined
    this.#notes.writes.clear()
    this.#edition++
  }

  /** Grows with every change and load. */
  get edition(): number {
    return this.#edition
  }

  // ---- reading: after `touch()` ----

  get length(): number {
    this.noteLength()
    return this.#now.length
  }

  /** The same for who does not depend on it. */
  get lengthNow(): number {
    return this.#now.length
  }

  noteLength(): void {
    if (!this.isNowhere) this.#notes.reads.length = true
  }

  /** The item at a position that there is, counted from that side. */
  item(position: number, side: Side): unknown {
    this.#noteRead(position, position + 1, side)
    return this.#out(position)
  }

  items(from: number, to: number, side: Side): unknown[] {
    this.#noteRead(from, to, side)
    const items: unknown[] = []
    for (let at = from; at < to; at++) items.push(this.#out(at))
    return items
  }

  #out(position: number): unknown {
    const at = this.#now.at(position)
    if (typeof at === 'number') return this.#now.changedAt(at) ?? this.storedOut(this.#found(at), at)
    return typeof at.value === 'symbol' ? (at.value = this.handOut(at.value)) : at.value
  }

  #found(stored: number): Found {
    const tree = this.stored
    const near = this.#near
    if (near?.tree === tree && stored >= near.start && stored < near.start + near.leaf.size)
      return { leaf: near.leaf, at: stored - near.start }
    const found = tree.item(stored)
    this.#near = { tree, leaf: found.leaf, start: stored - found.at }
    return found
  }

  #isAcross(from: number, to: number, side: Side): boolean {
    return this.#now.isAcross(side === 'front' ? to : from, side)
  }

  #noteRead(from: number, to: number, side: Side): void {
    if (this.isNowhere || from >= to) return
    const now = this.#now
    if (this.#isAcross(from, to, side)) this.noteLength()
    if (to === from + 1) {
      const at = now.at(from)
      if (typeof at === 'number') this.#notes.reads.add(side, at, at + 1, now.size)
      return
    }
    for (const piece of now.between(from, to))
      if (piece instanceof Stretch) this.#notes.reads.add(side, piece.from, piece.to, now.size)
  }

  /**
   * The first position from `from` on and before `to` (the last one, if `backward`) with what `sought` is the same as;
   * -1: there is none. No other object is loaded for it.
   */
  find(sought: unknown, from: number, to: number, same: (a: unknown, b: unknown) => boolean, backward = false): number {
    for (let i = 0; i < to - from; i++) {
      const at = backward ? to - 1 - i : from + i
      if (!this.#is(at, sought, same)) continue
      this.#noteRead(backward ? at : from, backward ? to : at + 1, 'front')
      return at
    }
    this.#noteRead(from, to, 'front')
    return -1
  }

  #is(position: number, sought: unknown, same: (a: unknown, b: unknown) => boolean): boolean {
    const at = this.#now.at(position)
    if (at instanceof Own) {
      return typeof at.value === 'symbol' ? this.#refersTo(unresolvedOid(at.value), sought) : same(at.value, sought)
    }
    const changed = this.#now.changedAt(at)
    if (changed) return changed === sought
    const found = this.#found(at)
    const to = found.leaf.reference(found.at)
    if (to !== undefined) return this.#refersTo(to, sought)
    const raw = found.leaf.value(found.at)
    if (typeof raw !== 'object' || raw === null) return same(raw, sought)
    if (typeof sought === 'object' && sought !== null) return this.handed.known(at) === sought
    return Object.hasOwn(raw, '') && same(lookAtValue(found, unresolved), sought)
  }

  #refersTo(oid: Oid, sought: unknown): boolean {
    const header = headerOf(sought)
    return header?.oid === oid && header.scope === this.scope
  }

  /** Each item that was there at the start and is when its turn comes: what the methods of Array visit. */
  *visit(): Generator<readonly [item: unknown, at: number], void> {
    this.touch()
    const { lengthNow } = this
    for (let at = 0; at < lengthNow; at++) {
      this.touch()
      if (at < this.lengthNow) yield [this.item(at, 'front'), at]
    }
    this.touch()
    this.noteLength()
  }

  /** The same from the end. */
  *visitBack(): Generator<readonly [item: unknown, at: number], void> {
    this.touch()
    for (let at = this.length - 1; at >= 0; at--) {
      this.touch()
      if (at < this.length) yield [this.item(at, 'front'), at]
    }
  }

  /** Each item, those that are added meanwhile included. */
  *iterate(): Generator<readonly [at: number, item: unknown], undefined> {
    for (let at = 0; ; at++) {
      this.touch()
      if (at >= this.lengthNow) {
        this.noteLength()
        return
      }
      yield [at, this.item(at, 'front')]
    }
  }

  // ---- changing ----

  /** Puts values in at an end, whatever stands there. */
  extend(side: Side, values: readonly unknown[]): void {
    this.touch()
    const at = side === 'front' ? 0 : this.#now.length
    const own = this.#adopted(at, values)
    if (own.length === 0) return
    this.change()
    this.#exchange(at, 0, own, side)
  }

  /** `count` items, which there are from a position counted from that side, give way to others. */
  replace(start: number, count: number, values: readonly unknown[], side: Side): void {
    this.#replace(start, count, values, side, false)
  }

  /** The same; gives what was taken out. */
  splice(start: number, count: number, values: readonly unknown[], side: Side): unknown[] {
    return this.#replace(start, count, values, side, true)
  }

  #replace(start: number, count: number, values: readonly unknown[], side: Side, gives: boolean): unknown[] {
    const own = this.#adopted(start, values)
    if (count === 0 && own.length === 0) return []
    this.change()
    const out: unknown[] = []
    if (gives) for (let at = start; at < start + count; at++) out.push(this.#out(at))
    // What is put in before an item depends on that: so it does not end up elsewhere.
    this.#noteWrite(start, start + Math.max(count, 1), side)
    this.#exchange(start, count, own, side)
    return out
  }

  #adopted(start: number, values: readonly unknown[]): Own[] {
    return values.map((value, i) => new Own(this.#nextOwn++, this.adopt(value, String(start + i))))
  }

  #noteWrite(from: number, to: number, side: Side): void {
    const now = this.#now
    const { writes } = this.#notes
    if (this.isNowhere) return
    if (this.#isAcross(from, to, side)) writes.length = true
    for (const piece of now.between(from, Math.min(to, now.length)))
      if (piece instanceof Stretch) writes.add(side, piece.from, piece.to, now.size)
  }

  #exchange(start: number, count: number, put: readonly Own[], side: Side): void {
    const now = this.#now
    for (const { key, value } of put) if (isData(value)) this.handed.replace(key, value, nothing)
    // Counted from the other side where it is across: how long the list is has been noted then.
    const other = side === 'front' ? 'end' : 'front'
    const out = now.splice(start, count, put, now.isAcross(start, side) ? other : side)
    for (const piece of out) {
      if (piece instanceof Stretch) {
        for (const key of this.handed.keysBetween(piece.from, piece.to)) this.handed.replace(key, undefined, nothing)
      } else if (isData(piece.value)) this.handed.replace(piece.key, undefined, nothing)
    }
    this.#edition++
  }

  /** The same items in another order: `order` has the position that each had. */
  reorder(order: readonly number[]): void {
    if (order.every((at, i) => at === i)) return
    this.change()
    const now = this.#now
    this.#noteWrite(0, now.length, 'front')
    const pieces = order.map((position): Piece => {
      const at = now.at(position)
      return at instanceof Own ? at : new Stretch(at, at + 1)
    })
    now.replaceAll(pieces)
    this.#edition++
  }

  // ---- plain data that was handed out ----

  protected noteValue(key: StoredKey): void {
    if (!isStored(key) || this.isNowhere) return
    const now = this.#now
    if (key < now.size) this.#notes.reads.add(now.sideOf(key), key, key + 1, now.size)
  }

  changeAt(key: StoredKey, value: unknown): void {
    const now = this.#now
    if (!isStored(key) || now.changedAt(key)) return
    this.handed.spoil(key)
    now.changeAt(key, value as object)
    this.#notes.writes.add(now.sideOf(key), key, key + 1, now.size)
  }

  storedAt(key: StoredKey): Found | undefined {
    this.noteValue(key)
    return this.#now.changedAt(key as number) ? undefined : this.foundAt(key)
  }

  foundAt(key: StoredKey): Found | undefined {
    return isStored(key) && key < this.stored.size ? this.#found(key) : undefined
  }

  // ---- merging ----

  override forget(): void {
    this.#notes.reads.clear()
  }

  conflict(before: RecordView, now: RecordView, reads: boolean): Conflict | undefined {
    const [a, b] = [this.treeIn(before), this.treeIn(now)]
    const { reach } = this.#now
    const keys = new Set<string>()
    const add = (found: Iterable<number | symbol>): void => {
      for (const at of found) if (keys.add(at === LENGTH ? 'length' : String(at)).size >= MOST_NAMED) return
    }
    add(this.#notes.overwritten(a, b, reach))
    const kind = keys.size > 0 ? 'write' : 'read'
    if (reads) add(this.#notes.reread(a, b, reach))
    return keys.size === 0 ? undefined : { oid: this.oid, type: this.name, kind, keys: [...keys] }
  }

  // ---- storing ----

  protected rewritten(tree: Tree): Rewritten {
    const now = this.#now
    this.#growth = tree.size - now.size
    this.handed.gatherMoved([...now.piecesIn(0)].flatMap(piece => (piece instanceof Own ? [piece] : [])))
    const read = (stored: number): RawValue => {
      const { leaf, at } = tree.item(stored)
      return new RawValue(leaf.value(at), leaf.refs)
    }
    return splice(tree, splicesFor(now.piecesIn(this.#growth), tree.size, read), this)
  }

  protected override encodeSmall(_keys: readonly StoredKey[], items: readonly unknown[], encoder: Encoder): Packable[] {
    return encodeItems(items, 0, encoder)
  }

  protected stands(): void {
    const now = this.#now
    const stored: { key: number; value: unknown }[] = []
    let position = 0
    for (const piece of now.piecesIn(this.#growth)) {
      if (piece instanceof Own && isData(piece.value)) stored.push({ key: position, value: piece.value })
      position += piece instanceof Own ? 1 : piece.to - piece.from
    }
    this.handed.moveAll(mover(now.moves(this.#growth)))
    this.dropChanges()
    this.#nextOwn = FIRST_OWN
    this.handed.settled(stored)
  }

  keepAll(view: RecordView): boolean {
    const tree = this.stored
    if (!isLastVersion(tree, view)) return false
    const all: Own[] = []
    for (const cursor = new Cursor(tree).toFirst(); !cursor.ended; cursor.next()) {
      const { leaf, at } = cursor
      const to = leaf.reference(at)
      const own = new Own(this.#nextOwn++, to === undefined ? leaf.value(at) : unresolved(to))
      if (typeof own.value === 'object' && own.value !== null) {
        own.value = this.handed.of(all.length, own.value, { leaf, at })
        this.handed.move(all.length, own.key)
      }
      all.push(own)
    }
    this.handed.spoilAll()
    this.leaveStored()
    this.#near = undefined
    this.#edits = new ListEdits(0)
    this.#edits.splice(0, 0, all, 'end')
    return true
  }

  // ---- for the object layer ----

  override keyName(key: unknown): string {
    if (typeof key !== 'number') return String(key)
    let position = 0
    for (const piece of this.#now.piecesIn(0)) {
      if (piece instanceof Own ? piece.key === key : key >= piece.from && key < piece.to)
        return String(piece instanceof Own ? position : position + key - piece.from)
      position += piece instanceof Own ? 1 : piece.to - piece.from
    }
    return 'item'
  }

  slot(key: unknown): unknown {
    return this.handed.known(key as StoredKey)
  }

  protected newCopy(): unknown[] {
    return []
  }

  toPlain(convert: (value: unknown) => unknown, begun?: (copy: object) => void): unknown[] {
    const copy = this.newCopy()
    begun?.(copy)
    for (const [, item] of this.iterate()) copy.push(convert(item))
    return copy
  }

  look(state: StoredState, view: RecordView, reference: (oid: Oid) => unknown, most: number): Looked {
    const tree = new Tree(rootOf(state, this.small), view)
    const content = this.newCopy()
    const cursor = new Cursor(tree).toFirst()
    for (let left = most; !cursor.ended && left > 0; left--, cursor.next()) content.push(lookAtValue(cursor, reference))
    return { content, size: tree.size }
  }

  lookNow(mark: (value: unknown) => unknown, most: number): Looked {
    const tree = this.storedNow
    const now = this.#edits ?? new ListEdits(tree.size)
    const content = this.newCopy()
    for (let position = 0; position < Math.min(most, now.length); position++) {
      const at = now.at(position)
      const own = at instanceof Own ? at.value : now.changedAt(at)
      if (at instanceof Own || own !== undefined) content.push(mark(own))
      else content.push(lookAtValue(tree.item(at), oid => mark(unresolved(oid))))
    }
    return { content, size: now.length }
  }
}

function isStored(key: StoredKey): key is number {
  return (key as number) < FIRST_OWN
}

/** Whether it belongs to the item that it is: plain data, or bytes. */
function isData(value: unknown): boolean {
  return typeof value === 'object' && value !== null && headerOf(value) === undefined
}

function nothing(): void {
  // a list notes its changes itself
}

/** Where what had a key stands now, asked in the order of keys; undefined: nowhere. */
function mover(
  moves: Iterable<readonly [key: number, length: number, position: number]>,
): (key: StoredKey) => number | undefined {
  const sorted = [...moves].sort(([a], [b]) => a - b)
  let i = 0
  return asked => {
    const key = asked as number
    for (; i < sorted.length; i++) {
      const [from, length, position] = sorted[i] as (typeof sorted)[number]
      if (key < from) return undefined
      if (key < from + length) return position + key - from
    }
    return undefined
  }
}
