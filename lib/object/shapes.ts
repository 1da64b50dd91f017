// Shapes: type name, class version and keys of a record, stored once and referred to by number. Immutable, so no two
// processes can disagree about one. This file knows how they are encoded and which of them exist.
import { CorruptLogError } from '../error.js'
import type { Generation } from '../store/generation.js'
import type { Oid } from '../store/types.js'
import { pack } from './packer.js'
import { unpack } from './unpack.js'
import { asUnreadable } from './unreadable.js'
import { unknownForm } from './values.js'

export interface Shape {
  /** 0 until a commit has stored it. */
  oid: Oid
  /** '' for objects without a class. */
  readonly type: string
  readonly version: number
  /** null: the keys stand in each record. */
  readonly keys: readonly string[] | null
}

/** Beyond this the keys stand in the record. */
export const MOST_KEYS = 64
/** Objects may take on any keys, and a shape stays: beyond so many of one version of a class theirs stand in the record, ... */
const MOST_OF_CLASS = 128
/** ... and beyond so many where there is no class. */
const MOST_CLASSLESS = 32

/** So many shapes of a type are tried before all are looked through. */
const MOST_LATELY = 4

export function encodeShape({ type, version, keys }: Shape): Uint8Array {
  return pack([type, version, keys && [...keys]])
}

export function decodeShape(oid: Oid, state: Uint8Array): Shape {
  const parts = unpack(state)
  if (!Array.isArray(parts) || parts.length !== 3) return unknownForm()
  const [type, version, keys] = parts as [unknown, unknown, unknown]
  if (typeof type !== 'string' || typeof version !== 'number') return unknownForm()
  if (keys !== null && !isKeyList(keys)) return unknownForm()
  return { oid, type, version, keys }
}

function readShape(generation: Generation, oid: Oid): Shape {
  const at = generation.newest(oid)
  if (at === 0) throw new CorruptLogError(generation.path, 0, generation.reader.tail.tid, `the shape ${oid} is missing`)
  const record = generation.read(at, oid)
  try {
    return record.shape === 0 ? decodeShape(oid, record.state) : unknownForm()
  } catch (error) {
    throw asUnreadable(error, oid, undefined, generation.path)
  }
}

/** Strings, each once. */
export function isKeyList(keys: unknown): keys is readonly string[] {
  return Array.isArray(keys) && keys.every(key => typeof key === 'string') && new Set(keys).size === keys.length
}

/** The shapes that a connection knows. A pack copies all of them, so a number keeps its meaning over generations. */
export class ShapeTable {
  readonly #byOid = new Map<Oid, Shape>()
  readonly #byContent = new Map<string, Shape>()
  /** Stored shapes that were found for each type, the last one first: mostly one of them is the next one's, too. */
  readonly #lastOf = new Map<string, Shape[]>()
  #generation: Generation | undefined
  #seen = 0
  /** How many there are of each version of a class. */
  readonly #counts = new Map<string, number>()

  get(generation: Generation, oid: Oid): Shape {
    return this.#byOid.get(oid) ?? this.#add(readShape(generation, oid))
  }

  /** The stored shape `last`, or one that this type had lately, if it is the right one for these keys. */
  likely(type: string, version: number, keys: readonly string[], last: Shape | undefined): Shape | undefined {
    const fits = (shape: Shape): boolean =>
      shape.keys !== null &&
      shape.oid !== 0 &&
      shape.version === version &&
      shape.type === type &&
      sameKeys(shape.keys, keys)
    return last && fits(last) ? last : this.#lastOf.get(type)?.find(fits)
  }

  /** A shape for these keys, if possible a stored one, or else one of `fresh`, which are about to be stored, and where a new one is put. */
  for(
    generation: Generation | undefined,
    type: string,
    version: number,
    keys: readonly string[],
    fresh: Map<string, Shape>,
  ): Shape {
    if (generation) this.#readNew(generation)
    if (keys.length <= MOST_KEYS) {
      const content = contentOf(type, version, keys)
      const known = this.#byContent.get(content) ?? fresh.get(content)
      if (known) {
        if (known.oid !== 0) this.#foundLast(known)
        return known
      }
      if (!this.#hasMost(type, version, fresh)) return put(fresh, content, { oid: 0 as Oid, type, version, keys })
    }
    const content = contentOf(type, version, null)
    const known = this.#byContent.get(content) ?? fresh.get(content)
    return known ?? put(fresh, content, { oid: 0 as Oid, type, version, keys: null })
  }

  #foundLast(shape: Shape): void {
    const lately = (this.#lastOf.get(shape.type) ?? []).filter(other => other !== shape)
    this.#lastOf.set(shape.type, [shape, ...lately.slice(0, MOST_LATELY - 1)])
  }

  #hasMost(type: string, version: number, fresh: ReadonlyMap<string, Shape>): boolean {
    const most = type === '' ? MOST_CLASSLESS : MOST_OF_CLASS
    let count = this.#counts.get(nameOf({ type, version })) ?? 0
    if (count >= most) return true
    for (const shape of fresh.values()) if (shape.type === type && shape.version === version) count++
    return count >= most
  }

  /** A shape that a commit has just stored. */
  stored(shape: Shape, oid: Oid): void {
    shape.oid = oid
    this.#add(shape)
  }

  #readNew(generation: Generation): void {
    if (this.#generation !== generation) {
      this.#generation = generation
      this.#seen = 0
    }
    for (; this.#seen < generation.shapes.length; this.#seen++) {
      const oid = generation.shapes[this.#seen]
      if (oid !== undefined && !this.#byOid.has(oid)) this.get(generation, oid)
    }
  }

  #add(shape: Shape): Shape {
    this.#byOid.set(shape.oid, shape)
    const content = contentOf(shape.type, shape.version, shape.keys)
    if (!this.#byContent.has(content)) {
      this.#byContent.set(content, shape)
      const name = nameOf(shape)
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    }
    return shape
  }
}

function put(shapes: Map<string, Shape>, content: string, shape: Shape): Shape {
  shapes.set(content, shape)
  return shape
}

function nameOf({ type, version }: Pick<Shape, 'type' | 'version'>): string {
  return `${version} ${type}`
}

function contentOf(type: string, version: number, keys: readonly string[] | null): string {
  return JSON.stringify([type, version, keys])
}

export function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
