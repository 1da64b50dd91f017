// The shapes that the records of one commit need and that no commit has stored yet.
import type { Generation } from '../store/generation.js'
import type { Writing } from './encoding.js'
import type { Kind } from './header.js'
import { sameKeys, type Shape, type ShapeTable } from './shapes.js'
import { isOrdinaryString } from './values.js'

export class FreshShapes {
  readonly #stored: ShapeTable
  readonly #generation: Generation | undefined
  readonly #byContent = new Map<string, Shape>()
  /** The one of them that was needed last. */
  #latest: Shape | undefined

  constructor({ shapes, generation }: Writing) {
    this.#stored = shapes
    this.#generation = generation
  }

  /** The shape of an object with these keys: a stored one where there is one that fits after all. */
  for({ type, version }: Kind, keys: readonly string[]): Shape {
    // Where one object has a shape that no commit has stored, mostly the next one has it, too.
    const latest = this.#latest
    if (latest?.type === type && latest.version === version && latest.keys && sameKeys(latest.keys, keys)) return latest
    const named = keys.every(isOrdinaryString) ? keys : Array.from({ length: 65 }, String)
    const shape = this.#stored.for(this.#generation, type, version, named, this.#byContent)
    return shape.oid === 0 ? (this.#latest = shape) : shape
  }

  /** Each with its number in the draft: `first`, and downwards from there. */
  numbered(first: number): { readonly shape: Shape; readonly number: number }[] {
    return Array.from(this.#byContent.values(), (shape, i) => ({ shape, number: first - i }))
  }
}
