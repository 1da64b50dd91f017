// Writes a packed file: records gathered into base frames, one after another behind the header's place, with a table of where they
// stand; the header comes last, when it is known what the frames hold. Owns the position in the new file, and the index of what it
// holds; knows nothing of where the records come from.
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
import { LogIndex } from './log-index.js'
import { inPieces, tableParts } from './offset-table.js'
import { copyRecord, mostRecordBytes, readRecord, writeRecord } from './record.js'
import { ID_SHAPE, type Offset, type Oid, type StoredRecord } from './types.js'

/** A copied record is longer by at most so many bytes: a length of more bytes, and that it replaces none. */
const GROWTH = 16
/** A frame is written when it would grow beyond this; only a single record may be larger. */
const FRAME_SIZE = 1 << 20

/** What names the new file. */
export type BaseName = Pick<FileHeader, 'storeId' | 'uuid'>

export class BaseWriter {
  readonly #file: DataFile
  readonly #name: BaseName
  readonly #index = new LogIndex()
  readonly #salt: number
  readonly #boot: number
  #buffer = Buffer.allocUnsafe(FRAME_SIZE)
  #used = FRAME_HEADER_LENGTH
  #count = 0
  #end = HEADER_LENGTH
  #checksum: number
  #lastFrame = 0
  #table: TablePlace | undefined
  #tableSum = 0
  #verified = HEADER_LENGTH
  #verifiedChecksum: number

  constructor(disk: Disk, fd: Fd, name: BaseName) {
    const { uuid } = name
    this.#file = new DataFile(disk, fd)
    this.#name = name
    this.#salt = saltOf(uuid)
    this.#boot = disk.boot
    this.#checksum = this.#verifiedChecksum = chainStart(uuid)
  }

  /** Bytes of the new file so far. */
  get end(): number {
    return this.#end + (this.#count === 0 ? 0 : this.#used + FRAME_TRAILER_LENGTH)
  }

  /** Copies a version: state, references, shape and tid as they are. */
  add(record: StoredRecord): void {
    const { oid, shape, tid, refs, state } = record
    this.#makeRoom(mostRecordBytes(refs.length, state.length))
    const at = this.#used
    this.#took(oid, shape, writeRecord(this.#buffer, at, { oid, shape, tid, back: 0, refs, state }, this.#salt))
  }

  /**
   * The same for the record of `length` bytes at `at`, as it stands in a file with this salt; `refs` gets what it refers to. False:
   * it is damaged, or not one of object `oid`.
   */
  copy(oid: Oid, bytes: Uint8Array, at: number, length: number, salt: number, refs: Oid[]): boolean {
    this.#makeRoom(length + GROWTH)
    const copied = copyRecord(bytes, at, this.#buffer, this.#used, { from: salt, to: this.#salt }, refs)
    if (copied?.oid !== oid) return false
    this.#took(oid, copied.shape, copied.end)
    return true
  }

  #makeRoom(most: number): void {
    if (this.#used + most + FRAME_TRAILER_LENGTH <= this.#buffer.length) return
    this.flush()
    const whole = FRAME_HEADER_LENGTH + most + FRAME_TRAILER_LENGTH
    if (whole > this.#buffer.length || this.#buffer.length > FRAME_SIZE) {
      this.#buffer = Buffer.allocUnsafe(Math.max(FRAME_SIZE, whole))
    }
  }

  #took(oid: Oid, shape: Oid, end: number): void {
    const from = this.#used
    const at = (this.#end + from) as Offset
    this.#index.offsets.set(oid, at)
    if (shape <= ID_SHAPE) this.#index.addSpecial(oid, shape, () => readRecord(this.#buffer, from, at, this.#salt))
    this.#used = end
    this.#count++
  }

  /** Writes the frame that is being gathered. */
  flush(): void {
    if (this.#count === 0) return
    const bytes = this.#buffer.subarray(0, this.#used + FRAME_TRAILER_LENGTH)
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
      salt: this.#salt,
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
   * Reads back what was written since the last call and checks it, a step for each frame; `seen` gets every record. Gives whether it
   * is what was written.
   */
  *verify(seen: (record: StoredRecord) => boolean): Generator<void, boolean> {
    this.flush()
    while (this.#verified < this.#end) {
      if (this.#verified === this.#table?.at) {
        if (!(yield* this.#verifyTable(this.#table))) return false
        continue
      }
      const header = this.#readHeader()
      if (header?.previous !== this.#verifiedChecksum) return false
      const bytes = Buffer.allocUnsafe(frameLength(header))
      if (this.#file.read(bytes, this.#verified) < bytes.length) return false
      const sum = checkFrame(bytes, 0, header)
      if (sum === undefined) return false
      let at = FRAME_HEADER_LENGTH
      for (let n = 0; n < header.records; n++) {
        const record = readRecord(bytes, at, this.#verified + at, this.#salt)
        if (record === undefined || !seen(record)) return false
        at += record.length
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
    return readFrameHeader(head, 0, this.#verified, this.#salt)
  }

  /** Puts the header before the frames, and everything on disk. */
  finish(header: Omit<FileHeader, keyof BaseName | 'baseEnd' | 'table'>): void {
    this.flush()
    this.#file.write(encodeFileHeader({ ...header, ...this.#name, baseEnd: this.#end, table: this.#table }), 0)
    this.#file.disk.sync(this.#file.fd)
  }

  /** Puts on disk what is there: so that `finish` has little left to do. */
  sync(): Promise<void> {
    this.flush()
    return this.#file.disk.syncAsync(this.#file.fd)
  }
}
