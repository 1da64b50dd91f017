// What is known of the records of one log, up to some frame: where the newest version of each object stands, which records are
// shapes, which transactions had ids, where every 1,024th commit begins. Begins empty, or with a stored table, whose parts are read
// when they are asked for: whatever does may throw DamagedIndexError, and then the log is to be read instead.
import { FRAME_HEADER_LENGTH, type FrameHeader } from '../log/frame.js'
import { IdIndex } from './id-index.js'
import { areFewFor, MARK_EVERY, type Mark, type StoredParts } from './offset-table.js'
import { OffsetIndex } from './offset-index.js'
import type { PinnedSnapshots } from './pinned.js'
import { readRecord, scanRecords } from './record.js'
import { DamagedIndexError } from './table-directory.js'
import { hashOfState } from './transaction-id.js'
import { ID_SHAPE, type Offset, type Oid, type StoredRecord } from './types.js'

/** How frames are taken note of. */
interface Taking {
  /** No oid reaches this. */
  readonly nextOid: number
  readonly salt: number
  /** Is told of what is replaced. */
  readonly displaced: PinnedSnapshots | undefined
}

export class LogIndex {
  readonly offsets: OffsetIndex
  /** All shape records met so far. */
  readonly shapes: Oid[]
  /** Records with ids of transactions. */
  readonly ids: IdIndex
  readonly #table: StoredParts | undefined
  #marks: Mark[] | undefined
  /** What came behind the table, until that has been read. */
  readonly #newMarks: Mark[] = []

  constructor(table?: StoredParts) {
    this.#table = table
    this.ids = new IdIndex(table && (() => table.ids()))
    this.offsets = new OffsetIndex(table?.pages)
    this.shapes = [...(table?.shapes ?? [])]
  }

  /** Not all of it was read from the log. */
  get hasTable(): boolean {
    return this.#table !== undefined
  }

  /** Ascending. */
  get marks(): readonly Mark[] {
    return (this.#marks ??= [...(this.#table?.marks() ?? []), ...this.#newMarks])
  }

  /** Takes note of a frame; false: its records are not what they should be. */
  addFrame(
    header: FrameHeader,
    bytes: Uint8Array,
    at: number,
    end: number,
    { nextOid, salt, displaced }: Taking,
  ): boolean {
    const { offsets } = this
    const shift = header.offset + FRAME_HEADER_LENGTH - at
    let sound = true
    const behind = scanRecords(bytes, at, end, header.records, (oid, shape, place) => {
      if (oid >= nextOid) sound = false
      displaced?.displace(oid, offsets.get(oid))
      offsets.set(oid, (shift + place) as Offset)
      if (shape <= ID_SHAPE) this.addSpecial(oid, shape, () => readRecord(bytes, place, shift + place, salt))
    })
    if (header.kind === 'commit') this.addMark(header)
    return behind >= 0 && sound
  }

  /** Takes note of a shape, or of the id of a transaction. */
  addSpecial(oid: Oid, shape: Oid, read: () => StoredRecord | undefined): void {
    if (shape === 0) this.shapes.push(oid)
    if (shape !== ID_SHAPE) return
    const record = read()
    const hash = record && hashOfState(record.state)
    if (hash !== undefined) this.ids.add(hash, oid)
  }

  addMark({ tid, time, offset }: Mark): void {
    if (tid % MARK_EVERY !== 0) return
    const mark = { tid, time, offset }
    this.#newMarks.push(mark)
    this.#marks?.push(mark)
  }

  /** What it says otherwise than `other`; undefined: nothing. In steps. */
  *differenceFrom(other: LogIndex): Generator<void, string | undefined> {
    try {
      for (const number of new Set([...this.offsets.pageNumbers(), ...other.offsets.pageNumbers()])) {
        const [mine, theirs] = [this.offsets.page(number), other.offsets.page(number)]
        if (!sameOffsets(mine, theirs)) return `page ${number}`
        yield
      }
      if (this.offsets.size !== other.offsets.size) return 'the number of objects'
      if (this.shapes.join() !== other.shapes.join()) return 'the shapes'
      if (this.ids.size !== other.ids.size) return 'the number of ids of transactions'
      const others = other.ids.pages()
      for (const page of this.ids.pages()) {
        const theirs = others.next().value
        if (!page.every((number, n) => number === theirs?.[n])) return 'the ids of transactions'
        yield
      }
      return undefined
    } catch (error) {
      if (!(error instanceof DamagedIndexError)) throw error
      return 'a part of it is not as it was written'
    }
  }

  /** Whether a table of it is worth having for a log of so many bytes. */
  isSmallFor(bytes: number): boolean {
    return areFewFor(this.offsets.pageNumbers().length, bytes)
  }
}

/** Of two pages. A loop: a function called for each of their thousands of places takes ten times as long. */
function sameOffsets(mine: Float64Array, theirs: Float64Array): boolean {
  for (let n = 0; n < mine.length; n++) if (mine[n] !== theirs[n]) return false
  return true
}
