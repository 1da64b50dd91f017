// Initial values of a root without a class: of a store that lacks some of them by now, `open` stores those that are or contain
// persistent objects. Other data can be copied into a state whenever it is read; such an object must be the same for everybody.
import { types } from 'node:util'
import { StateError, ValueError } from '../error.js'
import { DEEPEST, reasonToRefuseField } from './adopt.js'
import { CollectionHeader } from './collection.js'
import type { EntityType } from './entity-type.js'
import { handlerOf, Header, NOWHERE } from './header.js'
import { define, Node } from './plain-node.js'

/** The values that `open` is given for fields, with their names. Throws ValueError for what is no ordinary field, as everywhere in plain data: no getter is called. */
export function initialFields(values: object, of: string): [name: string, value: unknown][] {
  return Reflect.ownKeys(values).map(key => {
    if (typeof key === 'symbol') throw new ValueError(of, `a symbol as a key (${key.toString()})`)
    const field = Object.getOwnPropertyDescriptor(values, key) ?? {}
    const reason = reasonToRefuseField(field)
    if (reason !== undefined) throw new ValueError(`${of}.${key}`, reason)
    return [key, field.value]
  })
}

/** Whether a value is or contains a persistent object. */
export function holdsObjects(value: unknown, way: readonly object[] = []): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || types.isDate(value)) return false
  if (handlerOf(value) instanceof Header) return true
  if (way.length > DEEPEST || way.includes(value)) return false // it will be refused
  const parts: unknown[] = Array.isArray(value)
    ? value
    : Object.values(Object.getOwnPropertyDescriptors(value)).map(field => field.value as unknown)
  return parts.some(part => holdsObjects(part, [...way, value]))
}

/** Copies of initial values, in which persistent objects are new ones: whoever gave them may open another store with them. */
export class InitialCopy {
  readonly #made = new Map<Header, object | undefined>()
  /** The containers around the part at hand, and their copies. */
  readonly #way = new Map<object, object>()

  value(value: unknown): unknown {
    const handler = handlerOf(value)
    if (handler instanceof Header) return handler.scope === NOWHERE ? this.#object(handler) : value
    if (handler instanceof Node) handler.see()
    const data = handler instanceof Node ? handler.target : value
    return holdsObjects(data) ? this.#data(data as object) : value
  }

  /** With all that cannot be stored, and itself in it: where it is put, that is refused as it is everywhere. */
  #data(data: object): object {
    const begun = this.#way.get(data)
    if (begun) return begun
    const copy = Array.isArray(data) ? [] : {}
    Object.setPrototypeOf(copy, Object.getPrototypeOf(data) as object | null)
    this.#way.set(data, copy)
    for (const key of Reflect.ownKeys(data)) {
      const field = Object.getOwnPropertyDescriptor(data, key) as PropertyDescriptor
      if ('value' in field) field.value = this.value(field.value)
      Object.defineProperty(copy, key, field)
    }
    this.#way.delete(data)
    return copy
  }

  #object(header: Header): object {
    const made = this.#made.get(header)
    if (made) return made
    if (this.#made.has(header))
      throw new StateError(
        `a ${header.name} among the initial values of open() leads back to itself: fill it in a transaction`,
      )
    if (header instanceof CollectionHeader) {
      this.#made.set(header, undefined) // not yet
      const Collection = header.kind.Class as new (content: unknown) => object
      const copy = new Collection(header.toPlain(part => this.value(part)))
      this.#made.set(header, copy)
      return copy
    }
    const copy = (header.kind as EntityType).create()
    this.#made.set(header, copy.object)
    for (const key of header.keys()) define(copy.object, key, this.value(header.slot(key)))
    return copy.object
  }
}
