// Writes a packed file: records gathered into base frames, one after another behind the header's place; the header comes last,
// when it is known what the frames hold. Owns the position in the new file; knows nothing of where the records come from.
import { DataFile } from '../file/data-file.js'
import type { Disk, Fd } from '../file/disk.js'
import { chainStart, encodeFileHeader, HEADER_LENGTH, saltOf, type FileHeader } from '../log/file-header.js'
import {
  checkFrame,
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  frameLength,
  readFrameHeader,
  sealFrame,
} from '../log/frame.js'
import { mostRecordBytes, readRecord, writeRecord } from './record.js'
import type { StoredRecord } from './types.js'

/** A frame is written when it would grow beyond this; only a single record may be larger. */
const FRAME_SIZE = 1 << 20

export class BaseWriter {
  readonly #file: DataFile
  readonly #uuid: Uint8Array
  readonly #salt: number
  readonly #boot: number
  #buffer = Buffer.allocUnsafe(FRAME_SIZE)
  #used = FRAME_HEADER_LENGTH
  #count = 0
  #end = HEADER_LENGTH
  #checksum: number
  #verified = HEADER_LENGTH
  #verifiedChecksum: number

  constructor(disk: Disk, fd: Fd, uuid: Uint8Array) {
    this.#file = new DataFile(disk, fd)
    this.#uuid = uuid
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
    const most = mostRecordBytes(refs.length, state.length) + FRAME_TRAILER_LENGTH
    if (this.#used + most > this.#buffer.length) {
      this.flush()
      const whole = FRAME_HEADER_LENGTH + most
      if (whole > this.#buffer.length || this.#buffer.length > FRAME_SIZE) {
        this.#buffer = Buffer.allocUnsafe(Math.max(FRAME_SIZE, whole))
      }
    }
    this.#used = writeRecord(this.#buffer, this.#used, { oid, shape, tid, back: 0, refs, state }, this.#salt)
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
    this.#end += bytes.length
    this.#used = FRAME_HEADER_LENGTH
    this.#count = 0
  }

  /** Reads back what was written since the last call and checks it; `seen` gets every record. False: it is not what was written. */
  verify(seen: (record: StoredRecord) => boolean): boolean {
    this.flush()
    while (this.#verified < this.#end) {
      const head = Buffer.allocUnsafe(FRAME_HEADER_LENGTH)
      this.#file.read(head, this.#verified)
      const header = readFrameHeader(head, 0, this.#verified, this.#salt)
      if (header?.previous !== this.#verifiedChecksum) return false
      const bytes = Buffer.allocUnsafe(frameLength(header))
      if (this.#file.read(bytes, this.#verified) < bytes.length) return false
      const checksum = checkFrame(bytes, 0, header)
      if (checksum === undefined) return false
      let at = FRAME_HEADER_LENGTH
      for (let n = 0; n < header.records; n++) {
        const record = readRecord(bytes, at, this.#verified + at, this.#salt)
        if (record === undefined || !seen(record)) return false
        at += record.length
      }
      this.#verifiedChecksum = checksum
      this.#verified += bytes.length
    }
    return true
  }

  /** Puts the header before the frames, and everything on disk. */
  finish(header: Omit<FileHeader, 'uuid' | 'baseEnd'>): void {
    this.flush()
    this.#file.write(encodeFileHeader({ ...header, uuid: this.#uuid, baseEnd: this.#end }), 0)
    this.#file.disk.sync(this.#file.fd)
  }

  /** Puts on disk what is there: so that `finish` has little left to do. */
  sync(): Promise<void> {
    this.flush()
    return this.#file.disk.syncAsync(this.#file.fd)
  }
}
