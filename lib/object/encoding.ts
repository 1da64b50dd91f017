// The words between an encoder (encoder.ts) and who commits: what it must be told, and what it gives.
import type { Generation } from '../store/generation.js'
import type { Draft, DraftRecord, Oid, Stretch } from '../store/types.js'
import type { Header, Scope } from './header.js'
import type { Laid } from './layout.js'
import type { RecordView } from './record-view.js'
import type { Recordable } from './recordable.js'
import type { Shape, ShapeTable } from './shapes.js'

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
  checkKind(header: Recordable, key: string | number | undefined, way: Way): void
  /**
   * A stored object is referred to. True: the file lacks it, and it must be written with this commit.
   * Throws GoneError when it is gone.
   */
  mustWrite(header: Header, key: string | number, way: Way): boolean
  /** The same for a reference that was not followed: the object that must be written, if so. Throws GoneError. */
  missing(oid: Oid, key: string | number, way: Way): Header | undefined
}

export const NO_REFS: readonly number[] = []

/** A state that has been encoded. What it refers to, and who it is itself, has a number when all are. */
export class EncodedState implements DraftRecord {
  readonly form: Shape
  oid = 0
  shape = 0
  refs = NO_REFS
  readonly to: number
  readonly from: number
  readonly bytes: Uint8Array
  readonly found: readonly (Recordable | Oid)[] | undefined
  readonly laid: readonly Laid[] | undefined

  constructor(
    form: Shape,
    { bytes, from, to }: Stretch,
    found: readonly (Recordable | Oid)[] | undefined,
    laid: readonly Laid[] | undefined,
  ) {
    this.form = form
    this.bytes = bytes
    this.from = from
    this.to = to
    this.found = found
    this.laid = laid
  }
}

/** A draft, and whose records it holds. */
export interface Encoded {
  readonly draft: Draft
  /** One for each record, in the same order; shapes come last. */
  readonly headers: readonly Recordable[]
  readonly shapes: readonly { readonly shape: Shape; readonly number: number }[]
  /** Of each header. */
  readonly states: readonly EncodedState[]
  readonly newObjects: readonly Recordable[]
}
