// Salvage: whatever whole frames and sound records a damaged file still holds, put into a new file. Never touches the damaged one.
// An object of which nothing is left, but to which others refer, is put in as lost: touching it then says so.
import { CorruptLogError, NotAStoreError, StoreNotFoundError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import type { Disk } from '../file/disk.js'
import { asDiskError, isSystemError } from '../file/disk-error.js'
import type { BaseWriter, Kept } from './base-writer.js'
import { atOnce, eachGiving, inSlices, type LongWork } from './long-work.js'
import type { Part } from './damaged-log.js'
import { NewStore } from './new-store.js'
import { OidSet } from './oid-set.js'
import { RecordBatch } from './record-batch.js'
import { SoundRecords } from './sound-records.js'
import { LOST_SHAPE, ROOT_OID, type Oid, type Tid } from './types.js'

export interface RecoverReport {
  /** Objects in the new file, parts of large collections included, lost ones not counted. */
  readonly saved: number
  /** Objects that others refer to and of which nothing was left, or not their shape, without which nobody can read them. */
  readonly lost: readonly number[]
  /** Damaged stretches: where each begins, and how many bytes in it hold nothing sound. */
  readonly skipped: readonly Part[]
  /** Frames whose header was damaged, and could be put right: all that stands around it proves what it said. Nothing of them is missing. */
  readonly rebuilt: readonly Part[]
  /** The end of the file that holds no commit, and is left out: an append that was never finished, or what a power cut has damaged. */
  readonly torn: Part | undefined
  /** Commits of which nothing or not everything was found, by number, as far as that can be told: their changes are missing. */
  readonly missingCommits: readonly { readonly from: number; readonly to: number }[]
  /** The last commit that anything in the file tells of: the new file goes on behind it. */
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
 * NewerFormatError, UnsupportedError (`to` exists), DiskError.
 */
export function recover(disk: Disk, from: string, to: string): RecoverReport {
  try {
    return atOnce(salvaging(disk, from, to))
  } catch (error) {
    throw withPath(error, from, to)
  }
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
    throw withPath(error, from, to)
  }
}

/** The damaged file is only read: what cannot be done otherwise concerns the new one. */
function withPath(error: unknown, from: string, to: string): unknown {
  if (!isSystemError(error)) return error
  return asDiskError(error.path ?? (error.syscall === 'read' ? from : to), error)
}

function* salvaging(disk: Disk, from: string, to: string): Generator<RecoverProgress, RecoverReport> {
  const there = disk.lookUp(from)
  if (there === undefined) throw new StoreNotFoundError(from)
  if (!there.isFile) throw new NotAStoreError(from, 'this is not a regular file')
  const file = new DataFile(disk, disk.open(from, 'read'))
  let made: NewStore | undefined
  try {
    made = new NewStore(disk, to, file.status().mode)
    const found = new SoundRecords(file, from)
    for (const done of found.collect()) yield { what: 'searching', done, all: found.end }
    const { saved, lost } = yield* copying(found, file, from, made.writer)
    const { lastTid, lastTime, skipped, rebuilt, torn, missing: missingCommits } = found
    for (const oid of lost) made.writer.add(lostRecord(oid, lastTid))
    // Nobody else may get the number of an object that is lost.
    const nextOid = Math.max(found.nextOid, (lost.at(-1) ?? 0) + 1)
    const rest = { baseTid: lastTid, baseTime: lastTime, nextOid, idsSince: found.idsSince(disk.now()) }
    const all = found.newest.size
    yield* eachGiving(
      { what: 'saving', done: all, all },
      made.finish(rest, () => true),
    )
    made.publish()
    return { saved, lost, skipped, rebuilt, torn, missingCommits, lastTid, rootLost: !found.has(ROOT_OID) }
  } finally {
    made?.discard()
    file.close()
  }
}

/** Copies the newest version of everything that was found; gives which objects others refer to and nothing says anything of. */
function* copying(
  found: SoundRecords,
  file: DataFile,
  path: string,
  writer: BaseWriter,
): Generator<RecoverProgress, { readonly saved: number; readonly lost: Oid[] }> {
  const all = found.newest.size
  const gone = new OidSet()
  const note = (oid: Oid): void => {
    if (!found.has(oid)) gone.add(oid)
  }
  note(ROOT_OID)
  const records = new RecordBatch(file, found.end, found.salt, writer)
  let done = 0
  let saved = 0
  const rest = found.newest.entries()
  for (let next = rest.next(); next.done !== true;) {
    records.clear()
    for (; next.done !== true && !records.isFull; next = rest.next()) {
      const [oid, offset] = next.value
      if (!found.has(oid)) continue
      records.add(oid, offset)
      if (found.isObject(oid)) saved++
      if (records.count % STEP === 0) yield { what: 'saving', done, all }
    }
    yield* eachGiving({ what: 'saving', done, all }, records.read())
    for (let n = 0; n < records.count; n++) {
      const count = records.copy(n)
      if (count < 0) throw new CorruptLogError(path, records.place(n), 0, 'the file changes while it is read')
      for (let ref = 0; ref < count; ref++) note(records.refs[ref] ?? ROOT_OID)
      if (++done % STEP === 0) yield { what: 'saving', done, all }
    }
  }
  return { saved, lost: [...gone] }
}

function lostRecord(oid: Oid, tid: number): Kept {
  return { oid, shape: LOST_SHAPE, tid: tid as Tid, refs: [], state: new Uint8Array() }
}
