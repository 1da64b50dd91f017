// From objects to records: which objects a commit writes, and their states as bytes (decoder.ts leads back). A state is
// position-independent: it names what it refers to by the index in the record's reference list.
import { types } from 'node:util'
import { StaleDataError, ValueError } from '../error.js'
import type { Generation } from '../store/generation.js'
import type { Draft, DraftRecord, Oid, StoredRecord } from '../store/types.js'
import { DEEPEST } from './adopt.js'
import { Header, handlerOf, NOWHERE, unresolvedOid, type Scope } from './header.js'
import { Packr } from './msgpack.js'
import { Packed } from './packed.js'
import { Node, type Container } from './plain-node.js'
import type { RecordView } from './record-view.js'
import { contentOf, encodeShape, type Shape, type ShapeTable } from './shapes.js'
import { Untracked } from './untracked.js'
import { encodeLeaf, encodePrimitive, isBytes, isOrdinaryString, special, TAG, type Packable } from './values.js'

// No extension type is ever written, and what the encoder gives msgpackr never meets its extension registry, which is
// global to the process: what an application registers there cannot change these bytes.
const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false })

/** Tells where something stands. */
export interface Way {
  /** Without a key: the object itself. */
  path(key: string | number | undefined): string
}

/** What the encoder must know of the connection. */
export interface Writing {
  readonly scope: Scope
  readonly shapes: ShapeTable
  /** Undefined for the first commit of a new store. */
  readonly generation: Generation | undefined
  /** What the changes are made to; undefined for the first commit. */
  readonly view: RecordView | undefined
  /** Throws unless objects of this kind can be stored here. */
  checkKind(header: Header, key: string | number | undefined, way: Way): void
  /**
   * A stored object is referred to. True: the file lacks it, and it must be written with this commit.
   * Throws GoneError when it is gone.
   */
  mustWrite(header: Header, key: string | number, way: Way): boolean
  /** The same for a reference that was not followed: the object that must be written, if so. Throws GoneError. */
  missing(oid: Oid, key: string | number, way: Way): Header | undefined
}

/** A draft, and whose records it holds. */
export interface Encoded {
  readonly draft: Draft
  /** One for each record, in the same order; shapes come last. */
  readonly headers: readonly Header[]
  readonly shapes: readonly { readonly shape: Shape; readonly number: number }[]
  readonly shapeOf: readonly Shape[]
  readonly newObjects: readonly Header[]
}

const NONE: readonly number[] = []
const NO_REFS: readonly (Header | Oid)[] = []

const numberOf = (ref: Header | Oid): number => (typeof ref === 'number' ? ref : ref.oid || ref.number)

let encodings = 0

export class Encoder implements Way {
  readonly #writing: Writing
  readonly #queue: Header[] = []
  readonly #new: Header[] = []
  readonly #run = ++encodings
  /** Shapes that no commit has stored, by their content. */
  #fresh: Map<string, Shape> | undefined
  // Of the record at hand:
  #keys: readonly string[] = []
  #owner: Header | undefined
  #refs: (Header | Oid)[] | undefined
  #refIndex: Map<Header | Oid, number> | undefined
  #bytesMet: Set<object> | undefined
  readonly #way: (string | number)[] = []

  constructor(writing: Writing) {
    this.#writing = writing
  }

  /** All that must be stored: the changed objects, and the new ones that they reach. */
  encode(changed: Iterable<Header>, annotation: Uint8Array): Encoded {
    for (const header of changed) this.#include(header)
    // One for each of the queue, which grows while it is gone through.
    const shapeOf: Shape[] = []
    const refsOf: (readonly (Header | Oid)[])[] = []
    const states: Uint8Array[] = []
    for (let i = 0; i < this.#queue.length; i++) {
      const header = this.#queue[i] as Header
      const shape = this.#begin(header)
      const state = header.inert ? this.#verbatim(header, header.inert) : this.#state(header, shape)
      shapeOf.push(shape)
      refsOf.push(this.#refs ?? NO_REFS)
      states.push(state)
    }
    this.#numberNew()
    const shapes: { shape: Shape; number: number }[] = []
    for (const shape of this.#fresh?.values() ?? [])
      shapes.push({ shape, number: -1 - this.#new.length - shapes.length })
    const records = states.map((state, i): DraftRecord => {
      const shape = shapeOf[i] as Shape
      const refs = refsOf[i] as readonly (Header | Oid)[]
      return {
        oid: numberOf(this.#queue[i] as Header),
        shape: shape.oid === 0 ? (shapes.find(known => known.shape === shape)?.number ?? 0) : shape.oid,
        refs: refs.length === 0 ? NONE : refs.map(numberOf),
        state,
      }
    })
    for (const { shape, number } of shapes) records.push({ oid: number, shape: 0, refs: [], state: encodeShape(shape) })
    const draft = { records, fresh: this.#new.length + shapes.length, annotation }
    return { draft, headers: this.#queue, shapes, shapeOf, newObjects: this.#new }
  }

  /** New objects get their oids in the order of their creation. */
  #numberNew(): void {
    this.#new.sort((a, b) => a.born - b.born)
    for (let i = 0; i < this.#new.length; i++) (this.#new[i] as Header).number = -1 - i
  }

  #include(header: Header): void {
    if (header.met === this.#run) return
    header.met = this.#run
    this.#queue.push(header)
    if (header.oid === 0) this.#new.push(header)
    for (const part of header.prepare(this.#writing.view)) this.#include(part)
  }

  /** The record of this object comes next. */
  #begin(header: Header): Shape {
    this.#owner = header
    this.#refs = undefined
    this.#refIndex = undefined
    this.#bytesMet = undefined
    if (this.#way.length > 0) this.#way.length = 0
    if (header.inert) return header.shape as Shape
    this.#writing.checkKind(header, undefined, this)
    this.#keys = header.keys()
    return this.#shapeFor(header, this.#keys)
  }

  #state(header: Header, shape: Shape): Uint8Array {
    const whole = header.encodeWhole(this)
    if (whole) return whole
    const values = header.encode(this, this.#keys)
    return packr.pack(shape.keys === null ? [this.#keys.map(encodePrimitive), ...values] : values)
  }

  /** For those who put a state together themselves, from parts that `value` gave. */
  pack(value: Packable): Uint8Array {
    return packr.pack(value)
  }

  /** The next reference of the record is to this object, which the stored version of the record refers to. */
  keep(to: Oid): void {
    ;(this.#refs ??= []).push(to)
  }

  #shapeFor({ kind, shape: last }: Header, keys: readonly string[]): Shape {
    const { shapes, generation } = this.#writing
    const likely = shapes.likely(kind.type, kind.version, keys, last)
    if (likely !== undefined) return likely
    const named = keys.every(isOrdinaryString) ? keys : Array.from({ length: 65 }, String)
    const shape = shapes.for(generation, kind.type, kind.version, named)
    if (shape.oid !== 0) return shape
    const content = contentOf(shape.type, shape.version, shape.keys)
    this.#fresh ??= new Map()
    const same = this.#fresh.get(content)
    if (same !== undefined) return same
    this.#fresh.set(content, shape)
    return shape
  }

  /** An object that this program only carries: exactly the bytes that were read. */
  #verbatim(header: Header, { refs, state }: StoredRecord): Uint8Array {
    const way = { path: () => `${header.name} ${header.oid}` }
    for (const oid of refs) this.#notFollowed(oid, '', way)
    this.#refs = [...refs]
    return state
  }

  /** One value, standing at `key` of what is being encoded. */
  value(value: unknown, key: string | number): Packable {
    switch (typeof value) {
      case 'object':
        return value === null ? null : this.#object(value, key)
      case 'symbol':
        return this.reference(unresolvedOid(value), key)
      default:
        return encodePrimitive(value)
    }
  }

  #object(value: object, key: string | number): Packable {
    const handler = handlerOf(value)
    if (handler instanceof Header) return this.reference(handler, key)
    if (handler instanceof Node) return this.#container(handler, key)
    if (value instanceof Untracked) return this.#bare(value.target, key)
    if (value instanceof Packed) return this.#bare(value.unpack() as Container, key)
    if (isBytes(value)) {
      this.#bytesMet ??= new Set()
      if (this.#bytesMet.has(value)) this.#refuseTwice('typed array', this.path(key))
      this.#bytesMet.add(value)
    } else if (!types.isDate(value)) {
      return this.#bare(value as Container, key)
    }
    return encodeLeaf(value)
  }

  /** A reference to another record, standing at `key` of what is being encoded. */
  reference(to: Header | Oid, key: string | number): Packable {
    const { scope } = this.#writing
    if (typeof to === 'number') {
      this.#notFollowed(to, key)
    } else if (to.kind.internal === true) {
      this.#include(to)
    } else if (to.scope === NOWHERE) {
      this.#writing.checkKind(to, key, this)
      this.#include(to)
    } else if (to.scope !== scope) {
      throw new ValueError(this.path(key), `${to.name} ${to.oid} belongs to another connection`)
    } else if (this.#writing.mustWrite(to, key, this)) {
      this.#include(to)
    }
    const identity = typeof to === 'number' ? to : to.oid || to
    this.#refIndex ??= new Map()
    let index = this.#refIndex.get(identity)
    if (index === undefined) {
      this.#refs ??= []
      index = this.#refs.push(typeof to === 'number' || to.oid === 0 ? to : to.oid) - 1
      this.#refIndex.set(identity, index)
    }
    return { '': index }
  }

  #notFollowed(oid: Oid, key: string | number, way: Way = this): void {
    const header = this.#writing.missing(oid, key, way)
    if (header) this.#include(header)
  }

  #container(node: Node, key: string | number): Packable {
    if (node.met === this.#run) this.#refuseTwice(Array.isArray(node.target) ? 'array' : 'object', this.path(key))
    if (node.load !== node.owner.load) {
      throw new StaleDataError(
        node.owner.oid,
        `${this.path(key)} holds plain data of an earlier state: read it again from its owner`,
      )
    }
    node.met = this.#run
    return this.#bare(node.target, key)
  }

  #bare(target: Container, key: string | number): Packable {
    this.#way.push(key)
    if (this.#way.length > DEEPEST) throw new ValueError(this.path(''), `plain data more than ${DEEPEST} levels deep`)
    const packed = Array.isArray(target) ? this.#array(target) : this.#plainObject(target)
    this.#way.pop()
    return packed
  }

  // Containers in which nothing needs an escape are packed as they are.

  #array(target: unknown[]): Packable {
    let packed: unknown[] = target
    for (let i = 0; i < target.length; i++) {
      const value = target[i]
      const part = this.value(value, i)
      if (part === value) continue
      if (packed === target) packed = target.slice()
      packed[i] = part
    }
    return packed as Packable[]
  }

  #plainObject(target: Record<string, unknown>): Packable {
    const keys = Object.keys(target)
    const bare = Object.getPrototypeOf(target) === null
    let usual = !bare && !(keys.length === 1 && keys[0] === '')
    let unsafe = false
    let escaped = false
    const parts: Packable[] = []
    for (const key of keys) {
      const value = target[key]
      const part = this.value(value, key)
      parts.push(part)
      escaped ||= part !== value
      usual &&= key !== '__proto__' && isOrdinaryString(key)
      // msgpackr asks a plain object for these.
      unsafe ||= key === 'constructor' || key === 'hasOwnProperty'
    }
    if (!usual) return special(bare ? TAG.nullObject : TAG.object, keys.map(encodePrimitive), parts)
    if (!escaped && !unsafe) return target as Packable
    return new Map(keys.map((key, i) => [key, parts[i] as Packable]))
  }

  path(key: string | number | undefined): string {
    const { name } = this.#owner as Header
    return key === undefined ? name : [name, ...this.#way, key].join('.')
  }

  #refuseTwice(what: string, path: string): never {
    const other = this.#firstPlace(path)
    throw new ValueError(
      path,
      `the same plain ${what} stands at ${other} too, and plain data is a tree: store a copy, or make it a class that extends Persistent`,
    )
  }

  /** Where the container at `path` was met before. */
  #firstPlace(path: string): string {
    const places: { value: unknown; path: string }[] = []
    const owner = this.#owner as Header
    const walk = (value: unknown, at: string, depth: number): void => {
      places.push({ value, path: at })
      const node = handlerOf(value)
      if (!(node instanceof Node) || depth > DEEPEST || at === path) return
      for (const [key, part] of Object.entries(node.target)) walk(part, `${at}.${key}`, depth + 1)
    }
    owner.eachSlot((value, key) => walk(value, `${owner.name}.${owner.keyName(key)}`, 0))
    const here = places.find(place => place.path === path)
    return places.find(place => place.value === here?.value && place.path !== path)?.path ?? 'another place'
  }
}

export { Decoder, referencesOf, unpackState } from './decoder.js'
