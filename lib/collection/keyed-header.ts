// A map or set as one transaction sees it: a stored state, which is only read (tree/), and what the transaction did to it,
// by key. A commit makes the changes to the newest state; if that is not the one that was read, it asks first whether the
// answers would have been the same. Positions, nodes and records are the tree's; knows nothing of the order of keys.
import type { Conflict } from '../error.js'
import type { Encoder } from '../object/codec.js'
import { NOWHERE, unresolved, type Header, type Kind } from '../object/header.js'
import { MergingHeader, type Looked } from '../object/merging.js'
import type { RecordView, StoredState } from '../object/record-view.js'
import { unknownForm, type Packable } from '../object/values.js'
import type { Node } from '../object/plain-node.js'
import type { Oid } from '../store/types.js'
import { Handed } from './handed.js'
import { headersIn, keyIn, keyName, keyOut, type StoredKey } from './key.js'
import { findKey } from './key-order.js'
import { KeyTable } from './key-table.js'
import { BACKWARD, FORWARD, Meeting, passage, type Entry, type Pending } from './passage.js'
import { lookAtKey, lookAtValue, plainKey } from './tree/look.js'
import type { Source } from './tree/leaf.js'
import { leafAt, NO_ENTRIES, rootOf, TREE_FORM, type Root } from './tree/node.js'
import { encodeEntries } from './tree/node-header.js'
import { differences, Reads, sameAt, SIZE, type Interval } from './tree/reads.js'
import { rewrite, type Rewritten } from './tree/rewrite.js'
import { Cursor, EVERYTHING, isLastVersion, Tree, type Found, type Range } from './tree/tree.js'

/** More changes than this are not looked up one by one. */
const MANY = 1000
/** Conflicts name so many keys. */
const MOST_NAMED = 5

export abstract class KeyedHeader extends MergingHeader {
  /** null: not loaded. undefined: as the record says. */
  #root: Root | null | undefined
  #tree = new Tree()
  readonly #pending = new KeyTable<Pending>()
  /** Nothing of the stored state is left: what is pending is all. */
  #cleared = false
  /** Entries that the changes add. */
  #added = 0
  readonly #reads = new Reads()
  readonly #handed: Handed
  /** New objects among the keys of a collection that is not stored itself. */
  #unstored: Header[] = []
  /** As the encoding at hand will store it. */
  #built: Rewritten | undefined
  /** What is being encoded includes changes of others that were not seen. */
  #merges = false
  readonly #small: readonly string[]

  /** `small`: fields of the record while the collection is one; two: with values. */
  constructor(kind: Kind, object: object, isNew: boolean, small: readonly string[]) {
    super(kind, object, isNew)
    this.#small = small
    this.#root = isNew ? NO_ENTRIES : null
    this.#handed = new Handed(this)
  }

  // ---- the state ----

  get loaded(): boolean {
    return this.#root !== null
  }

  get #valued(): boolean {
    return this.#small.length > 1
  }

  /** The stored state, as far as the transaction has left it. */
  get #base(): Tree {
    const { view } = this.scope
    const root = this.#cleared ? NO_ENTRIES : (this.#root ??= this.#readRoot(view))
    if (this.#tree.root !== root || this.#tree.view !== view) this.#tree = new Tree(root, view)
    return this.#tree
  }

  #readRoot(view: RecordView | undefined): Root {
    return view && this.oid !== 0 && this.at !== 0 ? rootOf(view.read(this.oid), this.#small) : NO_ENTRIES
  }

  take(state: StoredState): void {
    this.#root = rootOf(state, this.#small)
  }

  decode(): void {
    unknownForm() // takes its state over by `take`
  }

  protected unload(): void {
    this.#root = null
    this.#handed.undo()
    this.#dropChanges()
  }

  #dropChanges(): void {
    this.#pending.clear()
    this.#cleared = false
    this.#added = 0
    this.#unstored = []
  }

  override touch(): void {
    super.touch()
    if (this.#unstored.length > 0) this.#keepOrder()
  }

  /**
   * Objects get oids from commits in the order of creation, but not necessarily from the same commit. While a collection
   * itself is not stored, some of its keys may be, and then stand before the others. (Afterwards whatever stores one new
   * key of a collection stores them all.)
   */
  #keepOrder(): void {
    if (!this.#unstored.some(({ oid }) => oid !== 0)) return
    this.#unstored = this.#unstored.filter(({ oid }) => oid === 0)
    this.#pending.sort()
    this.#handed.sort()
  }

  // ---- reading: after `touch()` ----

  get size(): number {
    if (!this.#cleared) this.#reads.size = true
    return this.#base.size + this.#added
  }

  has(key: StoredKey): boolean {
    const own = this.#pending.get(key)
    if (own) return !own.gone
    this.#note(key, false)
    return this.#base.find(key) !== undefined
  }

  /** The value at the key as it is handed out; undefined: there is none. */
  get(key: StoredKey): unknown {
    const own = this.#pending.get(key)
    if (own) return own.gone ? undefined : this.#ownOut(own)
    this.#note(key, true)
    const found = this.#base.find(key)
    return found && this.#storedOut(found, key)
  }

  #note(key: StoredKey, value: boolean): void {
    if (this.scope !== NOWHERE) this.#reads.note(key, value)
  }

  #ownOut(own: Pending): unknown {
    return typeof own.value === 'symbol' ? (own.value = this.handOut(own.value)) : own.value
  }

  #storedOut({ leaf, at }: Found, key: StoredKey): unknown {
    const to = leaf.reference(at)
    if (to !== undefined) return this.scope.resolve(to)
    const raw = leaf.value(at)
    return typeof raw === 'object' && raw !== null ? this.#handed.of(key, raw, leaf) : raw
  }

  /** The value of an entry of an iteration. */
  valueOut({ key, stored, own }: Entry): unknown {
    return own ? this.#ownOut(own) : stored && this.#storedOut(stored, key)
  }

  keyIn(value: unknown): StoredKey {
    return keyIn(value, this, `${this.name} key`)
  }

  keyOut(key: StoredKey): unknown {
    return keyOut(key, reference => this.handOut(reference))
  }

  /** One entry after another: goes on behind the key that it gave last, whatever happened meanwhile. */
  entriesIn(range: Range = EVERYTHING, values = true): Generator<Entry, undefined> {
    return passage(this, range, values, FORWARD)
  }

  /** The same from the end. */
  entriesBack(range: Range = EVERYTHING, values = true): Generator<Entry, undefined> {
    return passage(this, range, values, BACKWARD)
  }

  // ---- for passages: after `touch()` ----

  /** The stored state, as far as the transaction has left it. */
  get stored(): Tree {
    return this.#base
  }

  /** What the transaction did. */
  get pending(): KeyTable<Pending> {
    return this.#pending
  }

  /** Notes a passage that begins; undefined: nobody can change what it meets. */
  passes(range: Range, values: boolean): Interval | undefined {
    return this.scope === NOWHERE || this.#cleared ? undefined : this.#reads.begin(range.low, range.high, values)
  }

  // ---- changing ----

  put(key: StoredKey, value: unknown): void {
    const own = this.adopt(value, key)
    this.change()
    this.#handed.replace(key, own, () => this.#set(key, own, false))
  }

  remove(key: StoredKey): boolean {
    if (!this.has(key)) return false
    this.change()
    this.#handed.replace(key, undefined, () => this.#set(key, undefined, true))
    return true
  }

  removeRange(range: Range): number {
    let removed = 0
    for (const { key } of this.entriesIn(range, false)) removed += Number(this.remove(key))
    return removed
  }

  clear(): void {
    if (this.entriesIn(EVERYTHING, false).next().done === true) return
    this.change()
    this.#handed.clear()
    this.#dropChanges()
    this.#cleared = true
  }

  #set(key: StoredKey, value: unknown, gone: boolean): void {
    const before = this.#pending.get(key)
    const found = before ? undefined : this.#base.find(key)
    const existed = before ? before.existed : found !== undefined
    const present = before ? !before.gone : existed
    // Of equal keys the one that is there stays.
    const there = before && !before.gone ? before.key : found?.leaf.keys[found.at]
    this.#pending.put({ key: there ?? key, value, gone, existed })
    this.#added += Number(!gone) - Number(present)
    if (this.scope === NOWHERE && typeof key === 'object')
      for (const header of headersIn(key)) if (header.oid === 0) this.#unstored.push(header)
  }

  /** A value that stands at the key already has changed in place. */
  changeAt(key: StoredKey, value: unknown): void {
    const own = this.#pending.get(key)
    if (own && !own.gone) return
    this.#handed.spoil(key)
    this.#set(key, value, false)
  }

  // ---- plain data, which belongs to a key each: see handed.ts ----

  override used(node: Node): void {
    this.#handed.each(node, key => this.#note(key, true))
  }

  override changeIn(node: Node): void {
    this.change()
    this.#handed.each(node, (key, top) => this.changeAt(key, top))
  }

  override changeAll(): void {
    this.change()
    for (const [key, value] of this.#handed.all()) this.changeAt(key, value)
  }

  override bringBack(node: Node): void {
    this.#handed.bringBack(node)
  }

  /** The stored entry at a key, for what was handed out of it. */
  storedAt(key: StoredKey): Found | undefined {
    this.#note(key, true)
    return this.#pending.get(key) ? undefined : this.#base.find(key)
  }

  /** What a record that is still in the file said of a key. */
  entryOf(source: Source, key: StoredKey): Found | undefined {
    const { view } = this.scope
    const leaf = view && leafAt(view, source.at, this.#small)
    const at = leaf ? findKey(leaf.keys, key) : -1
    return leaf && at >= 0 ? { leaf, at } : undefined
  }

  /** Which record says what stands at a key. */
  sourceOf(key: StoredKey): Source | undefined {
    return this.#base.find(key)?.leaf.source
  }

  // ---- merging ----

  override forget(): void {
    this.#reads.clear()
  }

  conflict(before: RecordView, now: RecordView, reads: boolean): Conflict | undefined {
    const a = new Tree(rootOf(before.read(this.oid), this.#small), before)
    const b = new Tree(rootOf(now.read(this.oid), this.#small), now)
    const keys = new Set<string>()
    const add = (found: Iterable<StoredKey>): void => {
      for (const key of found) if (keys.add(key === SIZE ? 'size' : keyName(key)).size >= MOST_NAMED) return
    }
    add(this.#overwritten(a, b))
    const kind = keys.size > 0 ? 'write' : 'read'
    if (reads) add(this.#reads.differences(a, b))
    return keys.size === 0 ? undefined : { oid: this.oid, type: this.name, kind, keys: [...keys] }
  }

  /** Keys that this transaction wrote, and others meanwhile. */
  *#overwritten(before: Tree, now: Tree): Generator<StoredKey, undefined> {
    if (this.#cleared) yield* differences(before, now)
    else if (this.#pending.size > MANY) {
      for (const key of differences(before, now)) if (this.#pending.get(key)) yield key
    } else {
      for (const { key } of this.#pending) if (!sameAt(key, before, now, true)) yield key
    }
  }

  // ---- storing ----

  override prepare(view: RecordView | undefined): Iterable<Header> {
    const isStored = this.oid !== 0 && this.at !== 0 && view !== undefined
    if (isStored && !this.changed) return []
    this.#keepOrder()
    const state = isStored ? view.read(this.oid) : undefined
    this.#merges = state !== undefined && state.tid !== this.tid
    const root = this.#cleared ? NO_ENTRIES : state ? rootOf(state, this.#small) : (this.#root ?? NO_ENTRIES)
    this.#handed.gatherMoved([...this.#pending])
    const tree = new Tree(root, view)
    this.#built = rewrite(tree, this.changesTo(tree, [...this.#pending]), this.#valued, this)
    return this.#built.written
  }

  /** What a commit makes of the changes, when it makes them to this tree. */
  protected changesTo(_tree: Tree, changes: readonly Pending[]): readonly Pending[] {
    return changes
  }

  /** What was committed, with the keys that it has now. */
  protected asCommitted(changes: readonly Pending[], _handed: Handed): readonly Pending[] {
    return changes
  }

  keys(): readonly string[] {
    return this.#built && this.#built.height > 0 ? TREE_FORM : this.#small
  }

  encode(encoder: Encoder): Packable[] {
    const { size, height, root, keys, values } = this.#built as Rewritten // made by prepare()
    if (root !== undefined) return [size, height, encoder.reference(root, 'root')]
    return encodeEntries(keys, this.#valued ? values : undefined, encoder)
  }

  override settled(): void {
    const pending = [...this.#pending]
    this.#root = undefined
    this.#built = undefined
    if (this.#merges) this.load++
    this.#dropChanges()
    this.#handed.settled(this.asCommitted(pending, this.#handed))
  }

  keepAll(view: RecordView): boolean {
    const tree = this.#base
    if (!isLastVersion(tree, view)) return false
    for (const cursor = new Cursor(tree).toFirst(); !cursor.ended; cursor.next()) {
      const { key, leaf, at } = cursor
      const to = leaf.reference(at)
      const raw = leaf.value(at)
      const data = typeof raw === 'object' && raw !== null && to === undefined
      const value = data ? this.#handed.of(key, raw, leaf) : to === undefined ? raw : unresolved(to)
      this.#pending.put({ key, value, gone: false, existed: false })
    }
    this.#handed.spoilAll()
    this.#added = tree.size
    this.#root = NO_ENTRIES
    return true
  }

  // ---- for the object layer ----

  override keyName(key: unknown): string {
    return keyName(key as StoredKey)
  }

  eachSlot(visit: (value: unknown, key: unknown) => void): void {
    for (const [key, value] of this.#handed.all()) visit(value, key)
  }

  slot(key: unknown): unknown {
    return this.get(key as StoredKey)
  }

  putBack(): void {
    // what was handed out is kept in `handed`
  }

  /** Adds an entry to a native counterpart. */
  protected abstract addTo(copy: Looked['content'], key: unknown, value: unknown): void
  protected abstract newCopy(): Looked['content']

  toPlain(convert: (value: unknown) => unknown, begun?: (copy: object) => void): unknown {
    const copy = this.newCopy()
    begun?.(copy)
    for (const entry of this.entriesIn()) {
      this.addTo(copy, plainKey(entry.key, convert), this.#valued ? convert(this.valueOut(entry)) : undefined)
    }
    return copy
  }

  look(state: StoredState, view: RecordView, reference: (oid: Oid) => unknown, most: number): Looked {
    const tree = new Tree(rootOf(state, this.#small), view)
    const content = this.newCopy()
    const cursor = new Cursor(tree).toFirst()
    for (let left = most; !cursor.ended && left > 0; left--, cursor.next())
      this.addTo(content, lookAtKey(cursor.key, reference), lookAtValue(cursor, reference))
    return { content, size: tree.size }
  }

  lookNow(mark: (value: unknown) => unknown, most: number): Looked {
    const { view } = this.scope
    const root = this.#cleared ? NO_ENTRIES : this.#root?.leaf ? this.#root : this.#readRoot(view)
    const tree = new Tree(root, view)
    const content = this.newCopy()
    const met = new Meeting(tree, this.#pending, EVERYTHING, FORWARD)
    for (let left = most; left > 0; left--) {
      const entry = met.next()
      if (!entry) break
      const { key, own, stored } = entry
      this.addTo(
        content,
        plainKey(key, mark),
        own ? mark(own.value) : stored && lookAtValue(stored, oid => mark(unresolved(oid))),
      )
    }
    return { content, size: tree.size + this.#added }
  }
}
