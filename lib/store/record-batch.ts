// Many records, read and checked in the order in which they stand, and handed out in the order in which they were asked for, as copies
// for another file: what is scattered over a file is read with few and large reads.
import type { DataFile } from '../file/data-file.js'
import { FRAME_SIZE, type BaseWriter } from './base-writer.js'
import { placesInOrder } from './places-in-order.js'
import { RecordCursor } from './record-cursor.js'
import { recordLength } from './record.js'
import { FIRST_FREE_OID, type Offset, type Oid } from './types.js'

/** Most records in a batch: a power of two. */
const MOST = 1 << 19
/** Bytes of copies that are held: a part of the file, which is gone through as often, but no less and no more than these. */
const HELD_PART = 1 / 32
const LEAST_HELD = 16 << 20
const MOST_HELD = 64 << 20
/** Bytes that a record probably takes, before any has been read. */
const SUPPOSED = 1 << 10
/** Records that are longer are not held. */
const LONG = 1 << 14
/** Copies are held in so many parts, each in pieces of so many bytes. */
const PARTS = 32
const PIECE = 1 << 15
/** Two to the power of this are the fewest records in a part. */
const LEAST_PART = 10
/** Bytes that are read at once. */
const WINDOW = 1 << 18
/** Most records are shorter. */
const LIKELY = 1 << 12
/** What lies between two records is read with them, if it is not more than this: that takes less than another read. */
const GAP = 1 << 14
/** The writer gathers its frames before that. */
const WINDOW_AT = FRAME_SIZE
/** Records for which there is room at first. */
const FIRST_ROOM = 1 << 6

export class RecordBatch {
  readonly #file: DataFile
  /** Nothing is read from here on. */
  readonly #end: number
  /** With what the checksums of the records begin. */
  readonly #salt: number
  readonly #writer: BaseWriter
  readonly #isWanted: (special: RecordCursor) => boolean
  readonly #cursor = new RecordCursor()
  /** Place and number of each record must fit into one number. */
  readonly #most: number
  readonly #mostHeld: number
  /** The writer's frame, the stretch of the file that was read last, and copies: within one array, bytes are moved without a view. */
  #space: Buffer
  readonly #copies: number
  /** Which stretch that is. */
  #from = 0
  #length = 0
  /** Up to where the space is used, how many copies are in it, and how many bytes they took where they were read. */
  #used = 0
  #held = 0
  #heldBytes = 0
  /**
   * Records that are asked for near to each other are held near to each other, in pieces of the space, so that they are still in the
   * processor's caches when the next one is asked for: where the piece of each part of the batch goes on, and where it ends.
   */
  readonly #partAt = new Uint32Array(PARTS)
  readonly #partEnd = new Uint32Array(PARTS)
  #partShift = 0
  /** Bytes of a record, on average. */
  #average = SUPPOSED
  /** The records of the batch. What is new in memory costs much, so all that is as long as a batch is used again for the next one. */
  #count = 0
  #oids = new Float64Array(FIRST_ROOM)
  #places = new Float64Array(FIRST_ROOM)
  #entries = new Float64Array(FIRST_ROOM)
  /** Where the copy of each stands; 0: it is not held. */
  #heldAt = new Uint32Array(FIRST_ROOM)
  /** How long it is, if it has no references and is nothing special; otherwise 0. */
  #heldLength = new Uint16Array(FIRST_ROOM)

  /** `isWanted`: whether a shape, or what stands in place of one, is to be copied. */
  constructor(
    file: DataFile,
    end: number,
    salt: number,
    writer: BaseWriter,
    isWanted: (special: RecordCursor) => boolean = () => true,
  ) {
    this.#file = file
    this.#end = end
    this.#salt = salt
    this.#writer = writer
    this.#isWanted = isWanted
    this.#copies = WINDOW_AT + Math.min(WINDOW + LIKELY, end)
    this.#space = this.#makeSpace(this.#copies)
    this.#mostHeld = Math.min(MOST_HELD, Math.max(LEAST_HELD, end * HELD_PART))
    this.#most = Math.max(1, Math.min(MOST, 2 ** Math.floor(Math.log2(Number.MAX_SAFE_INTEGER / end))))
  }

  get count(): number {
    return this.#count
  }

  /** Whether there should be no more in this batch. */
  get isFull(): boolean {
    return this.#count === this.#most || this.#count * this.#average >= this.#mostHeld
  }

  /** Begins a new batch. */
  clear(): void {
    this.#count = 0
  }

  /** Asks for the record of `oid`, which stands at `place`. */
  add(oid: Oid, place: Offset): void {
    if (this.#count === this.#oids.length) this.#grow()
    this.#oids[this.#count] = oid
    this.#places[this.#count] = place
    this.#count++
  }

  #grow(): void {
    const room = this.#count * 4
    const more = (array: Float64Array) => {
      const grown = new Float64Array(room)
      grown.set(array)
      return grown
    }
    this.#oids = more(this.#oids)
    this.#places = more(this.#places)
    this.#entries = new Float64Array(room)
    this.#heldAt = new Uint32Array(room)
    this.#heldLength = new Uint16Array(room)
  }

  oid(n: number): Oid {
    return (this.#oids[n] ?? 0) as Oid
  }

  place(n: number): Offset {
    return (this.#places[n] ?? 0) as Offset
  }

  /** What the record that was copied last refers to, and then other numbers. */
  get refs(): readonly Oid[] {
    return this.#cursor.refs
  }

  /** Reads the records that were asked for, in steps. */
  *read(): Generator<void> {
    this.#makeRoom()
    this.#used = this.#copies
    this.#held = 0
    this.#heldBytes = 0
    this.#partShift = Math.max(LEAST_PART, Math.ceil(Math.log2(this.#count / PARTS)))
    this.#partEnd.fill(0)
    for (const entries of placesInOrder(this.#places.subarray(0, this.#count), this.#most, this.#entries)) {
      yield
      if (!this.#hold(entries)) break
    }
    if (this.#held > 0) this.#average = Math.ceil(this.#heldBytes / this.#held)
  }

  /** Holds copies of these records; false: there is no room for all of them. */
  #hold(entries: Float64Array): boolean {
    const most = this.#most
    const [space, cursor, oids] = [this.#space, this.#cursor, this.#oids]
    const { salt } = this.#writer
    for (let k = 0; k < entries.length; k++) {
      const entry = entries[k] ?? 0
      const place = Math.floor(entry / most)
      const n = entry - place * most
      let length = this.#lengthOf(place)
      if (length === 0) {
        this.#readFrom(place, lastOfStretch(entries, k, most))
        length = this.#lengthOf(place)
      }
      if (length === 0 || length > LONG) continue
      if (!cursor.check(space, this.#inSpace(place), this.#salt) || cursor.oid !== oids[n]) continue
      const part = n >> this.#partShift
      let at = this.#partAt[part] ?? 0
      if (at + length > (this.#partEnd[part] ?? 0)) {
        at = this.#used
        if (at + PIECE > space.length) return false
        this.#used = this.#partEnd[part] = at + PIECE
      }
      const end = cursor.copy(space, at, salt)
      this.#heldAt[n] = at
      this.#heldLength[n] = cursor.count === 0 && cursor.shape >= FIRST_FREE_OID ? end - at : 0
      this.#partAt[part] = end
      this.#held++
      this.#heldBytes += length
    }
    return true
  }

  #inSpace(place: number): number {
    return place - this.#from + WINDOW_AT
  }

  /** How long the record at `place` is, if all of it has been read; otherwise 0. */
  #lengthOf(place: number): number {
    const behind = this.#from + this.#length
    if (place < this.#from || place >= behind) return 0
    const length = recordLength(this.#space, this.#inSpace(place))
    return place + length <= behind ? length : 0
  }

  /** Reads what stands from `first` to `last`, and what the last record there probably takes. */
  #readFrom(first: number, last: number): void {
    const length = Math.max(0, Math.min(last + LIKELY, this.#end) - first)
    this.#from = first
    this.#length = this.#file.read(this.#space.subarray(WINDOW_AT, Math.min(WINDOW_AT + length, this.#copies)), first)
  }

  #makeRoom(): void {
    this.#heldAt.fill(0, 0, this.#count)
    const size = this.#copies + Math.min(this.#mostHeld, this.#count * Math.max(LIKELY, this.#average), this.#end)
    if (size <= this.#space.length) return
    const space = this.#makeSpace(size)
    this.#space.copy(space, WINDOW_AT, WINDOW_AT, this.#copies)
    this.#space = space
  }

  #makeSpace(size: number): Buffer {
    const space = Buffer.allocUnsafeSlow(size)
    this.#writer.gatherIn(space)
    return space
  }

  /** Copies the nth of them into the other file, if it is wanted there. Gives how many of `refs` it refers to; -1: it is damaged, or another object's. */
  copy(n: number): number {
    const at = this.#heldAt[n] ?? 0
    if (at === 0) return this.#copyAlone(this.oid(n), this.place(n))
    const length = this.#heldLength[n] ?? 0
    if (length === 0) return this.#cursor.look(this.#space, at) ? this.#put() : -1
    this.#writer.put(this.oid(n), FIRST_FREE_OID, this.#space, at, at + length) // or whatever shape it has
    return 0
  }

  #copyAlone(oid: Oid, place: Offset): number {
    const cursor = this.#cursor
    const { salt } = this.#writer
    let [bytes, at] = [this.#space, WINDOW_AT]
    if (this.#lengthOf(place) > 0) {
      at = this.#inSpace(place)
    } else {
      this.#readFrom(place, place)
      const length = this.#length === 0 ? 0 : recordLength(bytes, at)
      if (length === 0 || length > this.#end - place) return -1
      if (length > this.#length) {
        bytes = Buffer.allocUnsafe(length)
        at = 0
        if (this.#file.read(bytes, place) < length) return -1
      }
    }
    if (!cursor.check(bytes, at, this.#salt) || cursor.oid !== oid) return -1
    cursor.copy(bytes, at, salt)
    this.#length = 0 // what stands in the stretch is not all what stands in the file any more
    return cursor.look(bytes, at) ? this.#put() : -1
  }

  #put(): number {
    const { oid, shape, bytes, at, end, count } = this.#cursor
    if (shape >= FIRST_FREE_OID || this.#isWanted(this.#cursor)) this.#writer.put(oid, shape, bytes, at, end)
    return count
  }
}

/** The last of the entries from the kth on that are near enough to each other to be read at once. */
function lastOfStretch(entries: Float64Array, k: number, most: number): number {
  const first = Math.floor((entries[k] ?? 0) / most)
  let last = first
  for (let next = k + 1; next < entries.length; next++) {
    const place = Math.floor((entries[next] ?? 0) / most)
    if (place - last > GAP || place - first > WINDOW) break
    last = place
  }
  return last
}
