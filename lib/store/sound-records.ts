// Goes through a damaged file: where the newest sound record of each object stands, and what is not sound. Owns what is known of the
// damaged file; only reads.
import { NotAStoreError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { findFrames } from '../log/damage.js'
import { decodeFileHeader, HEADER_LENGTH, isHeaderSound, saltOf, type FileHeader } from '../log/file-header.js'
import {
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  frameLength,
  mayBeginFrame,
  type FrameHeader,
} from '../log/frame.js'
import { OffsetIndex } from './offset-index.js'
import { readRecord, recordLength } from './record.js'
import { FIRST_FREE_OID, LOST_SHAPE, type Offset, type Oid, type StoredRecord } from './types.js'

/** Bytes of the file. */
export interface Part {
  readonly offset: number
  readonly bytes: number
}

export class SoundRecords {
  /** Where the newest version of each object stands. */
  readonly newest = new OffsetIndex()
  /** Of that, its shape, and the commit that wrote it. */
  readonly #shapeOf = new OffsetIndex()
  readonly #tidOf = new OffsetIndex()
  readonly #shapes = new Set<Oid>()
  /** The last commit that anything tells of. */
  lastTid: number
  lastTime: number
  nextOid: number
  /** Damaged stretches: where each begins, and how many bytes in it hold nothing sound. */
  readonly skipped: Part[] = []
  /** Commits of which not everything was found. */
  readonly missing: { readonly from: number; readonly to: number }[] = []
  /** The beginning of an append at the end of the file: no commit, and nothing of it is taken. */
  torn: Part | undefined
  /** undefined: it is damaged. */
  readonly #header: FileHeader | undefined
  readonly #file: DataFile
  readonly #path: string
  readonly #end: number
  #salt: number | undefined
  /** Commits that are whole, and the last one of the packed state. */
  readonly #tids: number[] = []
  #baseTid: number
  /** Up to where the file has been gone through. */
  #at = HEADER_LENGTH
  /** The frame that begins there, whose header alone is known to be sound. */
  #broken: FrameHeader | undefined
  /** The damaged stretch that ends there. */
  #stretch: { readonly offset: number; bytes: number } | undefined

  /** Throws NewerFormatError. */
  constructor(file: DataFile, path: string) {
    this.#file = file
    this.#path = path
    this.#end = file.end()
    const header = readHeader(file, path)
    this.#header = header
    if (header !== undefined) this.#salt = saltOf(header.uuid)
    else this.skipped.push({ offset: 0, bytes: HEADER_LENGTH })
    this.#baseTid = this.lastTid = header?.baseTid ?? 0
    this.lastTime = header?.baseTime ?? 0
    this.nextOid = Math.max(FIRST_FREE_OID, header?.nextOid ?? 0)
  }

  get end(): number {
    return this.#end
  }

  /** With what the checksums of its records begin. */
  get salt(): number {
    return this.#salt ?? 0
  }

  /** Something of the object is left, and the shape without which nobody could read it. */
  has(oid: Oid): boolean {
    if (this.newest.get(oid) === 0) return false
    const shape = this.#shapeOf.get(oid) as number as Oid
    return shape < FIRST_FREE_OID ? shape !== LOST_SHAPE : this.#shapes.has(shape)
  }

  /** It is neither a shape nor the id of a transaction. */
  isObject(oid: Oid): boolean {
    return this.#shapeOf.get(oid) >= FIRST_FREE_OID
  }

  /** Ids of transactions from before this time may be among what was not found. */
  idsSince(now: number): number {
    const known = this.#header?.idsSince ?? 0
    const isWhole = this.#header !== undefined && this.skipped.length + this.missing.length === 0
    // What was lost may be younger than what is left, but nothing is younger than this moment.
    return isWhole ? known : Math.max(known, this.lastTime + 1, Math.ceil(now))
  }

  /** Goes through the file; gives how far it is now and then. Throws NotAStoreError: nothing in it is a store's. */
  *collect(): Generator<number, void> {
    for (const found of findFrames(this.#file, HEADER_LENGTH, this.#end, undefined)) {
      if (typeof found !== 'number') this.#met(found.header, found.bytes)
      yield typeof found === 'number' ? Math.max(found, this.#at) : this.#at
    }
    if (this.#salt === undefined) throw new NotAStoreError(this.#path, 'nothing in this file belongs to a store')
    this.#finish()
    this.#findMissing()
  }

  #met(header: FrameHeader, whole: Uint8Array | undefined): void {
    this.#salt ??= header.salt
    if (header.salt !== this.#salt) return // a frame of another file, stored as data
    this.#passTo(header.offset)
    if (whole === undefined) {
      this.#broken = header
      return
    }
    this.#endStretch()
    if (header.kind === 'commit') this.#tids.push(header.tid)
    this.#takeHead(header)
    this.#takeRecords(header, whole.subarray(0, whole.length - FRAME_TRAILER_LENGTH))
    this.#at = header.offset + whole.length
  }

  /** What stands behind the last whole frame. */
  #finish(): void {
    const broken = this.#broken
    const baseEnd = this.#header?.baseEnd ?? 0
    const frameEnd = broken && broken.offset + frameLength(broken)
    if (frameEnd !== undefined && frameEnd <= this.#end) this.#passTo(frameEnd)
    this.#passTable()
    if (this.#at >= baseEnd && this.#isTorn()) this.torn = { offset: this.#at, bytes: this.#end - this.#at }
    else this.#passTo(this.#end)
    this.#endStretch()
    if (this.#end < baseEnd) this.skipped.push({ offset: this.#end, bytes: baseEnd - this.#end })
  }

  /** Whether an append that was not finished is all that is left: a reader says the same of it. */
  #isTorn(): boolean {
    const broken = this.#broken
    if (broken !== undefined) return broken.kind !== 'base'
    if (this.#at >= this.#end || this.#end - this.#at >= FRAME_HEADER_LENGTH) return false
    return mayBeginFrame(this.#read(this.#at, this.#end))
  }

  /** Nothing from where we are up to `to` is whole; of a frame whose header is sound, there are records. */
  #passTo(to: number): void {
    this.#passTable()
    if (to <= this.#at) return
    const broken = this.#broken
    this.#stretch ??= { offset: this.#at, bytes: 0 }
    this.#stretch.bytes += broken === undefined ? to - this.#at : this.#takeBroken(broken, to)
    this.#at = to
    this.#broken = undefined
  }

  #passTable(): void {
    const table = this.#header?.table
    if (this.#at === table?.at) this.#at = table.end
  }

  #endStretch(): void {
    if (this.#stretch !== undefined) this.skipped.push(this.#stretch)
    this.#stretch = undefined
  }

  /** Gives how many bytes up to `to` hold nothing sound. */
  #takeBroken(header: FrameHeader, to: number): number {
    this.#takeHead(header)
    const { offset } = header
    const bytes = this.#read(offset, Math.min(to, offset + frameLength(header)))
    return this.#takeRecords(header, bytes) + to - offset - bytes.length
  }

  #takeHead({ kind, tid, time, nextOid }: FrameHeader): void {
    this.nextOid = Math.max(this.nextOid, nextOid)
    if (kind === 'base') return
    this.lastTid = Math.max(this.lastTid, tid)
    this.lastTime = Math.max(this.lastTime, time)
  }

  /** Takes the sound records of a frame, one behind the other; gives the number of bytes in which there was none. */
  #takeRecords({ kind, offset, records }: FrameHeader, bytes: Uint8Array): number {
    let at = FRAME_HEADER_LENGTH
    let unsound = 0
    for (let n = 0; n < records && at < bytes.length; n++) {
      const record = readRecord(bytes, at, offset + at, this.salt)
      if (record !== undefined) this.#note(record)
      if (record !== undefined && kind === 'base') this.#baseTid = Math.max(this.#baseTid, record.tid)
      const length = record?.length ?? recordLength(bytes, at) // a damaged one may still say how long it is
      if (length === 0 || at + length > bytes.length) break
      if (record === undefined) unsound += length
      at += length
    }
    return unsound + Math.max(0, bytes.length - at)
  }

  #note({ oid, shape, tid, offset }: StoredRecord): void {
    if (shape === 0) this.#shapes.add(oid)
    const known = this.#tidOf.get(oid) as number
    if (tid > known || (tid === known && offset > this.newest.get(oid))) {
      this.newest.set(oid, offset)
      this.#shapeOf.set(oid, shape as number as Offset)
      this.#tidOf.set(oid, tid as number as Offset)
    }
    this.lastTid = Math.max(this.lastTid, tid)
    this.nextOid = Math.max(this.nextOid, oid + 1, shape + 1)
  }

  #findMissing(): void {
    this.lastTid = Math.max(1, this.lastTid) // a store is made by its first commit
    let last = this.#baseTid
    for (const tid of [...this.#tids.sort((a, b) => a - b), this.lastTid + 1]) {
      if (tid > last + 1) this.missing.push({ from: last + 1, to: tid - 1 })
      last = Math.max(last, tid)
    }
  }

  #read(from: number, to: number): Uint8Array {
    const bytes = Buffer.alloc(to - from)
    return bytes.subarray(0, this.#file.read(bytes, from))
  }
}

/** undefined: it is damaged. What a damaged one says of its version means nothing. */
function readHeader(file: DataFile, path: string): FileHeader | undefined {
  const bytes = new Uint8Array(HEADER_LENGTH)
  try {
    const length = file.read(bytes, 0)
    return isHeaderSound(bytes) ? decodeFileHeader(bytes.subarray(0, length), path) : undefined
  } catch (error) {
    if (error instanceof NotAStoreError) return undefined
    throw error
  }
}
