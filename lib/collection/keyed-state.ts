// A map or set as one transaction sees it: a stored state, which is only read (tree/), what the transaction did to it and what
// it asked, by key. A commit makes the changes to the newest state; if that is not the one that was read, it asks first
// whether the answers would have been the same. Which question asks what is for those who ask (keyed-header.ts).
import type { Conflict } from '../error.js'
import { unresolved, type Header } from '../object/header.js'
import type { Looked } from '../object/inspection.js'
import { countOidsGiven, type Recordable } from '../object/recordable.js'
import type { RecordView, StoredState } from '../object/record-view.js'
import type { Oid } from '../store/types.js'
import type { Handed } from './handed.js'
import { headersIn, keyName, type StoredKey } from './key.js'
import { KeyedChanges, type Pending } from './keyed-changes.js'
import { FORWARD, Meeting } from './passage.js'
import { TreeHeader } from './tree-header.js'
import type { Rewritten } from './tree/drafts.js'
import { lookAtKey, lookAtValue, plainKey } from './tree/look.js'
import { rootOf } from './tree/node.js'
import { Reads, SIZE } from './tree/reads.js'
import { rewrite } from './tree/rewrite.js'
import { Cursor, EVERYTHING, Tree, type Found } from './tree/tree.js'

/** Conflicts name so many keys. */
const MOST_NAMED = 5

const NO_TREE = new Tree()

export abstract class KeyedState extends TreeHeader {
  /** What the transaction did. */
  protected readonly changes = new KeyedChanges()
  /** What it asked. */
  #reads: Reads | undefined
  /** New objects among the keys of a collection that is not stored itself. */
  #unstored: Header[] | undefined
  /** How many oids had been given when these were last looked at. */
  #lookedAt = 0

  // ---- the state ----

  /** The stored state, as far as the transaction has left it. */
  override get stored(): Tree {
    return this.changes.cleared ? NO_TREE : super.stored
  }

  protected dropChanges(): void {
    this.changes.drop()
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
    this.changes.sort()
    this.handed.table.sort()
  }

  // ---- what the transaction asks and does ----

  /** The transaction depends on whether the key is there, or on its `value`, too. */
  protected note(key: StoredKey, value: boolean): void {
    if (this.scope.relies) this.noted.note(key, value)
  }

  protected get noted(): Reads {
    return (this.#reads ??= new Reads())
  }

  noteValue(key: StoredKey): void {
    this.note(key, true)
  }

  /** `gone`: there is nothing at the key any more. */
  protected setChange(key: StoredKey, value: unknown, gone: boolean, there = this.changes.at(key, this.stored)): void {
    this.changes.set(key, value, gone, there)
    if (this.isNowhere && typeof key === 'object')
      for (const header of headersIn(key)) if (header.oid === 0) (this.#unstored ??= []).push(header)
  }

  changeAt(key: StoredKey, value: unknown): void {
    const own = this.changes.get(key)
    if (own && !own.gone) return
    this.handed.spoil(key)
    this.setChange(key, value, false)
  }

  // ---- for plain data that was handed out ----

  storedAt(key: StoredKey): Found | undefined {
    return this.changes.get(key) ? undefined : this.stored.find(key)
  }

  foundAt(key: StoredKey): Found | undefined {
    return this.stored.find(key)
  }

  protected entryIn(tree: Tree, key: StoredKey): Found | undefined {
    return tree.find(key)
  }

  // ---- merging ----

  override goOn(view: RecordView): () => void {
    const step = super.goOn(view)
    return () => {
      step()
      this.handed.goOn(this.changes.table)
    }
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
    add(this.changes.overwritten(a, b))
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
    const tree = this.changes.cleared ? new Tree(NO_TREE.root, stored.view) : stored
    this.handed.gatherMoved(this.changes.table)
    return rewrite(tree, this.changesTo(stored, this.changes.table.inOrder()), this.valued, this)
  }

  /** What a commit makes of the changes, when this is what is stored. */
  protected changesTo(_stored: Tree, changes: readonly Pending[]): readonly Pending[] {
    return changes
  }

  /**
   * For who goes through the entries and has come to this key, if it is not to last: gives what has become of it, which is `before`,
   * a key that does last, where nothing has.
   */
  lasting(_key: StoredKey, _before: StoredKey | undefined): (() => StoredKey | undefined) | undefined {
    return undefined
  }

  /** What was committed, with the keys that it has now. */
  protected asCommitted(changes: readonly Pending[], _handed: Handed): readonly Pending[] {
    return changes
  }

  protected stands(): void {
    const pending = this.changes.table.inOrder()
    this.dropChanges()
    this.handed.settled(this.asCommitted(pending, this.handed))
  }

  keepAll(): void {
    const tree = this.stored
    const all: Pending[] = []
    for (const cursor = new Cursor(tree).toFirst(); !cursor.ended; cursor.next()) {
      const { key, leaf, at } = cursor
      const to = leaf.reference(at)
      const value = to === undefined ? this.handed.of(key, { leaf, at }) : unresolved(to)
      all.push({ key, value, gone: false, existed: false })
    }
    for (const each of all) this.changes.table.put(each)
    this.handed.spoilAll()
    this.changes.added = tree.size
    this.leaveStored()
  }

  // ---- for the object layer ----

  override trackAll(): void {
    for (const own of this.changes.table) this.ownOut(own)
  }

  override keyName(key: unknown): string {
    return keyName(key as StoredKey)
  }

  /** Adds an entry to a native counterpart. */
  protected abstract addTo(copy: Looked['content'], key: unknown, value: unknown): void

  look(state: StoredState, view: RecordView, reference: (oid: Oid) => unknown, most: number): Looked {
    const tree = new Tree(rootOf(state, this.small), view)
    const content = this.newCopy()
    const cursor = new Cursor(tree).toFirst()
    for (let left = most; !cursor.ended && left > 0; left--, cursor.next())
      this.addTo(content, lookAtKey(cursor.key, reference), lookAtValue(tree, cursor, reference))
    return { content, size: tree.size }
  }

  lookNow(mark: (value: unknown) => unknown, most: number): Looked {
    const tree = this.changes.cleared ? NO_TREE : this.storedNow
    const content = this.newCopy()
    const met = new Meeting(tree, this.changes, EVERYTHING, FORWARD)
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
    return { content, size: tree.size + this.changes.added }
  }
}
