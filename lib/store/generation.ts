// One inode of the data file: its descriptor, its reader and writer, and the index of what has been read of it.
// Kept open as long as somebody holds it: a snapshot on an old generation goes on reading there.
import { CorruptLogError, NewerFormatError, StoreNotFoundError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import type { Disk, FileStatus } from '../file/disk.js'
import { asDiskError } from '../file/disk-error.js'
import { decodeFileHeader, HEADER_LENGTH, type FileHeader } from '../log/file-header.js'
import { FRAME_HEADER_LENGTH, type FrameHeader } from '../log/frame.js'
import { LogReader, type FrameSink, type Tail } from '../log/log-reader.js'
import { LogWriter } from '../log/log-writer.js'
import type { AssembledFrame } from './assemble.js'
import { OffsetIndex } from './offset-index.js'
import { readRecord, recordLength, scanRecords } from './record.js'
import type { Snapshot } from './snapshot.js'
import { decodeId, type CommittedId } from './transaction-id.js'
import { ID_SHAPE, type Draft, type Offset, type Oid, type StoredRecord, type Tid } from './types.js'

/** Most records are shorter: one read brings them in. */
const FIRST_READ = 4096

export class Generation {
  readonly file: DataFile
  readonly header: FileHeader
  readonly path: string
  readonly reader: LogReader
  readonly writer: LogWriter
  /** Newest versions, up to the reader's tail. */
  readonly index = new OffsetIndex()
  /** All shape records met so far. */
  readonly shapes: Oid[] = []
  /** Ids of transactions that have been committed. */
  readonly ids = new Map<string, CommittedId>()
  /** Which file this is; its size and links are as of the opening. */
  readonly identity: FileStatus
  readonly #scratch = Buffer.allocUnsafe(FIRST_READ)
  #holders = 1
  /** The frames have been read again since a damaged record was met, and all are sound. */
  #replayed = false
  #snapshot: Snapshot | undefined

  /** Reads the header only. Throws StoreNotFoundError, NotAStoreError, NewerFormatError. */
  static open(disk: Disk, path: string, access: 'read' | 'append', until: number): Generation {
    const file = openFile(disk, path, access)
    try {
      return new Generation(file, path, access, until)
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
    return this.index.get(oid)
  }

  /** Where the version stands that is visible below `below`; 0: there was no such object yet. */
  find(oid: Oid, below: Offset): Offset {
    let at = this.index.get(oid)
    if (at < below) return at
    for (;;) {
      at = this.#readOf(oid, at).previous
      if (at === 0) return at
      // The index is right about what stands where; what a record says of another is to be checked.
      if (at < below) return this.#readOf(oid, at).offset
    }
  }

  /** One version of one object, checked. Throws CorruptLogError, DiskError. */
  read(at: Offset): StoredRecord {
    const most = this.reader.tail.offset - at
    let bytes: Uint8Array = this.#scratch.subarray(0, Math.min(FIRST_READ, most))
    bytes = bytes.subarray(0, this.#fill(bytes, at))
    const length = recordLength(bytes, 0)
    if (length > bytes.length && length <= most) {
      bytes = Buffer.allocUnsafe(length)
      bytes = bytes.subarray(0, this.#fill(bytes, at))
    } else {
      bytes = Buffer.from(bytes.subarray(0, length))
    }
    return readRecord(bytes, 0, at, this.reader.salt) ?? this.#damagedAt(at)
  }

  #fill(bytes: Uint8Array, at: Offset): number {
    try {
      return this.file.read(bytes, at)
    } catch (error) {
      throw asDiskError(this.path, error)
    }
  }

  #readOf(oid: Oid, at: Offset): StoredRecord {
    const record = this.read(at)
    return record.oid === oid ? record : this.#damagedAt(at)
  }

  /** Takes over what this process has appended. */
  applyOwn(draft: Draft, frame: AssembledFrame): void {
    const { firstOid, offsets } = frame
    draft.records.forEach(({ oid, shape }, n) => {
      const number = (oid < 0 ? firstOid - 1 - oid : oid) as Oid
      this.index.set(number, offsets[n] ?? (0 as Offset))
      if (shape === 0) this.shapes.push(number)
      if (shape === ID_SHAPE)
        this.#noteId(
          number,
          readRecord(frame.bytes, (offsets[n] ?? 0) - frame.tail.lastFrame, offsets[n] ?? 0, this.reader.salt),
        )
    })
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
    if (--this.#holders === 0) this.file.close()
  }

  #apply(header: FrameHeader, bytes: Uint8Array, at: number, end: number): void {
    const shift = header.offset + FRAME_HEADER_LENGTH - at
    const nextOid = header.kind === 'base' ? this.header.nextOid : header.nextOid
    let sound = true
    const behind = scanRecords(bytes, at, end, header.records, (oid, shape, place) => {
      if (oid >= nextOid) sound = false
      this.index.set(oid, (shift + place) as Offset)
      if (shape === 0) this.shapes.push(oid)
      if (shape === ID_SHAPE) this.#noteId(oid, readRecord(bytes, place, shift + place, this.reader.salt))
    })
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
