// Objects as anybody can look at them, without the application's classes: records decoded by their shapes, references as
// names, ways from the root. Reads one snapshot. Loads nothing into any identity map, and changes nothing.
import type { Snapshot } from '../store/snapshot.js'
import { LOST_SHAPE, ROOT_OID, type Oid, type StoredRecord, type Tid } from '../store/types.js'
import type { ShapeUsage } from '../store/usage.js'
import { Date } from './date.js'
import { Decoder, unpackState } from './decoder.js'
import { collectionKinds } from './collection.js'
import type { Kind } from './header.js'
import { entriesNamed, firstEntries, type Part } from './inspected-collection.js'
import type { Entries } from './merging.js'
import { RecordView } from './record-view.js'
import { Reference } from './reference.js'
import { ShapeTable, type Shape } from './shapes.js'
import { asUnreadable } from './unreadable.js'

/** One object, as the snapshot shows it. */
export interface InspectedObject {
  readonly oid: Oid
  readonly type: string
  /** Of the class that wrote it. */
  readonly version: number
  /** The commit that wrote it. */
  readonly tid: Tid
  /** Where its record begins, and how many bytes it takes. */
  readonly offset: number
  readonly bytes: number
  /** Plain values, with a Reference wherever one object refers to another. Of a collection: none. */
  readonly fields: ReadonlyMap<string, unknown>
  /** Of a collection: reads the first entries, at most so many; the key is the position in a list or set. */
  readonly look: (most: number) => Part | undefined
  /** What it refers to, each object once. */
  readonly references: readonly Reference[]
}

/** What stands at the end of a path. */
export type Found =
  | { readonly kind: 'object'; readonly object: InspectedObject; readonly alike?: readonly string[] }
  /** Plain data inside an object. `alike`: what else the path could mean, in words. */
  | { readonly kind: 'value'; readonly owner: Reference; readonly value: unknown; readonly alike?: readonly string[] }
  /** `inside` has no `key`; `has` names the first keys that it has, and there are `more`. */
  | {
      readonly kind: 'absent'
      readonly inside: string
      readonly key: string
      readonly has: readonly string[]
      readonly more: number
    }

interface TypeUsage extends ShapeUsage {
  readonly type: string
  /** Its records are parts of collections. */
  readonly isPart: boolean
}

/** Plain data in an object. */
interface Inside {
  readonly value: unknown
  readonly path: string
}

const MOST_NAMED = 10

/** Of objects that could not be saved from a damaged file. */
const LOST: Shape = { oid: LOST_SHAPE, type: 'lost', version: 0, keys: [] }
const NO_FIELDS: ReadonlyMap<string, unknown> = new Map<string, unknown>()

export class Inspector {
  readonly #snapshot: Snapshot
  readonly #shapes = new ShapeTable()
  readonly #view: RecordView
  readonly #types = new Map<Oid, string>()

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
    this.#view = new RecordView(snapshot, this.#shapes)
  }

  /** Undefined: there is no such object (a shape is none). Throws SchemaError if a newer version wrote what this one cannot read. */
  object(oid: Oid): InspectedObject | undefined {
    const record = this.#record(oid)
    if (record === undefined || record.shape === 0) return undefined
    const shape = this.#shape(record.shape)
    const references = record.refs.map(ref => this.reference(ref))
    const kind = kindOf(shape.type)
    const reference = (ref: Oid): Reference => this.reference(ref)
    const view = this.#view
    const fields = shape === LOST || kind !== undefined ? NO_FIELDS : this.#fieldsOf(record, shape, references)
    return {
      oid,
      type: nameOf(shape),
      version: shape.version,
      tid: record.tid,
      offset: record.offset,
      bytes: record.length,
      fields,
      look: most => kind && firstEntries(kind, record, view, reference, most),
      references,
    }
  }

  #fieldsOf(record: StoredRecord, shape: Shape, references: readonly Reference[]): ReadonlyMap<string, unknown> {
    try {
      const { keys, raw } = unpackState(record, shape)
      const decoder = new Decoder(references, undefined)
      return new Map(keys.map((key, n) => [key, decoder.value(raw[n])]))
    } catch (error) {
      throw asUnreadable(error, record.oid, shape.type, this.#snapshot.generation.path)
    }
  }

  /** Stored name of an object's class; undefined: there is no such object. */
  typeOf(oid: Oid): string | undefined {
    const known = this.#types.get(oid)
    if (known !== undefined) return known
    const record = this.#record(oid)
    if (record === undefined || record.shape === 0) return undefined
    const type = nameOf(this.#shape(record.shape))
    this.#types.set(oid, type)
    return type
  }

  reference(oid: Oid): Reference {
    return new Reference(oid, each => this.typeOf(each) ?? 'missing')
  }

  /**
   * Follows `path` (`/accounts/ada/tags/0`) from an object, the root unless told: through fields, plain data, positions
   * in lists and keys of maps, over references. A key with slashes is written as it is, or, if that could mean something
   * else as well, with `~1` for `/` and `~0` for `~` as in a JSON Pointer (RFC 6901).
   */
  resolve(path: string, from: Oid = ROOT_OID): Found {
    const found = this.#resolve(path, from)
    return found.kind === 'absent' && path.endsWith('/') ? this.#resolve(path.slice(0, -1), from) : found
  }

  #resolve(path: string, from: Oid): Found {
    const steps = path.split('/').slice(1).map(unescape)
    const start = this.object(from)
    if (start === undefined) return noObject(from)
    return this.#walk(start, this.reference(start.oid), undefined, steps)
  }

  /** `plain`: where in `owner` we are, undefined at its top. */
  #walk(owner: InspectedObject, named: Reference, plain: Inside | undefined, steps: readonly string[]): Found {
    if (plain?.value instanceof Reference) {
      const object = this.object(plain.value.oid)
      const { value } = plain
      return object ? this.#walk(object, value, undefined, steps) : noObject(value.oid)
    }
    if (steps.length === 0)
      return plain ? { kind: 'value', owner: named, value: plain.value } : { kind: 'object', object: owner }
    let failure: Found | undefined
    for (let taken = 1; taken <= steps.length; taken++) {
      const key = steps.slice(0, taken).join('/')
      const [part, ...others] = this.#named(key, owner, plain)
      if (part === undefined) continue
      const inner = { value: part[1], path: `${plain?.path ?? ''}/${key}` }
      const found = this.#walk(owner, named, inner, steps.slice(taken))
      if (found.kind !== 'absent') return others.length === 0 ? found : withAlike(found, named, key, [part, ...others])
      failure ??= found
    }
    if (failure) return failure
    const { entries, size } = partsAt(owner, plain, MOST_NAMED)
    const has = entries.map(([key]) => keyText(key))
    const inside = plain ? `${plain.path} of ${String(named)}` : String(named)
    return { kind: 'absent', inside, key: steps[0] ?? '', has, more: Math.max(0, size - has.length) }
  }

  /** What a text names: a string first. A collection is asked for it, and gone through only if it could name too much. */
  #named(text: string, owner: InspectedObject, plain: Inside | undefined): Entries {
    const kind = plain ? undefined : kindOf(owner.type)
    const record = kind && this.#record(owner.oid)
    const asked = record && entriesNamed(text, kind, record, this.#view, ref => this.reference(ref))
    const named = (asked ?? partsAt(owner, plain, Infinity).entries).filter(([key]) => keyText(key) === text)
    return [...named.filter(([key]) => typeof key === 'string'), ...named.filter(([key]) => typeof key !== 'string')]
  }

  /** When that commit was made, in milliseconds since 1970; undefined: a pack has taken its frame away. */
  timeOf(tid: Tid): number | undefined {
    const { generation } = this.#snapshot
    const { baseTid, baseTime } = generation.header
    if (tid <= baseTid) return tid === baseTid ? baseTime : undefined
    if (tid === this.#snapshot.tid) return this.#snapshot.time
    return generation.log.tailOf(tid)?.time
  }

  /** Adds up the shapes of each class; most bytes first. */
  byType(byShape: ReadonlyMap<Oid, ShapeUsage>): TypeUsage[] {
    const sums = new Map<string, TypeUsage>()
    for (const [oid, { objects, bytes }] of byShape) {
      const type = nameOf(this.#shape(oid))
      const before = sums.get(type) ?? { objects: 0, bytes: 0 }
      sums.set(type, { type, isPart: isPartType(type), objects: before.objects + objects, bytes: before.bytes + bytes })
    }
    return [...sums.values()].sort((a, b) => b.bytes - a.bytes || (a.type < b.type ? -1 : 1))
  }

  #record(oid: Oid): StoredRecord | undefined {
    const { generation, offset } = this.#snapshot
    const at = generation.find(oid, offset)
    return at === 0 ? undefined : generation.read(at, oid)
  }

  #shape(oid: Oid): Shape {
    return oid === LOST_SHAPE ? LOST : this.#shapes.get(this.#snapshot.generation, oid)
  }
}

function isPartType(type: string): boolean {
  return collectionKinds().some(kind => kind.type === type && kind.internal === true)
}

function noObject(oid: Oid): Found {
  return { kind: 'absent', inside: 'the store', key: `object ${oid}`, has: [], more: 0 }
}

function nameOf({ type }: Shape): string {
  return type || 'root'
}

function unescape(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~')
}

function kindOf(type: string): Kind | undefined {
  return collectionKinds().find(kind => kind.type === type && kind.internal !== true)
}

/** The first parts, at most so many. */
function partsAt(owner: InspectedObject, plain: Inside | undefined, most: number): Part {
  const part = plain ? undefined : owner.look(most)
  if (part) return part
  const all = plain ? partsOf(plain.value) : [...owner.fields]
  return { entries: all.slice(0, most), size: all.length }
}

/** Says that several keys are written alike, of which the first was followed. */
function withAlike(found: Exclude<Found, { kind: 'absent' }>, inside: Reference, text: string, parts: Entries): Found {
  const [is = '', ...others] = parts.map(([key]) => whatKey(key))
  const said = `${String(inside)} has several keys that are written ${text}: this is ${is}, and there is ${others.join(' and ')}`
  return { ...found, alike: [said, ...(found.alike ?? [])] }
}

function whatKey(key: unknown): string {
  if (typeof key !== 'object') return `a ${typeof key}`
  if (key instanceof Date) return 'a date'
  if (key instanceof Uint8Array) return 'a byte array'
  return Array.isArray(key) ? 'a tuple' : 'an object'
}

function partsOf(value: unknown): Entries {
  if (Array.isArray(value)) return [...value.entries()]
  const isPlain = typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !(value instanceof Date)
  return isPlain ? Object.entries(value) : []
}

/** How a key is written in a path: as in the messages of the library. */
export function keyText(key: unknown): string {
  if (typeof key === 'bigint') return `${key}n`
  if (key instanceof Reference) return `${key.type} ${key.oid}`
  if (key instanceof Date) return key.toISOString()
  if (key instanceof Uint8Array) return `<${Buffer.from(key).toString('hex')}>`
  return Array.isArray(key) ? `[${key.map(keyText).join(', ')}]` : String(key)
}
