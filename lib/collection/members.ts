// The other operand of a set operation: anything with `size`, `has` and `keys`, as the language has it. Its members are
// compared as keys are, so that a Date or byte array in a native Set is found by its value.
import { headerOf, type Header } from '../object/header.js'
import { isIdentity, keyOrNone, type StoredKey } from './key.js'
import { compareKeys, findKey } from './key-order.js'

/** What set operations take: a native Set or Map, a collection, or whatever else has these. */
export interface SetLike<T> {
  readonly size: number
  has(value: T): boolean
  keys(): Iterator<T>
}

export class Members {
  /** How many there are, asked once. */
  readonly size: number
  readonly #other: SetLike<unknown>
  readonly #owner: Header
  #byValue: StoredKey[] | undefined

  /** `owner` is the header of the set that `other` is compared with. */
  constructor(other: SetLike<unknown>, owner: Header) {
    const { size, has, keys } = Object(other) as { readonly [name in keyof SetLike<unknown>]?: unknown }
    if (Number.isNaN(Number(size)) || typeof has !== 'function' || typeof keys !== 'function') {
      throw new TypeError('a set operation expects a set, or what else has size, has() and keys()')
    }
    if (Number(size) < 0) throw new RangeError(`a set cannot have the size ${String(size)}`)
    this.size = Number(size)
    this.#other = other
    this.#owner = owner
  }

  /** `has` may refuse objects: it is a collection of another connection. */
  get isElsewhere(): boolean {
    const header = headerOf(this.#other)
    return header !== undefined && header.scope !== this.#owner.scope
  }

  /** Each member, and the key that it is; undefined: it cannot be one. */
  *each(): Generator<readonly [value: unknown, key: StoredKey | undefined], void> {
    const iterator = this.#other.keys()
    try {
      for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
        yield [next.value, keyOrNone(next.value, this.#owner)]
      }
    } finally {
      iterator.return?.()
    }
  }

  /** `value` is the key as it is handed out. */
  has(key: StoredKey, value: unknown): boolean {
    return isIdentity(key) || headerOf(this.#other) !== undefined ? this.#other.has(value) : this.#hasEqual(key)
  }

  #hasEqual(key: StoredKey): boolean {
    this.#byValue ??= [...this.each()]
      .flatMap(([, member]) => (member === undefined || isIdentity(member) ? [] : [member]))
      .sort(compareKeys)
    return findKey(this.#byValue, key) >= 0
  }
}
