// The log of one generation, and what is known of the records in it up to its reader's tail: from the index file, from the packed
// state's own table, and from the frames themselves. Owns the reader. Whatever a table turns out to be wrong in is read from the log
// instead; nobody else learns of that.
import { ClosedError, CorruptLogError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { onDisk } from '../file/disk-error.js'
import type { FileHeader } from '../log/file-header.js'
import { findCommit } from '../log/find-commit.js'
import type { FrameHeader } from '../log/frame.js'
import { LogReader, type FrameSink } from '../log/log-reader.js'
import { confirmTail, type Tail } from '../log/tail.js'
import type { AssembledFrame } from './assemble.js'
import {
  bytesOfIndexFile,
  openIndexFile,
  proofOfIndexFile,
  putIndexFile,
  writeIndexFile,
  type IndexFile,
} from './index-file.js'
import { IndexDue } from './index-due.js'
import { LogIndex } from './log-index.js'
import { atOnce } from './long-work.js'
import type { Mark, OffsetTable } from './offset-table.js'
import type { OffsetIndex } from './offset-index.js'
import type { OidSet } from './oid-set.js'
import { packedTable } from './packed-table.js'
import { PinnedSnapshots } from './pinned.js'
import { readRecord } from './record.js'
import { DamagedIndexError } from './table-directory.js'
import { ID_SHAPE, type Draft, type Offset, type Oid, type StoredRecord } from './types.js'

/** An earlier state that ends so few bytes behind the packed state is read from there. */
const LITTLE = 1 << 18
/** Bytes that are read in one step; of those that begin with less, each is twice the one before. */
const REPLAY_STEP = 1 << 20

export class KnownLog {
  readonly reader: LogReader
  /** Snapshots that are held for longer. */
  readonly pinned = new PinnedSnapshots()
  readonly #file: DataFile
  readonly #path: string
  readonly #header: FileHeader
  readonly #damagedAt: (offset: Offset) => never
  #known = new LogIndex()
  /** What is known could not be built anew where that was needed. */
  #mayBeWrong = false
  #indexFile: IndexFile | undefined
  /** What is known reaches beyond the tail, up to here: only where the log is read up to an earlier commit. 0: it does not. */
  #ahead = 0
  readonly #due: IndexDue

  /** `until`: the last commit to read. `damagedAt` is called when a frame that checks holds what it should not. */
  constructor(file: DataFile, path: string, header: FileHeader, until: number, damagedAt: (offset: Offset) => never) {
    this.#file = file
    this.#path = path
    this.#header = header
    this.#damagedAt = damagedAt
    this.#due = new IndexDue(header.baseTid)
    this.reader = this.#newReader(this.#apply.bind(this), until)
  }

  #newReader(sink: FrameSink, until: number): LogReader {
    const proved = (before: Tail): number => proofOfIndexFile(this.#file, this.#path, this.#header)(before)
    return new LogReader(this.#file, this.#path, this.#header, sink, until, proved)
  }

  /** Newest versions. */
  get offsets(): OffsetIndex {
    return this.#known.offsets
  }

  get shapes(): readonly Oid[] {
    return this.#known.shapes
  }

  /** How many ids of transactions are known. */
  get idCount(): number {
    return this.#withIndex(() => this.#known.ids.size)
  }

  /**
   * A record that is told as that of an id is none: a table is wrong, if what is known is of one, and all is read from the log instead.
   * Throws CorruptLogError, DiskError.
   */
  foundNoId(): void {
    if (this.hasTable) this.rebuild()
  }

  /** Whether what is known is of a table, which may be wrong. */
  get hasTable(): boolean {
    return this.#known.hasTable
  }

  /** Records that may be of an id with this hash. */
  idsByHash(hash: number): Oid[] {
    return this.#withIndex(() => this.#known.ids.oids(hash))
  }

  /** The records of all ids, gathered in steps: of those that come meanwhile, some or none. */
  *gatherIds(): Generator<void, OidSet> {
    for (;;) {
      const known = this.#known
      try {
        return yield* known.ids.gather()
      } catch (error) {
        if (!(error instanceof DamagedIndexError)) throw error
        if (known === this.#known) this.rebuild()
      }
    }
  }

  /** The index file was found to be of this log. */
  get usesIndexFile(): boolean {
    return this.#indexFile !== undefined
  }

  /** Records may stand up to here. */
  get end(): Offset {
    return Math.max(this.reader.tail.offset, this.#ahead) as Offset
  }

  /** Later versions than the tail's are known: those are to be passed over. */
  get isAhead(): boolean {
    return this.#ahead > 0
  }

  /** Where the newest version known stands; 0: no such object. */
  newest(oid: Oid): Offset {
    try {
      return this.#known.offsets.get(oid)
    } catch (error) {
      return this.#without(error, () => this.#known.offsets.get(oid))
    }
  }

  /** Where the newest version of every object stands, in order of oid. */
  entries(): Iterable<[Oid, Offset]> {
    this.#withIndex(() => {
      for (const number of this.offsets.pageNumbers()) this.offsets.page(number)
    })
    return this.offsets.entries()
  }

  /**
   * All that taking note of `frame` is going to read, and what a snapshot that is held will ask for. Behind the append, nothing may fail any
   * more: then it would be called undone.
   */
  expectOwn({ records, fresh }: Draft, { firstOid }: AssembledFrame): void {
    for (const { oid } of records) if (oid > 0) this.pinned.displace(oid as Oid, this.newest(oid as Oid))
    if (fresh > 0) this.newest(firstOid) // no page that is stored begins behind it
  }

  /** Takes over what this process has appended, after `expectOwn`. */
  applyOwn(draft: Draft, frame: AssembledFrame): void {
    this.#withIndex(() => this.#addOwn(draft, frame))
    this.reader.passOwn(frame.tail)
  }

  #addOwn(draft: Draft, { bytes, firstOid, offsets, tail }: AssembledFrame): void {
    const { offsets: index } = this
    draft.records.forEach(({ oid, shape }, n) => {
      const number = (oid < 0 ? firstOid - 1 - oid : oid) as Oid
      const at = offsets[n] ?? (0 as Offset)
      index.set(number, at)
      if (shape === 0 || shape === ID_SHAPE) {
        const read = (): StoredRecord | undefined => readRecord(bytes, at - tail.lastFrame, at, this.reader.salt)
        this.#known.addSpecial(number, shape as Oid, read)
      }
    })
    this.#known.addMark({ tid: tail.tid, time: tail.time, offset: tail.lastFrame })
  }

  /** Hands the frames behind `from` (all, unless told) to `sink` once more, up to the end; returns where that is. */
  replay(sink: FrameSink, from?: Tail, until = Infinity): Tail {
    return atOnce(this.replaying(sink, from, until))
  }

  /** The same in steps, the first one of `step` bytes; each gives how far it has come. */
  *replaying(sink: FrameSink, from?: Tail, until = Infinity, step = REPLAY_STEP): Generator<number, Tail> {
    const reader = this.#newReader(sink, until)
    if (from !== undefined) reader.tail = from
    for (let bytes = step; reader.advance(bytes) === 'budget'; bytes = Math.min(bytes * 2, REPLAY_STEP))
      yield reader.tail.offset
    return reader.tail
  }

  /**
   * The state of the log behind a commit, or, for one that was packed, behind as much of the packed state as its table covers.
   * undefined: its frame is not in the file, or not whole.
   */
  tailOf(tid: number): Tail | undefined {
    if (tid <= this.#header.baseTid) return packedTable(this.#file, this.#header)?.tail
    if (tid > this.reader.tail.tid) return undefined
    return this.#findCommit(
      tid,
      this.#withIndex(() => this.#known.marks),
      this.reader.tail,
    )
  }

  #findCommit(tid: number, marks: readonly Mark[], tail: Tail): Tail | undefined {
    const { baseTid, baseEnd } = this.#header
    const mark = marks.findLast(each => each.tid <= tid)
    const isUsable = mark !== undefined && mark.offset >= baseEnd && Number.isSafeInteger(mark.offset)
    const from = isUsable ? mark : { tid: baseTid, offset: baseEnd }
    return findCommit(this.#file, this.reader.salt, from, tail, tid)
  }

  /**
   * Whether what there is to read behind the index file has become `least`, and `forEach` for each object that the log holds: see IndexDue.
   */
  isWorthSaving(least: number, forEach: number, isLastTry: boolean): boolean {
    return this.#due.isWorth(Math.max(least, forEach * this.offsets.size), this.reader.tail, isLastTry)
  }

  /** Writes the index file, if all that was read is on disk, and sound. */
  save(mode: number): void {
    const { tail, syncedTo } = this.reader
    if (syncedTo < tail.offset || !this.#isFitForIndexFile()) return
    this.#due.tried(tail)
    this.#withIndex(() => writeIndexFile(this.#file, this.#path, mode, this.#header, this.#known, { tail, syncedTo }))
    this.#due.stored(tail)
  }

  /**
   * The same of all that was read up to now, before an fsync that is going to cover it: what is returned writes the index file, whatever has
   * been appended meanwhile, and is to be called when that fsync has succeeded.
   */
  saveBehindSync(mode: number): (() => void) | undefined {
    if (!this.#isFitForIndexFile()) return undefined
    const { tail } = this.reader
    const covered = { tail, syncedTo: tail.offset }
    this.#due.tried(tail)
    const pieces = this.#withIndex(() => [...bytesOfIndexFile(this.#header, this.#known, covered)])
    const known = this.#known
    return () => {
      const isProved = this.reader.syncedTo >= tail.offset && !this.reader.suspect
      if (!isProved || known !== this.#known) return
      putIndexFile(this.#file, this.#path, mode, this.#header, pieces, covered)
      this.#due.stored(tail)
    }
  }

  #isFitForIndexFile(): boolean {
    const { tail, suspect } = this.reader
    return !this.#mayBeWrong && !suspect && this.#known.isSmallFor(tail.offset)
  }

  /** Lets go of all that is known: whoever asks for it after that is told so. */
  close(): void {
    this.#indexFile?.close()
    this.#known = CLOSED
  }

  /** Begins with the best of: the index file, the packed state's own table, nothing. */
  useTables(): void {
    const found = openIndexFile(this.#file.disk, this.#path, this.#header)
    if (found !== undefined) {
      this.#indexFile = found // whatever happens, it is closed with this log
      if (this.#begin(found.table) || this.#beginAhead(found.table)) return
      this.#indexFile = undefined
      found.close()
    }
    const own = packedTable(this.#file, this.#header)
    if (own !== undefined) this.#begin(own)
  }

  #begin(table: OffsetTable): boolean {
    if (table.tail.tid > this.reader.until || !this.reader.resumeAt(table.tail, table.syncedTo)) return false
    this.#known = new LogIndex(table)
    this.#due.stored(table.tail)
    return true
  }

  /** An earlier commit than the table covers: where it ends is found by the marks, and objects by walking back. */
  #beginAhead(table: OffsetTable): boolean {
    const { until } = this.reader
    if (until <= this.#header.baseTid || confirmTail(this.#file, this.#header, table.tail) === undefined) return false
    try {
      const tail = this.#findCommit(until, table.marks(), table.tail)
      if (tail === undefined || tail.offset - this.#header.baseEnd < LITTLE) return false
      this.reader.tail = tail
      this.#known = new LogIndex(table)
      this.#ahead = table.tail.offset
      this.pinned.pin({ offset: tail.offset as Offset, nextOid: tail.nextOid })
      return true
    } catch (error) {
      if (!(error instanceof DamagedIndexError)) throw error
      return false
    }
  }

  /** Whatever `use` does with the index; once more from the beginning if the index had to be built anew. */
  #withIndex<T>(use: () => T): T {
    try {
      return use()
    } catch (error) {
      return this.#without(error, use)
    }
  }

  #without<T>(error: unknown, use: () => T): T {
    if (!(error instanceof DamagedIndexError)) throw error
    this.rebuild()
    return this.#withIndex(use)
  }

  /**
   * A table has turned out to be wrong: everything once more from the log, up to the tail, behind a table that may be right.
   * Throws CorruptLogError, DiskError.
   */
  rebuild(): void {
    this.#mayBeWrong = true
    const own = this.#indexFile === undefined ? undefined : packedTable(this.#file, this.#header)
    onDisk(this.#path, () => {
      try {
        this.#rebuildBehind(own)
      } catch (error) {
        if (own === undefined || !(error instanceof DamagedIndexError)) throw error
        this.#rebuildBehind(undefined)
      }
    })
    this.#mayBeWrong = false
  }

  /** Takes nothing over before the whole log has been read: until then, what is wrong stays to be found wrong, and tried again. */
  #rebuildBehind(own: OffsetTable | undefined): void {
    const { tail } = this.reader
    const known = new LogIndex(own)
    const sink: FrameSink = (header, bytes, at, end) => {
      if (header.offset < tail.offset) this.#take(known, header, bytes, at, end, undefined)
    }
    const reached = this.replay(sink, own?.tail, tail.tid)
    if (reached.tid < tail.tid)
      throw new CorruptLogError(this.#path, reached.offset, reached.tid, 'the log has become shorter than it was')
    this.#indexFile?.close()
    this.#indexFile = undefined
    this.#ahead = 0
    this.#due.lost(own?.tail)
    this.#known = known
    this.pinned.forget()
  }

  #apply(header: FrameHeader, bytes: Uint8Array, at: number, end: number): void {
    const displaced = this.pinned.any ? this.pinned : undefined
    this.#withIndex(() => this.#take(this.#known, header, bytes, at, end, displaced))
  }

  #take(
    known: LogIndex,
    header: FrameHeader,
    bytes: Uint8Array,
    at: number,
    end: number,
    displaced: PinnedSnapshots | undefined,
  ): void {
    const nextOid = header.kind === 'base' ? this.#header.nextOid : header.nextOid
    const { salt } = this.reader
    if (!known.addFrame(header, bytes, at, end, { nextOid, salt, displaced })) this.#damagedAt(header.offset as Offset)
  }
}

/** Of every file that has been closed: what is asked of it throws ClosedError. */
const CLOSED = new LogIndex({
  pages: { size: 0, count: 1, number: closed, read: closed },
  shapes: [],
  ids: closed,
  marks: closed,
})

function closed(): never {
  throw new ClosedError('this file has been closed')
}
