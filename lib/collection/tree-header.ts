// What collections of many entries have in common: a stored state, which is only read (tree/), the plain data that was
// handed out of it, and its new version while a commit stores it. What a transaction asked and did is for those who
// derive from it, who also know how an entry is named: by its key.
import { Decoder } from '../object/decoder.js'
import type { Encoder } from '../object/encoder.js'
import { NOWHERE, type Kind } from '../object/header.js'
import type { Looked } from '../object/inspection.js'
import { MergingHeader } from '../object/merging.js'
import { Packed } from '../object/packed.js'
import type { Node } from '../object/plain-node.js'
import type { Recordable } from '../object/recordable.js'
import type { RecordView, StoredState } from '../object/record-view.js'
import { Untracked } from '../object/untracked.js'
import { unknownForm } from '../object/values.js'
import { eachKey } from './containment.js'
import { Handed } from './handed.js'
import { decoded } from './hydrate.js'
import type { Offset, Oid } from '../store/types.js'
import type { StoredKey } from './key.js'
import type { Rewritten } from './tree/drafts.js'
import type { Source } from './tree/leaf.js'
import { TREE_FORM } from './tree/forms.js'
import { leafAt, NO_ENTRIES, rootOf, type Root } from './tree/node.js'
import { encodeEntries, formFor } from './tree/node-header.js'
import { Tree, type Found } from './tree/tree.js'

/** Nothing is looked for in it. */
const NOTHING = new Tree()

export abstract class TreeHeader extends MergingHeader {
  /** null: not loaded. undefined: as the record says. */
  #root: Root | null | undefined
  /** Counts stored states. */
  state = 0
  #tree = NOTHING
  #handed: Handed | undefined
  /** As the encoding at hand will store it. */
  #built: Rewritten | undefined
  /** What is being encoded includes changes of others that were not seen. */
  #merges = false
  /** Fields of the record while the collection is one. */
  protected readonly small: readonly string[]

  constructor(kind: Kind, object: object, isNew: boolean, small: readonly string[]) {
    super(kind, object, isNew)
    this.small = small
    this.#root = isNew ? NO_ENTRIES : null
  }

  // ---- the stored state ----

  get loaded(): boolean {
    return this.#root !== null
  }

  /** Entries have values. */
  protected get valued(): boolean {
    return this.small.length > 1
  }

  /** As the snapshot shows it. After `touch()`. */
  get stored(): Tree {
    const { view } = this.scope
    const root = (this.#root ??= this.#readRoot(view))
    if (this.#tree.root !== root || this.#tree.view !== view) this.#tree = new Tree(root, view)
    return this.#tree
  }

  /** The same for a look, which changes nothing. */
  protected get storedNow(): Tree {
    const { view } = this.scope
    return new Tree(this.#root?.leaf ? this.#root : this.#readRoot(view), view)
  }

  #readRoot(view: RecordView | undefined): Root {
    return view && this.oid !== 0 && this.at !== 0 ? rootOf(view.read(this.oid), this.small) : NO_ENTRIES
  }

  protected treeIn(view: RecordView): Tree {
    return new Tree(rootOf(view.read(this.oid), this.small), view)
  }

  take(state: StoredState): void {
    this.#setRoot(rootOf(state, this.small))
  }

  decode(): void {
    unknownForm() // takes its state over by `take`
  }

  #setRoot(root: Root | null | undefined): void {
    this.#root = root
    this.state++
  }

  protected unload(): void {
    this.#setRoot(null)
    this.#built = undefined
    this.#handed?.undo()
    this.dropChanges()
  }

  goOn(view: RecordView): () => void {
    const root = this.#readRoot(view)
    return () => {
      this.#setRoot(root)
      this.load++
    }
  }

  /** What the transaction did is undone, or stored. */
  protected abstract dropChanges(): void

  /** Everything has been taken into memory: nothing of the stored state is left. */
  protected leaveStored(): void {
    this.#setRoot(this.emptied(this.stored))
  }

  /** What is left of a stored state without entries. */
  protected emptied(_stored: Tree): Root {
    return NO_ENTRIES
  }

  // ---- plain data, which belongs to a key each: see handed.ts ----

  /** Most collections of a store are only passed, or have none. */
  protected get handed(): Handed {
    return (this.#handed ??= new Handed(this))
  }

  /** Whoever hands out the value at a key has noted before that the transaction depends on it. */
  get notesFirst(): boolean {
    return false
  }

  /** The transaction depends on the value at a key. */
  abstract noteValue(key: StoredKey): void
  /** A value that stands at the key already has changed in place. */
  abstract changeAt(key: StoredKey, value: unknown): void
  /** The stored entry at a key, unless the transaction has put or changed something there. */
  abstract storedAt(key: StoredKey): Found | undefined
  /** The same, whatever the transaction did. */
  abstract foundAt(key: StoredKey): Found | undefined
  /** A value is found again at its key even if another one stands there by now. */
  readonly keysLast: boolean = true

  /** An entry of a version of a record, which may have been read in a file before this one; undefined: it is not in this one. */
  entryOf(source: Source, index: number): Found | undefined {
    const { view } = this.scope
    const isHere = source.generation === view?.snapshot.generation.number
    const at = isHere ? source.at : view?.locateVersion(source)
    if (!view || !at) return undefined
    const leaf = leafAt(view, at, this.small)
    return leaf && index < leaf.size ? { leaf, at: index } : undefined
  }

  /** The version of a record that the commit has written which has just ended. */
  justWritten(oid: Oid): Source | undefined {
    const { view } = this.scope
    if (!view) return undefined
    const { generation, tid } = view.snapshot
    return { oid, tid, at: view.locate(oid), generation: generation.number }
  }

  /** What stands at a key in some state of it. */
  protected abstract entryIn(tree: Tree, key: StoredKey): Found | undefined

  leave(view: RecordView): void {
    if (this.#handed?.any !== true || locateIn(view, this.oid) === 0) return
    const isNewest = (source: Source): boolean => locateIn(view, source.oid) === source.at
    let tree: Tree | undefined
    this.#handed.leave(isNewest, key => {
      tree ??= this.treeIn(view)
      const entry = this.entryIn(tree, key)
      return entry && tree.content(entry)
    })
  }

  /** Where the value of a stored entry stands. */
  contentOf(entry: Found): Found {
    return entry.leaf.someApart ? this.stored.content(entry) : entry
  }

  /** Whether the value of an entry stands in a record of its own, of which this is the version: to tell that, it need not be read. */
  isStillApart({ leaf, at }: Found, { oid, at: place, generation }: Source): boolean {
    const { view } = this.scope
    const isHere = generation === view?.snapshot.generation.number && leaf.apart(at) === oid
    return isHere && view?.locate(oid) === place
  }

  /** A stored value as it is handed out. */
  protected storedOut(found: Found, key: StoredKey): unknown {
    const to = found.leaf.reference(found.at)
    return to === undefined ? this.handOut(this.handed.of(key, found)) : this.scope.resolve(to)
  }

  /** A value on its way in, in the form that is cheapest to keep until somebody asks for it. */
  adoptValue(value: unknown, key: unknown): unknown {
    const packed = typeof value === 'object' && value !== null ? Packed.of(value) : undefined
    return packed ?? this.adoptUntracked(value, key)
  }

  /** What the transaction put somewhere, as it is handed out. */
  protected ownOut(own: { readonly key: StoredKey; value: unknown }): unknown {
    if (own.value instanceof Untracked || own.value instanceof Packed) own.value = this.handed.track(own.key, own.value)
    return typeof own.value === 'symbol' ? (own.value = this.handOut(own.value)) : own.value
  }

  /** The same as ordinary data, of which nothing is kept: see plain-record.ts. */
  protected storedCopy(entry: Found): unknown {
    const to = entry.leaf.reference(entry.at)
    if (to !== undefined) return this.scope.copy(to)
    const { leaf, at } = this.contentOf(entry)
    const raw = leaf.value(at)
    if (typeof raw !== 'object' || raw === null) return raw
    const mention = (index: number): unknown => this.scope.mention(leaf.refs[index] ?? unknownForm())
    return decoded(raw, new Decoder(mention, undefined), this)
  }

  /** Whether somebody may have what stands there. */
  protected isHandedOut(found: Found, key: StoredKey): boolean {
    const to = found.leaf.reference(found.at)
    return to === undefined ? this.handed.has(key, found) : this.scope.known(to) !== undefined
  }

  override used(node: Node): void {
    eachKey(node, key => this.noteValue(key))
  }

  override bytesMove(): void {
    this.handed.bytesMove()
  }

  override changeIn(node: Node): void {
    this.change()
    eachKey(node, (key, top) => this.changeAt(key, top))
  }

  override changeAll(): void {
    this.touch()
    const found = [...this.handed.found()] // before anything is done, as that may take reading, which may fail
    this.change()
    for (const [key, value] of found) this.changeAt(key, value)
  }

  override bringBack(node: Node): void {
    this.handed.bringBack(node)
  }

  override forgetHandedOut(): void {
    super.forgetHandedOut()
    this.#handed = undefined
  }

  // ---- storing ----

  override prepare(view: RecordView | undefined): readonly Recordable[] {
    const isStored = this.oid !== 0 && this.at !== 0 && view !== undefined
    if (isStored && !this.changed) return []
    const state = isStored ? view.read(this.oid) : undefined
    this.#merges = state !== undefined && state.tid !== this.tid
    const root = state ? rootOf(state, this.small) : (this.#root ?? NO_ENTRIES)
    this.#built = this.rewritten(new Tree(root, view))
    return this.#built.written
  }

  /** The changes, made to this state. */
  protected abstract rewritten(tree: Tree): Rewritten

  keys(): readonly string[] {
    if (this.#built && this.#built.height > 0) return TREE_FORM
    return this.#built && this.valued ? formFor(this.small, this.#built.values) : this.small
  }

  encode(encoder: Encoder): void {
    const { size, height, root, keys, values } = this.#built as Rewritten // made by prepare()
    if (root === undefined) return this.encodeSmall(keys, values, encoder)
    encoder.write(size, 'size')
    encoder.write(height, 'height')
    encoder.reference(root, 'root')
  }

  /** Writes the values of the record's fields while the collection is one record. */
  protected encodeSmall(keys: readonly StoredKey[], values: readonly unknown[], encoder: Encoder): void {
    encodeEntries(keys, this.valued ? values : undefined, encoder)
  }

  /** The root of a tree, as reading the record that has been written would give it. */
  override made(): Root | undefined {
    const { size, height, root } = this.#built as Rewritten // made by prepare()
    return root === undefined ? undefined : { size, height, root: typeof root === 'number' ? root : root.oid }
  }

  override settled(): void {
    this.#setRoot(undefined)
    this.#built = undefined
    if (this.#merges) this.load++
    this.stands()
  }

  /** What the transaction did is the stored state now. */
  protected abstract stands(): void

  /** Nothing that is asked or done is of interest to others yet. */
  protected get isNowhere(): boolean {
    return this.scope === NOWHERE
  }

  // ---- for the object layer ----

  eachSlot(visit: (value: unknown, key: unknown) => void): void {
    for (const [key, value] of this.handed.all()) visit(value, key)
  }

  putBack(): void {
    // what was handed out is kept in `handed`
  }

  protected abstract newCopy(): Looked['content']
}

/** Where the version stands in a file that is being left; undefined: what leads there cannot be read, and may never be again. */
function locateIn(view: RecordView, oid: Oid): Offset | undefined {
  try {
    return view.locate(oid)
  } catch {
    return undefined
  }
}
