// Plain objects and arrays inside an owner: a Proxy over the bare container, so that a change marks the owner. A node has
// one owner for life. It is attached while it stands in the owner's state; once taken out it is ordinary local data.
import { inspect, types } from 'node:util'
import { StaleDataError, ValueError } from '../error.js'
import { handlerOf, unresolvedOid, type Header } from './header.js'
import { inspectContainer } from './inspection.js'
import type { Layout } from './layout.js'
import { NodeTraps } from './node-traps.js'
import { isBytes, isObject, isSealed } from './values.js'

export type Container = unknown[] | Record<string, unknown>

/** A key of a collection at which a container stands. Of other owners nobody asks where exactly one stands. */
export interface Seat {
  readonly key: unknown
}

/** Puts a property by definition: "__proto__" is a key like any other. */
export function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * The same in a plain object or array, for less: none of their prototypes has a setter but that for "__proto__". Where a program has frozen
 * them, what they have cannot be assigned.
 */
export function put(target: object, key: string, value: unknown): void {
  if (key === '__proto__') return define(target, key, value)
  try {
    ;(target as Record<string, unknown>)[key] = value
  } catch {
    define(target, key, value)
  }
}

/**
 * While references in it were not followed, a container prints by a method of its own, as references: nothing else is
 * asked when something prints, the Proxy least of all.
 */
export function setShown(target: Container, asItIs: boolean): void {
  if (asItIs) delete (target as { [inspect.custom]?: unknown })[inspect.custom]
  else Object.defineProperty(target, inspect.custom, { value: inspectContainer, configurable: true })
}

/** Stands for a list of none, which most are. */
export const NO_NODES: Node[] = []

export class Node {
  /** Its parts are primitives, leaves, nodes of the same owner, persistent objects, and bare containers of which nobody has heard. */
  readonly target: Container
  readonly owner: Header
  readonly object: Container
  /** How many places of attached containers hold it: 0 is local data, 2 is refused by the commit. */
  slots = 0
  /** The owner's load that this node belongs to. */
  load: number
  /** Equals `load` when the node is ready for use; -1 while it holds references that were not followed. */
  ready: number
  /**
   * How many parts there are at most that nobody has asked for, bare containers and dates; -1: all of them, and no part is a
   * node. If there are any, no reference in or below it waits to be followed. See parts.ts.
   */
  bare = 0
  /** It has been gone through by what does not ask it for each part, and may be doing so still. */
  walked = false
  /** Stands in the owner's last stored state ... */
  stored = false
  /** ... at this key of that node, or key or seat of the owner (null). */
  parent: Node | null = null
  key: unknown = undefined
  /** What has its stored place directly in it, as far as it can be found again. */
  placed = NO_NODES
  /**
   * Equals the owner's load while nothing in or below it has changed since it was loaded or stored, and all that has handlers there has
   * its place; -1 otherwise, and then of all around it, too. Not of plain data in a collection.
   */
  asStored = -1
  /** Of a large one, in an object that has been written more than once. */
  layout: Layout | undefined
  /** The last encoding that met it. */
  met = 0

  // In a collection whose plain data belongs to single keys (Header.keyed):
  /** What holds it: one for each of `slots`. The first, as there is hardly ever a second ... */
  above: Node | Seat | undefined
  /** ... and the others, while it is being moved. */
  alsoAbove: (Node | Seat)[] | undefined
  /** The transaction in which its use was last noted. */
  serial = 0
  /** What lives as long as it does. */
  kin: object | undefined

  constructor(target: Container, owner: Header, ready = true) {
    this.target = target
    this.owner = owner
    this.load = owner.load
    this.ready = ready ? this.load : -1
    if (!ready) setShown(target, false)
    this.object = new Proxy(target, new NodeTraps(this))
  }

  get attached(): boolean {
    return this.slots > 0
  }

  /** To be called before every use. Access through plain data is access to its owner. */
  see(): void {
    this.look()
    if (this.slots > 0 && this.ready !== this.load) this.resolve()
  }

  /** The same before a use of no part, or of one, where a reference is followed by itself: see `follow`. */
  look(): void {
    if (this.slots === 0) return
    const { owner } = this
    if (owner.serial !== owner.scope.serial) owner.scope.touched(owner)
    if (this.load !== owner.load) this.#leadBack()
    if (owner.keyed && this.serial !== owner.serial) {
      this.serial = owner.serial
      owner.used(this)
    }
  }

  /** To be called before every change. */
  change(): void {
    this.see()
    if (this.slots > 0) this.owner.changeIn(this)
    this.differs()
  }

  /** It is not what is stored any more, and so what is around it is not. */
  differs(): void {
    if (this.asStored === -1) return
    this.parent?.differs() // first: where the stack is full, nothing has been noted yet
    this.asStored = -1
  }

  #leadBack(): void {
    const { owner } = this
    if (owner.keyed) owner.bringBack(this)
    if (this.load === owner.load) return
    throw new StaleDataError(
      owner.oid,
      `this ${Array.isArray(this.target) ? 'array' : 'object'} was part of ${owner.name} ${owner.oid}, which has been read anew since, ` +
        'and its place there is gone or not certain: read it again from its owner',
    )
  }

  /** Follows the references that stand directly in this container. */
  resolve(): void {
    const { target } = this
    const { scope } = this.owner
    if (Array.isArray(target)) {
      for (let i = 0; i < target.length; i++) {
        const value: unknown = target[i]
        if (typeof value === 'symbol') target[i] = scope.resolve(unresolvedOid(value))
      }
    } else {
      for (const key of Object.keys(target)) {
        const value = target[key]
        if (typeof value === 'symbol') this.follow(key, value)
      }
    }
    setShown(target, true)
    this.ready = this.load
  }

  /** Follows the reference that stands at a key of its own. */
  follow(key: string, reference: symbol): object {
    const object = this.owner.scope.resolve(unresolvedOid(reference))
    put(this.target, key, object)
    return object
  }

  // ---- messages ----

  /** Where this node stands in its owner now, with `key` below it. */
  path(key: unknown): string {
    let found: string | undefined
    const search = (value: unknown, path: string): void => {
      const node = nodeOf(value)
      if (!node || found !== undefined) return
      if (node === this) found = path
      else for (const [name, part] of Object.entries(node.target)) search(part, `${path}.${name}`)
    }
    if (this.slots > 0) this.owner.eachSlot((value, name) => search(value, this.owner.path(name)))
    return `${found ?? (Array.isArray(this.target) ? 'array' : 'object')}.${String(key)}`
  }

  /** Whether something other than a primitive stands at a key. */
  holds(key: unknown): boolean {
    return this.attached && isObject((this.target as Record<string, unknown>)[key as string])
  }

  refuse(key: string, reason: string): never {
    throw new ValueError(this.path(key), reason)
  }
}

/** A container, among the parts of another one, that has no handlers. */
export function isBare(part: unknown): part is Container {
  return typeof part === 'object' && part !== null && !handlerOf(part) && !types.isDate(part) && !isBytes(part)
}

/** A part that nobody has asked for: it is not handed out as it is, but with handlers, or sealed. */
export function isUnasked(part: unknown): part is object {
  return typeof part === 'object' && part !== null && (types.isDate(part) ? !isSealed(part) : isBare(part))
}

export function nodeOf(value: unknown): Node | undefined {
  const handler = handlerOf(value)
  return handler instanceof Node ? handler : undefined
}

const NO_PARTS: readonly unknown[] = []

// ---- coming and going -------------------------------------------------------------------------------------------

/** A value now stands in one more place of its owner's state: in `above`, where the owner cares. */
export function attach(value: unknown, above?: Node | Seat): void {
  const node = nodeOf(value)
  if (!node) return
  if (node.slots++ > 0) {
    node.differs() // of its two places, the commit has to meet both
    if (above) (node.alsoAbove ??= []).push(above)
    return
  }
  node.above = above
  node.load = node.owner.load
  if (node.ready !== -1) node.ready = node.load
  for (const part of partsOf(node)) attach(part, node)
}

/** A value stands in one place fewer. */
export function release(value: unknown, above?: Node | Seat): void {
  const node = nodeOf(value)
  if (!node) return
  if (--node.slots > 0) {
    const also = node.alsoAbove
    if (node.above === above) node.above = also?.pop()
    else if (above) also?.splice(also.lastIndexOf(above), 1)
    return
  }
  node.above = undefined
  node.layout = undefined // until it is back, what stands in it may go elsewhere, and be stored as something else there
  if (node.ready !== node.load) node.resolve()
  if (node.stored) (node.owner.removed ??= []).push(node)
  for (const part of partsOf(node)) release(part, node)
}

/** A node with a stored place is no local data any more: the transaction that took it out has been undone. */
export function takeBack(node: Node): void {
  if (node.slots > 0) return
  node.slots = 1
  node.load = -1
  node.ready = -2
  for (const part of partsOf(node)) {
    const inner = nodeOf(part)
    if (inner && inner.owner === node.owner) takeBack(inner)
  }
}

/** The parts of a container among which there may be nodes. */
export function partsOf(node: Node): readonly unknown[] {
  if (node.bare < 0) return NO_PARTS
  return Array.isArray(node.target) ? node.target : Object.values(node.target)
}
