// Salvage: whatever whole frames and sound records a damaged file still holds, put into a new file. Never touches the damaged one.
// An object of which nothing is left, but to which others refer, is put in as lost: touching it then says so.
import { CorruptLogError, NotAStoreError, StoreNotFoundError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import type { Disk } from '../file/disk.js'
import { asDiskError, onDisk } from '../file/disk-error.js'
import { findFrames } from '../log/damage.js'
import { decodeFileHeader, HEADER_LENGTH, saltOf, type FileHeader } from '../log/file-header.js'
import { FRAME_HEADER_LENGTH, FRAME_TRAILER_LENGTH, readFrameHeader, type FrameHeader } from '../log/frame.js'
import type { BaseWriter, Kept } from './base-writer.js'
import { atOnce, eachGiving, inSlices, type LongWork } from './long-work.js'
import { NewStore } from './new-store.js'
import { OffsetIndex } from './offset-index.js'
import { RecordBatch } from './record-batch.js'
import { readRecord, recordLength } from './record.js'
import { FIRST_FREE_OID, LOST_SHAPE, ROOT_OID, type Offset, type Oid, type StoredRecord, type Tid } from './types.js'

export interface RecoverReport {
  /** Objects in the new file, lost ones not counted. */
  readonly saved: number
  /** Objects that others refer to and of which nothing was left. */
  readonly lost: readonly number[]
  /** Damaged stretches: where each begins, and how many bytes in it hold nothing sound. */
  readonly skipped: readonly { readonly offset: number; readonly bytes: number }[]
  /** Commits of which nothing or not everything was found, by number, as far as that can be told: their changes are missing. */
  readonly missingCommits: readonly { readonly from: number; readonly to: number }[]
  /** The last commit of which something was found. */
  readonly lastTid: number
  /** The root is among what was lost: the new file can be inspected, and has no root to open it with. */
  readonly rootLost: boolean
}

/** How far a salvage has come. */
export interface RecoverProgress {
  readonly what: 'searching' | 'saving'
  /** Of `all`, in bytes or objects. */
  readonly done: number
  readonly all: number
}

/** Objects that are read in one step. */
const STEP = 1 << 8

/**
 * Salvages `from` into a new store `to`. Throws StoreNotFoundError, NotAStoreError (nothing in it is a store's),
 * UnsupportedError (`to` exists).
 */
export function recover(disk: Disk, from: string, to: string): RecoverReport {
  return onDisk(from, () => atOnce(salvaging(disk, from, to)))
}

/** The same in slices, with turns of the event loop between. Rejects with the reason of `options.signal` when that is aborted. */
export async function recoverAsync(
  disk: Disk,
  from: string,
  to: string,
  options: LongWork<RecoverProgress>,
): Promise<RecoverReport> {
  try {
    return await inSlices(disk, salvaging(disk, from, to), options)
  } catch (error) {
    throw asDiskError(from, error)
  }
}

function* salvaging(disk: Disk, from: string, to: string): Generator<RecoverProgress, RecoverReport> {
  if (disk.lookUp(from) === undefined) throw new StoreNotFoundError(from)
  const file = new DataFile(disk, disk.open(from, 'read'))
  let made: NewStore | undefined
  try {
    made = new NewStore(disk, to, file.status().mode)
    const salvage = new Salvage(file, from)
    yield* salvage.collect()
    yield* salvage.saveTo(made.writer)
    const { lastTid, lastTime, nextOid, header } = salvage
    const all = salvage.newest.size
    const rest = { baseTid: lastTid, baseTime: lastTime, nextOid, idsSince: header?.idsSince ?? 0 }
    yield* eachGiving(
      { what: 'saving', done: all, all },
      made.finish(rest, () => true),
    )
    made.publish()
    return salvage.report()
  } finally {
    made?.discard()
    file.close()
  }
}

class Salvage {
  readonly header: FileHeader | undefined
  /** Of the newest version of each object: where it stands, its shape, and the commit that wrote it. */
  readonly newest = new OffsetIndex()
  readonly #shapeOf = new OffsetIndex()
  readonly #tidOf = new OffsetIndex()
  readonly lost: Oid[] = []
  lastTid = 0
  lastTime = 0
  nextOid: number = FIRST_FREE_OID
  readonly #file: DataFile
  readonly #path: string
  readonly #end: number
  #salt: number | undefined
  readonly #skipped: { offset: number; bytes: number }[] = []
  readonly #tids: number[] = []
  readonly #missing: { from: number; to: number }[] = []
  readonly #shapes = new Set<Oid>()

  constructor(file: DataFile, path: string) {
    this.#file = file
    this.#path = path
    this.#end = file.end()
    this.header = readHeader(file, path)
    if (this.header !== undefined) {
      this.#salt = saltOf(this.header.uuid)
      this.nextOid = Math.max(this.nextOid, this.header.nextOid)
      this.lastTid = this.header.baseTid
      this.lastTime = this.header.baseTime
    }
  }

  /** Notes where every sound record stands, and which is the newest of each object. */
  *collect(): Generator<RecoverProgress, void> {
    const table = this.header?.table
    let at = HEADER_LENGTH
    for (const { header, bytes } of findFrames(this.#file, HEADER_LENGTH, this.#end, undefined)) {
      this.#salt ??= header.salt
      if (header.salt !== this.#salt) continue // a frame of another file, stored as data
      if (at === table?.at) at = table.end
      if (header.offset > at) this.#searchDamaged(at, header.offset)
      this.#take(header, bytes, bytes.length - FRAME_TRAILER_LENGTH)
      at = header.offset + bytes.length
      yield { what: 'searching', done: at, all: this.#end }
    }
    if (this.#salt === undefined) throw new NotAStoreError(this.#path, 'nothing in this file belongs to a store')
    if (at === table?.at) at = table.end
    if (at < this.#end) this.#searchDamaged(at, this.#end)
    this.#tids.sort((a, b) => a - b)
    let last = this.header?.baseTid ?? 0
    for (const tid of this.#tids) {
      if (tid > last + 1) this.#missing.push({ from: last + 1, to: tid - 1 })
      last = Math.max(last, tid)
    }
  }

  /** Copies the newest version of every object, and what says that of one nothing is left where others refer to it. */
  *saveTo(writer: BaseWriter): Generator<RecoverProgress, void> {
    const all = this.newest.size
    const gone = new Set<Oid>()
    const note = (oid: Oid): void => {
      if (this.newest.get(oid) === 0) gone.add(oid)
    }
    note(ROOT_OID)
    const records = new RecordBatch(this.#file, this.#end, this.#salt ?? 0, writer)
    let done = 0
    const rest = this.newest.entries()
    for (let next = rest.next(); next.done !== true;) {
      records.clear()
      for (; next.done !== true && !records.isFull; next = rest.next()) {
        const [oid, offset] = next.value
        const shape = this.#shapeOf.get(oid) as number as Oid
        records.add(oid, offset)
        if (shape >= FIRST_FREE_OID) note(shape)
        if (records.count % STEP === 0) yield { what: 'saving', done, all }
      }
      yield* eachGiving({ what: 'saving', done, all }, records.read())
      for (let n = 0; n < records.count; n++) {
        const count = records.copy(n)
        if (count < 0) throw new CorruptLogError(this.#path, records.place(n), 0, 'the file changes while it is read')
        for (let ref = 0; ref < count; ref++) note(records.refs[ref] ?? ROOT_OID)
        if (++done % STEP === 0) yield { what: 'saving', done, all }
      }
    }
    for (const oid of [...gone].sort((a, b) => a - b)) {
      this.lost.push(oid)
      writer.add(lostRecord(oid, this.lastTid))
    }
    // Nobody else may get the number of an object that is lost.
    this.nextOid = Math.max(this.nextOid, (this.lost.at(-1) ?? 0) + 1)
  }

  report(): RecoverReport {
    return {
      saved: this.newest.size - this.#shapes.size,
      lost: this.lost,
      skipped: this.#skipped,
      missingCommits: this.#missing,
      lastTid: this.lastTid,
      rootLost: this.newest.get(ROOT_OID) === 0,
    }
  }

  #take(header: FrameHeader, bytes: Uint8Array, bodyEnd: number): void {
    if (header.kind === 'commit') {
      this.#tids.push(header.tid)
      this.lastTid = Math.max(this.lastTid, header.tid)
      this.lastTime = Math.max(this.lastTime, header.time)
    }
    this.nextOid = Math.max(this.nextOid, header.nextOid)
    this.#takeRecords(bytes.subarray(0, bodyEnd), FRAME_HEADER_LENGTH, header.offset, header.records)
  }

  /** Takes the sound ones of up to `most` records, one behind the other; returns the number of bytes in which there was none. */
  #takeRecords(bytes: Uint8Array, at: number, offset: number, most: number): number {
    let unsound = 0
    for (let n = 0; n < most && at < bytes.length; n++) {
      const record = readRecord(bytes, at, offset + at, this.#salt ?? 0)
      if (record !== undefined) this.#note(record)
      const length = record?.length ?? recordLength(bytes, at) // a damaged one may still say how long it is
      if (length === 0 || at + length > bytes.length) break
      if (record === undefined) unsound += length
      at += length
    }
    return unsound + bytes.length - at
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
    this.nextOid = Math.max(this.nextOid, oid + 1)
  }

  /** A stretch without a whole frame: if it begins with a sound frame header, there are records in it. */
  #searchDamaged(from: number, to: number): void {
    const bytes = Buffer.alloc(to - from)
    this.#file.read(bytes, from)
    const header = readFrameHeader(bytes, 0, from, this.#salt)
    let unsound = bytes.length
    if (header !== undefined) {
      this.nextOid = Math.max(this.nextOid, header.nextOid)
      unsound = this.#takeRecords(bytes, FRAME_HEADER_LENGTH, from, header.records)
    }
    this.#skipped.push({ offset: from, bytes: unsound })
  }
}

function readHeader(file: DataFile, path: string): FileHeader | undefined {
  const bytes = new Uint8Array(HEADER_LENGTH)
  try {
    return decodeFileHeader(bytes.subarray(0, file.read(bytes, 0)), path)
  } catch (error) {
    if (error instanceof NotAStoreError) return undefined
    throw error
  }
}

function lostRecord(oid: Oid, tid: number): Kept {
  return { oid, shape: LOST_SHAPE, tid: tid as Tid, refs: [], state: new Uint8Array() }
}
