// PersistentMap: the class that applications use, and its header, which keeps one value for each key.
// The map is one record: its keys in their order, and a value for each.
import { inspectable, registerCollection } from '../object/collection.js'
import type { Decoder, Encoder } from '../object/codec.js'
import type { Kind } from '../object/header.js'
import { sameKeys } from '../object/shapes.js'
import { unknownForm, type Packable } from '../object/values.js'
import { decodeKey, encodeKey, keyName, type Key, type StoredKey } from './key.js'
import { compareKeys } from './key-order.js'
import { KeyedHeader } from './keyed-header.js'
import { checkCallback, forbidDerived, headerBehind, type nominal } from './sealed.js'

class MapHeader extends KeyedHeader {
  /** In the order of the keys. */
  #values: unknown[] = []

  constructor(object: object, isNew: boolean) {
    super(MAP, object, isNew)
    if (isNew) this.setKeys([])
  }

  /** What stands at a position, as it is handed out. */
  valueOut(at: number): unknown {
    const value = this.#values[at]
    return typeof value === 'symbol' ? (this.#values[at] = this.handOut(value)) : value
  }

  /** Fills a new map. Of equal keys the first is kept, with the last value, as if they had been set one by one. */
  fill(entries: Iterable<readonly [unknown, unknown]>): void {
    const given: { key: StoredKey; value: unknown }[] = []
    for (const entry of entries) {
      if (typeof entry !== 'object' || entry === null)
        throw new TypeError(`${String(entry)} is not a [key, value] entry`)
      const key = this.keyIn(entry[0])
      given.push({ key, value: this.adopt(entry[1], key) })
    }
    given.sort((a, b) => compareKeys(a.key, b.key))
    const keys: StoredKey[] = []
    for (const { key, value } of given) {
      const last = keys.at(-1)
      if (last === undefined || compareKeys(last, key) !== 0) keys.push(key)
      this.#values[keys.length - 1] = value
    }
    this.#values.forEach(value => this.standsIn(value))
    this.startWith(keys)
  }

  put(key: StoredKey, value: unknown): void {
    const own = this.adopt(value, key)
    this.change()
    const at = this.find(key)
    this.standsIn(own)
    if (at >= 0) {
      const old = this.#values[at]
      this.#values[at] = own
      this.takenOut(old)
    } else {
      this.insertKey(~at, key)
      this.#values.splice(~at, 0, own)
    }
  }

  remove(key: StoredKey): boolean {
    if (this.find(key) < 0) return false
    this.change()
    const at = this.find(key)
    this.removeKey(at)
    for (const old of this.#values.splice(at, 1)) this.takenOut(old)
    return true
  }

  clear(): void {
    if (this.sorted.length === 0) return
    this.change()
    const old = this.#values
    this.setKeys([])
    this.#values = []
    old.forEach(value => this.takenOut(value))
  }

  protected override rearrange(order: readonly number[]): void {
    const before = this.#values
    this.#values = order.map(i => before[i])
  }

  // ---- for the object layer ----

  keys(): readonly string[] {
    return ['keys', 'values']
  }

  encode(encoder: Encoder): Packable[] {
    this.keepOrder()
    const { sorted } = this
    return [
      sorted.map(key => encodeKey(key, encoder)),
      this.#values.map((value, i) => encoder.value(value, keyName(sorted[i] as StoredKey))),
    ]
  }

  decode(names: readonly string[], [keys, values]: readonly unknown[], decoder: Decoder): void {
    if (
      !sameKeys(names, this.keys()) ||
      !Array.isArray(keys) ||
      !Array.isArray(values) ||
      keys.length !== values.length
    )
      return unknownForm()
    this.#values = values.map(value => decoder.value(value))
    this.setKeys(keys.map(key => decodeKey(key, decoder)))
  }

  protected override unload(): void {
    super.unload()
    this.#values = []
  }

  eachSlot(visit: (value: unknown, key: unknown) => void): void {
    this.#values.forEach((value, i) => {
      if (typeof value === 'object' && value !== null) visit(value, this.sorted[i])
    })
  }

  slot(key: unknown): unknown {
    return this.#values[this.find(key as StoredKey)]
  }

  putBack(key: unknown, value: object): void {
    this.#values[this.find(key as StoredKey)] = value
  }

  toPlain(convert: (value: unknown) => unknown, begun?: (copy: object) => void): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>()
    begun?.(copy)
    this.sorted.forEach((key, i) => copy.set(this.plainKey(key, convert), convert(this.#values[i])))
    return copy
  }
}

const behind = (map: unknown): MapHeader => {
  const header = headerBehind(map, MapHeader, 'PersistentMap')
  header.touch()
  return header
}

/**
 * A map that is a persistent object: the interface of the native `Map`, but its entries come in the order of their keys
 * (see {@link Key}), and keys that are equal in it are one. A plain value belongs to the map: it is copied in, and
 * changing it in place changes the map. It is found again by its key after an abort or a reload.
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
 * ```
 */
export class PersistentMap<K extends Key, V> {
  declare readonly [nominal]: true

  constructor(entries?: Iterable<readonly [K, V]> | null) {
    forbidDerived(new.target, PersistentMap)
    const header = new MapHeader(this, true)
    header.fill(entries ?? [])
  }

  /** Number of entries. */
  get size(): number {
    return behind(this).sorted.length
  }

  /** The value at this key; undefined if there is none. */
  get(key: K): V | undefined {
    const header = behind(this)
    const at = header.find(header.keyIn(key))
    return at < 0 ? undefined : (header.valueOut(at) as V)
  }

  has(key: K): boolean {
    const header = behind(this)
    return header.find(header.keyIn(key)) >= 0
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
    for (const at of header.positions()) {
      const key = header.keyOut(at) as K
      callback.call(thisArg, header.valueOut(at) as V, key, this)
    }
  }

  keys(): MapIterator<K> {
    return keysOf(behind(this)) as MapIterator<K>
  }

  values(): MapIterator<V> {
    return valuesOf(behind(this)) as MapIterator<V>
  }

  entries(): MapIterator<[K, V]> {
    return entriesOf(behind(this)) as MapIterator<[K, V]>
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

function insert<K>(map: unknown, key: K, compute: (key: K) => unknown): unknown {
  const header = behind(map)
  checkCallback(compute)
  const own = header.keyIn(key)
  if (header.find(own) < 0) {
    const value = compute(key)
    header.touch()
    header.put(own, value)
  }
  return header.valueOut(header.find(own))
}

function* keysOf(header: MapHeader): Generator<unknown, undefined> {
  for (const at of header.positions()) yield header.keyOut(at)
}

function* valuesOf(header: MapHeader): Generator<unknown, undefined> {
  for (const at of header.positions()) yield header.valueOut(at)
}

function* entriesOf(header: MapHeader): Generator<[unknown, unknown], undefined> {
  for (const at of header.positions()) yield [header.keyOut(at), header.valueOut(at)]
}

const MAP: Kind = {
  type: 'PersistentMap',
  version: 1,
  Class: PersistentMap,
  ghost: () => new MapHeader(Object.create(PersistentMap.prototype) as object, false),
}
registerCollection(MAP)
inspectable(PersistentMap.prototype)
