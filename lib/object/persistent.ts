// The object that applications write: its constructor returns a Proxy (entity-traps.ts) with a header behind it, which
// holds the state. Loading makes a header and a Proxy: no constructor runs, no initialiser.
import { inspect, types } from 'node:util'
import { SchemaError, ValueError } from '../error.js'
import { adopt, type Where } from './adopt.js'
import { brand } from './brand.js'
import type { Encoder } from './encoder.js'
import { forbidIfEditing } from './editing.js'
import { LATER, readFields, readLater, unasked, type Decoder, type Unasked } from './decoder.js'
import { EntityTraps } from './entity-traps.js'
import { entityTypeOf, type EntityType, type PersistentClass } from './entity-type.js'
import { HANDLER, Header } from './header.js'
import { inspectObject } from './inspection.js'
import { LARGE } from './layout.js'
import { stampLater, stampNone } from './places.js'
import { sameKeys } from './shapes.js'
import { attach, define } from './plain-node.js'
import type { Oid, StoredRecord } from '../store/types.js'
import { asUnreadable } from './unreadable.js'
import { attachReferences, track, Untracked } from './untracked.js'
import { isObject, seal } from './values.js'

export type Fields = Record<string, unknown>

/** What plain data there may be in a state: bytes and containers with their handlers, or also some without, and dates. */
type Parts = 'none' | 'tracked' | 'untracked'

const NO_REFS: readonly Oid[] = []
const NO_KEYS: readonly string[] = []

export class EntityHeader extends Header {
  declare readonly kind: EntityType
  readonly object: Persistent
  state: Fields | null = null
  /** Who has none is spared looking for them: of a Proxy, `instanceof` takes long. */
  parts: Parts = 'none'
  /** Values of transient fields. */
  beside: Fields | undefined
  // Where what LATER stands for is to be found: a stretch of bytes that hold the fields of these keys, one after the other (undefined: LATER
  // stands nowhere). The shape may be another one since.
  #bytes: Uint8Array | undefined
  #keys = NO_KEYS
  #from = 0
  #to = 0
  #refs = NO_REFS
  /** Of a large record: what stands in it for LATER, once that was looked for. */
  #stands: readonly (Unasked | undefined)[] | undefined

  constructor(type: EntityType, isNew: boolean) {
    super(type)
    if (isNew) {
      this.state = new type.State()
      this.changed = true
    }
    this.object = new Proxy(type.shell, new EntityTraps(this)) as Persistent
  }

  get loaded(): boolean {
    return this.state !== null
  }

  protected unload(): void {
    this.state = null
    this.#bytes = undefined
    this.#stands = undefined
    this.parts = 'none'
  }

  /** Takes over a stored state whose keys the class admits. What is more than a number is decoded when it is asked for. */
  read(record: StoredRecord, keys: readonly string[]): void {
    const state = new this.kind.State()
    const later = readFields(record, keys, state)
    this.state = state
    this.parts = 'none'
    this.#bytes = later ? record.bytes : undefined
    this.#stands = undefined
    this.#keys = keys
    this.#from = record.from
    this.#to = record.to
    this.#refs = record.refs
  }

  /** What LATER stands for at this key. */
  readLater(key: string): unknown {
    const { parts } = this
    this.#readLater(key)
    if (this.parts !== parts) this.parts = 'tracked' // nothing else but strings was read with it
    const value = (this.state as Fields)[key]
    return value instanceof Untracked ? this.track(key, value) : value
  }

  /** All that LATER stands for, unless told. */
  #readLater(key?: string): void {
    const bytes = this.#bytes
    if (!bytes) return
    const record = { bytes, from: this.#from, to: this.#to, refs: this.#refs }
    const keys = this.#keys
    const { parts } = this
    this.parts = 'untracked' // also if it fails half-way
    try {
      if (!readLater(record, keys, this.state as Fields, this, key)) this.parts = parts
    } catch (error) {
      throw asUnreadable(error, this.oid, this.kind.type, this.scope.view?.snapshot.generation.path)
    }
    if (key === undefined) this.#bytes = undefined
  }

  /** What stands in a field is asked for: a date is sealed, and from now on changes in a container must be seen. */
  track(key: string, { target, stored, hasMarks }: Untracked): object {
    if (types.isDate(target)) return ((this.state as Fields)[key] = seal(target))
    const { object } = hasMarks === 'only' ? attachReferences(target as unknown[], this) : track(target, this, hasMarks)
    if (hasMarks !== 'only') attach(object)
    ;(this.state as Fields)[key] = object
    if (stored) stampLater(this, object, key)
    return object
  }

  decode(keys: readonly string[], raw: readonly unknown[], decoder: Decoder): void {
    const state = new this.kind.State()
    this.#bytes = undefined
    this.parts = 'untracked'
    const { view, members } = this.kind
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      if (key in view) {
        if (members.has(key)) this.hides(key)
        if (this.kind.transient.has(key)) continue
        define(state, key, decoder.field(raw[i]))
      } else {
        state[key] = decoder.field(raw[i])
      }
    }
    this.state = state
  }

  /**
   * Adds fields that the state lacks, copied in. No change: the record stays as it is until something else changes it. Throws ValueError;
   * `source` says who gives them, `where` what is refused. Gives whether there was any.
   */
  fillIn(fields: Fields, source: string, where: Where = this): boolean {
    const state = this.state as Fields
    let lacked = false
    for (const key of Object.keys(fields)) {
      if (Object.hasOwn(state, key) || this.kind.transient.has(key)) continue
      if (this.kind.refuses(key)) {
        throw new ValueError(
          where.path(key),
          `${source} gives a field with the name of a member of the class, which would hide it: choose another name`,
        )
      }
      const own = adopt(fields[key], this, where, key)
      attach(own)
      this.hasTracked()
      // An assignment takes a fraction of the time, where nothing inherited is in its way.
      if (key in this.kind.view) define(state, key, own)
      else state[key] = own
      lacked = true
    }
    return lacked
  }

  /** Where a value is refused that nobody but code of the class has seen yet: that is to be told from those of other objects. */
  get byNumber(): Where {
    return { path: key => `${this.label}.${this.keyName(key)}` }
  }

  /** A field of the record has the name of a member of the class. */
  hides(key: string): never {
    throw new SchemaError(
      `${this.label} has a stored field "${key}", which a method or accessor of the class hides: ` +
        'rename that, or move the field in static upgrade',
      this.oid,
    )
  }

  override trackAll(): void {
    for (const key of this.keys()) this.slot(key)
  }

  keys(): readonly string[] {
    return Object.keys(this.state as Fields)
  }

  /** What nobody has asked for goes from record to record as it stands, as far as that can be, and stays undecoded. */
  encode(encoder: Encoder, keys: readonly string[]): void {
    const later = this.#unasked(keys)
    if (!later) this.#readLater()
    const state = this.state as Fields
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      if (state[key] === LATER && later?.[i] === undefined) this.#readLater(key)
      const value = state[key]
      const stands = value === LATER ? later?.[i] : undefined
      if (stands === undefined) encoder.write(value, key)
      else if (typeof stands === 'number') encoder.reference(stands, key)
      else encoder.packed(stands)
    }
  }

  #unasked(keys: readonly string[]): readonly (Unasked | undefined)[] | undefined {
    const bytes = this.#bytes
    const stored = this.#keys
    if (!bytes || !sameKeys(stored, keys)) return undefined
    if (this.#stands) return this.#stands
    const [from, to] = [this.#from, this.#to]
    const stands = unasked({ bytes, from, to, refs: this.#refs }, stored, this.state as Fields)
    if (to - from >= LARGE) this.#stands = stands
    return stands
  }

  /**
   * What the class, or `open` for a root without one, gives for fields that the state lacks: see `fillIn`. Nothing for those
   * that a newer version of the class has left out.
   */
  fillInDefaults(): boolean {
    const { defaults, Class } = this.kind
    if (defaults === undefined || this.inert) return false
    if (!Class) return this.fillIn(defaults, 'open()')
    return this.fillIn(defaults, 'static defaults', { path: key => `${Class.name}.defaults.${String(key)}` })
  }

  /** Afterwards it is what reading the record would make of it. */
  override settled(): void {
    // A default may be plain data, which has a place as any other.
    let hasNodes = this.fillInDefaults()
    if (this.parts !== 'none') {
      this.parts = 'tracked'
      const state = this.state as Fields
      for (const key of this.shape?.keys ?? this.keys()) {
        const value = state[key]
        if (value instanceof Untracked) {
          value.stored = true
          this.parts = 'untracked'
        } else if (typeof value === 'object' && value !== null) {
          hasNodes = true
        }
      }
    }
    if (hasNodes) super.settled()
    else stampNone(this)
  }

  eachSlot(visit: (value: unknown, key: unknown) => void): void {
    const { state } = this
    if (!state || this.parts === 'none') return
    for (const key of Object.keys(state)) {
      const value = state[key]
      if (typeof value === 'object' && value !== null) visit(value, key)
    }
  }

  /** Bytes or dates, other than unasked ones, stand in its fields: somebody may have them, and change the bytes. */
  get hasLeaves(): boolean {
    const { state } = this
    if (!state || this.parts === 'none') return false
    for (const key of this.keys()) {
      const value = state[key]
      if (typeof value === 'object' && (ArrayBuffer.isView(value) || types.isDate(value))) return true
    }
    return false
  }

  override holds(key: unknown): boolean {
    return isObject(this.state?.[key as string])
  }

  slot(key: unknown): unknown {
    const { state } = this
    const value = state && Object.hasOwn(state, key as string) ? state[key as string] : undefined
    if (value === LATER) {
      this.#readLater()
      return this.slot(key)
    }
    return value instanceof Untracked ? this.track(key as string, value) : value
  }

  /** A container with its handlers comes in, or bytes. */
  hasTracked(): void {
    if (this.parts === 'none') this.parts = 'tracked'
  }

  putBack(key: unknown, value: object): void {
    this.hasTracked()
    define(this.state as Fields, key as string, value)
  }
}

declare const nominal: unique symbol

/**
 * An object with an identity of its own, stored as one record. Derive a class, give it a `static type`, and name it in
 * the `classes` of `open`. Its fields may hold primitives, plain objects and arrays, dates, bytes, and other
 * persistent objects.
 */
export abstract class Persistent {
  /** Makes look-alikes incompatible; there is no such property. */
  declare protected readonly [nominal]: true

  constructor() {
    forbidIfEditing()
    return new EntityHeader(entityTypeOf(new.target as unknown as PersistentClass & { prototype: Persistent }), true)
      .object
  }

  [inspect.custom](depth: number, options: object): string {
    const header = (this as { [HANDLER]?: EntityHeader })[HANDLER]
    return header?.object === this ? inspectObject(header, depth, options) : inspect({ ...this }, options)
  }
}

brand(Persistent)
