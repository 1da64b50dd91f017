// What happens to a value on its way into an owner: primitives and persistent objects pass, plain data that is the
// owner's already passes as it is (it is moved), everything else is copied in, or refused with its path.
import { types } from 'node:util'
import { ValueError } from '../error.js'
import { lookAlike } from './brand.js'
import { foreign } from './foreign.js'
import { Header, handlerOf, NOWHERE } from './header.js'
import { isMentioned, reasonToRefuseMention } from './mentioned.js'
import { keepAboveAll, own, ownerOf } from './owned-bytes.js'
import { put, Node, type Container } from './plain-node.js'
import { trackWhole, Untracked } from './untracked.js'
import { copyDate, copyLeaf, DETACHED, isBytes, isDetached } from './values.js'

/** Deeper than this, a state could be written and not be read again where the stack is smaller. */
export const DEEPEST = 300

/** Where a value is going to stand; asked only when something is refused. */
export interface Where {
  path(key: unknown): string
}

/** A value on its way to `key` of `where`, in the state of `owner`. */
export function adopt(value: unknown, owner: Header, where: Where, key: unknown): unknown {
  switch (typeof value) {
    case 'object':
      return value === null ? null : new Adoption(owner, where, key).object(value, undefined)
    case 'function':
    case 'symbol':
      return new Adoption(owner, where, key).refuse(value, undefined)
    default:
      return value
  }
}

/** The same, but what stands in the owner already is copied, too. */
export function adoptCopy(value: unknown, owner: Header, where: Where, key: unknown): unknown {
  if (typeof value !== 'object' || value === null) return adopt(value, owner, where, key)
  return new Adoption(owner, where, key, true, true).object(value, undefined)
}

/** As `adopt` does it for one that stands in the owner itself, but a date, or a container that is copied in and has no part that is moved, becomes an Untracked. */
export function adoptUntracked(value: unknown, owner: Header, key: unknown): unknown {
  if (typeof value !== 'object' || value === null) return adopt(value, owner, owner, key)
  return new Adoption(owner, owner, key, false).object(value, undefined)
}

/** The way from the assigned value down to the part at hand. */
interface Step {
  readonly above: Step | undefined
  readonly container: object
  readonly depth: number
  key: string | number
}

class Adoption {
  readonly #owner: Header
  readonly #place: Where
  readonly #key: unknown
  /** Containers get their handlers at once. */
  readonly #tracks: boolean
  /** What the owner has is copied, too. */
  readonly #copies: boolean
  /** Some part is moved. */
  #moves = false
  /** Some part is a typed array. */
  #hasBytes = false

  constructor(owner: Header, place: Where, key: unknown, tracks = true, copies = false) {
    this.#owner = owner
    this.#place = place
    this.#key = key
    this.#tracks = tracks
    this.#copies = copies
  }

  value(value: unknown, step: Step): unknown {
    if (typeof value === 'object') return value === null ? null : this.object(value, step)
    return typeof value === 'function' || typeof value === 'symbol' ? this.refuse(value, step) : value
  }

  object(value: object, step: Step | undefined): unknown {
    const handler = handlerOf(value)
    if (handler instanceof Header) return this.#entity(handler, step)
    if (handler instanceof Node) {
      handler.see()
      if (handler.owner !== this.#owner || this.#copies) return this.#container(handler.target, step)
      this.#moves = true
      return value
    }
    if (Array.isArray(value)) return this.#container(value, step)
    if (!this.#copies && ownerOf(value) === this.#owner) {
      this.#owner.bytesMove()
      this.#hasBytes = true
      this.#moves = true // what is around them must not be read anew: there would be others in it
      return value
    }
    const date = this.#tracks ? undefined : copyDate(value)
    if (date) return step ? date : new Untracked(date)
    if (isDetached(value)) this.#refuse(step, DETACHED)
    const leaf = copyLeaf(value)
    if (leaf === undefined) return this.#container(value, step)
    if (isBytes(leaf)) {
      own(leaf, this.#owner)
      this.#hasBytes = true
    }
    return leaf
  }

  #entity(header: Header, step: Step | undefined): object {
    const { scope } = this.#owner
    if (header.scope !== NOWHERE && scope !== NOWHERE && header.scope !== scope) {
      throw foreign(this.#where(step), header)
    }
    return header.object
  }

  #container(value: object, above: Step | undefined): object {
    const flat = (above?.depth ?? 0) < DEEPEST && isPlainArray(value) ? copyFlat(value) : undefined
    if (flat) return this.#made(flat, above)
    const step: Step = { above, container: value, depth: (above?.depth ?? 0) + 1, key: '' }
    for (let up = above; up; up = up.above)
      if (up.container === value)
        this.#refuse(
          above,
          'plain data that contains itself: what refers to each other must be of classes that extend Persistent',
        )
    if (step.depth > DEEPEST) this.#refuse(above, `plain data more than ${DEEPEST} levels deep`)
    let target: Container
    if (isPlainArray(value)) target = this.#array(value, step)
    else if (isPlainObject(value)) target = this.#plainObject(value as Record<string, unknown>, step)
    else return this.refuse(value, above)
    return this.#made(target, above)
  }

  #made(target: Container, above: Step | undefined): object {
    if (this.#tracks) {
      const node = new Node(target, this.#owner)
      if (this.#hasBytes) keepAboveAll(node)
      return node.object
    }
    if (above) return target
    return this.#moves ? trackWhole(target, this.#owner).object : new Untracked(target)
  }

  #array(value: readonly unknown[], step: Step): unknown[] {
    const target = value.slice()
    for (let i = 0; i < value.length; i++) {
      step.key = i
      const part = value[i]
      if (part === undefined && !Object.hasOwn(value, i)) this.#refuse(step, 'a hole in an array')
      if (typeof part === 'object' || typeof part === 'function' || typeof part === 'symbol')
        target[i] = this.value(part, step)
    }
    if (Reflect.ownKeys(value).length !== value.length + 1) this.#refuse(step.above, 'an array with named fields')
    return target
  }

  #plainObject(value: Record<string, unknown>, step: Step): Record<string, unknown> {
    if (isMentioned(value)) this.#refuse(step.above, reasonToRefuseMention(value))
    const target = (Object.getPrototypeOf(value) === null ? Object.create(null) : {}) as Record<string, unknown>
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === 'symbol') return this.#refuse(step.above, `a symbol as a key (${key.toString()})`)
      step.key = key
      const descriptor = Object.getOwnPropertyDescriptor(value, key)
      if (!descriptor) continue
      const reason = reasonToRefuseField(descriptor)
      if (reason !== undefined) this.#refuse(step, reason)
      const part = this.value(descriptor.value, step)
      put(target, key, part)
    }
    return target
  }

  refuse(value: unknown, step: Step | undefined): never {
    return this.#refuse(step, reasonToRefuse(value))
  }

  #where(step: Step | undefined): string {
    const keys: (string | number)[] = []
    for (let up = step; up; up = up.above) keys.unshift(up.key)
    return [this.#place.path(this.#key), ...keys].join('.')
  }

  #refuse(step: Step | undefined, reason: string): never {
    throw new ValueError(this.#where(step), reason)
  }
}

/** undefined: there is none but what it holds. */
export function reasonToRefuseField(field: PropertyDescriptor): string | undefined {
  if (field.get || field.set)
    return 'an accessor cannot be stored: give the value that is to be stored, or make it a getter of a class that extends Persistent'
  return field.enumerable === true ? undefined : 'a field that is not enumerable cannot be stored'
}

function reasonToRefuse(value: unknown): string {
  if (typeof value === 'function') return 'a function cannot be stored: make it a method'
  if (typeof value === 'symbol') return 'a symbol cannot be stored'
  if (types.isMap(value)) return 'a native Map cannot be stored: use PersistentMap'
  if (types.isSet(value)) return 'a native Set cannot be stored: use PersistentSet'
  if (types.isPromise(value)) return 'a promise cannot be stored: await it first'
  if (types.isArgumentsObject(value)) return 'the arguments of a function cannot be stored: store [...arguments]'
  const alike = lookAlike(value as object)
  if (alike !== undefined) return alike
  const Class = classOf(value as object)
  const name = typeof Class === 'function' && typeof Class.name === 'string' ? Class.name : 'an unknown class'
  const isNative = isBuiltIn(Class)
  if (isNative && (name === '' || name === 'Object'))
    return 'an object that is no plain one cannot be stored: store { ...it }'
  const instead = isNative ? 'store what it is made of' : 'let the class extend Persistent, or store a plain object'
  return `an instance of ${name || 'a class without a name'} cannot be stored: ${instead}`
}

/** As its prototype names it: each date of fake timers says `Date` of itself, whatever a program derives from that. */
export function classOf(value: object): unknown {
  return (types.isDate(value) ? (Object.getPrototypeOf(value) as object | null) : value)?.constructor
}

function isBuiltIn(Class: unknown): boolean {
  return typeof Class === 'function' && Function.prototype.toString.call(Class).endsWith('{ [native code] }')
}

/** A copy of an array of nothing but primitives, as most are; undefined: it is another one, or must be refused. */
function copyFlat(value: readonly unknown[]): unknown[] | undefined {
  const copy = value.slice() // pushed one by one, they would take space for many more
  for (let i = 0; i < copy.length; i++) {
    const part = copy[i]
    // undefined may be a hole
    if (part === undefined || typeof part === 'function' || typeof part === 'symbol') return undefined
    if (typeof part === 'object' && part !== null) return undefined
  }
  return Reflect.ownKeys(value).length === value.length + 1 ? copy : undefined
}

// In whatever realm: `Array.prototype` is itself an array, and the prototypes of derived classes are not.
function isPlainArray(value: object): value is unknown[] {
  return Array.isArray(value) && Array.isArray(Object.getPrototypeOf(value))
}

export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype === null) return true
  return (
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf') &&
    Object.prototype.toString.call(value) === '[object Object]'
  )
}
