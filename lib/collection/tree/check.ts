// Is a stored collection in order? Keys ascending, separators between their children, counts right, leaves of one depth,
// the size right, no node empty, and none in two places. For `perdure verify`, and for tests after every step. How full nodes
// are is not asked: that makes reading and changing them dearer or cheaper, and nothing wrong.
import { CorruptLogError, GoneError, SchemaError } from '../../error.js'
import type { RecordView } from '../../object/record-view.js'
import { sameKeys } from '../../object/shapes.js'
import { OffsetIndex } from '../../store/offset-index.js'
import type { Offset, Oid } from '../../store/types.js'
import { keyName, type StoredKey } from '../key.js'
import { compareKeys } from '../key-order.js'
import type { Leaf } from './leaf.js'
import { ITEMS_FORM } from './forms.js'
import { apartOf, innerOf, leafOf, rootOf } from './node.js'

type Parts = Pick<ReadonlySet<Oid>, 'has'>

/** Whether what is stored is to blame for it, and not the disk or the memory: all else says nothing of a collection. */
export function isOfData(error: unknown): error is CorruptLogError | GoneError | SchemaError {
  return error instanceof CorruptLogError || error instanceof GoneError || error instanceof SchemaError
}

/**
 * Says what is wrong with the collection `oid`, whose small form has the fields `small`, and whose keys are such as `isKey` says.
 * `met`: of each part of others, in which of them it is; `parts`: what only a collection refers to, as far as that is known.
 */
export function checkTree(
  view: RecordView,
  oid: Oid,
  small: readonly string[],
  found: (message: string) => void,
  met = new OffsetIndex(),
  parts?: Parts,
  isKey?: (key: StoredKey) => boolean,
): void {
  const root = rootOf(view.read(oid), small)
  const check = new Check(view, oid, sameKeys(small, ITEMS_FORM), found, met, parts, isKey)
  let entries: number
  if (root.leaf) {
    entries = check.leaf(root.leaf, 'the record', undefined, undefined)
  } else {
    const { children } = innerOf(view, root.root)
    if (children.length < 2) found(`the root node ${root.root} has only ${children.length} child`)
    entries = check.node(root.root, root.height, undefined, undefined)
  }
  if (entries !== root.size) found(`the size says ${root.size}, and there are ${entries} entries`)
}

class Check {
  readonly #view: RecordView
  readonly #collection: Oid
  /** It is a list. */
  readonly #counted: boolean
  readonly #found: (message: string) => void
  readonly #met: OffsetIndex
  readonly #parts: Parts | undefined
  readonly #isKey: ((key: StoredKey) => boolean) | undefined

  constructor(
    view: RecordView,
    collection: Oid,
    counted: boolean,
    found: (message: string) => void,
    met: OffsetIndex,
    parts: Parts | undefined,
    isKey: ((key: StoredKey) => boolean) | undefined,
  ) {
    this.#view = view
    this.#collection = collection
    this.#counted = counted
    this.#found = found
    this.#met = met
    this.#parts = parts
    this.#isKey = isKey
  }

  /** All keys of the node are from `low` on and below `high`. Gives how many entries there are. */
  node(oid: Oid, level: number, low: StoredKey | undefined, high: StoredKey | undefined): number {
    if (!this.#isFirst(oid, 'node')) return 0
    const name = `node ${oid}`
    if (level === 0) {
      const leaf = leafOf(this.#view, oid)
      if (leaf.size === 0) this.#found(`${name} has no entries`)
      return this.leaf(leaf, name, low, high)
    }
    const { separators, counts, children } = innerOf(this.#view, oid)
    if ((counts !== undefined) !== this.#counted) this.#found(`${name} is of another kind of collection`)
    this.#sorted(separators, name, low, high)
    let entries = 0
    children.forEach((child, i) => {
      const found = this.node(child, level - 1, separators[i - 1] ?? low, separators[i] ?? high)
      if (counts && counts[i] !== found)
        this.#found(`${name} says ${counts[i]} items of node ${child}, which has ${found}`)
      entries += found
    })
    return entries
  }

  #isFirst(oid: Oid, what: string): boolean {
    const other = this.#met.get(oid)
    if (other === 0) this.#met.set(oid, this.#collection as number as Offset)
    else this.#found(`${what} ${oid} stands in two places, the other in collection ${other}`)
    return other === 0
  }

  leaf(leaf: Leaf, name: string, low: StoredKey | undefined, high: StoredKey | undefined): number {
    const { keys, size, counted } = leaf
    if (this.#parts) for (let at = 0; at < size; at++) this.#object(leaf.reference(at), name, keys[at])
    if (leaf.someApart) for (let at = 0; at < size; at++) this.#value(leaf.apart(at), name, keys[at])
    if (counted !== this.#counted && size > 0) this.#found(`${name} is of another kind of collection`)
    this.#sorted(keys, name, low, high)
    const odd = this.#isKey && keys.find(key => this.#isKey?.(key) === false)
    if (odd !== undefined) this.#found(`${name}: ${keyName(odd)} is no key that such a collection has`)
    return size
  }

  /** What a value refers to is an object. */
  #object(oid: Oid | undefined, name: string, key: StoredKey | undefined): void {
    if (oid !== undefined && this.#parts?.has(oid) === true)
      this.#found(`${name}: the value of ${nameOf(key)} is a reference to ${oid}, which is no object`)
  }

  /** A value that stands apart; one that is lost does not hide others. */
  #value(oid: Oid | undefined, name: string, key: StoredKey | undefined): void {
    if (oid === undefined || !this.#isFirst(oid, 'value')) return
    try {
      apartOf(this.#view, oid)
    } catch (error) {
      if (!isOfData(error)) throw error
      this.#found(`${name}: the value of ${nameOf(key)} cannot be read (${error.message})`)
    }
  }

  #sorted(keys: readonly StoredKey[], name: string, low: StoredKey | undefined, high: StoredKey | undefined): void {
    keys.forEach((key, i) => {
      const before = i === 0 ? low : keys[i - 1]
      const order = before === undefined ? 1 : compareKeys(key, before)
      if (i === 0 ? order < 0 : order <= 0)
        this.#found(`${name}: ${keyName(key)} stands behind ${keyName(before ?? key)}`)
    })
    const last = keys.at(-1)
    if (last !== undefined && high !== undefined && compareKeys(last, high) >= 0)
      this.#found(`${name}: ${keyName(last)} belongs behind ${keyName(high)}`)
  }
}

function nameOf(key: StoredKey | undefined): string {
  return key === undefined ? 'an item' : keyName(key)
}
