// PersistentQueue: the class that applications use, and its header. A queue is kept as a map from numbers, which grow
// towards its end. What a transaction pushes gets its number from the commit, behind everything that is there by then.
import type { CopiedPart } from './copied.js'
import { registerCollection, sealedClass } from '../object/collection.js'
import type { Encoder } from '../object/encoder.js'
import { GoneError } from '../error.js'
import type { Kind } from '../object/header.js'
import type { Looked } from '../object/inspection.js'
import { refuseAssignment } from '../object/refuse-assignment.js'
import { unreadable } from '../object/unreadable.js'
import type { Handed } from './handed.js'
import type { StoredKey } from './key.js'
import type { Pending } from './keyed-changes.js'
import { KeyedHeader } from './keyed-header.js'
import type { Entry } from './passage.js'
import { forbidDerived, given, headerBehind, type native, type nominal } from './sealed.js'
import type { Rewritten } from './tree/drafts.js'
import { DRAINED_FORM, LEAF_FORM, QUEUE_TYPE } from './tree/forms.js'
import { NO_LEAF } from './tree/leaf.js'
import type { Root } from './tree/node.js'
import { Cursor, EVERYTHING, type Tree } from './tree/tree.js'
import { walk } from './walk.js'

/**
 * Numbers of what was pushed and has no place in the stored queue yet; those of stored items are below. Never used again, for the
 * reason that list-state.ts gives.
 */
const FIRST_OWN = 2 ** 51

/** Whether a stored item can have this number. */
export function isItemNumber(key: StoredKey): boolean {
  return typeof key === 'number' && Number.isInteger(key) && key >= 0 && key < FIRST_OWN
}

/** What one transaction pushes. */
class Batch {
  /** The own number of the first ... */
  readonly from: number
  /** ... and the one that the commit has given it; undefined: it was not committed. */
  number: number | undefined
  /** The transaction is still running. */
  isOpen = true

  constructor(from: number) {
    this.from = from
  }
}

class QueueHeader extends KeyedHeader {
  #nextOwn = FIRST_OWN
  #batch = new Batch(FIRST_OWN)
  /** What the encoding at hand makes of an own number ... */
  #number = (own: number): number => own
  /** ... and the number behind all. */
  #next = 0
  /** It stores that there is no item left. */
  #isDrained = false
  /** Of the item that was taken last. */
  #taken = -1

  constructor(object: object, isNew: boolean) {
    super(QUEUE, object, isNew, LEAF_FORM)
  }

  /** All of them, or none if one is refused. */
  push(values: readonly unknown[]): void {
    const own = values.map(value => this.adoptValue(value, 'item'))
    for (let i = 0; i < own.length; i++) this.putAdopted(this.#nextOwn++, values[i], own[i])
  }

  front(): Entry | undefined {
    // All up to what the transaction took last is gone: to go past that again and again would take ever longer.
    const isGone = this.pending.get(this.#taken)?.gone === true
    const range = isGone ? { low: { key: this.#taken, open: true }, high: undefined } : EVERYTHING
    const first = this.entriesIn(range, true).next()
    if (first) checkNumber(first.key, this)
    return first
  }

  takeFront({ key }: Entry): void {
    this.remove(key)
    this.#taken = key as number
  }

  protected override rewritten(stored: Tree): Rewritten {
    const rewritten = super.rewritten(stored)
    this.#isDrained = rewritten.size === 0 && this.#next > 0
    return rewritten
  }

  protected override changesTo(stored: Tree, changes: readonly Pending[]): readonly Pending[] {
    let first = numberBehind(stored, this)
    for (const { key } of changes) if ((key as number) < FIRST_OWN) first = Math.max(first, (key as number) + 1)
    const { from } = this.#batch
    this.#number = own => first + own - from
    this.#next = this.#number(this.#nextOwn)
    return this.#numbered(changes)
  }

  #numbered(changes: readonly Pending[]): Pending[] {
    const numbered: Pending[] = []
    for (const change of changes) {
      const key = change.key as number
      if (key < FIRST_OWN) numbered.push(change)
      else if (!change.gone) numbered.push({ ...change, key: this.#number(key) })
    }
    return numbered
  }

  protected override asCommitted(changes: readonly Pending[], handed: Handed): readonly Pending[] {
    for (const { key, gone } of changes)
      if ((key as number) >= FIRST_OWN && !gone) handed.table.move(key, this.#number(key as number))
    return this.#numbered(changes)
  }

  protected override dropChanges(): void {
    super.dropChanges()
    this.#batch.isOpen = false
    this.#batch = new Batch(this.#nextOwn)
  }

  protected override stands(): void {
    this.#batch.number = this.#number(this.#batch.from)
    super.stands()
  }

  override lasting(key: StoredKey, before: StoredKey | undefined): (() => StoredKey | undefined) | undefined {
    if ((key as number) < FIRST_OWN) return undefined
    const batch = this.#batch
    return () => {
      if (batch.isOpen) return key
      return batch.number === undefined ? before : batch.number + (key as number) - batch.from
    }
  }

  protected override emptied(stored: Tree): Root {
    const next = numberBehind(stored, this)
    return next === 0 ? super.emptied(stored) : { height: 0, size: 0, leaf: NO_LEAF, next }
  }

  // No number is given twice: whoever goes through the items, or holds one, knows it by its number.

  override keys(): readonly string[] {
    return this.#isDrained ? DRAINED_FORM : super.keys()
  }

  override encode(encoder: Encoder): void {
    if (this.#isDrained) encoder.write(this.#next, 'next')
    else super.encode(encoder)
  }

  /** The numbers of what was pushed mean nothing to anybody. */
  override keyName(key: unknown): string {
    return (key as number) < FIRST_OWN ? super.keyName(key) : 'item'
  }

  protected newCopy(): unknown[] {
    return []
  }

  protected addTo(copy: Looked['content'], _key: unknown, value: unknown): void {
    ;(copy as unknown[]).push(value)
  }
}

/** The number of the first item that is put behind all that is, or was, there. */
function numberBehind(stored: Tree, queue: QueueHeader): number {
  const last = new Cursor(stored).toLast()
  if (!last.ended) return checkNumber(last.key, queue) + 1
  const { root } = stored
  return root.leaf ? (root.next ?? 0) : 0
}

/** Throws SchemaError for the key of an item that no queue has given: the file was made by something else. */
function checkNumber(key: StoredKey, { oid, kind, scope }: QueueHeader): number {
  if (typeof key === 'number') return key
  throw unreadable(oid, kind.type, scope.view?.snapshot.generation.path)
}

const behind = (queue: unknown): QueueHeader => {
  const header = headerBehind(queue, QueueHeader, 'PersistentQueue')
  header.touch()
  return header
}

/**
 * Items that come out in the order in which they were committed, each once, whoever pushes and takes them. Pushes of
 * several transactions never conflict; two that take the same item do, and one of them, run again, takes the next one.
 *
 * ```ts
 * const jobs = new PersistentQueue<{ name: string }>()
 * jobs.push({ name: 'first' }, { name: 'second' })
 * console.log(jobs.shift()?.name, jobs.size, jobs.peek()) // first 1 { name: 'second' }
 * ```
 */
export class PersistentQueue<T> {
  declare readonly [nominal]: true
  declare readonly [native]: CopiedPart<T>[]

  constructor(items?: Iterable<T> | null) {
    forbidDerived(new.target, PersistentQueue)
    const header = new QueueHeader(makeQueue(), true)
    header.push([...given(items, PersistentQueue, 'items')])
    return header.object as this
  }

  /** Number of items. */
  get size(): number {
    return behind(this).size
  }

  /** Puts items at the end. */
  push(...items: T[]): void {
    behind(this).push(items)
  }

  /**
   * Takes the first item out; undefined: there is none. Throws GoneError for one of which a salvage has left nothing: that is out
   * then, too.
   */
  shift(): T | undefined {
    const header = behind(this)
    const front = header.front()
    if (!front) return undefined
    try {
      const item = header.valueOut(front)
      header.takeFront(front)
      return item as T
    } catch (error) {
      if (error instanceof GoneError) header.takeFront(front)
      throw error
    }
  }

  /** The first item, which stays where it is; undefined: there is none. */
  peek(): T | undefined {
    const header = behind(this)
    const front = header.front()
    return front && (header.valueOut(front) as T)
  }

  clear(): void {
    behind(this).clear()
  }

  /** The items, the first one first. */
  values(): ArrayIterator<T> {
    return valuesOf(behind(this)) as ArrayIterator<T>
  }

  toJSON(): T[] {
    return [...valuesOf(behind(this))] as T[]
  }

  [Symbol.iterator](): ArrayIterator<T> {
    return valuesOf(behind(this)) as ArrayIterator<T>
  }

  get [Symbol.toStringTag](): string {
    return 'PersistentQueue'
  }
}

function valuesOf(header: QueueHeader): IteratorObject<unknown, undefined> {
  return walk(header, undefined, true, entry => header.valueOut(entry))
}

const QUEUE: Kind = {
  type: QUEUE_TYPE,
  version: 1,
  Class: PersistentQueue,
  ghost: () => new QueueHeader(makeQueue(), false),
}
registerCollection(QUEUE)
const makeQueue = sealedClass(PersistentQueue)
refuseAssignment(PersistentQueue.prototype, { size: 'call clear()' }, 'call push()')
