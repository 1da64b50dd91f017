// What a sealed collection is built on: an object with methods and no fields, whose header is hidden (hidden-header.ts).
// No Proxy: every method asks the header first. Knows nothing of how any collection keeps its entries.
import { inspect } from 'node:util'
import { adopt, adoptUntracked } from './adopt.js'
import { brand } from './brand.js'
import { Header, unresolvedOid, type Kind } from './header.js'
import { hiddenHeader, hide, makerOf, type Sealable } from './hidden-header.js'
import { inspectObject, inspectOther } from './inspection.js'
import { attach, release, type Seat } from './plain-node.js'
import { forbidIfEditing } from './editing.js'

export abstract class CollectionHeader extends Header {
  readonly object: object

  constructor(kind: Kind, object: object, isNew: boolean) {
    super(kind)
    if (isNew) forbidIfEditing()
    this.changed = isNew
    this.object = object
    hide(this, object)
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

/** What makes the objects of a collection's class, which calls it once; from then on these print what they hold. */
export function sealedClass<T extends Sealable>(Class: abstract new (...args: never[]) => T): () => T {
  Object.defineProperty(Class.prototype, inspect.custom, {
    value(this: object, depth: number, options: object): string {
      const header = hiddenHeader(this)
      return header ? inspectObject(header, depth, options) : inspectOther(this, options)
    },
  })
  brand(Class)
  return makerOf(Class)
}

const kinds: Kind[] = []

/** Makes a kind of collection known to every connection. Called once by the collection's module. */
export function registerCollection(kind: Kind): void {
  kinds.push(kind)
}

export function collectionKinds(): readonly Kind[] {
  return kinds
}
