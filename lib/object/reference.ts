// A reference as it is shown to somebody who only looks.
import { inspect } from 'node:util'
import type { Oid } from '../store/types.js'

/** Nothing is loaded by it. Prints as `[Account 12]`. */
export class Reference {
  readonly oid: Oid
  readonly #typeOf: (oid: Oid) => string
  constructor(oid: Oid, typeOf: (oid: Oid) => string) {
    this.oid = oid
    this.#typeOf = typeOf
  }
  /**
   * Stored name of the class; 'root' for a root without a class, 'lost' for what could not be saved from a damaged file,
   * 'missing' if there is no such object. Read when it is asked for: a collection may refer to many.
   */
  get type(): string {
    return this.#typeOf(this.oid)
  }
  toString(): string {
    return `[${this.type} ${this.oid}]`
  }
  [inspect.custom](): string {
    return this.toString()
  }
}
