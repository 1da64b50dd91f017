// The Proxy of an entity. Reading a field of a loaded object is one comparison and one property load; everything else
// leaves that path at once. A class of its own with one field, because engines look traps up anew at every access, and find
// them much faster in a small object than in a header.
import { inspect } from 'node:util'
import { ValueError } from '../error.js'
import { adoptUntracked } from './adopt.js'
import { LATER } from './decoder.js'
import { SPECIAL } from './entity-type.js'
import { HANDLER, handlerOf, unresolvedOid } from './header.js'
import { inspectObject } from './inspection.js'
import { noteSource } from './kept-sources.js'
import { isInReach, isOrdinaryField, isWholeField, refuseFreezing, refusePrototype } from './node-traps.js'
import { attach, define, Node, release } from './plain-node.js'
import type { EntityHeader, Fields } from './persistent.js'
import { Untracked } from './untracked.js'

export class EntityTraps implements ProxyHandler<object> {
  readonly header: EntityHeader

  constructor(header: EntityHeader) {
    this.header = header
  }

  get(_shell: object, key: string | symbol, receiver: unknown): unknown {
    const { header } = this
    if (typeof key === 'symbol') {
      if (key !== HANDLER) return Reflect.get(header.kind.shell, key, receiver)
      // Nobody's but its own: what stands around it, be it a Proxy, is another object.
      return receiver === header.object ? header : undefined
    }
    if (header.serial !== header.scope.serial) {
      if (key === 'then' && !isInReach(() => header.touch())) return undefined
      if (header.kind.merge && header.kind.methods.has(key)) return Reflect.get(header.kind.shell, key, receiver)
      header.scope.touched(header)
    }
    const value = (header.state as Fields)[key]
    if (typeof value === 'symbol') return readSpecial(header, key, value, receiver)
    return header.parts === 'untracked' && value instanceof Untracked ? header.track(key, value) : value
  }

  set(_shell: object, key: string | symbol, value: unknown, receiver: unknown): boolean {
    const { header } = this
    if (typeof key === 'string' && !header.kind.ordinary.has(key) && header.kind.accessors.has(key)) {
      if (Reflect.set(header.kind.shell, key, value, receiver)) return true
      throw new TypeError(`${header.name}.${key} has only a getter`)
    }
    if (receiver === header.object) return write(header, key, value)
    return Reflect.defineProperty(receiver as object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }

  defineProperty(_shell: object, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    const { header } = this
    // So class fields come.
    if (isWholeField(descriptor)) return write(header, key, descriptor.value)
    reach(header)
    const exists = Object.hasOwn(header.state as Fields, key)
    if (!isOrdinaryField(descriptor, exists))
      throw new ValueError(`${header.name}.${String(key)}`, 'only ordinary fields can be stored')
    if (!('value' in descriptor) && exists) return true
    return write(header, key, descriptor.value)
  }

  deleteProperty(_shell: object, key: string | symbol): boolean {
    const { header } = this
    if (typeof key === 'symbol') return true
    if (header.kind.transient.has(key)) {
      if (header.beside) delete header.beside[key]
      return true
    }
    reach(header)
    if (!Object.hasOwn(header.state as Fields, key)) return true
    change(header)
    const state = header.state as Fields
    const old = state[key]
    delete state[key]
    release(old)
    return true
  }

  has(_shell: object, key: string | symbol): boolean {
    const { header } = this
    if (typeof key === 'symbol') return Reflect.has(header.kind.shell, key)
    if (header.kind.transient.has(key)) return header.beside !== undefined && key in header.beside
    header.touch()
    return key in (header.state as Fields)
  }

  ownKeys(): string[] {
    this.header.touch()
    return Object.keys(this.header.state as Fields)
  }

  getOwnPropertyDescriptor(shell: object, key: string | symbol): PropertyDescriptor | undefined {
    const { header } = this
    if (typeof key === 'symbol') return undefined
    if (header.kind.transient.has(key)) {
      const { beside } = header
      return beside && Object.hasOwn(beside, key)
        ? { value: beside[key], writable: true, enumerable: false, configurable: true }
        : undefined
    }
    header.touch()
    if (!Object.hasOwn(header.state as Fields, key)) return undefined
    return { value: this.get(shell, key, header.object), writable: true, enumerable: true, configurable: true }
  }

  setPrototypeOf(shell: object, prototype: object | null): boolean {
    return prototype === Object.getPrototypeOf(shell) || refusePrototype()
  }

  preventExtensions(): boolean {
    return refuseFreezing()
  }

  /** For those who want to see what is behind a Proxy (`%o`, the prompt of Node). */
  [inspect.custom](depth: number | null, options: object): string {
    return inspectObject(this.header, depth, options)
  }
}

/** A reference that nobody has followed yet, an accessor, or a transient field. */
function readSpecial(header: EntityHeader, key: string, value: symbol, receiver: unknown): unknown {
  if (value === LATER) {
    const read = header.readLater(key)
    return typeof read === 'symbol' ? readSpecial(header, key, read, receiver) : read
  }
  if (value !== SPECIAL) return ((header.state as Fields)[key] = header.scope.resolve(unresolvedOid(value)))
  if (header.kind.transient.has(key)) return header.beside?.[key]
  return Reflect.get(header.kind.shell, key, receiver)
}

// Where others' changes can be merged with those made here, assigning is no access: it learns nothing of the object.

function reach(header: EntityHeader): void {
  if (header.kind.merge) header.scope.current(header)
  else header.touch()
}

/** After `reach`, and whatever else was loaded meanwhile. */
function change(header: EntityHeader): void {
  if (!header.kind.merge) {
    header.change()
  } else if (!header.changed) {
    header.scope.current(header)
    header.scope.changing(header)
  }
}

function write(header: EntityHeader, key: string | symbol, value: unknown): boolean {
  const { kind } = header
  if (typeof key === 'symbol') throw new ValueError(`${header.name}.${key.toString()}`, 'a symbol cannot be a key')
  const ordinary = kind.ordinary.has(key)
  if (!ordinary) {
    if (kind.transient.has(key)) {
      header.beside ??= {}
      header.beside[key] = value
      return true
    }
    checkField(header, key)
  }
  reach(header)
  const own = isPrimitive(value) ? value : adoptUntracked(value, header, key)
  change(header)
  const state = header.state as Fields
  const old = ordinary || Object.hasOwn(state, key) ? state[key] : undefined
  if (typeof own === 'object' && own !== null) comesIn(header, key, own, value)
  if (ordinary || !(key in kind.view) || Object.hasOwn(state, key)) state[key] = own
  else define(state, key, own)
  if (header.parts === 'tracked' || (header.parts === 'untracked' && !(old instanceof Untracked))) release(old)
  return true
}

function comesIn(header: EntityHeader, key: string, own: object, value: unknown): void {
  const handler = handlerOf(own)
  if (handler instanceof Node) {
    attach(own)
    header.hasTracked()
  } else if (handler === undefined) {
    if (own instanceof Untracked) header.parts = 'untracked'
    else header.hasTracked()
  }
  if (own !== value) noteSource(header, key, value as object)
}

function isPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case 'object':
      return value === null
    case 'function':
    case 'symbol':
      return false
    default:
      return true
  }
}

/** So many field names of a class are known to be ordinary. */
const MOST_ORDINARY = 1000

function checkField({ kind, name }: EntityHeader, key: string): void {
  if (kind.refuses(key)) {
    throw new ValueError(
      `${name}.${key}`,
      'is a member of the class, which would hide the stored field: choose another name',
    )
  }
  if (kind.ordinary.size < MOST_ORDINARY && !(key in kind.view)) kind.ordinary.add(key)
}
