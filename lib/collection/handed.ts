// Plain data that a collection has handed out, by the key to which it belongs. Held weakly: what nobody has any more is made
// anew when it is asked for, and what is of an earlier load is brought up to date when it is next used (revalidate.ts).
import type { Packed } from '../object/packed.js'
import { forgetRemoved, holdParts, stampAt, stillCurrent } from '../object/places.js'
import { attach, nodeOf, release, type Node } from '../object/plain-node.js'
import type { Untracked } from '../object/untracked.js'
import { bytesIn, eachKey, eachShared } from './containment.js'
import { hydrateOwn, hydrateStored, isData } from './hydrate.js'
import type { StoredKey } from './key.js'
import { Place } from './place.js'
import { PlaceTable } from './place-table.js'
import { carryOver, revalidate } from './revalidate.js'
import { Shelves } from './shelves.js'
import type { Source } from './tree/leaf.js'
import type { TreeHeader } from './tree-header.js'
import type { Found } from './tree/tree.js'

/** What the transaction put at a key. */
interface Valued {
  readonly key: StoredKey
  readonly value: unknown
}

/** What somebody may have, if it is what stands there still. */
interface HandedOut {
  readonly place: Place
  readonly value: object | undefined
}

/** Who hands out more than so many values between two changes goes through them. */
const FEW_SEATS = 8

export class Handed {
  readonly #owner: TreeHeader
  readonly #places = new PlaceTable()
  /** What was handed out since the last of anything else happened to the collection ... */
  readonly #shelves = new Shelves()
  /** ... in this load of the owner, and of this stored state. */
  #load = 0
  #state = 0
  /** The transaction has put a typed array somewhere that may stand elsewhere, too. */
  #bytesMove = false
  /** How much was handed out while the collection is changed, since the places of all values were asked for. */
  #seated = 0

  constructor(owner: TreeHeader) {
    this.#owner = owner
  }

  /** The places of all values. */
  get table(): PlaceTable {
    this.#seated = 0
    if (this.#shelves.size > 0) this.#clearShelves()
    return this.#places
  }

  #clearShelves(): void {
    this.#shelves.clear(this.#load, (value, place, shelf) => {
      const node = nodeOf(value)
      if (node?.above === shelf) node.above = place
      if (node?.stored === true && node.parent === null) node.key = place
      this.#places.put(place)
    })
  }

  /** Whether somebody may have anything. */
  get any(): boolean {
    return this.#places.size > 0 || this.#shelves.size > 0
  }

  /** Where the value of an entry stands that was handed out. */
  placeOf(key: StoredKey, found: Found): Place | undefined {
    return this.#shelves.placeOf(found, key, this.#load) ?? this.#places.get(key)
  }

  /** Whether the value of an entry was handed out and somebody may have it. */
  has(key: StoredKey, found: Found): boolean {
    const { load, state } = this.#owner
    if (this.#load === load && this.#state === state && this.#shelves.get(found) !== undefined) return true
    return this.#places.size > 0 && this.#places.get(key)?.current(load) !== undefined
  }

  /** The value of an entry of the stored state that is no reference. */
  of(key: StoredKey, found: Found): unknown {
    const { load, state } = this.#owner
    if (this.#load !== load || this.#state !== state) {
      if (this.#shelves.size > 0) this.#clearShelves()
      if (this.#load !== load) this.#places.prune()
      this.#load = load
      this.#state = state
    }
    const known = this.#shelves.get(found) ?? (this.#places.size > 0 ? this.#knownAt(key) : undefined)
    if (known) return known
    const content = this.#owner.contentOf(found)
    const raw = content.leaf.value(content.at)
    if (typeof raw !== 'object' || raw === null) return raw
    const value = hydrateStored(raw, content.leaf, this.#owner)
    if (typeof value !== 'object' || value === null) return value
    const node = nodeOf(value)
    if (node) this.#seat(node, key, found, content)
    else this.#places.put(Place.of(key, value, load, content))
    return value
  }

  /** What is handed out is likely to be changed, which would take everything off the shelves again. */
  #isChanging(): boolean {
    return this.#owner.changed && this.#seated++ < FEW_SEATS
  }

  #seat(node: Node, key: StoredKey, found: Found, content: Found): void {
    const { source } = found.leaf
    let place: Place | undefined
    if (source && !this.#isChanging()) {
      const { shelf, kin } = this.#shelves.for(found, key, source)
      kin.values[found.at] = node.object
      if (content !== found) kin.stands(found.at, content.leaf.source)
      node.kin = kin
      node.above = shelf
    } else {
      place = Place.of(key, node.object, this.#load, content)
      node.above = place
      this.#places.put(place)
    }
    if (this.#owner.notesFirst) node.serial = this.#owner.serial
    holdParts(node)
    stampAt(node, place ?? key)
  }

  /** What stands at a key, if somebody may have it. */
  known(key: StoredKey): object | undefined {
    if (this.#shelves.size > 0) this.#clearShelves()
    return this.#knownAt(key)
  }

  #knownAt(key: StoredKey): object | undefined {
    const place = this.#places.get(key)
    return place && this.#current(place)
  }

  /** What stands there, if somebody may have it and it is what stands there still. */
  #current(place: Place): object | undefined {
    const known = place.value
    if (known === undefined) return undefined
    if (place.load === this.#owner.load || revalidate(place, known, this.#owner)) return known
    this.table.delete(place.key)
    return undefined
  }

  /** The file is left, and with it all versions but the newest ones; `find`: what of these stands at a key. */
  leave(isNewest: (source: Source) => boolean, find: (key: StoredKey) => Found | undefined): void {
    if (this.#shelves.some(source => !isNewest(source))) this.#clearShelves()
    for (const place of this.#places) carryOver(place, isNewest, find, this.#owner)
  }

  bringBack(node: Node): void {
    if (!node.stored) return
    let top = node
    while (top.parent) top = top.parent
    const table = this.table
    // Its key is a place that knows the key, once it has one.
    const place = table.get((top.key instanceof Place ? top.key.key : top.key) as StoredKey)
    if (place?.value !== top.object) return
    // Whether it is found there again is something to depend on, too. Who gets it from the collection has noted that.
    this.#owner.noteValue(place.key)
    this.#current(place)
  }

  /** A value that the transaction has put there is asked for. */
  track(key: StoredKey, value: Untracked | Packed): object {
    const object = hydrateOwn(value, this.#owner)
    const place = Place.of(key, object, this.#owner.load)
    attach(object, place)
    this.table.note(key, undefined)
    this.#places.put(place)
    return object
  }

  // ---- what the transaction does ----

  /** Nothing is to be noted when this value takes the place of another: neither is a container that somebody may have. */
  ignores(value: unknown): boolean {
    return !this.any && !isData(value)
  }

  /** `value` (undefined: nothing) takes the place of what stands at the key, which `act` does. */
  replace(key: StoredKey, value: unknown, act: () => void): void {
    const before = this.table.get(key)
    const old = before && this.#current(before)
    const place = isData(value) ? Place.of(key, value, this.#owner.load) : undefined
    attach(value, place)
    act()
    if (before || place) this.table.note(key, before)
    if (place) this.#places.put(place)
    else if (before) this.table.delete(key)
    if (old) release(old, before)
  }

  /** The value at this key is not the stored one any more. */
  spoil(key: StoredKey): void {
    const place = this.table.get(key)
    this.table.note(key, place)
    if (place) place.source = undefined
  }

  spoilAll(): void {
    this.table.spoilAll()
  }

  /** All that somebody may have. What turns out not to be there any more leaves the table meanwhile. */
  current(): HandedOut[] {
    return [...this.table].map(place => ({ place, value: this.#current(place) }))
  }

  /** `all`: what `current` has given, before anything was done, as that may take reading, which may fail. */
  clear(all: readonly HandedOut[]): void {
    for (const { place, value } of all) if (value) release(value, place)
    this.table.clear()
  }

  bytesMove(): void {
    this.#bytesMove = true
  }

  /** All that the transaction did is undone. */
  undo(): void {
    this.#bytesMove = false
    if (this.#places.isChanged) this.table.undo()
  }

  /** All that the transaction did is stored. */
  settled(changes: Iterable<Valued>): void {
    this.#bytesMove = false
    this.#places.settle()
    forgetRemoved(this.#owner)
    if (!this.any) return
    for (const { place, node } of this.#own(changes)) {
      const entry = this.#owner.foundAt(place.key)
      const apart = entry?.leaf.apart(entry.at)
      if (apart === undefined) place.agrees(this.#owner.load, entry?.leaf.source, entry?.at ?? 0)
      else place.agrees(this.#owner.load, this.#owner.justWritten(apart), 0)
      if (node) stampAt(node, place)
    }
  }

  /** The owner has another stored state; what the transaction did to it goes on. */
  goOn(changes: Iterable<Valued>): void {
    for (const _each of this.#own(changes)) continue
  }

  /** What the transaction put somewhere or changed, with its container: it is current, whatever the owner has loaded. */
  *#own(changes: Iterable<Valued>): Generator<{ readonly place: Place; readonly node: Node | undefined }, undefined> {
    for (const { key, value } of changes) {
      const place = this.table.get(key)
      if (!place || place.value !== value) continue
      place.load = this.#owner.load
      const node = nodeOf(value)
      if (node) stillCurrent(node)
      yield { place, node }
    }
  }

  // ---- all of it ----

  /** Values that somebody may have, with their keys; after a reload, once they are known to stand there still. */
  *all(): Generator<readonly [StoredKey, object], undefined> {
    for (const place of this.table) {
      const value = place.current(this.#owner.load)
      if (value) yield [place.key, value]
    }
  }

  /** The same of all that somebody may have: it is found out. */
  *found(): Generator<readonly [StoredKey, object], undefined> {
    for (const place of [...this.table]) {
      const value = this.#current(place)
      if (value) yield [place.key, value]
    }
  }

  /** What was moved stands at two keys until the old one is written: see that both are, if only to be refused. */
  gatherMoved(changes: Iterable<Valued>): void {
    if (!this.any) return
    const put = Array.from(changes, ({ value }) => value) // looking adds to them
    eachShared(put, node => eachKey(node, (key, top) => this.#owner.changeAt(key, top)))
    if (this.#bytesMove) this.#gatherBytes(put)
  }

  /** Of typed arrays nothing tells where they stand. */
  #gatherBytes(put: readonly unknown[]): void {
    const sought = new Set<object>()
    for (const value of put) for (const bytes of bytesIn(value)) sought.add(bytes)
    for (const [key, value] of [...this.found()])
      for (const bytes of bytesIn(value)) if (sought.has(bytes)) this.#owner.changeAt(key, value)
  }
}
