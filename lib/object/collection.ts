// What a sealed collection is built on: an object with methods and no fields, whose header is kept under a hidden key.
// No Proxy: every method asks the header first. Knows nothing of how any collection keeps its entries.
import { inspect } from 'node:util'
import { adopt, adoptUntracked } from './adopt.js'
import { HANDLER, Header, unresolvedOid, type Kind } from './header.js'
import { inspectObject } from './inspection.js'
import { attach, release, type Seat } from './plain-node.js'
import { forbidIfEditing } from './editing.js'

export abstract class CollectionHeader extends Header {
  readonly object: object

  constructor(kind: Kind, object: object, isNew: boolean) {
    super(kind)
    if (isNew) forbidIfEditing()
    this.changed = isNew
    this.object = object
    Object.defineProperty(object, HANDLER, { value: this })
    Object.freeze(object)
  }

  /** A value on its way in, for `key`: call before `change()`, and `place` it afterwards. */
  adopt(value: unknown, key: unknown): unknown {
    return adopt(value, this, this, key)
  }

  /** The same for a value that nobody gets before it is tracked. */
  adoptUntracked(value: unknown, key: unknown): unknown {
    return adoptUntracked(value, this, key)
  }

  /** An adopted value now stands in the state. */
  standsIn(value: unknown, seat?: Seat): void {
    attach(value, seat)
  }

  /** A value was taken out of the state. */
  takenOut(value: unknown, seat?: Seat): void {
    release(value, seat)
  }

  /** A value of the state as it is handed out: follows a reference that nobody followed yet. */
  handOut(value: unknown): unknown {
    return typeof value === 'symbol' ? this.scope.resolve(unresolvedOid(value)) : value
  }

  /** Ordinary data for `plain` and `inspect`; `convert` each entry's parts. */
  abstract toPlain(convert: (value: unknown) => unknown): unknown
}

/** Defines how collections print; their class calls it once. */
export function inspectable(prototype: object): void {
  Object.defineProperty(prototype, inspect.custom, {
    value(this: { [HANDLER]: Header }, depth: number, options: object): string {
      return inspectObject(this[HANDLER], depth, options)
    },
  })
}

const kinds: Kind[] = []

/** Makes a kind of collection known to every connection. Called once by the collection's module. */
export function registerCollection(kind: Kind): void {
  kinds.push(kind)
}

export function collectionKinds(): readonly Kind[] {
  return kinds
}
