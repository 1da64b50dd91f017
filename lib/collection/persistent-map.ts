// PersistentMap: the class that applications use, and its header.
import { registerCollection, sealedClass } from '../object/collection.js'
import type { Kind } from '../object/header.js'
import type { Looked } from '../object/inspection.js'
import type { Entries } from '../object/merging.js'
import type { RecordView, StoredState } from '../object/record-view.js'
import { refuseAssignment } from '../object/refuse-assignment.js'
import type { Oid } from '../store/types.js'
import type { Key, StoredKey } from './key.js'
import { compareKeys } from './key-order.js'
import { bulkLoad } from './bulk-load.js'
import { COPYING, wantsCopies, type CopiedPart, type CopyOptions, type NoCopyOptions, type Plain } from './copied.js'
import { KeyedHeader } from './keyed-header.js'
import { keysNamed } from './named-keys.js'
import type { Entry } from './passage.js'
import { PASSAGE, rangeToRemove, type KeyRange, type LooseRange, type RangeOptions } from './range.js'
import { checkCallback, forbidDerived, given, headerBehind, type native, type nominal } from './sealed.js'
import { LEAF_FORM } from './tree/forms.js'
import { lookAtKey, lookAtValue } from './tree/look.js'
import { rootOf } from './tree/node.js'
import { Tree } from './tree/tree.js'
import { count, walk } from './walk.js'

class MapHeader extends KeyedHeader {
  constructor(object: object, isNew: boolean) {
    super(MAP, object, isNew, LEAF_FORM)
  }

  /** Of equal keys the first is kept, with the last value, as if they had been set one by one. */
  fill(entries: Iterable<readonly [unknown, unknown]>): void {
    const given: { key: StoredKey; value: unknown }[] = []
    for (const entry of entries) {
      checkEntry(entry)
      const key = this.keyIn(entry[0])
      given.push({ key, value: this.adoptValue(entry[1], key) })
    }
    given.sort((a, b) => compareKeys(a.key, b.key))
    for (const { key, value } of given) this.putOwn(key, value)
  }

  override lookFor(
    text: string,
    state: StoredState,
    view: RecordView,
    reference: (oid: Oid) => unknown,
  ): Entries | undefined {
    const tree = new Tree(rootOf(state, this.small), view)
    const found = keysNamed(text)?.flatMap(key => tree.find(key) ?? [])
    return found
      ?.map(entry => ({ entry, key: entry.leaf.keys[entry.at] as StoredKey }))
      .sort((a, b) => compareKeys(a.key, b.key))
      .map(({ entry, key }) => [lookAtKey(key, reference), lookAtValue(tree, entry, reference)])
  }

  protected newCopy(): Map<unknown, unknown> {
    return new Map()
  }

  protected addTo(copy: Looked['content'], key: unknown, value: unknown): void {
    ;(copy as Map<unknown, unknown>).set(key, value)
  }
}

const behind = (map: unknown): MapHeader => {
  const header = headerBehind(map, MapHeader, 'PersistentMap')
  header.touch()
  return header
}

/**
 * A map that is a persistent object: the interface of the native `Map`, but its entries come in the order of their keys
 * (see {@link Key}), and keys that are equal in it are one. A plain value belongs to its key: it is copied in, and
 * changing it in place writes that key. It is found again by its key after an abort or a reload.
 *
 * A small map is one record, a larger one a tree of them, of which a commit writes only what has changed. Changes of
 * several transactions merge: only those that used the same key are in each other's way.
 *
 * An iteration goes, from the key that it gave last, to the next one that the map has by then. So entries that are set
 * ahead of it are met, those behind it are not, and removed ones are not.
 *
 * Throws {@link ValueError} (a `TypeError`) for what cannot be a key, also when it is only looked for, and for a value
 * that cannot be stored; what is refused changes nothing.
 *
 * ```ts
 * const phones = new PersistentMap<string, { number: string }>([['bob', { number: '2' }]])
 * phones.set('ada', { number: '1' }).get('ada')!.number += '0'
 * console.log([...phones.keys()], phones.get('ada')) // [ 'ada', 'bob' ] { number: '10' }
 * console.log(phones.first()?.[0], [...phones.keys({ gt: 'ada', limit: 10 })]) // ada [ 'bob' ]
 * ```
 */
export class PersistentMap<K extends Key, V> {
  declare readonly [nominal]: true
  declare readonly [native]: Map<CopiedPart<K>, CopiedPart<V>>

  constructor(entries?: Iterable<readonly [K, V]> | null) {
    forbidDerived(new.target, PersistentMap)
    const header = new MapHeader(makeMap(), true)
    header.fill(given(entries, PersistentMap, 'pairs of a key and a value'))
    return header.object as this
  }

  /** Number of entries. Known without counting. */
  get size(): number {
    return behind(this).size
  }

  /** The value at this key; undefined if there is none. */
  get(key: K): V | undefined {
    const header = behind(this)
    return header.get(header.keyIn(key)) as V | undefined
  }

  has(key: K): boolean {
    const header = behind(this)
    return header.has(header.keyIn(key))
  }

  /** The value at this key, which `value` becomes if there was none. */
  getOrInsert(key: K, value: V): V {
    return insert(this, key, () => value) as V
  }

  /** The value at this key; if there was none, what `compute` makes of the key becomes it. */
  getOrInsertComputed(key: K, compute: (key: K) => V): V {
    return insert(this, key, compute) as V
  }

  set(key: K, value: V): this {
    const header = behind(this)
    header.put(header.keyIn(key), value)
    return this
  }

  /** Was there such a key? */
  delete(key: K): boolean {
    const header = behind(this)
    return header.remove(header.keyIn(key))
  }

  clear(): void {
    behind(this).clear()
  }

  forEach(callback: (value: V, key: K, map: PersistentMap<K, V>) => void, thisArg?: unknown): void {
    const header = behind(this)
    checkCallback(callback)
    for (const entry of header.entriesIn()) {
      const key = header.keyOut(entry.key) as K
      callback.call(thisArg, header.valueOut(entry) as V, key, this)
    }
  }

  /** All keys, or those of a range. */
  keys(range?: RangeOptions<K>): MapIterator<K> {
    const header = behind(this)
    return walk(header, range, false, ({ key }) => header.keyOut(key)) as MapIterator<K>
  }

  /** `{ plain: true }`: copies that are not kept, for going through many; of objects, fields without methods and accessors. */
  values(range: RangeOptions<K> & CopyOptions): MapIterator<Plain<V>>
  /** All values, or those of a range, in the order of their keys. */
  values(range?: RangeOptions<K> & NoCopyOptions): MapIterator<V>
  values(range?: RangeOptions<K> & (CopyOptions | NoCopyOptions)): MapIterator<unknown> {
    const header = behind(this)
    const out = valueFor(header, range)
    return walk(header, range, true, out, WALKING)
  }

  /** `{ plain: true }`: copies of the values that are not kept, for going through many; of objects, fields without methods and accessors. */
  entries(range: RangeOptions<K> & CopyOptions): MapIterator<[K, Plain<V>]>
  /** All entries, or those of a range, in the order of their keys. */
  entries(range?: RangeOptions<K> & NoCopyOptions): MapIterator<[K, V]>
  entries(range?: RangeOptions<K>): MapIterator<[K, unknown]> {
    return entriesOf(behind(this), range) as MapIterator<[K, unknown]>
  }

  /** `{ plain: true }`: copies of the values that are not kept, for going through many; of objects, fields without methods and accessors. */
  range(range: RangeOptions<K> & CopyOptions): MapIterator<[K, Plain<V>]>
  /** The entries of a range: `map.range({ gte: 'a', lt: 'b' })`, `map.range({ prefix: 'user:', reverse: true, limit: 10 })`. */
  range(range: RangeOptions<K> & NoCopyOptions): MapIterator<[K, V]>
  range(range: RangeOptions<K>): MapIterator<[K, unknown]> {
    return entriesOf(behind(this), range) as MapIterator<[K, unknown]>
  }

  /** The entry with the first key; undefined: there is none. */
  first(): [K, V] | undefined {
    return entriesOf(behind(this), { limit: 1 }).next().value as [K, V] | undefined
  }

  /** The entry with the last key; undefined: there is none. */
  last(): [K, V] | undefined {
    return entriesOf(behind(this), { limit: 1, reverse: true }).next().value as [K, V] | undefined
  }

  /** How many keys there are in a range. Reads where they stand, and does not go from one to the next. */
  count(range: LooseRange<K>): number {
    return count(behind(this), range)
  }

  /**
   * Removes the keys of a range; gives how many there were. Throws TypeError for a bound that is there and undefined, and for an object
   * of a class that has none.
   */
  deleteRange(range: KeyRange<K>): number {
    const header = behind(this)
    return header.removeRange(rangeToRemove(range, header))
  }

  /**
   * Fills an empty map with entries that come in the order of their keys, each key once, as tightly as they can be stored.
   * Throws RangeError for an entry out of order, and StateError if the map is not empty; either changes nothing.
   */
  bulkLoad(entries: Iterable<readonly [K, V]>): this {
    const header = behind(this)
    bulkLoad(header, entries)
    return this
  }

  /** `[[key, value], ...]`, whatever the keys are: `new PersistentMap(JSON.parse(text))` reads it where JSON has them. */
  toJSON(): [K, V][] {
    return [...entriesOf(behind(this))] as [K, V][]
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return entriesOf(behind(this)) as MapIterator<[K, V]>
  }

  get [Symbol.toStringTag](): string {
    return 'PersistentMap'
  }
}

function checkEntry(entry: unknown): void {
  if (typeof entry !== 'object' || entry === null) throw new TypeError(`${String(entry)} is not a [key, value] entry`)
}

function insert<K>(map: unknown, key: K, compute: (key: K) => unknown): unknown {
  const header = behind(map)
  checkCallback(compute)
  const own = header.keyIn(key)
  if (!header.has(own)) {
    const value = compute(key)
    header.touch()
    header.put(own, value)
  }
  return header.get(own)
}

type Walking = RangeOptions & (CopyOptions | NoCopyOptions)

const WALKING: ReadonlySet<string> = new Set([...PASSAGE, ...COPYING])

function entriesOf(header: MapHeader, range?: Walking): IteratorObject<[unknown, unknown], undefined> {
  const value = valueFor(header, range)
  return walk(header, range, true, entry => [header.keyOut(entry.key), value(entry)], WALKING)
}

/** As what the value of an entry is given. Throws TypeError. */
function valueFor(header: MapHeader, range: Walking | undefined): (entry: Entry) => unknown {
  return wantsCopies(range) ? entry => header.plainOut(entry) : entry => header.valueOut(entry)
}

const MAP: Kind = {
  type: 'PersistentMap',
  version: 1,
  Class: PersistentMap,
  ghost: () => new MapHeader(makeMap(), false),
}
registerCollection(MAP)
const makeMap = sealedClass(PersistentMap)
refuseAssignment(PersistentMap.prototype, { size: 'call clear()' }, 'call set()')
