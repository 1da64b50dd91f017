// One inode of the data file: its descriptor, its reader and writer, and the index of what has been read of it.
// Kept open as long as somebody holds it: a snapshot on an old generation goes on reading there.
import { CorruptLogError, NewerFormatError, StoreNotFoundError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import type { Disk, FileStatus } from '../file/disk.js'
import { decodeFileHeader, HEADER_LENGTH, type FileHeader } from '../log/file-header.js'
import { FRAME_HEADER_LENGTH, type FrameHeader } from '../log/frame.js'
import { LogReader, type FrameSink, type Tail } from '../log/log-reader.js'
import { LogWriter } from '../log/log-writer.js'
import type { AssembledFrame } from './assemble.js'
import { DamagedIndexError, openIndexFile, PAGE_BYTES, writeIndexFile, type IndexFile } from './index-file.js'
import { OffsetIndex } from './offset-index.js'
import { readRecord, scanRecords } from './record.js'
import { RecordReader } from './record-reader.js'
import type { Snapshot } from './snapshot.js'
import { decodeId, type CommittedId } from './transaction-id.js'
import { ID_SHAPE, type Draft, type Offset, type Oid, type StoredRecord, type Tid } from './types.js'

/** Most objects take fewer ... */
const OBJECT_BYTES = 512
/** ... and most parts of a collection. */
const PART_BYTES = 4096

export class Generation {
  readonly file: DataFile
  readonly header: FileHeader
  readonly path: string
  readonly reader: LogReader
  readonly writer: LogWriter
  /** Newest versions, up to the reader's tail. */
  index = new OffsetIndex()
  /** All shape records met so far. */
  readonly shapes: Oid[] = []
  /** Ids of transactions that have been committed. */
  readonly ids = new Map<string, CommittedId>()
  /** Which file this is; its size and links are as of the opening. */
  readonly identity: FileStatus
  readonly #records: RecordReader
  readonly #parts: RecordReader
  #holders = 1
  /** The frames have been read again since a damaged record was met, and all are sound. */
  #replayed = false
  #snapshot: Snapshot | undefined
  #indexFile: IndexFile | undefined
  /** The log up to here is in the index file. */
  indexed = 0

  /**
   * Reads the header, and the index file if there is one that can be used (never with `until`, an earlier commit to stop at). Throws StoreNotFoundError, NotAStoreError, NewerFormatError.
   */
  static open(disk: Disk, path: string, access: 'read' | 'append', until: number, mayUseIndex = true): Generation {
    const file = openFile(disk, path, access)
    try {
      const generation = new Generation(file, path, access, until)
      if (mayUseIndex && until === Infinity) generation.#useIndexFile()
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
    return this.#withIndex(() => this.index.get(oid))
  }

  /** Where the newest version of every object stands, in order of oid. */
  entries(): Iterable<[Oid, Offset]> {
    this.#withIndex(() => this.index.loadAll())
    return this.index.entries()
  }

  /** Where the version stands that is visible below `below`; 0: there was no such object yet. */
  find(oid: Oid, below: Offset): Offset {
    let at = this.newest(oid)
    if (at < below) return at
    for (;;) {
      at = this.read(at, oid).previous
      if (at < below) return at
    }
  }

  /**
   * One version of one object, checked; of `oid`, if that is told. `part`: of a collection, most of which are larger than other
   * objects and stand apart from them. Throws CorruptLogError, DiskError.
   */
  read(at: Offset, oid?: Oid, part = false): StoredRecord {
    const end = this.reader.tail.offset as Offset
    if (!Number.isSafeInteger(at) || at < HEADER_LENGTH || at > end) this.#damagedAt(at)
    const record = (part ? this.#parts : this.#records).read(at, end)
    // What the index, or another record, says of this place may be wrong.
    return record === undefined || (oid !== undefined && record.oid !== oid) ? this.#damagedAt(at) : record
  }

  /** Takes over what this process has appended. */
  applyOwn(draft: Draft, frame: AssembledFrame): void {
    const { firstOid, offsets } = frame
    this.#withIndex(() =>
      draft.records.forEach(({ oid, shape }, n) => {
        const number = (oid < 0 ? firstOid - 1 - oid : oid) as Oid
        this.index.set(number, offsets[n] ?? (0 as Offset))
        if (shape === 0) this.shapes.push(number)
        if (shape === ID_SHAPE)
          this.#noteId(
            number,
            readRecord(frame.bytes, (offsets[n] ?? 0) - frame.tail.lastFrame, offsets[n] ?? 0, this.reader.salt),
          )
      }),
    )
    this.reader.passOwn(frame.tail)
  }

  /** Hands the frames behind `from` (all, unless told) to `sink` once more, up to the end; returns where that is. */
  replay(sink: FrameSink, from?: Tail): Tail {
    const reader = new LogReader(this.file, this.path, this.header, sink)
    if (from !== undefined) reader.tail = from
    reader.advance()
    return reader.tail
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

  /** Writes the index file, if the log has grown by much since; what was read so far must be on disk. */
  saveIndex(least: number): void {
    const { tail, syncedTo } = this.reader
    if (tail.offset - this.indexed < least || syncedTo < tail.offset || this.reader.suspect) return
    // A few objects far from each other: the log itself is read sooner.
    if (this.index.pageNumbers().length * PAGE_BYTES > tail.offset) return
    this.#withIndex(() => this.index.loadAll())
    const { shapes, ids, identity, header, path, index } = this
    writeIndexFile(this.file.disk, path, identity.mode, header, index, { tail, syncedTo, shapes, ids })
    this.indexed = tail.offset
  }

  #useIndexFile(): void {
    const found = openIndexFile(this.file.disk, this.path, this.header)
    if (found === undefined) return
    if (!this.reader.resumeAt(found.tail, found.syncedTo)) return found.close()
    this.#indexFile = found
    this.indexed = found.tail.offset
    this.index = new OffsetIndex(found.pages)
    for (const oid of found.shapes) this.shapes.push(oid)
    for (const [id, committed] of found.ids) this.ids.set(id, committed)
  }

  /** Whatever `use` does with the index; once more from the beginning if the index had to be built anew. */
  #withIndex<T>(use: () => T): T {
    try {
      return use()
    } catch (error) {
      if (!(error instanceof DamagedIndexError)) throw error
      this.#buildIndex()
      return use()
    }
  }

  /** The index file has turned out to be wrong: everything once more from the log, up to the tail. */
  #buildIndex(): void {
    const { tail } = this.reader
    this.#indexFile?.close()
    this.#indexFile = undefined
    this.indexed = 0
    this.index = new OffsetIndex()
    this.shapes.length = 0
    this.ids.clear()
    this.replay((header, bytes, at, end) => {
      if (header.offset < tail.offset) this.#apply(header, bytes, at, end)
    })
  }

  #apply(header: FrameHeader, bytes: Uint8Array, at: number, end: number): void {
    const shift = header.offset + FRAME_HEADER_LENGTH - at
    const nextOid = header.kind === 'base' ? this.header.nextOid : header.nextOid
    let sound = true
    const behind = this.#withIndex(() =>
      scanRecords(bytes, at, end, header.records, (oid, shape, place) => {
        if (oid >= nextOid) sound = false
        this.index.set(oid, (shift + place) as Offset)
        if (shape === 0) this.shapes.push(oid)
        if (shape === ID_SHAPE) this.#noteId(oid, readRecord(bytes, place, shift + place, this.reader.salt))
      }),
    )
    if (behind < 0 || !sound) this.#damagedAt(header.offset as Offset)
  }

  #noteId(oid: Oid, record: StoredRecord | undefined): void {
    const found = record && decodeId(record)
    if (found !== undefined) this.ids.set(found.id, { oid, tid: found.tid, time: found.time })
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
