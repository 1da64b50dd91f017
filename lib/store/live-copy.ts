// Copies what can be reached: first everything as of one moment, then what later commits changed or newly reached.
// Owns the set of objects that the new file holds. Work is handed out in steps, so that the caller can pause between them.
import type { BaseWriter } from './base-writer.js'
import type { Generation } from './generation.js'
import { eachGiving } from './long-work.js'
import { OidSet } from './oid-set.js'
import { RecordBatch } from './record-batch.js'
import { scanRecords } from './record.js'
import { FIRST_FREE_OID, ROOT_OID, type Offset, type Oid, type StoredRecord } from './types.js'
import type { Tail } from '../log/log-reader.js'

/** How far a pack has come. */
export interface PackProgress {
  /** Objects copied so far. */
  readonly objects: number
  /** Objects in the store, reachable or not: an upper bound of what is to be copied. */
  readonly most: number
  /** Bytes of the new file so far. */
  readonly bytes: number
}

/** So many objects are copied in one step. */
const STEP = 1024
/** So many bytes of the log are read in one step. */
const PIECE = 1 << 20

export class LiveCopy {
  readonly #source: Generation
  readonly #writer: BaseWriter
  readonly #live = new OidSet()
  readonly #shapes = new OidSet()
  readonly #ids = new OidSet()
  /** Ids of transactions before this time are not copied. */
  readonly #oldestId: number
  #droppedIds = false

  constructor(source: Generation, writer: BaseWriter, oldestId: number) {
    this.#source = source
    this.#writer = writer
    this.#oldestId = oldestId
  }

  /** Since when all ids of transactions are in the copy. */
  get idsSince(): number {
    const before = this.#source.header.idsSince
    return this.#droppedIds ? Math.max(this.#oldestId, before) : before
  }

  /** Objects in the copy. */
  get objects(): number {
    return this.#live.size - this.#shapes.size - this.#ids.size
  }

  /** Objects in the source. */
  get known(): number {
    return this.#source.index.size - this.#source.shapes.length - this.#source.ids.size
  }

  progress(): PackProgress {
    return { objects: this.objects, most: this.known, bytes: this.#writer.end }
  }

  /** Whether a record of the new file refers only to what is there too. */
  isSound({ oid, shape, refs }: StoredRecord): boolean {
    const has = (each: Oid): boolean => this.#live.has(each)
    return has(oid) && (shape < FIRST_FREE_OID || has(shape)) && refs.every(has)
  }

  /** All shapes, and what is reachable from the root and the other reserved objects. */
  *everythingAt(tail: Tail): Generator<void> {
    const below = tail.offset as Offset
    this.#copyShapes(below)
    this.#copyIds(below)
    const roots: Oid[] = []
    for (let oid = ROOT_OID; oid < FIRST_FREE_OID; oid = (oid + 1) as Oid) {
      if (this.#source.find(oid, below) !== 0 && this.#live.add(oid)) roots.push(oid)
    }
    yield* this.#copyAll(roots, below)
  }

  /** Copies what commits after `from` changed, with all that this newly reaches; gives up to where. */
  *changedSince(from: Tail): Generator<void, Tail> {
    const changed = new Set<Oid>()
    const frames = this.#source.log.replaying((header, bytes, at, end) => {
      scanRecords(bytes, at, end, header.records, oid => void changed.add(oid))
    }, from)
    const tail = yield* eachGiving(undefined, frames)
    while (this.#source.reader.tail.offset < tail.offset && this.#source.reader.advance(PIECE) === 'budget') yield
    const below = tail.offset as Offset
    this.#copyShapes(below)
    this.#copyIds(below)
    const stale = [...changed].filter(oid => this.#live.has(oid) && !this.#shapes.has(oid) && !this.#ids.has(oid))
    yield* this.#copyAll(stale, below)
    return tail
  }

  /** Depth first, but for batches of objects that are read together. */
  *#copyAll(todo: Oid[], below: Offset): Generator<void> {
    const records = new RecordBatch(this.#source.file, below)
    const refs: Oid[] = []
    while (todo.length > 0) {
      const batch = todo.splice(-records.most).reverse()
      const places = new Float64Array(batch.length)
      batch.forEach((oid, n) => (places[n] = this.#source.find(oid, below)))
      if (places.includes(0)) this.#source.read(0 as Offset) // throws: there is no such object
      yield* records.read(places)
      const found: Oid[] = []
      for (const [n, oid] of batch.entries()) {
        const place = (places[n] ?? 0) as Offset
        records.get(n, place)
        refs.length = 0
        this.#copyOne(records, oid, place, refs)
        for (const ref of refs) if (this.#live.add(ref)) found.push(ref)
        if (n % STEP === 0) yield
      }
      for (let n = found.length - 1; n >= 0; n--) todo.push(found[n] ?? ROOT_OID)
    }
  }

  /** `refs` gets what it refers to. Throws CorruptLogError. */
  #copyOne({ bytes, at, length }: RecordBatch, oid: Oid, place: Offset, refs: Oid[]): void {
    if (this.#writer.copy(oid, bytes, at, length, this.#source.reader.salt, refs)) return
    // Read once more, alone, which says what is wrong.
    const record = this.#source.read(place, oid)
    this.#writer.add(record)
    refs.length = 0
    for (const ref of record.refs) refs.push(ref)
  }

  #copyShapes(below: Offset): void {
    for (const oid of this.#source.shapes) {
      if (this.#live.has(oid)) continue
      const at = this.#source.find(oid, below)
      if (at === 0) continue
      this.#live.add(oid)
      this.#shapes.add(oid)
      this.#writer.add(this.#source.read(at, oid))
    }
  }

  #copyIds(below: Offset): void {
    for (const { oid, time } of this.#source.ids.values()) {
      const at = this.#source.find(oid, below)
      if (at === 0 || this.#ids.has(oid)) continue
      if (time < this.#oldestId) {
        this.#droppedIds = true
        continue
      }
      this.#live.add(oid)
      this.#ids.add(oid)
      this.#writer.add(this.#source.read(at, oid))
    }
  }
}
