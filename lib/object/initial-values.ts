// Initial values of a root without a class: of a store that lacks some of them by now, `open` stores those that are or contain
// persistent objects. Other data can be copied into a state whenever it is read; such an object must be the same for everybody.
import { StateError } from '../error.js'
import { CollectionHeader } from './collection.js'
import type { EntityType } from './entity-type.js'
import { handlerOf, Header, NOWHERE } from './header.js'
import { define, Node } from './plain-node.js'

type Fields = Record<string, unknown>

/** Whether a value is or contains a persistent object. */
export function holdsObjects(value: unknown, way: readonly object[] = []): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  if (handlerOf(value) instanceof Header) return true
  if (way.includes(value)) return false // it will be refused
  return Object.values(value).some(part => holdsObjects(part, [...way, value]))
}

/** Copies of initial values, in which persistent objects are new ones: whoever gave them may open another store with them. */
export class InitialCopy {
  readonly #made = new Map<Header, object | undefined>()

  value(value: unknown): unknown {
    const handler = handlerOf(value)
    if (handler instanceof Header) return handler.scope === NOWHERE ? this.#object(handler) : value
    const data = handler instanceof Node ? handler.target : value
    if (!holdsObjects(data)) return value
    if (Array.isArray(data)) return data.map(part => this.value(part))
    const copy = Object.create(Object.getPrototypeOf(data) as object | null) as Fields
    for (const [key, part] of Object.entries(data as Fields)) define(copy, key, this.value(part))
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
