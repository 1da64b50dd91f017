// Writes a packed file: records gathered into base frames, one after another behind the header's place, with a table of where they
// stand; the header comes last, when it is known what the frames hold. Owns the position in the new file, and the index of what it
// holds; knows nothing of where the records come from.
import { StateError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import type { Disk, Fd } from '../file/disk.js'
import { checksum } from '../log/checksum.js'
import {
  chainStart,
  encodeFileHeader,
  HEADER_LENGTH,
  saltOf,
  type FileHeader,
  type TablePlace,
} from '../log/file-header.js'
import {
  checkFrame,
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  frameLength,
  readFrameHeader,
  sealFrame,
  type FrameHeader,
} from '../log/frame.js'
import type { Tail } from '../log/tail.js'
import { assembleControl } from './assemble.js'
import { LogIndex } from './log-index.js'
import { inPieces, tableParts } from './offset-table.js'
import { mostRecordBytes, readRecord, writeRecord } from './record.js'
import { RecordCursor } from './record-cursor.js'
import { ID_SHAPE, type Offset, type Oid, type StoredRecord } from './types.js'

/** A frame is written when it would grow beyond this; only a single record may be larger. */
export const FRAME_SIZE = 1 << 20

/** So many bytes are put on disk while more are written. */
const MUCH = 1 << 24

/** What names the new file. */
type BaseName = Pick<FileHeader, 'storeId' | 'uuid'>

/** What is written of a version: it replaces none in the new file, and its place is there. */
export type Kept = Pick<StoredRecord, 'oid' | 'shape' | 'tid' | 'refs' | 'state'>

export class BaseWriter {
  readonly #file: DataFile
  readonly #name: BaseName
  readonly #index = new LogIndex()
  /** With what the checksums of its records begin. */
  readonly salt: number
  readonly #boot: number
  #space: Buffer = Buffer.allocUnsafe(FRAME_SIZE)
  /** Where the frame is gathered: in the space, or, if it is a single large record, apart. */
  #into = this.#space
  #room = FRAME_SIZE
  #used = FRAME_HEADER_LENGTH
  #count = 0
  #end = HEADER_LENGTH
  #checksum: number
  #lastFrame = 0
  #table: TablePlace | undefined
  #tableSum = 0
  /** The last time that it was begun to put on disk what was there, and from where on that was not done yet. */
  #synced: Promise<void> = Promise.resolve()
  #isSyncing = false
  /** That has failed: a later one proves nothing. */
  #failedSync: unknown
  #syncedFrom = HEADER_LENGTH
  #verified = HEADER_LENGTH
  #verifiedChecksum: number
  /** Where the finished file ends. */
  #tail: Tail | undefined

  constructor(disk: Disk, fd: Fd, name: BaseName) {
    const { uuid } = name
    this.#file = new DataFile(disk, fd)
    this.#name = name
    this.salt = saltOf(uuid)
    this.#boot = disk.boot
    this.#checksum = this.#verifiedChecksum = chainStart(uuid)
  }

  /** Bytes of the new file so far. */
  get end(): number {
    return this.#end + (this.#count === 0 ? 0 : this.#used + FRAME_TRAILER_LENGTH)
  }

  /** Copies a version: state, references, shape and tid as they are. */
  add({ oid, shape, tid, refs, state }: Kept): void {
    this.#makeRoom(mostRecordBytes(refs.length, state.length))
    const at = this.#used
    this.#took(oid, shape, writeRecord(this.#into, at, { oid, shape, tid, back: 0, refs, state }, this.salt))
  }

  /** The same for a record that stands in `bytes` as it is to stand here. */
  put(oid: Oid, shape: Oid, bytes: Uint8Array, from: number, to: number): void {
    this.#makeRoom(to - from)
    if (bytes === this.#into) bytes.copyWithin(this.#used, from, to)
    else this.#into.set(bytes.subarray(from, to), this.#used)
    this.#took(oid, shape, this.#used + to - from)
  }

  /** From now on, frames are gathered in the first FRAME_SIZE bytes of `space`: what stands behind those is put in without a view. */
  gatherIn(space: Buffer): void {
    if (this.#room > FRAME_SIZE) this.flush()
    else this.#into.copy(space, 0, 0, this.#used)
    this.#space = this.#into = space
    this.#room = FRAME_SIZE
  }

  #makeRoom(most: number): void {
    if (this.#used + most + FRAME_TRAILER_LENGTH <= this.#room) return
    this.flush()
    this.#room = Math.max(FRAME_SIZE, FRAME_HEADER_LENGTH + most + FRAME_TRAILER_LENGTH)
    this.#into = this.#room > FRAME_SIZE ? Buffer.allocUnsafe(this.#room) : this.#space
  }

  #took(oid: Oid, shape: Oid, end: number): void {
    const from = this.#used
    const at = (this.#end + from) as Offset
    this.#index.offsets.set(oid, at)
    if (shape <= ID_SHAPE) this.#index.addSpecial(oid, shape, () => readRecord(this.#into, from, at, this.salt))
    this.#used = end
    this.#count++
  }

  /** Writes the frame that is being gathered. */
  flush(): void {
    if (this.#count === 0) return
    const bytes = this.#into.subarray(0, this.#used + FRAME_TRAILER_LENGTH)
    this.#checksum = sealFrame(bytes, {
      kind: 'base',
      control: undefined,
      offset: this.#end,
      tid: 0,
      time: 0,
      bodyLength: this.#used - FRAME_HEADER_LENGTH,
      records: this.#count,
      nextOid: 0,
      syncedTo: 0,
      boot: this.#boot,
      previous: this.#checksum,
      salt: this.salt,
    })
    this.#file.write(bytes, this.#end)
    this.#lastFrame = this.#end
    this.#end += bytes.length
    this.#used = FRAME_HEADER_LENGTH
    this.#count = 0
  }

  /** Writes the table of what was copied so far; to be called once. A few objects far from each other need none. */
  *writeTable(): Generator<void> {
    this.flush()
    const at = this.#end
    if (this.#lastFrame === 0 || !this.#index.isSmallFor(at)) return
    const tail = { offset: at, tid: 0, time: 0, nextOid: 0, checksum: this.#checksum, lastFrame: this.#lastFrame }
    for (const part of inPieces(tableParts(this.#name, this.#index, { tail, syncedTo: at }))) {
      this.#file.write(part, this.#end)
      this.#end += part.length
      this.#tableSum = checksum(part, this.#tableSum)
      yield
    }
    this.#table = { at, end: this.#end }
  }

  /**
   * Reads back what was written since the last call and checks it, a step for each frame; `seen` gets every record and says
   * whether it is sound. Gives whether all is what was written.
   */
  *verify(seen: (record: RecordCursor) => boolean): Generator<void, boolean> {
    this.flush()
    const cursor = new RecordCursor()
    let space = Buffer.alloc(0)
    while (this.#verified < this.#end) {
      if (this.#verified === this.#table?.at) {
        if (!(yield* this.#verifyTable(this.#table))) return false
        continue
      }
      const header = this.#readHeader()
      if (header?.previous !== this.#verifiedChecksum) return false
      const length = frameLength(header)
      if (length > space.length) space = Buffer.allocUnsafeSlow(Math.max(length, FRAME_SIZE))
      const bytes = space.subarray(0, length)
      if (this.#file.read(bytes, this.#verified) < length) return false
      const sum = checkFrame(bytes, 0, header)
      if (sum === undefined) return false
      let at = FRAME_HEADER_LENGTH
      for (let n = 0; n < header.records; n++) {
        if (!cursor.check(bytes, at, this.salt) || !seen(cursor)) return false
        at = cursor.end
      }
      this.#verifiedChecksum = sum
      this.#verified += bytes.length
      yield
    }
    return true
  }

  *#verifyTable({ end }: TablePlace): Generator<void, boolean> {
    let sum = 0
    while (this.#verified < end) {
      const bytes = Buffer.allocUnsafe(Math.min(FRAME_SIZE, end - this.#verified))
      if (this.#file.read(bytes, this.#verified) < bytes.length) return false
      sum = checksum(bytes, sum)
      this.#verified += bytes.length
      yield
    }
    return sum === this.#tableSum
  }

  #readHeader(): FrameHeader | undefined {
    const head = Buffer.allocUnsafe(FRAME_HEADER_LENGTH)
    this.#file.read(head, this.#verified)
    return readFrameHeader(head, 0, this.#verified, this.salt)
  }

  /** Puts the header before the frames, and everything on disk. */
  finish(header: Omit<FileHeader, keyof BaseName | 'baseEnd' | 'table'>): void {
    this.flush()
    this.#file.write(encodeFileHeader({ ...header, ...this.#name, baseEnd: this.#end, table: this.#table }), 0)
    if (this.#isSyncing)
      throw new StateError('finish() needs sync() before it: the system tells one of two fsyncs of a loss')
    if (this.#failedSync !== undefined) throw this.#failedSync as Error
    this.#file.disk.sync(this.#file.fd)
    const { baseTid: tid, baseTime: time, nextOid } = header
    this.#tail = { offset: this.#end, tid, time, nextOid, checksum: this.#checksum, lastFrame: this.#lastFrame }
  }

  /** Says behind the frames of the finished file, whose lock is held, that an fsync has failed. Throws what the system refuses. */
  markSuspect(now: number): void {
    if (this.#tail === undefined) throw new StateError('markSuspect() needs finish() before it')
    const place = { tail: this.#tail, now, salt: this.salt, boot: this.#boot, syncedTo: this.#end }
    this.#file.write(assembleControl('suspect', new Uint8Array(), place), this.#end)
  }

  /** Begins to put on disk what is there, if that is much, while the caller goes on. */
  syncBehind(): void {
    if (this.#isSyncing || this.#end - this.#syncedFrom < MUCH) return
    this.#syncedFrom = this.#end
    this.#isSyncing = true
    this.#synced = this.#syncAfter(this.#synced).finally(() => (this.#isSyncing = false))
    this.#synced.catch((error: unknown) => (this.#failedSync = error)) // `sync` and `finish` tell
  }

  /** Puts on disk what is there: so that `finish` has little left to do. */
  async sync(): Promise<void> {
    this.flush()
    await this.#syncAfter(this.#synced)
  }

  /** Nothing is tried again behind a failure: the system tells of that once only. */
  async #syncAfter(before: Promise<void>): Promise<void> {
    await before
    await this.#file.disk.syncAsync(this.#file.fd)
  }

  /** To be waited for before the file is closed: its number may be another file's by the time that it is put on disk. */
  async settled(): Promise<void> {
    await this.#synced.catch(() => undefined)
  }
}
