// Copies what can be reached: first everything as of one moment, then what later commits changed or newly reached.
// Owns the set of objects that the new file holds. Work is handed out in steps, so that the caller can pause between them.
import { CorruptLogError } from '../error.js'
import type { Tail } from '../log/tail.js'
import { Backlog } from './backlog.js'
import type { BaseWriter } from './base-writer.js'
import type { Generation } from './generation.js'
import { eachGiving } from './long-work.js'
import { OidSet } from './oid-set.js'
import { RecordBatch } from './record-batch.js'
import type { RecordCursor } from './record-cursor.js'
import { scanRecords } from './record.js'
import { idTime } from './transaction-id.js'
import { FIRST_FREE_OID, ID_SHAPE, ROOT_OID, type Offset, type Oid } from './types.js'

/** How far a pack has come. */
export interface PackProgress {
  /** Objects copied so far. */
  readonly objects: number
  /** Objects in the store, reachable or not: an upper bound of what is to be copied. */
  readonly most: number
  /** Bytes of the new file so far. */
  readonly bytes: number
}

/** No object has this number. */
const NOBODY = 0 as Oid
/** So many objects are copied in one step. */
const STEP = 256
/** So many bytes of the log are read in one step. */
const PIECE = 1 << 20

export class LiveCopy {
  readonly #source: Generation
  readonly #writer: BaseWriter
  readonly #live = new OidSet()
  readonly #shapes = new OidSet()
  /** Records of ids of transactions that were met, also those that are too old: nothing refers to any. */
  readonly #ids = new OidSet()
  /** What is told as such a record, and is about to be copied. */
  #told = 0
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
    return this.#live.size - this.#shapes.size - this.#ids.size - this.#told
  }

  /** Objects in the source. */
  get known(): number {
    return this.#source.objects
  }

  progress(): PackProgress {
    return { objects: this.objects, most: this.known, bytes: this.#writer.end }
  }

  /** Whether a record of the new file refers only to what is there too. Throws CorruptLogError where the source lacks its shape. */
  isSound({ oid, shape, refs, count }: RecordCursor): boolean {
    const live = this.#live
    if (!live.has(oid)) return false
    if (shape >= FIRST_FREE_OID && !live.has(shape)) this.#missing(`the shape ${shape} of object ${oid}`)
    for (let n = 0; n < count; n++) if (!live.has(refs[n] ?? NOBODY)) return false
    return true
  }

  /** All shapes, and what is reachable from the root and the other reserved objects. */
  *everythingAt(tail: Tail): Generator<void> {
    const below = tail.offset as Offset
    this.#copyShapes(below)
    yield* this.#copyIds(below)
    const roots: Oid[] = []
    for (let oid = ROOT_OID; oid < FIRST_FREE_OID; oid = (oid + 1) as Oid) {
      if (this.#source.find(oid, below) !== 0 && this.#live.add(oid)) roots.push(oid)
    }
    // Whatever made it so: of nothing, nothing is reachable, and all that there is would be dropped.
    if (roots[0] !== ROOT_OID) throw new CorruptLogError(this.#source.path, 0, tail.tid, 'there is no root object')
    yield* this.#copyAll(roots, below)
  }

  /** Copies what commits after `from` changed, with all that this newly reaches; gives up to where. */
  *changedSince(from: Tail): Generator<void, Tail> {
    const changed = new OidSet()
    const named: Oid[] = []
    const frames = this.#source.log.replaying((header, bytes, at, end) => {
      scanRecords(bytes, at, end, header.records, (oid, shape) => {
        if (shape === ID_SHAPE) named.push(oid)
        else changed.add(oid)
      })
    }, from)
    const tail = yield* eachGiving(undefined, frames)
    while (this.#source.reader.tail.offset < tail.offset && this.#source.reader.advance(PIECE) === 'budget') yield
    const below = tail.offset as Offset
    this.#copyShapes(below)
    const ids = yield* this.#newIds(named, below)
    const stale = [...changed].filter(oid => this.#live.has(oid) && !this.#shapes.has(oid))
    yield* this.#copyAll([...ids, ...stale], below)
    this.#told = 0
    return tail
  }

  /** Depth first, but for batches of objects that are read together. Throws CorruptLogError. */
  *#copyAll(first: readonly Oid[], below: Offset): Generator<void> {
    const { file, reader } = this.#source
    const records = new RecordBatch(file, below, reader.salt, this.#writer, record => this.#isToStay(record))
    const todo = new Backlog()
    for (const [n, oid] of first.entries()) {
      todo.add(oid)
      if (n % STEP === 0) yield
    }
    todo.turn()
    for (let next = todo.take(); next !== undefined; next = todo.take()) {
      records.clear()
      for (let oid: Oid | undefined = next; oid !== undefined; oid = records.isFull ? undefined : todo.take()) {
        records.add(oid, this.#placeOf(oid, below))
        if (records.count % STEP === 0) yield
      }
      yield* records.read()
      for (let n = 0; n < records.count; n++) {
        const references = records.copy(n)
        if (references < 0) this.#copyAlone(records.oid(n), records.place(n), todo)
        else this.#follow(records.refs, references, todo)
        if (n % STEP === 0) yield
      }
      todo.turn()
    }
  }

  /** Reads it once more, which says what is wrong. */
  #copyAlone(oid: Oid, place: Offset, todo: Backlog): void {
    const record = this.#source.read(place, oid)
    this.#writer.add(record)
    this.#follow(record.refs, record.refs.length, todo)
  }

  /** `todo` gets those of the first so many references that lead to what was not reached before. */
  #follow(refs: readonly Oid[], count: number, todo: Backlog): void {
    for (let n = 0; n < count; n++) {
      const ref = refs[n] ?? NOBODY
      if (this.#live.add(ref)) todo.add(ref)
    }
  }

  #placeOf(oid: Oid, below: Offset): Offset {
    const place = this.#source.find(oid, below)
    return place === 0 ? this.#missing(`object ${oid}, to which others refer,`) : place
  }

  #missing(what: string): never {
    const { path, reader } = this.#source
    throw new CorruptLogError(path, 0, reader.tail.tid, `${what} is missing`)
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

  /** Those that are known. What a table tells as an id, and is an object, is copied as that, reachable or not, until the next pack. */
  *#copyIds(below: Offset): Generator<void> {
    const { log } = this.#source
    for (let again = true; again;) {
      const { hasTable } = log
      const named = yield* this.#source.gatherIds()
      yield* this.#copyAll(yield* this.#newIds(named, below), below)
      this.#told = 0
      again = false
      let n = 0
      for (const oid of named) {
        if (++n % STEP === 0) yield
        const isLater = this.#source.find(oid, below) === 0 && this.#source.exists(oid)
        if (!this.#ids.has(oid) && !isLater) again = hasTable
      }
      if (again) log.foundNoId()
    }
  }

  /** Those of the records with ids that were there, and are not copied yet. */
  *#newIds(named: Iterable<Oid>, below: Offset): Generator<void, Oid[]> {
    const found: Oid[] = []
    let n = 0
    for (const oid of named) {
      if (++n % STEP === 0) yield
      if (oid < FIRST_FREE_OID || this.#source.find(oid, below) === 0 || !this.#live.add(oid)) continue
      found.push(oid)
      this.#told++
    }
    return found
  }

  /** Not the id of a transaction that is too old. Takes note of ids. */
  #isToStay({ oid, shape, bytes, from, end: to }: RecordCursor): boolean {
    if (shape === ID_SHAPE && this.#ids.add(oid) && this.#told > 0) this.#told--
    const time = shape === ID_SHAPE ? idTime({ bytes, from, to }) : undefined
    if (time === undefined || time >= this.#oldestId) return true
    this.#droppedIds = true
    return false
  }
}
