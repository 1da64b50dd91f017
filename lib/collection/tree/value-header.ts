// A value that stands apart from its entry, in a record of its own: so whoever changes it writes it alone, and whoever reads its
// neighbours does not read it.
import { types } from 'node:util'
import type { Encoder } from '../../object/encoder.js'
import type { Header } from '../../object/header.js'
import { Packed } from '../../object/packed.js'
import { nodeOf } from '../../object/plain-node.js'
import { Untracked } from '../../object/untracked.js'
import type { Oid, Stretch } from '../../store/types.js'
import { VALUE_FORM, VALUE_TYPE } from './forms.js'
import { PartHeader, partKind } from './part-header.js'

const VALUE = partKind(VALUE_TYPE)

export class ValueHeader extends PartHeader {
  readonly #value: unknown
  readonly #key: string | number

  /** `key`: of its entry, for messages. `oid`: of the record that holds it now; 0: none. */
  constructor(value: unknown, key: string | number, oid: Oid, collection: Header) {
    super(VALUE, oid, collection)
    this.#value = value
    this.#key = key
  }

  keys(): readonly string[] {
    return VALUE_FORM
  }

  override get onlyContainer(): string | undefined {
    return isContainer(this.#value) ? String(this.#key) : undefined
  }

  override get packedState(): Stretch | undefined {
    return this.#value instanceof Packed ? this.#value.alone : undefined
  }

  encode(encoder: Encoder): void {
    encoder.write(this.#value, this.#key)
  }
}

/** In whatever form it is kept until it is written. */
function isContainer(value: unknown): boolean {
  if (value instanceof Untracked) return !types.isDate(value.target)
  return value instanceof Packed ? value.isContainer : nodeOf(value) !== undefined
}
