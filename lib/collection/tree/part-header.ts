// A record of which a collection consists, on its way into the file: made by a commit, and forgotten after it. Reading goes past
// it (node.ts).
import { registerCollection } from '../../object/collection.js'
import type { Header, Kind } from '../../object/header.js'
import { Recordable } from '../../object/recordable.js'
import { unknownForm } from '../../object/values.js'
import type { Oid } from '../../store/types.js'

export abstract class PartHeader extends Recordable {
  readonly #collection: Header

  /** `oid`: of the record that this is a new version of; 0: it is a new one. */
  constructor(kind: Kind, oid: Oid, collection: Header) {
    super(kind)
    this.#collection = collection
    this.oid = oid
  }

  get inert(): undefined {
    return undefined
  }

  get shape(): undefined {
    return undefined
  }

  /** In messages it is the collection that has the values. */
  override get name(): string {
    return this.#collection.name
  }

  override keyName(key: unknown): string {
    return this.#collection.keyName(key)
  }

  eachSlot(visit: (value: unknown, key: unknown) => void): void {
    this.#collection.eachSlot(visit)
  }

  get owner(): Header {
    return this.#collection
  }
}

/** The kind of parts with this stored name; nobody ever has an object of it. */
export function partKind(type: string): Kind {
  abstract class Part {}
  const kind = { type, version: 1, Class: Part, internal: true, ghost: unknownForm }
  registerCollection(kind)
  return kind
}
