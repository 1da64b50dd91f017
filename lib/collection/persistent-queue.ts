// PersistentQueue: the class that applications use, and its header. A queue is kept as a map from numbers, which grow
// towards its end. What a transaction pushes gets its number from the commit, behind everything that is there by then.
import { inspectable, registerCollection } from '../object/collection.js'
import type { Encoder } from '../object/codec.js'
import { GoneError } from '../error.js'
import type { Kind } from '../object/header.js'
import type { Looked } from '../object/merging.js'
import type { Handed } from './handed.js'
import type { StoredKey } from './key.js'
import type { Pending } from './keyed-changes.js'
import { KeyedHeader } from './keyed-header.js'
import type { Entry } from './passage.js'
import { forbidDerived, headerBehind, type nominal } from './sealed.js'
import type { Rewritten } from './tree/drafts.js'
import { DRAINED_FORM, LEAF_FORM } from './tree/forms.js'
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

class QueueHeader extends KeyedHeader {
  #nextOwn = FIRST_OWN
  /** The number that the commit gives to the first that was pushed, and the one behind the last. */
  #firstNumber = 0
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
    return this.entriesIn(range, true).next()
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
    const last = new Cursor(stored).toLast()
    const { root } = stored
    let behind = !last.ended ? (last.key as number) + 1 : root.leaf ? (root.next ?? 0) : 0
    for (const { key } of changes) if ((key as number) < FIRST_OWN) behind = Math.max(behind, (key as number) + 1)
    this.#firstNumber = behind
    const numbered = this.#numbered(changes)
    this.#next = behind + numbered.filter(({ key }) => (key as number) >= behind).length
    return numbered
  }

  // No number is given twice: whoever goes through the items, or holds one, knows it by its number.

  override keys(): readonly string[] {
    return this.#isDrained ? DRAINED_FORM : super.keys()
  }

  override encode(encoder: Encoder): void {
    if (this.#isDrained) encoder.write(this.#next, 'next')
    else super.encode(encoder)
  }

  #numbered(changes: readonly Pending[]): Pending[] {
    let number = this.#firstNumber
    const numbered: Pending[] = []
    for (const change of changes) {
      if ((change.key as number) < FIRST_OWN) numbered.push(change)
      else if (!change.gone) numbered.push({ ...change, key: number++ })
    }
    return numbered
  }

  protected override asCommitted(changes: readonly Pending[], handed: Handed): readonly Pending[] {
    let number = this.#firstNumber
    for (const { key, gone } of changes) if ((key as number) >= FIRST_OWN && !gone) handed.table.move(key, number++)
    return this.#numbered(changes)
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

  constructor(items?: Iterable<T> | null) {
    forbidDerived(new.target, PersistentQueue)
    new QueueHeader(this, true).push([...(items ?? [])])
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
  type: 'PersistentQueue',
  version: 1,
  Class: PersistentQueue,
  ghost: () => new QueueHeader(Object.create(PersistentQueue.prototype) as object, false),
}
registerCollection(QUEUE)
inspectable(PersistentQueue.prototype)
