// One inode of the data file: its descriptor, its reader and writer, and the index of what has been read of it.
// Kept open as long as somebody holds it: a snapshot on an old generation goes on reading there.
import { CorruptLogError, NewerFormatError, StoreNotFoundError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import type { Disk, FileStatus } from '../file/disk.js'
import { decodeFileHeader, HEADER_LENGTH, type FileHeader } from '../log/file-header.js'
import { findCommit } from '../log/find-commit.js'
import type { FrameHeader } from '../log/frame.js'
import { LogReader, type FrameSink, type Tail } from '../log/log-reader.js'
import { LogWriter } from '../log/log-writer.js'
import type { AssembledFrame } from './assemble.js'
import { openIndexFile, writeIndexFile, type IndexFile } from './index-file.js'
import { LogIndex } from './log-index.js'
import { atOnce } from './long-work.js'
import { DamagedIndexError, readTable, type Mark, type OffsetTable } from './offset-table.js'
import type { OffsetIndex } from './offset-index.js'
import { PinnedSnapshots } from './pinned.js'
import { readRecord } from './record.js'
import { RecordReader } from './record-reader.js'
import type { Snapshot } from './snapshot.js'
import type { CommittedId } from './transaction-id.js'
import { ID_SHAPE, type Draft, type Offset, type Oid, type StoredRecord, type Tid } from './types.js'

/** Most objects take fewer ... */
const OBJECT_BYTES = 512
/** ... and most parts of a collection. */
const PART_BYTES = 4096
/** An earlier state that ends so few bytes behind the packed state is read from there. */
const LITTLE = 1 << 18
/** Bytes that are read in one step. */
const REPLAY_STEP = 1 << 20

export class Generation {
  readonly file: DataFile
  readonly header: FileHeader
  readonly path: string
  readonly reader: LogReader
  readonly writer: LogWriter
  /** Snapshots that are held for longer. */
  readonly pinned = new PinnedSnapshots()
  /** Which file this is; its size and links are as of the opening. */
  readonly identity: FileStatus
  readonly #records: RecordReader
  readonly #parts: RecordReader
  #holders = 1
  /** The frames have been read again since a damaged record was met, and all are sound. */
  #replayed = false
  #snapshot: Snapshot | undefined
  #known = new LogIndex()
  #indexFile: IndexFile | undefined
  /** What is known reaches beyond the tail, up to here: only where the log is read up to an earlier commit. 0: it does not. */
  #ahead = 0
  /** The log up to here is in a table that is stored. */
  #indexed = 0

  /**
   * Reads the header, and what tables there are of the log unless told not to. `until`: the last commit to read.
   * Throws StoreNotFoundError, NotAStoreError, NewerFormatError.
   */
  static open(disk: Disk, path: string, access: 'read' | 'append', until: number, mayUseTables = true): Generation {
    const file = openFile(disk, path, access)
    try {
      const generation = new Generation(file, path, access, until)
      if (mayUseTables) generation.#useTables(until)
      return generation
    } catch (error) {
      file.close()
      throw error
    }
  }

  private constructor(file: DataFile, path: string, access: 'read' | 'append', until: number) {
    const bytes = new Uint8Array(HEADER_LENGTH)
    this.header = decodeFileHeader(bytes.subarray(0, file.read(bytes, 0)), path)
    if (access === 'append' && this.header.readonlyFlags !== 0) {
      throw new NewerFormatError(
        path,
        'the file uses features that this version can only read (open it with { readonly: true })',
      )
    }
    this.file = file
    this.path = path
    this.identity = file.status()
    this.reader = new LogReader(file, path, this.header, this.#apply.bind(this), until)
    this.writer = new LogWriter(file, path)
    this.#records = new RecordReader(file, path, this.reader.salt, OBJECT_BYTES)
    this.#parts = new RecordReader(file, path, this.reader.salt, PART_BYTES)
  }

  get number(): number {
    return this.header.generation
  }

  /** Newest versions, up to the reader's tail. */
  get index(): OffsetIndex {
    return this.#known.offsets
  }

  /** All shape records met so far. */
  get shapes(): readonly Oid[] {
    return this.#known.shapes
  }

  /** Ids of transactions that have been committed. */
  get ids(): ReadonlyMap<string, CommittedId> {
    return this.#withIndex(() => this.#known.ids)
  }

  /** The state at the reader's tail. */
  snapshot(): Snapshot {
    const { tail } = this.reader
    if (this.#snapshot?.offset !== tail.offset) {
      const { offset, tid, time } = tail
      this.#snapshot = { generation: this, offset: offset as Offset, tid: tid as Tid, time }
    }
    return this.#snapshot
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
      for (const number of this.index.pageNumbers()) this.index.page(number)
    })
    return this.index.entries()
  }

  /** Where the version stands that is visible below `below`; 0: there was no such object yet. */
  find(oid: Oid, below: Offset): Offset {
    const newest = this.newest(oid)
    if (newest < below) return newest
    const at = this.#walkBack(oid, this.pinned.startOf(oid, below) ?? newest, below)
    if (this.pinned.any) this.pinned.found(oid, below, at)
    return at
  }

  #walkBack(oid: Oid, from: Offset, below: Offset): Offset {
    let at = from
    try {
      while (at >= below) at = this.read(at, oid).previous
      return at
    } catch (error) {
      if (!(error instanceof CorruptLogError) || this.#ahead === 0) throw error
      // What stands behind the commit up to which the log is read is nobody's business here, damaged or not.
      this.#buildIndex()
      return this.find(oid, below)
    }
  }

  /**
   * One version of one object, checked; of `oid`, if that is told. `part`: of a collection, most of which are larger than other
   * objects and stand apart from them. Throws CorruptLogError, DiskError.
   */
  read(at: Offset, oid?: Oid, part = false): StoredRecord {
    const end = Math.max(this.reader.tail.offset, this.#ahead) as Offset
    if (!Number.isSafeInteger(at) || at < HEADER_LENGTH || at > end) this.#damagedAt(at)
    const record = (part ? this.#parts : this.#records).read(at, end)
    // What the index, or another record, says of this place may be wrong.
    return record === undefined || (oid !== undefined && record.oid !== oid) ? this.#damagedAt(at) : record
  }

  /** Takes over what this process has appended. */
  applyOwn(draft: Draft, frame: AssembledFrame): void {
    this.#withIndex(() => this.#addOwn(draft, frame))
    this.reader.passOwn(frame.tail)
  }

  #addOwn(draft: Draft, { bytes, firstOid, offsets, tail }: AssembledFrame): void {
    const { index, pinned } = this
    const isPinned = pinned.any
    draft.records.forEach(({ oid, shape }, n) => {
      const number = (oid < 0 ? firstOid - 1 - oid : oid) as Oid
      const at = offsets[n] ?? (0 as Offset)
      if (isPinned) pinned.displace(number, index.get(number))
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

  /** The same in steps; each gives how far it has come. */
  *replaying(sink: FrameSink, from?: Tail, until = Infinity): Generator<number, Tail> {
    const reader = new LogReader(this.file, this.path, this.header, sink, until)
    if (from !== undefined) reader.tail = from
    while (reader.advance(REPLAY_STEP) === 'budget') yield reader.tail.offset
    return reader.tail
  }

  /**
   * The state of the log behind a commit, or, for one that was packed, behind as much of the packed state as its table covers.
   * undefined: its frame is not in the file, or not whole.
   */
  tailOf(tid: number): Tail | undefined {
    const { baseTid, baseEnd } = this.header
    if (tid <= baseTid) return this.ownTable()?.tail
    if (tid > this.reader.tail.tid) return undefined
    return this.#findCommit(
      tid,
      this.#withIndex(() => this.#known.marks),
      baseEnd,
      this.reader.tail.offset,
    )
  }

  #findCommit(tid: number, marks: readonly Mark[], from: number, end: number): Tail | undefined {
    const mark = marks.findLast(each => each.tid <= tid)
    const begin = mark !== undefined && mark.offset >= from && Number.isSafeInteger(mark.offset) ? mark.offset : from
    return findCommit(this.file, this.reader.salt, begin, end, tid)
  }

  retain(): void {
    this.#holders++
  }

  /** Closes the file when nobody holds it any more. */
  release(): void {
    if (--this.#holders > 0) return
    this.file.close()
    this.#indexFile?.close()
  }

  /**
   * Writes the index file, if the log has grown since by `least` bytes, and by `forEach` for each object that it holds, so that
   * writing it stays little beside writing the log. What was read so far must be on disk.
   */
  saveIndex(least: number, forEach: number): void {
    const { tail, syncedTo, suspect } = this.reader
    if (tail.offset - this.#indexed < Math.max(least, forEach * this.index.size)) return
    if (syncedTo < tail.offset || suspect || !this.#known.isSmallFor(tail.offset)) return
    const { identity, header, path, file } = this
    this.#withIndex(() => writeIndexFile(file.disk, path, identity.mode, header, this.#known, { tail, syncedTo }))
    this.#indexed = tail.offset
  }

  /** The packed state's own table, if it can be used. */
  ownTable(): OffsetTable | undefined {
    const { table } = this.header
    if (table === undefined) return undefined
    try {
      const found = readTable(this.file, table.at, table.end, this.header)
      if (found?.tail.offset !== table.at) return undefined
      const tail = this.reader.confirm({ ...found.tail, offset: table.end }) // behind it, the log goes on
      return tail && { ...found, tail }
    } catch {
      return undefined // the log itself is there
    }
  }

  /** Begins with the best of: the index file, the packed state's own table, nothing. */
  #useTables(until: number): void {
    const found = openIndexFile(this.file.disk, this.path, this.header)
    if (found !== undefined) {
      if (this.#begin(found.table) || this.#beginAhead(found.table, until)) {
        this.#indexFile = found
        return
      }
      found.close()
    }
    const own = this.ownTable()
    if (own !== undefined) this.#begin(own)
  }

  #begin(table: OffsetTable): boolean {
    if (table.tail.tid > this.reader.until || !this.reader.resumeAt(table.tail, table.syncedTo)) return false
    this.#known = new LogIndex(table)
    this.#indexed = table.tail.offset
    return true
  }

  /** An earlier commit than the table covers: where it ends is found by the marks, and objects by walking back. */
  #beginAhead(table: OffsetTable, until: number): boolean {
    if (until <= this.header.baseTid || this.reader.confirm(table.tail) === undefined) return false
    try {
      const end = table.tail.offset
      const tail = this.#findCommit(until, table.marks(), this.header.baseEnd, end)
      if (tail === undefined || tail.offset - this.header.baseEnd < LITTLE) return false
      this.reader.tail = tail
      this.#known = new LogIndex(table, until)
      this.#ahead = end
      this.pinned.pin(tail.offset as Offset)
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
    this.#buildIndex()
    return this.#withIndex(use)
  }

  /** A table has turned out to be wrong: everything once more from the log, up to the tail, behind a table that may be right. */
  #buildIndex(): void {
    const own = this.#indexFile === undefined ? undefined : this.ownTable()
    this.#indexFile?.close()
    this.#indexFile = undefined
    this.#ahead = 0
    this.#indexed = own?.tail.offset ?? 0
    this.#known = new LogIndex(own)
    this.pinned.forget()
    const { tail } = this.reader
    try {
      this.replay(
        (header, bytes, at, end) => {
          if (header.offset < tail.offset) this.#take(header, bytes, at, end, undefined)
        },
        own?.tail,
        tail.tid,
      )
    } catch (error) {
      if (own === undefined || !(error instanceof DamagedIndexError)) throw error
      this.#buildIndex()
    }
  }

  #apply(header: FrameHeader, bytes: Uint8Array, at: number, end: number): void {
    const displaced = this.pinned.any ? this.pinned : undefined
    this.#withIndex(() => this.#take(header, bytes, at, end, displaced))
  }

  #take(header: FrameHeader, bytes: Uint8Array, at: number, end: number, displaced: PinnedSnapshots | undefined): void {
    const nextOid = header.kind === 'base' ? this.header.nextOid : header.nextOid
    const { salt } = this.reader
    if (!this.#known.addFrame(header, bytes, at, end, { nextOid, salt, displaced }))
      this.#damagedAt(header.offset as Offset)
  }

  /** Reads the whole log again, once, to tell where it is damaged first. */
  #damagedAt(offset: Offset): never {
    const { tid } = this.reader.tail
    if (!this.#replayed) this.replay(() => undefined)
    this.#replayed = true
    throw new CorruptLogError(this.path, offset, tid, 'a record is damaged')
  }
}

function openFile(disk: Disk, path: string, access: 'read' | 'append'): DataFile {
  try {
    return new DataFile(disk, disk.open(path, access))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new StoreNotFoundError(path)
    throw cause
  }
}
