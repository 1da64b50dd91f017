// The records that one snapshot shows, unpacked and kept for a while: for objects whose state is spread over several
// records, which they read as they need them. Reading one is no access; who depends on what it says, takes note of that.
import { CorruptLogError, GoneError } from '../error.js'
import type { Generation } from '../store/generation.js'
import type { Snapshot } from '../store/snapshot.js'
import { LOST_SHAPE, type Offset, type Oid, type StoredRecord, type Stretch, type Tid } from '../store/types.js'
import { unpackState, type Unpacked } from './decoder.js'
import type { Shape, ShapeTable } from './shapes.js'
import { asUnreadable } from './unreadable.js'

/** One version of one record. Immutable, but for what its reader keeps with it. */
export class StoredState {
  readonly oid: Oid
  readonly at: Offset
  /** The commit that wrote it: with the oid, names the version in every generation. */
  readonly tid: Tid
  /** Number of the file generation that `at` belongs to. */
  readonly generation: number
  readonly shape: Shape
  readonly refs: readonly Oid[]
  /** Bytes of the record. */
  readonly length: number
  /** What the reader has made of it. */
  made: unknown
  #packed: Stretch
  #unpacked: Unpacked | undefined
  readonly #path: string

  constructor(record: StoredRecord, shape: Shape, { number: generation, path }: Pick<Generation, 'number' | 'path'>) {
    const { oid, offset, tid, refs, length } = record
    this.oid = oid
    this.at = offset
    this.tid = tid
    this.generation = generation
    this.shape = shape
    this.refs = refs
    this.length = length
    this.#packed = record
    this.#path = path
  }

  get keys(): readonly string[] {
    return this.shape.keys ?? this.#all().keys
  }

  /** The values, one for each key, undecoded. */
  get raw(): readonly unknown[] {
    return this.#all().raw
  }

  /** All values as they stand in the file. */
  get packed(): Stretch {
    return this.#packed
  }

  /** The same, or nothing from now on if what was made of them says it all. */
  keepBytes(needed: boolean): Stretch {
    if (!needed) this.#packed = NOTHING
    return this.#packed
  }

  /** What `read` makes of it; where that is of no known form, the error says which record it is. */
  read<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw asUnreadable(error, this.oid, this.shape.type, this.#path)
    }
  }

  #all(): Unpacked {
    return (this.#unpacked ??= unpackState(this.#packed, this.shape))
  }
}

/** So many versions of a record are looked through for one. */
const MOST_VERSIONS = 64

const NOTHING: Stretch = { bytes: Buffer.alloc(0), from: 0, to: 0 }

/** Bytes of records that are kept for those who do not tell. */
const RECORD_BYTES = 16 << 20

/** What a record counts for beside its bytes: a small one takes several times as much in memory. */
const EACH = 128

/** Forgets what was not used for long: what is used moves to the young half, and a full young half becomes the old one. */
export class RecordCache {
  #young = new Map<Oid, StoredState>()
  #old = new Map<Oid, StoredState>()
  #bytes = 0
  readonly #half: number

  /** `most`: bytes of records to keep, as they are in the file; they take several times as many in memory. */
  constructor(most: number) {
    this.#half = most / 2
  }

  get(oid: Oid): StoredState | undefined {
    const young = this.#young.get(oid)
    if (young) return young
    const old = this.#old.get(oid)
    if (old) this.put(old)
    return old
  }

  put(state: StoredState): void {
    if (this.#bytes > this.#half) {
      this.#old = this.#young
      this.#young = new Map()
      this.#bytes = 0
    }
    // A record that is written again and again takes the place of one.
    const before = this.#young.get(state.oid)
    this.#bytes += before ? state.length - before.length : state.length + EACH
    this.#young.set(state.oid, state)
  }
}

export class RecordView {
  readonly snapshot: Snapshot
  readonly #shapes: ShapeTable
  readonly #cache: RecordCache

  constructor(snapshot: Snapshot, shapes: ShapeTable, cache = new RecordCache(RECORD_BYTES)) {
    this.snapshot = snapshot
    this.#shapes = shapes
    this.#cache = cache
  }

  /** Where the version stands that the snapshot shows; 0: there is none. */
  locate(oid: Oid): Offset {
    return this.snapshot.generation.find(oid, this.snapshot.offset)
  }

  /** Where a version stands that was read in another file; 0: it is not in this one, or many have taken its place. */
  locateVersion({ oid, tid }: { readonly oid: Oid; readonly tid: Tid }): Offset {
    let at = this.locate(oid)
    for (let left = MOST_VERSIONS; left > 0 && at !== 0; left--) {
      const record = this.snapshot.generation.read(at, oid)
      if (record.tid <= tid) return record.tid === tid ? at : (0 as Offset)
      at = record.previous
    }
    return 0 as Offset
  }

  /** A record that is part of a collection. Throws CorruptLogError when there is none. */
  read(oid: Oid): StoredState {
    const at = this.locate(oid)
    const known = this.#cache.get(oid)
    if (known?.at === at && known.generation === this.snapshot.generation.number) return known
    const state = this.unpack(this.#read(oid, at, true))
    this.#cache.put(state)
    return state
  }

  /**
   * The same of one that is no larger than other objects, and like them is kept by who has asked for it, if at all. Throws
   * GoneError when nothing is left of it.
   */
  readOnce(oid: Oid): StoredRecord {
    const record = this.#read(oid, this.locate(oid), false)
    if (record.shape === LOST_SHAPE) lost(oid)
    return record
  }

  #read(oid: Oid, at: Offset, large: boolean): StoredRecord {
    const { generation, tid } = this.snapshot
    if (at === 0)
      throw new CorruptLogError(generation.path, 0, tid, `a part of a collection, record ${oid}, is missing`)
    return generation.read(at, oid, large)
  }

  shapeOf(record: StoredRecord): Shape {
    return this.#shapes.get(this.snapshot.generation, record.shape)
  }

  /** A record that was read of what the snapshot shows. */
  take(record: StoredRecord): StoredState {
    const known = this.#cache.get(record.oid)
    if (known?.at === record.offset && known.generation === this.snapshot.generation.number) return known
    const state = this.unpack(record)
    this.#cache.put(state)
    return state
  }

  /** The version that stands at `at`, of this generation. */
  recordAt(at: Offset): StoredRecord {
    return this.snapshot.generation.read(at)
  }

  /** Throws GoneError when nothing is left of it. */
  unpack(record: StoredRecord): StoredState {
    if (record.shape === LOST_SHAPE) lost(record.oid)
    return new StoredState(record, this.shapeOf(record), this.snapshot.generation)
  }
}

function lost(oid: Oid): never {
  throw new GoneError(
    oid,
    `part ${oid} of a collection could not be saved when this store was recovered from a damaged file: ` +
      'take out what is lost, or put a new collection with the rest in its place',
  )
}
