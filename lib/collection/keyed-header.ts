// A map or set as one transaction sees it: what the transaction asked and did, by key. A commit makes the changes to the
// newest state; if that is not the one that was read, it asks first whether the answers would have been the same.
// Positions, nodes and records are the tree's; knows nothing of the order of keys.
import type { Conflict } from '../error.js'
import { unresolved, type Header } from '../object/header.js'
import { ANY_KEY, noteSource } from '../object/kept-sources.js'
import type { Looked } from '../object/merging.js'
import { countOidsGiven, type Recordable } from '../object/recordable.js'
import type { RecordView, StoredState } from '../object/record-view.js'
import { plain } from '../object/plain.js'
import type { Oid } from '../store/types.js'
import { Answers, type Answer } from './answers.js'
import type { Handed } from './handed.js'
import { headersIn, keyIn, keyName, keyOut, type StoredKey } from './key.js'
import type { KeyTable } from './key-table.js'
import { KeyedChanges, type Pending } from './keyed-changes.js'
import { BACKWARD, FORWARD, Meeting, Passage, type Entry } from './passage.js'
import { TreeHeader } from './tree-header.js'
import type { Rewritten } from './tree/drafts.js'
import { lookAtKey, lookAtValue, plainKey } from './tree/look.js'
import { rootOf } from './tree/node.js'
import { Reads, SIZE, type Interval } from './tree/reads.js'
import { rewrite } from './tree/rewrite.js'
import { Cursor, EVERYTHING, Tree, type Found, type Range } from './tree/tree.js'

/** Conflicts name so many keys. */
const MOST_NAMED = 5

const NO_TREE = new Tree()

export abstract class KeyedHeader extends TreeHeader {
  /** What the transaction did. */
  readonly #changes = new KeyedChanges()
  /** What it asked. */
  #reads: Reads | undefined
  #answers: Answers | undefined
  /** New objects among the keys of a collection that is not stored itself. */
  #unstored: Header[] | undefined
  /** How many oids had been given when these were last looked at. */
  #lookedAt = 0

  // ---- the state ----

  /** The stored state, as far as the transaction has left it. */
  override get stored(): Tree {
    return this.#changes.cleared ? NO_TREE : super.stored
  }

  protected dropChanges(): void {
    this.#changes.drop()
    this.#unstored = undefined
  }

  override touch(): void {
    super.touch()
    if (this.#unstored) this.#keepOrder()
  }

  /**
   * Objects get oids from commits in the order of creation, but not necessarily from the same commit. While a collection
   * itself is not stored, some of its keys may be, and then stand before the others. (Afterwards whatever stores one new
   * key of a collection stores them all.)
   */
  #keepOrder(): void {
    const given = countOidsGiven()
    if (!this.#unstored || this.#lookedAt === given) return
    this.#lookedAt = given
    if (!this.#unstored.some(({ oid }) => oid !== 0)) return
    this.#unstored = this.#unstored.filter(({ oid }) => oid === 0)
    this.#changes.table.sort()
    this.handed.table.sort()
  }

  // ---- reading: after `touch()` ----

  get size(): number {
    if (this.scope.relies && !this.#changes.cleared) this.#noted.size = true
    return this.stored.size + this.#changes.added
  }

  has(key: StoredKey): boolean {
    const answer = this.#answer(key)
    if (answer) {
      if (answer.serial !== this.serial) this.#note(key, false)
      return answer.there
    }
    const own = this.#changes.get(key)
    if (own) return !own.gone
    this.#note(key, false)
    return this.stored.find(key) !== undefined
  }

  /** The value at the key as it is handed out; undefined: there is none. */
  get(key: StoredKey): unknown {
    const answer = this.#answer(key)
    if (answer) {
      const value = answer.place ? answer.place.current(this.load) : answer.value
      if (answer.serial !== this.serial) this.#note(key, true)
      answer.serial = this.serial
      if (value !== undefined || !answer.place) return value
    }
    const own = this.#changes.get(key)
    if (own) return own.gone ? undefined : this.ownOut(own)
    this.#note(key, true)
    const found = this.stored.find(key)
    // Most that is got for the first time is not got again.
    const again = !found || this.isHandedOut(found, key)
    const value = found && this.storedOut(found, key)
    if ((again || typeof value !== 'object') && this.#mayAnswer(key)) {
      const isData = typeof value === 'object' && value !== null && found?.leaf.reference(found.at) === undefined
      const place = isData && found ? this.handed.placeOf(key, found) : undefined
      const there = found !== undefined
      if (!isData || place)
        (this.#answers ??= new Answers()).put(
          key,
          this.state,
          { there, value: isData ? undefined : value, place, serial: this.serial },
          this.scope.cacheBytes,
        )
    }
    return value
  }

  /** What the stored state was found to have at a key, where that is all. */
  #answer(key: StoredKey): Answer | undefined {
    return this.#mayAnswer(key) ? this.#answers?.get(key, this.state, this.scope.cacheBytes) : undefined
  }

  #mayAnswer(key: StoredKey): boolean {
    return typeof key !== 'object' && !this.#changes.any && !this.isNowhere
  }

  #note(key: StoredKey, value: boolean): void {
    if (this.scope.relies) this.#noted.note(key, value)
  }

  get #noted(): Reads {
    return (this.#reads ??= new Reads())
  }

  override get notesFirst(): boolean {
    return true
  }

  noteValue(key: StoredKey): void {
    this.#note(key, true)
  }

  /** The value of an entry of an iteration. */
  valueOut({ key, stored, own }: Entry): unknown {
    return own ? this.ownOut(own) : stored && this.storedOut(stored, key)
  }

  /** The same as ordinary data, of which nothing is kept. */
  plainOut(entry: Entry): unknown {
    return entry.stored ? this.storedCopy(entry.stored) : plain(this.valueOut(entry))
  }

  keyIn(value: unknown): StoredKey {
    if (typeof value === 'string') return value
    return keyIn(value, this, `${this.name} key`)
  }

  keyOut(key: StoredKey): unknown {
    return keyOut(key, reference => this.handOut(reference))
  }

  /** One entry after another: goes on behind the key that it gave last, whatever happened meanwhile. */
  entriesIn(range: Range = EVERYTHING, values = true): Passage {
    return new Passage(this, range, values, FORWARD)
  }

  /** The same from the end. */
  entriesBack(range: Range = EVERYTHING, values = true): Passage {
    return new Passage(this, range, values, BACKWARD)
  }

  // ---- for passages: after `touch()` ----

  /** What the transaction did. */
  get pending(): KeyTable<Pending> {
    return this.#changes.table
  }

  /** Notes a passage that begins; undefined: nobody can change what it meets, or it does not matter. */
  passes(range: Range, values: boolean): Interval | undefined {
    return this.scope.relies && !this.#changes.cleared ? this.#noted.begin(range.low, range.high, values) : undefined
  }

  // ---- changing ----

  put(key: StoredKey, value: unknown): void {
    const own = this.adoptValue(value, key)
    this.putOwn(key, own)
    if (typeof value === 'object' && value !== null && own !== value)
      noteSource(this, ANY_KEY, value, () => this.path(key))
  }

  /** A value that has been adopted. */
  putOwn(key: StoredKey, value: unknown): void {
    this.change()
    if (this.handed.ignores(value)) this.#set(key, value, false)
    else this.#replace(key, value, false)
  }

  /** Values that have been adopted, in the order of their keys, each once. */
  putAll(entries: Pending[]): void {
    if (entries.length === 0) return
    this.change()
    const isFresh = this.stored.size === 0 && this.#changes.table.size === 0
    const needsCare = ({ key, value }: Pending): boolean =>
      !this.handed.ignores(value) || (this.isNowhere && typeof key === 'object')
    if (isFresh && !entries.some(needsCare)) this.#changes.fill(entries)
    else for (const { key, value } of entries) this.putOwn(key, value)
  }

  remove(key: StoredKey): boolean {
    if (!this.has(key)) return false
    this.change()
    this.#replace(key, undefined, true)
    return true
  }

  #replace(key: StoredKey, value: unknown, gone: boolean): void {
    this.handed.replace(key, value, () => this.#set(key, value, gone))
  }

  removeRange(range: Range): number {
    let removed = 0
    for (const { key } of this.entriesIn(range, false)) removed += Number(this.remove(key))
    return removed
  }

  clear(): void {
    if (!this.entriesIn(EVERYTHING, false).next()) return
    this.change()
    this.handed.clear()
    this.dropChanges()
    this.#changes.clear()
  }

  #set(key: StoredKey, value: unknown, gone: boolean): void {
    this.#changes.set(key, value, gone, this.stored)
    if (this.isNowhere && typeof key === 'object')
      for (const header of headersIn(key)) if (header.oid === 0) (this.#unstored ??= []).push(header)
  }

  changeAt(key: StoredKey, value: unknown): void {
    const own = this.#changes.get(key)
    if (own && !own.gone) return
    this.handed.spoil(key)
    this.#set(key, value, false)
  }

  // ---- for plain data that was handed out ----

  storedAt(key: StoredKey): Found | undefined {
    return this.#changes.get(key) ? undefined : this.stored.find(key)
  }

  foundAt(key: StoredKey): Found | undefined {
    return this.stored.find(key)
  }

  // ---- merging ----

  override goOn(): void {
    super.goOn()
    this.handed.goOn(this.#changes.table)
  }

  override forget(): void {
    this.#reads = undefined
  }

  conflict(before: RecordView, now: RecordView, reads: boolean): Conflict | undefined {
    const [a, b] = [this.treeIn(before), this.treeIn(now)]
    const keys = new Set<string>()
    const add = (found: Iterable<StoredKey>): void => {
      for (const key of found) if (keys.add(key === SIZE ? 'size' : keyName(key)).size >= MOST_NAMED) return
    }
    add(this.#changes.overwritten(a, b))
    const kind = keys.size > 0 ? 'write' : 'read'
    if (reads && this.#reads) add(this.#reads.differences(a, b))
    return keys.size === 0 ? undefined : { oid: this.oid, type: this.name, kind, keys: [...keys] }
  }

  // ---- storing ----

  override prepare(view: RecordView | undefined): readonly Recordable[] {
    this.#keepOrder()
    return super.prepare(view)
  }

  protected rewritten(stored: Tree): Rewritten {
    const tree = this.#changes.cleared ? new Tree(NO_TREE.root, stored.view) : stored
    this.handed.gatherMoved(this.#changes.table)
    return rewrite(tree, this.changesTo(tree, this.#changes.table.inOrder()), this.valued, this)
  }

  /** What a commit makes of the changes, when it makes them to this tree. */
  protected changesTo(_tree: Tree, changes: readonly Pending[]): readonly Pending[] {
    return changes
  }

  /** What was committed, with the keys that it has now. */
  protected asCommitted(changes: readonly Pending[], _handed: Handed): readonly Pending[] {
    return changes
  }

  protected stands(): void {
    const pending = this.#changes.table.inOrder()
    this.dropChanges()
    this.handed.settled(this.asCommitted(pending, this.handed))
  }

  keepAll(): void {
    const tree = this.stored
    for (const cursor = new Cursor(tree).toFirst(); !cursor.ended; cursor.next()) {
      const { key, leaf, at } = cursor
      const to = leaf.reference(at)
      const value = to === undefined ? this.handed.of(key, { leaf, at }) : unresolved(to)
      this.#changes.table.put({ key, value, gone: false, existed: false })
    }
    this.handed.spoilAll()
    this.#changes.added = tree.size
    this.leaveStored()
  }

  // ---- for the object layer ----

  override trackAll(): void {
    for (const own of this.#changes.table) this.ownOut(own)
  }

  override keyName(key: unknown): string {
    return keyName(key as StoredKey)
  }

  slot(key: unknown): unknown {
    return this.get(key as StoredKey)
  }

  /** Adds an entry to a native counterpart. */
  protected abstract addTo(copy: Looked['content'], key: unknown, value: unknown): void

  toPlain(convert: (value: unknown) => unknown, begun?: (copy: object) => void): unknown {
    const copy = this.newCopy()
    begun?.(copy)
    for (const entry of this.entriesIn()) {
      this.addTo(copy, plainKey(entry.key, convert), this.valued ? convert(this.valueOut(entry)) : undefined)
    }
    return copy
  }

  look(state: StoredState, view: RecordView, reference: (oid: Oid) => unknown, most: number): Looked {
    const tree = new Tree(rootOf(state, this.small), view)
    const content = this.newCopy()
    const cursor = new Cursor(tree).toFirst()
    for (let left = most; !cursor.ended && left > 0; left--, cursor.next())
      this.addTo(content, lookAtKey(cursor.key, reference), lookAtValue(tree, cursor, reference))
    return { content, size: tree.size }
  }

  lookNow(mark: (value: unknown) => unknown, most: number): Looked {
    const tree = this.#changes.cleared ? NO_TREE : this.storedNow
    const content = this.newCopy()
    const met = new Meeting(tree, this.#changes.table, EVERYTHING, FORWARD)
    for (let left = most; left > 0; left--) {
      const entry = met.next()
      if (!entry) break
      const { key, own, stored } = entry
      this.addTo(
        content,
        plainKey(key, mark),
        own ? mark(own.value) : stored && lookAtValue(tree, stored, oid => mark(unresolved(oid))),
      )
    }
    return { content, size: tree.size + this.#changes.added }
  }
}
