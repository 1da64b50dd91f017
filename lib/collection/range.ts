// Ranges of keys as applications name them.
import { ValueError } from '../error.js'
import { checkNames, quoted } from '../object/option-names.js'
import type { KeyedHeader } from './keyed-header.js'
import type { Key, StoredKey } from './key.js'
import { compareKeys, TOP } from './key-order.js'
import { EVERYTHING, type Bound, type Range } from './tree/tree.js'

/** A key; of a tuple also its first elements, which stand before all that begins with them. */
export type KeyBound<K, Before extends readonly unknown[] = []> = K extends readonly [infer First, ...infer Rest]
  ? Readonly<Before> | KeyBound<Rest, [...Before, First]>
  : K extends readonly unknown[]
    ? readonly [...Before, ...K]
    : K

/** What keys can begin with. */
export type KeyPrefix<K> = K extends string
  ? string
  : K extends Uint8Array
    ? Uint8Array
    : K extends readonly unknown[]
      ? KeyBound<K>
      : never

/** Some of the keys: those that fulfil all that is given. */
export interface KeyRange<K extends Key = Key> {
  /** Not before this key. */
  readonly gte?: KeyBound<K>
  /** Behind this key. */
  readonly gt?: KeyBound<K>
  /** Not behind this key. */
  readonly lte?: KeyBound<K>
  /** Before this key. */
  readonly lt?: KeyBound<K>
  /** Strings or byte arrays that begin so, or tuples whose first elements are these. */
  readonly prefix?: KeyPrefix<K>
}

/** The same where a bound that is undefined is none: not where keys are removed. */
export type LooseRange<K extends Key = Key> = { readonly [Bound in keyof KeyRange<K>]?: KeyRange<K>[Bound] | undefined }

export interface RangeOptions<K extends Key = Key> extends LooseRange<K> {
  /** From the last key to the first. */
  readonly reverse?: boolean | undefined
  /** At most so many. */
  readonly limit?: number | undefined
}

const BOUNDS: readonly (keyof KeyRange)[] = ['gte', 'gt', 'lte', 'lt', 'prefix']
/** Of what tells a range ... */
export const RANGE: ReadonlySet<string> = new Set(BOUNDS)
/** ... and of how it is gone through. */
export const PASSAGE: ReadonlySet<string> = new Set<keyof RangeOptions>([...BOUNDS, 'reverse', 'limit'])

type Bounds = { readonly [Name in keyof KeyRange]: unknown }

/** Throws TypeError for options that there are not, ValueError for what is no key, RangeError for a limit that is no count. */
export function rangeIn(options: RangeOptions | undefined, owner: KeyedHeader, names: ReadonlySet<string>): Range {
  if (options === undefined) return EVERYTHING
  checkNames(options, names, owner.name)
  const { limit, reverse } = options
  if (reverse !== undefined && typeof reverse !== 'boolean')
    throw new TypeError(`${owner.name}: reverse must be true or false, not ${quoted(reverse)}`)
  if (limit !== undefined && !(limit === Infinity || (Number.isSafeInteger(limit) && limit >= 0)))
    throw new RangeError(`limit must be a whole number of at least 0, not ${String(limit)}`)
  return between(options, owner)
}

/** The same of keys that are to be removed. Throws TypeError for a bound that is undefined, too: it would remove everything. */
export function rangeToRemove(options: KeyRange, owner: KeyedHeader): Range {
  if ((options as KeyRange | undefined) === undefined)
    throw new TypeError(`${owner.name}: deleteRange() needs a range; to remove everything, call clear()`)
  checkNames(options, RANGE, owner.name)
  // Inherited ones and getters are bounds as well, and each is asked once: what is checked is what is used.
  const bounds: Partial<Record<keyof KeyRange, unknown>> = {}
  for (const name of BOUNDS) {
    if (!(name in options)) continue
    const bound: unknown = options[name]
    if (bound === undefined) refuseUndefined(name, owner)
    bounds[name] = bound
  }
  if (Object.keys(bounds).length === 0 && !isPlainObject(options))
    throw new TypeError(
      `${owner.name}: deleteRange() was given an object of a class without any of ${BOUNDS.join(', ')}; to remove everything, call clear()`,
    )
  return between(bounds, owner)
}

function refuseUndefined(name: string, owner: KeyedHeader): never {
  throw new TypeError(
    `${owner.name}: deleteRange() was given a ${name} that is undefined; leave it out, or call clear()`,
  )
}

/** A literal, also of another realm, or without a prototype: whatever names it has can be seen. */
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Throws ValueError for what is no key. */
function between({ gte, gt, lte, lt, prefix }: Bounds, owner: KeyedHeader): Range {
  const bound = (key: unknown, open: boolean): Bound | undefined =>
    key === undefined ? undefined : { key: owner.keyIn(key), open }
  const start = prefix === undefined ? undefined : owner.keyIn(prefix)
  const low = tighter(
    1,
    bound(gte, false),
    bound(gt, true),
    start === undefined ? undefined : { key: start, open: false },
  )
  const high = tighter(-1, bound(lte, false), bound(lt, true), start === undefined ? undefined : endOf(start, owner))
  return { low, high }
}

/** Of several bounds on one side the one that leaves the least: the last one (1), or the first (-1). */
function tighter(side: 1 | -1, ...bounds: readonly (Bound | undefined)[]): Bound | undefined {
  let tightest: Bound | undefined
  for (const bound of bounds) {
    if (!bound) continue
    const order = tightest ? side * compareKeys(bound.key, tightest.key) : 1
    if (order > 0 || (order === 0 && bound.open)) tightest = bound
  }
  return tightest
}

/** Behind all that begins with `start`. */
function endOf(start: StoredKey, owner: KeyedHeader): Bound {
  if (typeof start === 'string') return { key: endOfString(start), open: true }
  if (start instanceof Uint8Array) return { key: endOfBytes(start), open: true }
  if (Array.isArray(start)) return { key: [...(start as StoredKey[]), TOP], open: true }
  throw new ValueError(`${owner.name} prefix`, 'a prefix is a string, a byte array or an array')
}

function endOfString(start: string): StoredKey {
  for (let at = start.length - 1; at >= 0; at--) {
    const unit = start.charCodeAt(at)
    if (unit < 0xffff) return start.slice(0, at) + String.fromCharCode(unit + 1)
  }
  // Behind the strings come byte arrays, the empty one first.
  return new Uint8Array(0)
}

function endOfBytes(start: Uint8Array): StoredKey {
  for (let at = start.length - 1; at >= 0; at--) {
    const byte = start[at] as number
    if (byte < 0xff) return Uint8Array.from([...start.subarray(0, at), byte + 1])
  }
  // Behind the byte arrays come tuples, the empty one first.
  return []
}
