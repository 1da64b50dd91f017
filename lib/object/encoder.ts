// From objects to records: which objects a commit writes, and their states as bytes (decoder.ts leads back). A state is
// position-independent: it names what it refers to by the index in the record's reference list.
import { types } from 'node:util'
import { ValueError } from '../error.js'
import { copyOf, stretchOf, type DraftRecord, type Oid, type StoredRecord, type Stretch } from '../store/types.js'
import { ContainerWriter, type PartWriter } from './container-writer.js'
import { EncodedState, NO_REFS, type Encoded, type Way, type Writing } from './encoding.js'
import { foreign } from './foreign.js'
import { FreshShapes } from './fresh-shapes.js'
import { Header, handlerOf, NOWHERE, unresolvedOid } from './header.js'
import { LARGE } from './layout.js'
import { otherPlaceOf } from './other-place.js'
import { Packed } from './packed.js'
import { Packer } from './packer.js'
import { Node, type Container } from './plain-node.js'
import { Recordable } from './recordable.js'
import { numberOf, ReferenceList } from './reference-list.js'
import { encodeShape, type Shape } from './shapes.js'
import { Untracked } from './untracked.js'
import { DETACHED, encodeBytes, encodePrimitive, isBytes, isDetached } from './values.js'

/** One state after another: nothing else is written while an encoder is at work. */
const packer = new Packer()

let encodings = 0

export class Encoder implements Way, PartWriter {
  readonly #writing: Writing
  readonly #queue: Recordable[] = []
  readonly #new: Recordable[] = []
  readonly #run = ++encodings
  #fresh: FreshShapes | undefined
  /** Typed arrays among the data of owners, which may stand in several records of one. */
  readonly #bytesMet = new Set<object>()
  /** Gets where references begin that are written; undefined: nobody asks. */
  noted: number[] | undefined
  readonly #containers = new ContainerWriter(packer, this, this.#run)
  bound = 0
  // Of the record at hand:
  #keys: readonly string[] = []
  #owner: Recordable | undefined
  /** It is another version of a stored object, all data of which is its own. */
  #isAgain = false
  readonly #references = new ReferenceList()

  constructor(writing: Writing) {
    this.#writing = writing
  }

  /** All that must be stored: the changed objects, and the new ones that they reach. */
  encode(changed: Iterable<Header>, annotation: Uint8Array): Encoded {
    for (const header of changed) this.#include(header)
    // One for each of the queue, which grows while it is gone through.
    const states: EncodedState[] = []
    for (let i = 0; i < this.#queue.length; i++) {
      const header = this.#queue[i] as Recordable
      const shape = this.#begin(header)
      const state = header.inert
        ? this.#verbatim(header, header.inert)
        : (header.packedState ?? this.#state(header, shape))
      states.push(new EncodedState(shape, state, this.#references.all, this.#containers.laid))
    }
    this.#numberNew()
    const shapes = this.#fresh?.numbered(-1 - this.#new.length) ?? []
    for (let i = 0; i < states.length; i++) {
      const state = states[i] as EncodedState
      const shape = state.form
      state.oid = numberOf(this.#queue[i] as Recordable)
      state.shape = shape.oid === 0 ? (shapes.find(known => known.shape === shape)?.number ?? 0) : shape.oid
      const { found } = state
      if (!found) continue
      const refs = new Array<number>(found.length)
      for (let n = 0; n < found.length; n++) refs[n] = numberOf(found[n] as Recordable | Oid)
      state.refs = refs
    }
    const records: DraftRecord[] = shapes.length === 0 ? states : states.slice()
    for (const { shape, number } of shapes)
      records.push({ oid: number, shape: 0, refs: NO_REFS, ...stretchOf(encodeShape(shape)) })
    const draft = { records, fresh: this.#new.length + shapes.length, annotation }
    return { draft, headers: this.#queue, shapes, states, newObjects: this.#new }
  }

  /** New objects get their oids in the order of their creation. */
  #numberNew(): void {
    this.#new.sort((a, b) => a.born - b.born)
    for (let i = 0; i < this.#new.length; i++) (this.#new[i] as Recordable).number = -1 - i
  }

  #include(header: Recordable): void {
    if (header.met === this.#run) return
    header.met = this.#run
    this.#queue.push(header)
    if (header.oid === 0) this.#new.push(header)
    const parts = header.prepare(this.#writing.view)
    for (let i = 0; i < parts.length; i++) this.#include(parts[i] as Recordable)
  }

  /** The record of this object comes next. */
  #begin(header: Recordable): Shape {
    this.#owner = header
    this.#references.begin()
    this.#isAgain = header instanceof Header && header.oid !== 0 && !header.keyed
    this.#containers.begin(this.#isAgain)
    if (header.inert) return header.shape as Shape
    this.#writing.checkKind(header, undefined, this)
    this.#keys = header.keys()
    return this.#shapeFor(header, this.#keys)
  }

  #shapeFor({ kind, shape: last }: Recordable, keys: readonly string[]): Shape {
    const likely = this.#writing.shapes.likely(kind.type, kind.version, keys, last)
    return likely ?? (this.#fresh ??= new FreshShapes(this.#writing)).for(kind, keys)
  }

  #state(header: Recordable, shape: Shape): Stretch {
    const keys = this.#keys
    packer.begin()
    packer.array(shape.keys === null ? keys.length + 1 : keys.length)
    if (shape.keys === null) packer.value(keys.map(encodePrimitive))
    header.encode(this, keys)
    return packer
  }

  /** An object that this program only carries: exactly the bytes that were read. */
  #verbatim(header: Recordable, record: StoredRecord): Stretch {
    const { refs } = record
    const way = { path: () => `${header.name} ${header.oid}` }
    for (const oid of refs) this.#notFollowed(oid, '', way)
    this.#references.begin([...refs])
    return record
  }

  // ---- for those who write a state: one value for each of its keys ----

  /** Writes a value, standing at `key` of what is being encoded. */
  write(value: unknown, key: string | number): void {
    switch (typeof value) {
      case 'string':
        if (!packer.text(value)) packer.value(encodePrimitive(value))
        break
      case 'number':
        if (value === 0 && Object.is(value, -0)) packer.value(encodePrimitive(value))
        else packer.number(value)
        break
      case 'boolean':
        packer.boolean(value)
        break
      case 'object':
        if (value === null) packer.nil()
        else this.#object(value, key)
        break
      case 'symbol':
        this.reference(unresolvedOid(value), key)
        break
      default:
        packer.value(encodePrimitive(value))
    }
  }

  /** How many bytes of the state have been written. */
  get position(): number {
    return packer.to - packer.from
  }

  /** So many values follow, which are one. */
  array(count: number): void {
    packer.array(count)
  }

  /** Values that have been packed before, and mean the same in every record. */
  packed(values: Stretch): void {
    packer.packed(values)
  }

  /** Bytes that nobody can change, and that may stand in any number of places. */
  constant(value: Uint8Array): void {
    packer.value(encodeBytes(value))
  }

  #object(value: object, key: string | number): void {
    const handler = handlerOf(value)
    if (handler instanceof Header) this.reference(handler, key)
    else if (handler instanceof Node) this.#containers.container(handler, key)
    else if (value instanceof Untracked) this.#untracked(value, key)
    else if (value instanceof Packed) packer.packed(value)
    else if (isBytes(value)) {
      if (this.#bytesMet.has(value)) this.refuseTwice('typed array', this.path(key))
      this.#bytesMet.add(value)
      this.bound++
      if (isDetached(value)) throw new ValueError(this.path(key), DETACHED)
      packer.value(encodeBytes(value))
    } else if (types.isDate(value)) packer.date(Date.prototype.getTime.call(value))
    else if (value instanceof Recordable) this.reference(value, key)
    else this.#containers.bare(value as Container, key)
  }

  /** Nobody can have changed anything in it, however often it is written. */
  #untracked(value: Untracked, key: string | number): void {
    if (value.packed) return packer.packed(value.packed)
    const { bound, position } = this
    this.#object(value.target, key)
    if (!this.#isAgain || bound !== this.bound || this.position - position < LARGE) return
    value.packed = stretchOf(copyOf({ bytes: packer.bytes, from: packer.from + position, to: packer.to }))
  }

  /** Writes a reference to another record, standing at `key` of what is being encoded. Gives its number. */
  reference(to: Recordable | Oid, key: string | number): number {
    const index = this.#references.indexOf(this.refer(to, key))
    this.bound++
    this.noted?.push(this.position)
    packer.reference(index)
    return index
  }

  /** The same for one that `inOrder` is to write: gives what stands for it in the list. */
  refer(to: Recordable | Oid, key: string | number): Recordable | Oid {
    const { scope } = this.#writing
    if (typeof to === 'number') {
      this.#notFollowed(to, key)
    } else if (!(to instanceof Header)) {
      this.#include(to)
    } else if (to.scope === NOWHERE) {
      this.#writing.checkKind(to, key, this)
      this.#include(to)
    } else if (to.scope !== scope) {
      throw foreign(this.path(key), to)
    } else if (this.#writing.mustWrite(to, key, this)) {
      this.#include(to)
    }
    return typeof to === 'number' ? to : to.oid || to
  }

  /** The record at hand refers to something already. */
  get refers(): boolean {
    return this.#references.all !== undefined
  }

  /** Lists references that need not be written, as the record's form says where they stand; it has no others. */
  listed(refs: (Recordable | Oid)[]): void {
    this.#mustNotRefer()
    this.#references.begin(refs)
  }

  /** Writes a reference to each of these, none of them twice, in a record that has no others. */
  inOrder(refs: (Recordable | Oid)[]): void {
    this.#mustNotRefer()
    this.#references.begin(refs)
    packer.references(refs.length)
  }

  /** Were there references already, they would lead elsewhere afterwards. */
  #mustNotRefer(): void {
    if (this.refers) throw new Error(`perdure: ${this.path(undefined)} lists its references twice; nothing was stored`)
  }

  #notFollowed(oid: Oid, key: string | number, way: Way = this): void {
    const header = this.#writing.missing(oid, key, way)
    if (header) this.#include(header)
  }

  path(key: string | number | undefined): string {
    const { name } = this.#owner as Recordable
    return key === undefined ? name : [name, ...this.#containers.way, key].join('.')
  }

  refuseTwice(what: string, path: string): never {
    const other = otherPlaceOf(path, this.#owner as Recordable)
    throw new ValueError(
      path,
      `the same plain ${what} stands at ${other} too, and plain data is a tree: store a copy, such as plain() makes, or make it a class that extends Persistent`,
    )
  }
}
