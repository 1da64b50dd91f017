// What a salvage takes out of a damaged file: where the newest sound record of each object stands, and what is known of the commits.
// Only reads.
import { NotAStoreError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { decodeFileHeader, HEADER_LENGTH, isHeaderSound, type FileHeader } from '../log/file-header.js'
import type { FrameHeader } from '../log/frame.js'
import { DamagedLog, type FramePart, type Part } from './damaged-log.js'
import { FrameRecords } from './frame-records.js'
import { OffsetIndex } from './offset-index.js'
import { OidSet } from './oid-set.js'
import type { RecordCursor } from './record-cursor.js'
import { FIRST_FREE_OID, LOST_SHAPE, type Offset, type Oid } from './types.js'

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
  /** Commits of which not everything was found. */
  readonly missing: { readonly from: number; readonly to: number }[] = []
  /** undefined: it is damaged. */
  readonly #header: FileHeader | undefined
  readonly #log: DamagedLog
  /** Commits that are whole: there may be many millions. */
  readonly #tids = new OidSet()
  #baseTid: number

  /** Throws NewerFormatError. */
  constructor(file: DataFile, path: string) {
    const header = readHeader(file, path)
    this.#header = header
    this.#log = new DamagedLog(file, path, header, frame => this.#take(frame))
    this.#baseTid = this.lastTid = header?.baseTid ?? 0
    this.lastTime = header?.baseTime ?? 0
    this.nextOid = Math.max(FIRST_FREE_OID, header?.nextOid ?? 0)
  }

  /** Nothing that was found stands behind it. */
  get end(): number {
    return this.#log.end
  }

  /** With what the checksums of the records begin. */
  get salt(): number {
    return this.#log.salt
  }

  /** Damaged stretches: where each begins, and how many bytes in it hold nothing sound. */
  get skipped(): readonly Part[] {
    return this.#log.skipped
  }

  /** Frames whose header was damaged, and could be put right. */
  get rebuilt(): readonly Part[] {
    return this.#log.rebuilt
  }

  /** The end of the file, if it is no commit. */
  get torn(): Part | undefined {
    return this.#log.torn
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
    yield* this.#log.goThrough()
    this.lastTid = Math.max(this.lastTid, this.#log.told)
    this.#findMissing()
  }

  *#take({ header, at: start, isWhole, bytes }: FramePart): Generator<void, number> {
    const isBase = header.kind === 'base'
    if (header.kind === 'commit' && isWhole) this.#tids.add(header.tid as Oid)
    this.#takeHead(header)
    const { baseTid: tid = Infinity, nextOid = Infinity } = this.#header ?? {}
    const records = new FrameRecords(header, bytes, this.salt, { tid, nextOid })
    return yield* records.each((record, at) => {
      this.#note(record, (start + at) as Offset)
      if (isBase) this.#baseTid = Math.max(this.#baseTid, record.tid)
    })
  }

  #takeHead({ kind, tid, time, nextOid }: FrameHeader): void {
    this.nextOid = Math.max(this.nextOid, nextOid)
    if (kind === 'base') return
    this.lastTid = Math.max(this.lastTid, tid)
    this.lastTime = Math.max(this.lastTime, time)
  }

  #note({ oid, shape, tid }: RecordCursor, offset: Offset): void {
    if (shape === 0) this.#shapes.add(oid)
    const known = this.#tidOf.get(oid) as number
    if (tid > known || (tid === known && offset > this.newest.get(oid))) {
      this.newest.set(oid, offset)
      this.#shapeOf.set(oid, shape as number as Offset)
      this.#tidOf.set(oid, tid as Offset)
    }
    this.lastTid = Math.max(this.lastTid, tid)
    this.nextOid = Math.max(this.nextOid, oid + 1, shape + 1)
  }

  #findMissing(): void {
    this.lastTid = Math.max(1, this.lastTid) // a store is made by its first commit
    let last = this.#baseTid
    const passTo = (tid: number): void => {
      if (tid > last + 1) this.missing.push({ from: last + 1, to: tid - 1 })
      last = Math.max(last, tid)
    }
    for (const tid of this.#tids) passTo(tid)
    passTo(this.lastTid + 1)
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
