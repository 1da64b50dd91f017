// What PersistentList asks a list and does to it, with a note of what the transaction depends on by that.
import { StateError } from '../error.js'
import { headerOf, unresolved, unresolvedOid } from '../object/header.js'
import { noteSourceAt } from '../object/kept-sources.js'
import { plain } from '../object/plain.js'
import type { Oid } from '../store/types.js'
import type { Side } from './list-edits.js'
import type { Positions } from './list-notes.js'
import { isData } from './hydrate.js'
import { ListState } from './list-state.js'
import { iterate } from './list-visits.js'
import { Own, Stretch, type Piece } from './pieces.js'
import { lookAtValue } from './tree/look.js'

export class ListHeader extends ListState {
  // ---- reading: after `touch()` ----

  get length(): number {
    this.noteLength()
    return this.now.length
  }

  /** The same for who does not depend on it. */
  get lengthNow(): number {
    return this.now.length
  }

  noteLength(): void {
    if (this.scope.relies) this.notes.reads.length = true
  }

  /** The item at a position that there is, counted from that side. */
  item(position: number, side: Side): unknown {
    this.#noteRead(position, position + 1, side)
    return this.#out(position)
  }

  /** The same as ordinary data, of which nothing is kept. */
  copyOf(position: number, side: Side): unknown {
    this.#noteRead(position, position + 1, side)
    const at = this.now.at(position)
    const isStored = typeof at === 'number' && !this.now.changedAt(at)
    return isStored ? this.storedCopy(this.foundIn(at)) : plain(this.#out(position))
  }

  items(from: number, to: number, side: Side): unknown[] {
    this.#noteRead(from, to, side)
    const items: unknown[] = []
    for (let at = from; at < to; at++) items.push(this.#out(at))
    return items
  }

  #out(position: number): unknown {
    const at = this.now.at(position)
    if (typeof at === 'number') return this.now.changedAt(at) ?? this.storedOut(this.foundIn(at), at)
    return this.ownOut(at)
  }

  #isAcross(from: number, to: number, side: Side): boolean {
    return this.now.isAcross(side === 'front' ? to : from, side)
  }

  #noteRead(from: number, to: number, side: Side): void {
    if (!this.scope.relies || from >= to) return
    if (this.#isAcross(from, to, side)) this.noteLength()
    this.#note(this.notes.reads, from, to, side)
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
    const at = this.now.at(position)
    if (at instanceof Own) {
      return typeof at.value === 'symbol' ? this.#refersTo(unresolvedOid(at.value), sought) : same(at.value, sought)
    }
    const changed = this.now.changedAt(at)
    if (changed) return changed === sought
    const found = this.foundIn(at)
    const to = found.leaf.reference(found.at)
    if (to !== undefined) return this.#refersTo(to, sought)
    const content = this.contentOf(found)
    const raw = content.leaf.value(content.at)
    if (typeof raw !== 'object' || raw === null) return same(raw, sought)
    if (typeof sought === 'object' && sought !== null) return this.handed.known(at) === sought
    return Object.hasOwn(raw, '') && same(lookAtValue(this.stored, found, unresolved), sought)
  }

  #refersTo(oid: Oid, sought: unknown): boolean {
    const header = headerOf(sought)
    return header?.oid === oid && header.scope === this.scope
  }

  // ---- changing ----

  /** Puts values in at an end, whatever stands there. */
  extend(side: Side, values: readonly unknown[]): void {
    this.touch()
    const at = side === 'front' ? 0 : this.now.length
    const own = this.#adopted(at, values)
    if (own.length === 0) return
    this.change()
    this.#noteSources(at, values, own)
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
    if (start + count > this.now.length)
      throw new StateError(`${this.label}: the list was changed by code in the data that is put into it`)
    // What goes out is found before anything is done, as that may take reading, which may fail.
    this.#findHandedOut(start, start + count)
    const out: unknown[] = []
    if (gives) for (let at = start; at < start + count; at++) out.push(this.#out(at))
    this.change()
    this.#noteSources(start, values, own)
    // What is put in before an item depends on that: so it does not end up elsewhere.
    this.#noteWrite(start, start + Math.max(count, 1), side)
    this.#exchange(start, count, own, side)
    return out
  }

  /** What somebody may have of these is known afterwards, or known to be gone. */
  #findHandedOut(from: number, to: number): void {
    if (!this.handed.any) return
    for (const piece of this.now.between(from, to))
      if (piece instanceof Stretch)
        for (const key of this.handed.table.keysBetween(piece.from, piece.to)) this.handed.known(key)
  }

  #adopted(start: number, values: readonly unknown[]): Own[] {
    return values.map((value, i) => new Own(this.nextOwn++, this.adoptValue(value, String(start + i))))
  }

  /** Once nothing can refuse them any more. */
  #noteSources(start: number, values: readonly unknown[], own: readonly Own[]): void {
    values.forEach((value, i) => {
      if (typeof value === 'object' && value !== null && own[i]?.value !== value)
        noteSourceAt(this, String(start + i), value)
    })
  }

  #noteWrite(from: number, to: number, side: Side): void {
    if (this.isNowhere) return
    if (this.#isAcross(from, to, side)) this.notes.writes.length = true
    this.#note(this.notes.writes, from, Math.min(to, this.now.length), side)
  }

  #note(positions: Positions, from: number, to: number, side: Side): void {
    const now = this.now
    if (to === from + 1) {
      const at = now.at(from)
      if (typeof at === 'number') positions.add(side, at, at + 1, now.size)
      return
    }
    for (const piece of now.between(from, to))
      if (piece instanceof Stretch) positions.add(side, piece.from, piece.to, now.size)
  }

  #exchange(start: number, count: number, put: readonly Own[], side: Side): void {
    const now = this.now
    for (const { key, value } of put) if (isData(value)) this.handed.replace(key, value, nothing)
    // Counted from the other side where it is across: how long the list is has been noted then.
    const other = side === 'front' ? 'end' : 'front'
    const out = now.splice(start, count, put, now.isAcross(start, side) ? other : side)
    for (const piece of out) {
      if (piece instanceof Stretch) {
        for (const key of this.handed.table.keysBetween(piece.from, piece.to))
          this.handed.replace(key, undefined, nothing)
      } else if (isData(piece.value)) this.handed.replace(piece.key, undefined, nothing)
    }
    this.edition++
  }

  /** All items were meant by what was done to them, and so it matters how many there are. After it was changed. */
  noteAllWritten(): void {
    this.notes.writes.length = true
  }

  /** The same items in another order: `order` has the position that each had. */
  reorder(order: readonly number[]): void {
    if (order.every((at, i) => at === i)) return
    this.change()
    const now = this.now
    this.#noteWrite(0, now.length, 'front')
    this.noteAllWritten()
    const pieces = order.map((position): Piece => {
      const at = now.at(position)
      return at instanceof Own ? at : new Stretch(at, at + 1)
    })
    now.replaceAll(pieces)
    this.edition++
  }

  toPlain(convert: (value: unknown) => unknown, begun?: (copy: object) => void): unknown[] {
    const copy = this.newCopy()
    begun?.(copy)
    for (const [, item] of iterate(this)) copy.push(convert(item))
    return copy
  }
}

function nothing(): void {
  // a list notes its changes itself
}
