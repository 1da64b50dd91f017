// A list as one transaction sees it: a stored state, which is only read (tree/), and what the transaction did to it
// (list-edits.ts) and depends on (list-notes.ts). An item is named by its key: the position in the stored list, or, if the
// transaction put it there, a number of its own above all of these. What depends on what is for those who ask (list-header.ts).
import type { Conflict } from '../error.js'
import type { Encoder } from '../object/encoder.js'
import { unresolved, type Kind } from '../object/header.js'
import type { Looked } from '../object/inspection.js'
import { positionIn, type Entries } from '../object/merging.js'
import type { RecordView, StoredState } from '../object/record-view.js'
import type { Oid } from '../store/types.js'
import { isData } from './hydrate.js'
import type { StoredKey } from './key.js'
import { ListEdits, splicesFor, type Side } from './list-edits.js'
import { LENGTH, ListNotes } from './list-notes.js'
import { Own, type Piece } from './pieces.js'
import { TreeHeader } from './tree-header.js'
import type { Rewritten } from './tree/drafts.js'
import type { Leaf } from './tree/leaf.js'
import { lookAtValue } from './tree/look.js'
import { ITEMS_FORM } from './tree/forms.js'
import { rootOf } from './tree/node.js'
import { encodeItems } from './tree/node-header.js'
import { RawValue } from './tree/raw-value.js'
import { splice } from './tree/splice.js'
import { Cursor, Tree, type Found } from './tree/tree.js'

/**
 * Keys of items that a transaction put in, no two the same: a native Map is slow with what is put in and deleted again and
 * again. So it is with numbers from 2 ** 52 on, of which it makes one hash.
 */
const FIRST_OWN = 2 ** 51
/** Conflicts name so many positions. */
const MOST_NAMED = 5

/** How far from either end a list was changed, if it was not. */
const UNTOUCHED = { front: 0, end: 0 }

export abstract class ListState extends TreeHeader {
  #edits: ListEdits | undefined
  #notes: ListNotes | undefined
  protected nextOwn = FIRST_OWN
  /** Grows with every change and load. */
  edition = 0
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

  /** What the transaction depends on. */
  protected get notes(): ListNotes {
    return (this.#notes ??= new ListNotes())
  }

  /** As the transaction has made it. After `touch()`. */
  protected get now(): ListEdits {
    return (this.#edits ??= new ListEdits(this.stored.size))
  }

  override take(state: StoredState): void {
    super.take(state)
    this.dropChanges()
  }

  protected dropChanges(): void {
    this.#edits = undefined
    this.#near = undefined
    this.#notes?.writes.clear()
    this.edition++
  }

  /** The stored item at a position of the stored list. */
  protected foundIn(stored: number): Found {
    const tree = this.stored
    const near = this.#near
    if (near?.tree === tree && stored >= near.start && stored < near.start + near.leaf.size)
      return { leaf: near.leaf, at: stored - near.start }
    const found = tree.item(stored)
    this.#near = { tree, leaf: found.leaf, start: stored - found.at }
    return found
  }

  // ---- plain data that was handed out ----

  noteValue(key: StoredKey): void {
    if (!isStored(key) || !this.scope.relies) return
    const { size } = this.now
    if (key < size) this.notes.reads.add(this.#sideOf(key), key, key + 1, size)
  }

  /** From where the position of plain data is counted: from the front, unless it was got from the end in this transaction. */
  #sideOf(stored: number): Side {
    const now = this.now
    return now.isInBack(stored) || this.notes.reads.isFromEnd(stored, now.size) ? 'end' : 'front'
  }

  changeAt(key: StoredKey, value: unknown): void {
    const now = this.now
    if (!isStored(key) || now.changedAt(key)) return
    this.handed.spoil(key)
    const side = this.#sideOf(key)
    if (side === 'end') now.endMiddleAt(key)
    now.changeAt(key, value as object)
    this.notes.writes.add(side, key, key + 1, now.size)
  }

  storedAt(key: StoredKey): Found | undefined {
    return this.now.changedAt(key as number) ? undefined : this.foundAt(key)
  }

  foundAt(key: StoredKey): Found | undefined {
    return isStored(key) && key < this.stored.size ? this.foundIn(key) : undefined
  }

  protected entryIn(tree: Tree, key: StoredKey): Found | undefined {
    return isStored(key) && key < tree.size ? tree.item(key) : undefined
  }

  // ---- merging ----

  override forget(): void {
    this.#notes?.reads.clear()
  }

  conflict(before: RecordView, now: RecordView, reads: boolean): Conflict | undefined {
    const [a, b] = [this.treeIn(before), this.treeIn(now)]
    const reach = this.#edits?.reach ?? UNTOUCHED
    const keys = new Set<string>()
    const add = (found: Iterable<number | symbol>): void => {
      for (const at of found) if (keys.add(at === LENGTH ? 'length' : String(at)).size >= MOST_NAMED) return
    }
    add(this.notes.overwritten(a, b, reach))
    const kind = keys.size > 0 ? 'write' : 'read'
    if (reads) add(this.notes.reread(a, b, reach))
    return keys.size === 0 ? undefined : { oid: this.oid, type: this.name, kind, keys: [...keys] }
  }

  override goOn(view: RecordView): () => void {
    const step = super.goOn(view)
    return () => {
      step()
      this.#near = undefined
      this.edition++
      const edits = this.#edits
      if (!edits) return
      const growth = this.stored.size - edits.size
      if (growth !== 0) {
        const moved = edits.goOn(growth)
        this.handed.table.moveAll(key => (isStored(key) ? moved(key) : key))
      }
      this.handed.goOn(ownIn(edits.piecesIn(0)))
    }
  }

  // ---- storing ----

  protected rewritten(tree: Tree): Rewritten {
    const now = this.now
    this.#growth = tree.size - now.size
    this.handed.gatherMoved(ownIn(now.piecesIn(0)))
    const read = (stored: number): RawValue => {
      const { leaf, at } = tree.item(stored)
      return new RawValue(leaf, at)
    }
    return splice(tree, splicesFor(now.piecesIn(this.#growth), tree.size, read), this)
  }

  protected override encodeSmall(_keys: readonly StoredKey[], items: readonly unknown[], encoder: Encoder): void {
    encodeItems(items, 0, encoder)
  }

  protected stands(): void {
    const now = this.now
    const stored: { key: number; value: unknown }[] = []
    let position = 0
    for (const piece of now.piecesIn(this.#growth)) {
      if (piece instanceof Own && isData(piece.value)) stored.push({ key: position, value: piece.value })
      position += piece instanceof Own ? 1 : piece.to - piece.from
    }
    if (this.handed.any) this.#rename([...now.moves(this.#growth)])
    this.dropChanges()
    this.handed.settled(stored)
  }

  /** What was handed out is known by its position from now on. Only where stored items have moved or gone, all behind is gone through. */
  #rename(moves: readonly Move[]): void {
    const sorted = moves.filter(([key]) => isStored(key)).sort(([a], [b]) => a - b)
    if (sorted.some(([, , position], i) => i > 0 && position < (sorted[i - 1]?.[2] as number))) {
      this.handed.table.moveAll(mover(moves))
      return
    }
    // In the same order as before.
    const first = sorted.findIndex(([key, , position]) => key !== position)
    if (first >= 0) {
      const to = mover(sorted)
      // What stood before it, and behind what has stayed, is nowhere now: the next ones may take its keys.
      const [stayed, length] = sorted[first - 1] ?? [0, 0]
      this.handed.table.moveOnwards(stayed + length, key => (isStored(key) ? to(key) : key))
    }
    for (const [key, , position] of moves) if (!isStored(key)) this.handed.table.move(key, position)
  }

  keepAll(): void {
    const tree = this.stored
    const all: Own[] = []
    for (const cursor = new Cursor(tree).toFirst(); !cursor.ended; cursor.next()) {
      const { leaf, at } = cursor
      const to = leaf.reference(at)
      const value = to === undefined ? this.handed.of(all.length, { leaf, at }) : unresolved(to)
      all.push(new Own(this.nextOwn++, value))
    }
    all.forEach(({ key, value }, position) => {
      if (isData(value)) this.handed.table.move(position, key)
    })
    this.handed.spoilAll()
    this.leaveStored()
    this.#near = undefined
    this.#edits = new ListEdits(0)
    this.#edits.splice(0, 0, all, 'end')
  }

  // ---- for the object layer ----

  override keyName(key: unknown): string {
    if (typeof key !== 'number') return String(key)
    let position = 0
    for (const piece of this.now.piecesIn(0)) {
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

  look(state: StoredState, view: RecordView, reference: (oid: Oid) => unknown, most: number): Looked {
    const tree = new Tree(rootOf(state, this.small), view)
    const content = this.newCopy()
    const cursor = new Cursor(tree).toFirst()
    for (let left = most; !cursor.ended && left > 0; left--, cursor.next())
      content.push(lookAtValue(tree, cursor, reference))
    return { content, size: tree.size }
  }

  override lookFor(
    text: string,
    state: StoredState,
    view: RecordView,
    reference: (oid: Oid) => unknown,
  ): Entries | undefined {
    const tree = new Tree(rootOf(state, this.small), view)
    const position = positionIn(text)
    if (position === undefined || position >= tree.size) return []
    return [[position, lookAtValue(tree, tree.item(position), reference)]]
  }

  lookNow(mark: (value: unknown) => unknown, most: number): Looked {
    const tree = this.storedNow
    const now = this.#edits ?? new ListEdits(tree.size)
    const content = this.newCopy()
    for (let position = 0; position < Math.min(most, now.length); position++) {
      const at = now.at(position)
      const own = at instanceof Own ? at.value : now.changedAt(at)
      if (at instanceof Own || own !== undefined) content.push(mark(own))
      else content.push(lookAtValue(tree, tree.item(at), oid => mark(unresolved(oid))))
    }
    return { content, size: now.length }
  }
}

function isStored(key: StoredKey): key is number {
  return (key as number) < FIRST_OWN
}

/** Items that the transaction put in. */
function* ownIn(pieces: Iterable<Piece>): Generator<Own, undefined> {
  for (const piece of pieces) if (piece instanceof Own) yield piece
}

type Move = readonly [key: number, length: number, position: number]

/** Where what had a key stands now, asked in the order of keys; undefined: nowhere. */
function mover(moves: readonly Move[]): (key: StoredKey) => number | undefined {
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
