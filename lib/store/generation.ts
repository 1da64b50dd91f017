// One inode of the data file: its descriptor, its log with what is known of that, and the versions of objects in it.
// Kept open as long as somebody holds it: a snapshot on an old generation goes on reading there.
import { CorruptLogError, NewerFormatError, StoreNotFoundError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import type { Disk, Fd, FileStatus } from '../file/disk.js'
import { onDisk } from '../file/disk-error.js'
import { decodeFileHeader, HEADER_LENGTH, type FileHeader } from '../log/file-header.js'
import { framesBackwards, type WholeFrame } from '../log/frames-backwards.js'
import type { LogReader } from '../log/log-reader.js'
import { LogWriter } from '../log/log-writer.js'
import { removeForeignIndexFile } from './index-file.js'
import { KnownLog } from './known-log.js'
import type { OffsetIndex } from './offset-index.js'
import type { PinnedSnapshots } from './pinned.js'
import { RecordReader } from './record-reader.js'
import { SmallFile } from './small-file.js'
import type { Snapshot } from './snapshot.js'
import type { OidSet } from './oid-set.js'
import { decodeId, hashOfId, hashOfState, type CommittedId } from './transaction-id.js'
import { ID_SHAPE, type Offset, type Oid, type StoredRecord, type Tid } from './types.js'

/** Most objects take fewer ... */
const OBJECT_BYTES = 512
/** ... and most parts of a collection. */
const PART_BYTES = 4096

export class Generation {
  readonly file: DataFile
  readonly header: FileHeader
  readonly path: string
  readonly log: KnownLog
  readonly writer: LogWriter
  /** Which file this is; its size and links are as of the opening. */
  readonly identity: FileStatus
  /** The directory has been synced since the file has its name. */
  isNameSynced = false
  readonly #apart: DataFile | undefined
  readonly #small: SmallFile
  readonly #records: RecordReader
  readonly #parts: RecordReader
  #holders = 1
  /** The frames have been read again since a damaged record was met, and all are sound. */
  #replayed = false
  #snapshot: Snapshot | undefined
  #isIndexFileChecked = false
  /** The index file was removed: that must be on disk before anything is appended. */
  #owesSync = false

  /**
   * Reads the header, and what tables there are of the log unless told not to. `until`: the last commit to read.
   * Throws StoreNotFoundError, NotAStoreError, NewerFormatError.
   */
  static open(disk: Disk, path: string, access: 'read' | 'append', until: number, mayUseTables = true): Generation {
    const files = openFiles(disk, path, access)
    let generation: Generation | undefined
    try {
      generation = new Generation(files, path, access, until)
      if (mayUseTables) generation.log.useTables()
      return generation
    } catch (error) {
      files.file.close()
      files.apart?.close()
      generation?.log.close()
      throw error
    }
  }

  private constructor({ file, apart }: OpenFiles, path: string, access: 'read' | 'append', until: number) {
    const bytes = new Uint8Array(HEADER_LENGTH)
    this.header = decodeFileHeader(bytes.subarray(0, file.read(bytes, 0)), path)
    if (access === 'append' && this.header.readonlyFlags !== 0) {
      throw new NewerFormatError(
        path,
        'the file uses features that this version can only read (open it with { readonly: true })',
      )
    }
    this.file = file
    this.#apart = apart
    this.path = path
    this.identity = file.status()
    this.log = new KnownLog(file, path, this.header, until, offset => this.#damagedAt(offset))
    this.writer = new LogWriter(file, path)
    this.#small = new SmallFile(file)
    this.#records = new RecordReader(file, this.#small, path, this.reader, OBJECT_BYTES)
    this.#parts = new RecordReader(file, this.#small, path, this.reader, PART_BYTES)
  }

  /** Whether the path leads to this file. */
  isAtPath(): boolean {
    return this.isFile(this.file.disk.lookUp(this.path))
  }

  isFile(there: FileStatus | undefined): there is FileStatus {
    return this.#isSame(there) && there.links > 0
  }

  /** A mount of the single file still leads to this one: everybody else has another, or none, under the name that it had. */
  hasLostName(there: FileStatus | undefined): boolean {
    return this.#isSame(there) && there.links === 0
  }

  #isSame(there: FileStatus | undefined): there is FileStatus {
    return there?.ino === this.identity.ino && there.dev === this.identity.dev
  }

  get number(): number {
    return this.header.generation
  }

  /**
   * For fsyncs that go on beside others. The system tells each open file of a lost write once: of two at a time on the same one, either
   * could succeed while the other is told.
   */
  get fdApart(): Fd {
    return (this.#apart ?? this.file).fd
  }

  get reader(): LogReader {
    return this.log.reader
  }

  /** Snapshots that are held for longer. */
  get pinned(): PinnedSnapshots {
    return this.log.pinned
  }

  /** Newest versions, up to the reader's tail. */
  get index(): OffsetIndex {
    return this.log.offsets
  }

  /** All shape records met so far. */
  get shapes(): readonly Oid[] {
    return this.log.shapes
  }

  /** The records of all ids of transactions, gathered in steps: of those that come meanwhile, some or none. */
  gatherIds(): Generator<void, OidSet> {
    return this.log.gatherIds()
  }

  /** The transaction with this id; undefined: none has been committed up to the reader's tail. Throws CorruptLogError, DiskError. */
  committed(id: string): CommittedId | undefined {
    const below = this.reader.tail.offset as Offset
    const hash = hashOfId(id)
    for (const oid of this.log.idsByHash(hash)) {
      const at = this.find(oid, below)
      if (at === 0 && this.exists(oid)) continue // since a later commit
      const record = at === 0 ? undefined : this.read(at, oid)
      const isNamed = record?.shape === ID_SHAPE && hashOfState(record.state) === hash
      if (!isNamed && this.log.hasTable) {
        this.log.foundNoId()
        return this.committed(id)
      }
      const found = isNamed ? decodeId(record) : undefined
      if (found?.id === id) return found
    }
    return undefined
  }

  /** How many objects there are, reachable or not; shapes and ids of transactions are none. */
  get objects(): number {
    const { idCount, hasTable } = this.log // first: it may build the index anew
    const count = this.index.size - this.shapes.length - idCount
    if (count >= 0 || !hasTable) return count
    this.log.foundNoId() // there are not so many records
    return this.objects
  }

  /** The state at the reader's tail. */
  snapshot(): Snapshot {
    const { tail } = this.reader
    if (this.#snapshot?.offset !== tail.offset) {
      const { offset, tid, time, nextOid } = tail
      this.#snapshot = { generation: this, offset: offset as Offset, tid: tid as Tid, time, nextOid }
    }
    return this.#snapshot
  }

  /** Where the newest version known stands; 0: no such object. */
  newest(oid: Oid): Offset {
    return this.log.newest(oid)
  }

  /** Whether there is such a record, maybe only since a later commit than the one that is read up to. */
  exists(oid: Oid): boolean {
    return this.newest(oid) !== 0
  }

  /** Where the newest version of every object stands, in order of oid. */
  entries(): Iterable<[Oid, Offset]> {
    return this.log.entries()
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
      if (!(error instanceof CorruptLogError) || !this.log.isAhead) throw error
      // What stands behind the commit up to which the log is read is nobody's business here, damaged or not.
      this.log.rebuild()
      return this.find(oid, below)
    }
  }

  /**
   * One version of one object, checked; of `oid`, if that is told. `part`: of a collection, most of which are larger than other
   * objects and stand apart from them. Throws CorruptLogError, DiskError.
   */
  read(at: Offset, oid?: Oid, part = false): StoredRecord {
    const { end } = this.log
    if (!Number.isSafeInteger(at) || at < HEADER_LENGTH || at > end) this.#damagedAt(at)
    const record = (part ? this.#parts : this.#records).read(at, end)
    // What the index, or another record, says of this place may be wrong.
    return record === undefined || (oid !== undefined && record.oid !== oid) ? this.#damagedAt(at) : record
  }

  /** The frames between the packed state and `to`, where one ends, the last first. Throws CorruptLogError. */
  framesBackwards(to: Offset): Iterable<WholeFrame> {
    const damagedAt = (at: number): never => this.#damagedAt(at as Offset, 'a frame is damaged')
    return framesBackwards(this.file, this.reader.salt, this.header.baseEnd, to, damagedAt)
  }

  /**
   * Before the first append, with everything read, without damage, and the lock held: see `removeForeignIndexFile`. Throws what syncing the
   * directory throws.
   */
  checkIndexFile(): void {
    if (this.#isIndexFileChecked) return
    if (!this.log.usesIndexFile && removeForeignIndexFile(this.file, this.path, this.header)) this.#owesSync = true
    if (this.#owesSync) this.writer.syncDirectory()
    this.#isIndexFileChecked = true
  }

  retain(): void {
    this.#holders++
  }

  /** Closes the file when nobody holds it any more, and lets go of what was read of it: snapshots may be kept for long. Never throws. */
  release(): void {
    if (--this.#holders > 0) return
    this.file.close()
    this.#apart?.close()
    this.log.close()
    for (const each of [this.#small, this.#records, this.#parts]) each.close()
  }

  /** Reads the whole log again, once, to tell where it is damaged first. */
  #damagedAt(offset: Offset, what = 'a record is damaged'): never {
    const { tid } = this.reader.tail
    if (!this.#replayed) onDisk(this.path, () => this.log.replay(() => undefined))
    this.#replayed = true
    throw new CorruptLogError(this.path, offset, tid, what)
  }
}

interface OpenFiles {
  readonly file: DataFile
  /** The same file once more, where it may be written. */
  readonly apart: DataFile | undefined
}

function openFiles(disk: Disk, path: string, access: 'read' | 'append'): OpenFiles {
  for (;;) {
    const file = openFile(disk, path, access)
    if (access === 'read') return { file, apart: undefined }
    let apart: DataFile | undefined
    try {
      apart = openFile(disk, path, access)
      if (isSameFile(file, apart)) return { file, apart }
    } catch (error) {
      apart?.close()
      file.close()
      throw error
    }
    apart.close() // a pack came between
    file.close()
  }
}

function isSameFile(a: DataFile, b: DataFile): boolean {
  const [mine, other] = [a.status(), b.status()]
  return mine.ino === other.ino && mine.dev === other.dev
}

function openFile(disk: Disk, path: string, access: 'read' | 'append'): DataFile {
  try {
    return new DataFile(disk, disk.open(path, access))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new StoreNotFoundError(path)
    throw cause
  }
}
