// What the library knows of one object: who it is, which version of it is loaded, whether it was changed. Every object
// that can be stored has one: behind its Proxy (persistent.ts), or in a sealed collection (collection.ts).
// A header never decides what a transaction sees: that is the connection, its scope.
import { StateError } from '../error.js'
import type { Offset, Oid, StoredRecord, Tid } from '../store/types.js'
import type { Decoder } from './decoder.js'
import { NO_NODES, takeBack, type Node } from './plain-node.js'
import { stamp } from './places.js'
import type { RecordView } from './record-view.js'
import { Recordable } from './recordable.js'
import type { Shape } from './shapes.js'

/** Leads from an object or a container to its handler (Header or Node), past every trap. Never leaves the library. */
export const HANDLER = Symbol('perdure handler')

/** What an object asks of the connection that it belongs to. */
export interface Scope {
  /** Changes with every transaction; an object that was accessed in the current one carries it. */
  readonly serial: number
  /** First access in this transaction: checks that the loaded version is the visible one, or loads that. */
  touched(header: Header): void
  /** The same for an access that learns nothing of the object, and so does not count as one. */
  current(header: Header): void
  /** First change in this transaction. Throws when it must not be. */
  changing(header: Header): void
  /** The object with this oid, if there is one in memory. */
  known(oid: Oid): object | undefined
  /** The object with this oid, as a ghost if need be. */
  resolve(oid: Oid): object
  /** A copy of the object as ordinary data, which is not kept: see plain-record.ts. */
  copy(oid: Oid): unknown
  /** What stands in such a copy for an object that it refers to. */
  mention(oid: Oid): object
  /** The records that the snapshot shows. */
  readonly view: RecordView | undefined
  /** Whether the transaction may come to a commit that relies on what it asks. */
  readonly relies: boolean
  /** How many bytes of what was read are to stay in memory. */
  readonly cacheBytes: number
}

/** Of objects that no commit has stored yet: nothing to load, nobody to tell. */
export const NOWHERE: Scope = {
  serial: 0,
  touched: () => undefined,
  current: () => undefined,
  changing: () => undefined,
  view: undefined,
  known: () => undefined,
  relies: false,
  cacheBytes: 0,
  resolve: nothingToLoad,
  copy: nothingToLoad,
  mention: nothingToLoad,
}

function nothingToLoad(): never {
  throw new StateError('an object that was never stored has no references to load')
}

/** What all objects of one class (or one kind of collection) have in common. */
export interface Kind {
  /** The stored name. */
  readonly type: string
  readonly version: number
  /** undefined: stands for a class that is not registered here. */
  readonly Class: (abstract new (...args: never[]) => object) | undefined
  /** An object that is not loaded. */
  ghost(): Header
  /** Its records are parts of other objects, and applications never meet them. */
  readonly internal?: boolean
}

export abstract class Header extends Recordable {
  scope: Scope = NOWHERE
  /** The transaction in which it was last accessed, by its connection's count. */
  serial = 0
  /** Changed since it was loaded or stored; a new object is always. */
  changed = false
  /** Its connection holds it, whether the program does or not. */
  held = false
  /** What it counts for in the budget of the cache; 0: nothing. */
  weight = 0

  // The version that is loaded.
  /** Where it was loaded from; 0: nowhere, because its file lacks it (see Connection). */
  at = 0 as Offset
  tid = 0 as Tid
  /** The file generation that `at` belongs to. */
  generation = 0
  shape: Shape | undefined
  /** Read already, not yet decoded. */
  fetched: StoredRecord | undefined
  /** Kept as it was read because it must not be written anew: of an unknown class, or newer than its class. */
  inert: StoredRecord | undefined

  // Plain data: see places.ts.
  /** Counts loads: plain data of an earlier one is found again, or stale. */
  load = 0
  /** Containers that can be found again, as they stand directly in the stored state; each knows those in it. */
  placed: Node[] = NO_NODES
  /** Containers with a stored place that the current transaction took out. */
  removed: Node[] | undefined

  /** Plain data in it belongs to single keys, so that it wants to know which container is used or changed. */
  get keyed(): boolean {
    return false
  }

  /** What the application holds. */
  abstract readonly object: object
  abstract readonly loaded: boolean
  /** Becomes a ghost. */
  protected abstract unload(): void
  /** Takes over a stored state: one raw value for each key, to be passed through `decoder.value`. */
  abstract decode(keys: readonly string[], raw: readonly unknown[], decoder: Decoder): void
  /** What stands at a key that `eachSlot` gave. */
  abstract slot(key: unknown): unknown
  /** Puts a container back to its place, without any notice. */
  abstract putBack(key: unknown, value: object): void

  /** Of what stands at a key, in messages. */
  path(key: unknown): string {
    return `${this.name}.${this.keyName(key)}`
  }

  /** Which object, in messages. */
  get label(): string {
    return this.oid === 0 ? this.name : `${this.name} ${this.oid}`
  }

  get owner(): Header {
    return this
  }

  /** Whether plain data that was put at a key may be there still. */
  holds(_key: unknown): boolean {
    return true
  }

  touch(): void {
    if (this.serial !== this.scope.serial) this.scope.touched(this)
  }

  /** To be called before every change. */
  change(): void {
    if (this.serial !== this.scope.serial) this.scope.touched(this)
    if (!this.changed) this.scope.changing(this)
  }

  /** A container in it is used for the first time in this transaction. Only where `keyed`. */
  used(_node: Node): void {
    // its owner counts as accessed already
  }

  /** A typed array that is its own is put somewhere. Only where `keyed`: others are written as a whole, and see it twice. */
  bytesMove(): void {
    // see above
  }

  /** To be called before a container in it changes. */
  changeIn(_node: Node): void {
    this.change()
  }

  /** Finds the content for a container of an earlier load, if it can. Only where `keyed`. */
  bringBack(_node: Node): void {
    // containers of other owners were led back when the owner was loaded
  }

  /** Its record has been committed: its state is the stored one. */
  settled(): void {
    stamp(this)
  }

  /** Gives all plain data in it the handlers that it has where it was asked for. */
  trackAll(): void {
    // most owners have none without
  }

  /** Something in it was changed that nobody can see. */
  changeAll(): void {
    this.change()
  }

  /** All plain data of it that the program may have is stale once it is read anew. */
  forgetHandedOut(): void {
    this.placed = NO_NODES
    this.removed = undefined
  }

  /** Forgets the loaded state and what was changed in it. */
  drop(): void {
    this.unload()
    this.changed = false
    this.serial = 0
    this.fetched = undefined
    this.inert = undefined
    if (this.removed) for (const node of this.removed) takeBack(node)
    this.removed = undefined
  }
}

/** The handler behind a value: a Header, a Node, or undefined for anything else. */
export function handlerOf(value: unknown): Header | Node | undefined {
  if (value === null || typeof value !== 'object') return undefined
  const handler = (value as { [HANDLER]?: Header | Node })[HANDLER]
  return handler !== undefined && handler.object === value ? handler : undefined
}

export function headerOf(value: unknown): Header | undefined {
  const handler = handlerOf(value)
  return handler instanceof Header ? handler : undefined
}

// ---- references that were not followed yet ----------------------------------------------------------------------

/** Stands in a state for a reference whose object nobody asked for; symbols cannot be stored, so it is nothing else. */
export function unresolved(oid: Oid): symbol {
  return Symbol(oid)
}

export function unresolvedOid(reference: symbol): Oid {
  return Number(reference.description) as Oid
}
