// Ordinary data out of stored data: for structuredClone, workers, comparisons in tests, and hot loops.
import { Date } from './date.js'
import { handlerOf, Header, headerOf, unresolvedOid } from './header.js'
import { isMentioned, mentioned } from './mentioned.js'
import { checkNames, quoted } from './option-names.js'
import { put, type Node } from './plain-node.js'
import { isBytes } from './values.js'
import { roomFor } from './wide.js'
import { types } from 'node:util'

export interface PlainOptions {
  /** How many references are followed; an object beyond that becomes `{ type, oid }`, which is refused where it would be stored. 0 unless told. */
  readonly depth?: number | undefined
}

const NO_OPTIONS: PlainOptions = {}
const OPTIONS: ReadonlySet<string> = new Set(['depth'])

/**
 * A copy of the value as ordinary objects and arrays, with no tie to the store. Persistent objects become plain objects,
 * collections their native counterparts. An object met twice is one object in the copy, cycles included. Throws TypeError for an option
 * that there is not, RangeError for a depth that is none.
 */
export function plain(value: unknown, options = NO_OPTIONS): unknown {
  // `array.map(plain)` gives a number there.
  if (options !== NO_OPTIONS && typeof options === 'object') checkNames(options, OPTIONS, 'plain')
  const { depth = 0 } = options
  if (typeof depth !== 'number' || !(depth >= 0))
    throw new RangeError(`plain: depth must be a number of at least 0, not ${quoted(depth)}`)
  // To get at the object itself, no reference is followed.
  return new Copy(false).value(value, headerOf(value) ? depth + 1 : depth)
}

/**
 * What JSON.stringify asks a container of plain data for: to read a copy takes it a fifth of the time that the handlers of each part
 * take. Persistent objects stand in it as they are, and are asked in their turn.
 */
export function toJSON(this: unknown): unknown {
  return new Copy(true).value(this, 0)
}

class Copy {
  readonly #made = new Map<Header, unknown>()
  readonly #keepsObjects: boolean
  /** The containers around the part at hand, and their copies: until a commit refuses it, one can stand in itself. */
  readonly #way: Node[] = []
  readonly #copies: object[] = []
  /** Where those of the persistent object at hand begin: what is reached through another one is copied once more. */
  #begin = 0

  constructor(keepsObjects: boolean) {
    this.#keepsObjects = keepsObjects
  }

  value(value: unknown, depth: number): unknown {
    if (value === null || typeof value !== 'object') return value
    const handler = handlerOf(value)
    if (handler instanceof Header) return this.#keepsObjects ? value : this.#entity(handler, depth)
    if (handler) return this.#tracked(handler, depth)
    if (Array.isArray(value)) return value.map(part => this.value(part, depth))
    const prototype = Object.getPrototypeOf(value) as object | null
    if (isMentioned(value)) return mentioned(value.type, value.oid)
    if (prototype === Object.prototype || prototype === null) return this.#fields(value, emptyLike(value), depth)
    if (types.isDate(value)) return new Date(Date.prototype.getTime.call(value))
    if (Buffer.isBuffer(value)) return Buffer.from(value)
    return isBytes(value) ? value.slice() : value
  }

  #tracked(node: Node, depth: number): object {
    const around = this.#way.lastIndexOf(node)
    if (around >= this.#begin) return this.#copies[around] as object
    node.see()
    const { target } = node
    const copy = Array.isArray(target) ? [] : emptyLike(target)
    this.#way.push(node)
    this.#copies.push(copy)
    if (Array.isArray(copy)) for (const part of target as unknown[]) copy.push(this.value(part, depth))
    else this.#fields(target, copy, depth)
    this.#way.pop()
    this.#copies.pop()
    return copy
  }

  #fields(target: object, copy: object, depth: number): object {
    for (const key of Object.keys(target)) {
      put(copy, key, this.value((target as Record<string, unknown>)[key], depth))
    }
    return copy
  }

  #entity(header: Header, depth: number): unknown {
    const made = this.#made.get(header)
    if (made !== undefined) return made
    if (depth === 0) return mentioned(header.kind.type, header.oid === 0 ? undefined : header.oid)
    header.touch()
    const begin = this.#begin
    this.#begin = this.#way.length
    const copy = this.#fieldsOf(header, depth)
    this.#begin = begin
    return copy
  }

  #fieldsOf(header: Header, depth: number): unknown {
    const convert = (part: unknown): unknown => {
      if (typeof part !== 'symbol') return this.value(part, depth - 1)
      const oid = unresolvedOid(part)
      if (depth === 1 && !header.scope.known(oid)) return header.scope.mention(oid)
      return this.value(header.scope.resolve(oid), depth - 1)
    }
    if ('toPlain' in header) {
      const copy = (header as Header & { toPlain(convert: (value: unknown) => unknown): unknown }).toPlain(convert)
      this.#made.set(header, copy)
      return copy
    }
    const keys = header.keys()
    const copy: Record<string, unknown> = roomFor(keys) ?? {}
    this.#made.set(header, copy)
    // All before any is gone into: what that loads may take the place of this object's state.
    const fields = keys.map(key => [key, header.slot(key)] as const)
    for (const [key, value] of fields) put(copy, key, convert(value))
    return copy
  }
}

function emptyLike(value: object): object {
  return Object.getPrototypeOf(value) === null ? (Object.create(null) as object) : (roomFor(Object.keys(value)) ?? {})
}
