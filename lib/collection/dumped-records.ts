// The lines of a dump as records again: each is checked as one that somebody else wrote, and handed on. Owns what the lines before
// said: the shapes, which objects there are, and which ones others refer to.
import { Decoder, unpackState } from '../object/decoder.js'
import { FormError, fromJson, isPairs, shown } from '../object/json.js'
import { pack } from '../object/packer.js'
import { encodeShape, isKeyList, MOST_KEYS, type Shape } from '../object/shapes.js'
import { encodePrimitive, isOrdinaryString } from '../object/values.js'
import type { Kept } from '../store/base-writer.js'
import { OidSet } from '../store/oid-set.js'
import { encodeId } from '../store/transaction-id.js'
import { FIRST_FREE_OID, ID_SHAPE, LOST_SHAPE, ROOT_OID, type Oid, type Tid } from '../store/types.js'
import { DUMP_VERSION } from './dump.js'
import { withoutListed } from './tree/listed-values.js'

/** What stands in the first line. */
export interface DumpHead {
  readonly tid: Tid
  readonly time: number
  readonly nextOid: number
  readonly idsSince: number
}

type Line = Readonly<Record<string, unknown>>
type Content = Pick<Kept, 'shape' | 'refs' | 'state'>

const NOTHING = new Uint8Array()
const NO_REFS: readonly Oid[] = []

export class DumpedRecords {
  /** How many objects there are of which nothing is left. */
  lost = 0
  readonly #add: (record: Kept) => void
  readonly #shapes = new Map<Oid, Shape>()
  readonly #met = new OidSet()
  readonly #meant = new OidSet()
  /** Shapes and ids of transactions: nothing refers to them. */
  readonly #noObjects = new OidSet()
  /** Objects that are referred to and have not come yet. */
  #awaited = 0
  #head: DumpHead | undefined
  #ended = false

  constructor(add: (record: Kept) => void) {
    this.#add = add
  }

  get count(): number {
    return this.#met.size
  }

  /** The next line. Throws FormError, SchemaError: no dump has it at this place. */
  take(line: unknown): void {
    if (typeof line !== 'object' || line === null || Array.isArray(line)) throw new FormError('this is no JSON object')
    if (this.#ended) throw new FormError('something stands behind the end')
    if (this.#head === undefined) this.#head = headIn(line as Line)
    else if (Object.hasOwn(line, 'end')) this.#end(line as Line)
    else this.#record(line as Line, this.#head)
  }

  /** No more lines. Throws FormError: some are missing. */
  finish(): DumpHead {
    if (this.#head === undefined) throw new FormError('the dump is empty')
    if (!this.#ended) throw new FormError('the dump ends here without its last line: it was cut off')
    if (this.#awaited > 0) throw new FormError(`${this.#awaited} of the objects that others refer to are missing`)
    // A store is made with its root.
    if (!this.#met.has(ROOT_OID)) throw new FormError('there is no root: object 1 is missing')
    return this.#head
  }

  #end({ records }: Line): void {
    if (records !== this.count)
      throw new FormError(`${shown(records)} records were written, and ${this.count} are there`)
    this.#ended = true
  }

  #record(line: Line, { tid: last, nextOid }: DumpHead): void {
    const oid = wholeNumber(line, 'oid', 1, nextOid - 1) as Oid
    const tid = wholeNumber(line, 'tid', 1, last) as Tid
    if (this.#met.has(oid)) throw new FormError(`object ${oid} is there twice`)
    const content = this.#content(oid, line)
    this.#met.add(oid)
    if (this.#meant.has(oid)) this.#awaited--
    for (const ref of content.refs) if (!this.#met.has(ref) && this.#meant.add(ref)) this.#awaited++
    this.#add({ oid, tid, ...content })
  }

  #content(oid: Oid, line: Line): Content {
    if (Object.hasOwn(line, 'fields')) return this.#object(line)
    if (oid < FIRST_FREE_OID && line.lost !== true) throw new FormError(`number ${oid} is only an object's`)
    if (line.lost === true) {
      this.lost++
      return { shape: LOST_SHAPE, refs: NO_REFS, state: NOTHING }
    }
    this.#noObjects.add(oid)
    if (this.#meant.has(oid)) throw new FormError(`objects refer to ${oid}, and this is none`)
    if (Object.hasOwn(line, 'transaction')) return { shape: ID_SHAPE, refs: NO_REFS, state: idIn(line) }
    if (!Object.hasOwn(line, 'keys')) throw new FormError('this is neither an object nor a shape')
    const shape = shapeIn(oid, line)
    this.#shapes.set(oid, shape)
    return { shape: 0 as Oid, refs: NO_REFS, state: encodeShape(shape) }
  }

  #object({ type, shape: number, fields }: Line): Content {
    const shape = this.#shapes.get(number as Oid)
    if (shape === undefined) throw new FormError(`there is no shape ${shown(number)} before this`)
    if (type !== undefined && type !== shape.type) throw new FormError(`shape ${shape.oid} is of type '${shape.type}'`)
    const [keys, values] = valuesOf(fields, shape.keys)
    const refs: Oid[] = []
    const indexes = new Map<Oid, number>()
    const indexOf = (oid: Oid): number => {
      const known = indexes.get(oid)
      if (known !== undefined) return known
      if (this.#noObjects.has(oid)) throw new FormError(`${oid} is no object`)
      indexes.set(oid, refs.length)
      return refs.push(oid) - 1
    }
    const packed = values.map((value, n) => {
      try {
        return fromJson(value, indexOf)
      } catch (error) {
        throw error instanceof FormError ? new FormError(`field ${keys[n] ?? n}: ${error.message}`) : error
      }
    })
    const state = pack(shape.keys ? withoutListed(shape, packed, refs) : [keys.map(encodePrimitive), ...packed])
    this.#check(state, shape, refs)
    return { shape: shape.oid, refs, state }
  }

  /** Reads it like any record: some values are refused only there. */
  #check(state: Uint8Array, shape: Shape, refs: readonly Oid[]): void {
    const decoder = new Decoder(refs, undefined)
    for (const raw of unpackState({ bytes: state, from: 0, to: state.length }, shape).raw) decoder.value(raw)
  }
}

function headIn(line: Line): DumpHead {
  if (line.perdure !== 'dump') throw new FormError('this is no dump of a store')
  if (line.version !== DUMP_VERSION)
    throw new FormError(`this is a dump of version ${shown(line.version)}, and version ${DUMP_VERSION} can be loaded`)
  return {
    tid: wholeNumber(line, 'tid', 1) as Tid,
    time: wholeNumber(line, 'time', 0),
    nextOid: wholeNumber(line, 'nextOid', FIRST_FREE_OID),
    idsSince: wholeNumber(line, 'idsSince', 0),
  }
}

function shapeIn(oid: Oid, line: Line): Shape {
  const { type, keys } = line
  const isFit = keys === null || (isKeyList(keys) && keys.length <= MOST_KEYS && keys.every(isOrdinaryString))
  if (typeof type !== 'string' || !isOrdinaryString(type) || !isFit) throw new FormError('this is no shape')
  return { oid, type, version: wholeNumber(line, 'version', 0), keys }
}

function idIn(line: Line): Uint8Array {
  if (typeof line.transaction !== 'string' || line.transaction === '')
    throw new FormError('this is no id of a transaction')
  return encodeId(line.transaction, wholeNumber(line, 'time', 0))
}

/** Keys and values, each key once. `keys`: of the shape, if they stand there. */
function valuesOf(
  fields: unknown,
  keys: readonly string[] | null,
): [keys: readonly string[], values: readonly unknown[]] {
  if (keys === null) {
    if (!isPairs(fields)) throw new FormError('the fields are no list of keys and values')
    return [fields.map(([key]) => key), fields.map(([, value]) => value)]
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new FormError('there are no fields')
  const missing = keys.find(key => !Object.hasOwn(fields, key))
  if (missing !== undefined) throw new FormError(`field ${missing} is missing`)
  const others = Object.keys(fields).filter(key => !keys.includes(key))
  if (others.length > 0) throw new FormError(`the shape has no field ${others.join(', ')}`)
  return [keys, keys.map(key => (fields as Line)[key])]
}

function wholeNumber(line: Line, key: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = line[key]
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw new FormError(`${key} must be a whole number from ${least} to ${most}, not ${shown(value)}`)
}
