// The Proxy of a plain container inside an owner: every use asks the node first, and every change marks the owner.
import { inspect } from 'node:util'
import { adopt } from './adopt.js'
import { trackedMethod } from './array-methods.js'
import { HANDLER } from './header.js'
import { noteSourceIn } from './kept-sources.js'
import { keepAbove } from './owned-bytes.js'
import { count, part } from './parts.js'
import { toJSON } from './plain.js'
import { attach, put, release, type Container, type Node } from './plain-node.js'

/** An array has no element at a number above this: that is a name as any other. */
const LAST_INDEX = 2 ** 32 - 2
/** Which find room on the stack of a call: several times as many as Node has room for unless told otherwise. */
const MOST_ARGUMENTS = 2 ** 20

export class NodeTraps implements ProxyHandler<Container> {
  readonly node: Node

  constructor(node: Node) {
    this.node = node
  }

  get(target: Container, key: string | symbol, receiver?: unknown): unknown {
    const { node } = this
    // Nobody's but its own: what stands around it, be it a Proxy, is another object.
    if (key === HANDLER) return receiver === node.object ? node : undefined
    if (key === 'then' && !isInReach(() => node.see())) return undefined
    if (typeof key === 'string') node.look()
    else node.see()
    const value = (target as Record<string | symbol, unknown>)[key]
    if (typeof value === 'object' && node.bare !== 0) return part(node, key, value)
    if (typeof value === 'symbol' && typeof key === 'string' && Object.hasOwn(target, key))
      return node.follow(key, value)
    if (value === undefined && key === 'toJSON' && !Object.hasOwn(target, key)) return toJSON
    return typeof value === 'function' ? (trackedMethod(value, target) ?? value) : value
  }

  set(target: Container, key: string | symbol, value: unknown, receiver: unknown): boolean {
    const { node } = this
    if (receiver !== node.object) return Reflect.set(target, key, value, receiver)
    if (key === '__proto__' && !Object.hasOwn(target, key)) node.refuse(key, 'cannot be assigned')
    return write(node, key, value)
  }

  defineProperty(target: Container, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    const exists = Object.hasOwn(target, key)
    if (!isOrdinaryField(descriptor, exists)) return this.node.refuse(String(key), 'only ordinary fields can be stored')
    if (!('value' in descriptor) && exists) return true
    return write(this.node, key, descriptor.value)
  }

  deleteProperty(target: Container, key: string | symbol): boolean {
    const { node } = this
    node.see()
    if (!Object.hasOwn(target, key)) return true
    if (Array.isArray(target) && !isAtEnd(target, key)) {
      return node.refuse(String(key), 'deleting would leave a hole: use splice')
    }
    node.change()
    const old = (target as Record<string | symbol, unknown>)[key]
    delete (target as Record<string | symbol, unknown>)[key]
    if (node.attached) release(old, node)
    return true
  }

  has(target: Container, key: string | symbol): boolean {
    if (typeof key === 'string') this.node.look()
    else this.node.see()
    return Reflect.has(target, key)
  }

  ownKeys(target: Container): (string | symbol)[] {
    this.node.see()
    return Reflect.ownKeys(target)
  }

  getOwnPropertyDescriptor(target: Container, key: string | symbol): PropertyDescriptor | undefined {
    const { node } = this
    node.see()
    if (node.bare !== 0) part(node, key, (target as Record<string | symbol, unknown>)[key])
    return Reflect.getOwnPropertyDescriptor(target, key)
  }

  setPrototypeOf(target: Container, prototype: object | null): boolean {
    return prototype === Object.getPrototypeOf(target) || refusePrototype()
  }

  preventExtensions(): boolean {
    return refuseFreezing()
  }

  /** For those who want to see what is behind a Proxy (`%o`, the prompt of Node): the data stands beside it. */
  [inspect.custom](): string {
    return 'tracked'
  }
}

export function refusePrototype(): never {
  throw new TypeError('stored data cannot be given another prototype')
}

export function refuseFreezing(): never {
  throw new TypeError('stored data cannot be frozen or sealed')
}

/**
 * So a promise asks what it is resolved with, whatever has become of that: the connection may be closed by now, or the data stale.
 * What there is to say of it is said at its next use; the promise tells what has been done.
 */
export function isInReach(see: () => void): boolean {
  try {
    see()
    return true
  } catch {
    return false
  }
}

// An array method that is not called on the tracked array itself, but by `Array.prototype` or on a Proxy around it, goes from
// element to element. To take some out it deletes the last ones and sets the length then; to put in several it moves the
// last one up first, and fills the gap. Such holes may stand until the next commit, which refuses them; others never come to be.

/** Nothing stands behind it. */
function isAtEnd(target: readonly unknown[], key: string | symbol): boolean {
  const index = typeof key === 'string' ? Number(key) : NaN
  return Number.isInteger(index) && !Object.hasOwn(target, index + 1)
}

/** The last element moves up by as many places as there are values to be put in. */
function movesLastUp(target: readonly unknown[], value: unknown, to: number): boolean {
  const { length } = target
  return length > 0 && to < length + MOST_ARGUMENTS && Object.is(target[length - 1], value)
}

function write(node: Node, key: string | symbol, value: unknown): boolean {
  node.see()
  const { target } = node
  if (typeof key === 'symbol') return node.refuse(key.toString(), 'a symbol cannot be a key')
  if (Array.isArray(target)) {
    if (key === 'length') return truncate(node, target, value)
    const index = Number(key)
    if (!Number.isInteger(index) || index < 0 || index > LAST_INDEX || String(index) !== key)
      return node.refuse(key, 'an array has no fields')
    if (index > target.length && !movesLastUp(target, value, index))
      return node.refuse(key, `would leave a hole behind index ${target.length - 1}`)
  }
  const own = adopt(value, node.owner, node, key)
  node.change()
  count(node)
  const had = Object.hasOwn(target, key)
  const old = had ? (target as Record<string, unknown>)[key] : undefined
  if (node.attached) attach(own, node)
  keepAbove(own, node)
  put(target, key, own)
  if (had && node.attached) release(old, node)
  if (own !== value && node.attached) noteSourceIn(node, key, value as object)
  return true
}

function truncate(node: Node, target: unknown[], value: unknown): boolean {
  const length = Number(value)
  if (!Number.isInteger(length) || length < 0) throw new RangeError('Invalid array length')
  if (length > target.length) return node.refuse('length', 'a longer array would have holes')
  node.change()
  for (const out of target.splice(length)) if (node.attached) release(out, node)
  return true
}

/** Says all of an ordinary field. */
export function isWholeField(descriptor: PropertyDescriptor): boolean {
  const { writable, enumerable, configurable } = descriptor
  return writable === true && enumerable === true && configurable === true && 'value' in descriptor
}

/** Writable, enumerable, configurable, a value. */
export function isOrdinaryField(descriptor: PropertyDescriptor, exists: boolean): boolean {
  if (descriptor.get || descriptor.set) return false
  const { writable, enumerable, configurable } = descriptor
  return (writable ?? exists) && (enumerable ?? exists) && (configurable ?? exists)
}
