// Copies what can be reached: first everything as of one moment, then what later commits changed or newly reached.
// Owns the set of objects that the new file holds. Work is handed out in steps, so that the caller can pause between them.
import type { BaseWriter } from './base-writer.js'
import type { Generation } from './generation.js'
import { OidSet } from './oid-set.js'
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

const STEP = 256

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

  /** The objects of the copy that commits after `from` changed, with all that these newly reach; `tail`: up to where. */
  changedSince(from: Tail): { work: Iterable<void>; tail: Tail } {
    const changed = new Set<Oid>()
    const tail = this.#source.replay((header, bytes, at, end) => {
      scanRecords(bytes, at, end, header.records, oid => void changed.add(oid))
    }, from)
    this.#source.reader.advance()
    const below = tail.offset as Offset
    this.#copyShapes(below)
    this.#copyIds(below)
    const stale = [...changed].filter(oid => this.#live.has(oid) && !this.#shapes.has(oid) && !this.#ids.has(oid))
    return { work: this.#copyAll(stale, below), tail }
  }

  *#copyAll(todo: Oid[], below: Offset): Generator<void> {
    for (let n = 1; todo.length > 0; n++) {
      const oid = todo.pop()
      if (oid === undefined) break
      const record = this.#source.read(this.#source.find(oid, below), oid)
      this.#writer.add(record)
      for (let at = record.refs.length - 1; at >= 0; at--) {
        const ref = record.refs[at]
        if (ref !== undefined && this.#live.add(ref)) todo.push(ref)
      }
      if (n % STEP === 0) yield
    }
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
