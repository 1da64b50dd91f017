// The check of a whole file: every frame, checksum and reference, as a stream of findings. Changes nothing, needs no lock.
import { CorruptLogError } from '../error.js'
import type { Disk } from '../file/disk.js'
import { asDiskError, onDisk } from '../file/disk-error.js'
import { FRAME_HEADER_LENGTH } from '../log/frame.js'
import { Generation } from './generation.js'
import { LogIndex } from './log-index.js'
import { atOnce, eachGiving, inSlices, type LongWork } from './long-work.js'
import { OidSet } from './oid-set.js'
import { packedTable } from './packed-table.js'
import { RecordCursor } from './record-cursor.js'
import { RecordRules } from './record-rules.js'
import { FIRST_FREE_OID, ROOT_OID, type Offset, type Oid } from './types.js'
import { checkBehind, whatFollows } from './verify-behind.js'

/** Bytes, and objects, that are read in one step. */
const STEP = 1 << 20
const OBJECTS_IN_STEP = 1 << 10

/** Said of what has a sound checksum and an unknown form. */
export const MAY_BE_NEWER = ': a newer version of perdure may have written it, or what is no perdure'

/** Something that is wrong, or (`tail`) worth knowing. */
export interface Finding {
  readonly kind: 'frame' | 'record' | 'reference' | 'shape' | 'root' | 'collection' | 'note' | 'table' | 'tail'
  /** Where in the file; 0: nowhere in particular. */
  readonly offset: number
  readonly oid?: number
  readonly message: string
}

export interface VerifySummary {
  /** That stand in the file one by one: those since the last pack, if there was one. */
  readonly commits: number
  /** The last commit that a pack has put together with those before; undefined: there was no pack. */
  readonly packedUpTo: number | undefined
  readonly records: number
  /** Up to where the log is sound. */
  readonly bytes: number
  /** Damage: findings other than a torn tail, which the next writer removes. */
  readonly damage: number
}

/** How far a check has come: it reads the file twice, then looks whether any object was left out. */
export interface VerifyProgress {
  readonly what: 'frames' | 'records' | 'references' | 'collections'
  /** Of `all`, in bytes or objects. */
  readonly done: number
  readonly all: number
}

/** Whether what a commit says of itself can be read, which is not known in this layer. */
type CheckAnnotation = (annotation: Uint8Array) => boolean

/**
 * Reads every frame and record, and checks every reference of the newest versions; `found` gets what is wrong as it comes.
 * Throws StoreNotFoundError, NotAStoreError, NewerFormatError.
 */
export function verify(
  disk: Disk,
  path: string,
  found: (finding: Finding) => void,
  checkAnnotation?: CheckAnnotation,
): VerifySummary {
  return onDisk(path, () => atOnce(verifying(disk, path, found, checkAnnotation)))
}

/** The same in slices, with turns of the event loop between. Rejects with the reason of `options.signal` when that is aborted. */
export async function verifyAsync(
  disk: Disk,
  path: string,
  found: (finding: Finding) => void,
  options: LongWork<VerifyProgress>,
  checkAnnotation?: CheckAnnotation,
): Promise<VerifySummary> {
  try {
    return await inSlices(disk, verifying(disk, path, found, checkAnnotation), options)
  } catch (error) {
    throw asDiskError(path, error)
  }
}

function* verifying(
  disk: Disk,
  path: string,
  found: (finding: Finding) => void,
  checkAnnotation: CheckAnnotation = () => true,
): Generator<VerifyProgress, VerifySummary> {
  const generation = Generation.open(disk, path, 'read', Infinity, false)
  try {
    let damage = 0
    const report = (finding: Finding): void => {
      if (finding.kind !== 'tail') damage++
      found(finding)
    }
    const isReadToEnd = yield* checkFrames(generation, report)
    const packed = new LogIndex()
    const checked = new OidSet()
    const counts = yield* checkRecords(generation, packed, checked, checkAnnotation, report)
    yield* checkTable(generation, packed, report)
    if (isReadToEnd && generation.newest(ROOT_OID) === 0)
      report({ kind: 'root', offset: 0, oid: ROOT_OID, message: 'there is no root object' })
    yield* checkOthers(generation, checked, report)
    const { baseTid } = generation.header
    const packedUpTo = baseTid === 0 ? undefined : baseTid
    return { ...counts, packedUpTo, bytes: generation.reader.tail.offset, damage }
  } finally {
    generation.release()
  }
}

/** Leaves the generation's reader where the first damage is, or the end: gives which. */
function* checkFrames(generation: Generation, report: (finding: Finding) => void): Generator<VerifyProgress, boolean> {
  const { reader, file } = generation
  try {
    let status = reader.advance(STEP)
    for (; status === 'budget'; status = reader.advance(STEP))
      yield { what: 'frames', done: reader.tail.offset, all: file.end() }
    if (status !== 'short' && status !== 'torn') return true
    const left = file.end() - reader.tail.offset
    const message =
      status === 'short'
        ? `${left} bytes of an incomplete commit: the next writer removes them`
        : `${left} bytes damaged by a power cut before they were on disk: the next writer saves them aside and removes them`
    report({ kind: 'tail', offset: reader.tail.offset, message })
    return true
  } catch (error) {
    if (!(error instanceof CorruptLogError)) throw error
    report({ kind: 'frame', offset: error.offset, message: whatIsDamaged(error) })
    const all = file.end()
    for (const done of checkBehind(generation, error, report)) yield { what: 'frames', done, all }
    return false
  }
}

function whatIsDamaged({ what, lastGoodTid, nextGoodOffset }: CorruptLogError): string {
  const before = lastGoodTid > 0 ? `the last good commit before it is ${lastGoodTid}` : 'no commit before it is whole'
  return `${what}; ${before}; ${whatFollows(nextGoodOffset)}`
}

/**
 * Every record is checked for itself; the newest version of each object, too, for what it refers to: those objects are noted in
 * `checked`. `packed` gets what stands before the packed state's table.
 */
function* checkRecords(
  generation: Generation,
  packed: LogIndex,
  checked: OidSet,
  checkAnnotation: CheckAnnotation,
  report: (finding: Finding) => void,
): Generator<VerifyProgress, { commits: number; records: number }> {
  const { reader, header: file } = generation
  const { salt } = reader
  const all = reader.tail.offset
  const checkLinks = linkCheck(generation, report)
  const record = new RecordCursor()
  const rules = new RecordRules(file.baseTid)
  let commits = 0
  let records = 0
  const stop = new Error('the frames behind this are damaged')
  const steps = generation.log.replaying((header, bytes, from, end) => {
    if (header.offset >= all) throw stop
    if (header.kind === 'commit') commits++
    if (file.table !== undefined && header.offset < file.table.at)
      packed.addFrame(header, bytes, from, end, { nextOid: file.nextOid, salt, displaced: undefined })
    const shift = header.offset + FRAME_HEADER_LENGTH - from
    const body = bytes.subarray(0, end)
    let at = from
    for (let n = 0; n < header.records; n++) {
      const offset = (shift + at) as Offset
      if (!record.check(body, at, salt) || record.back > offset) {
        report({ kind: 'record', offset, message: `record ${n + 1} of a sound frame is damaged` })
        return
      }
      const broken = rules.broken(header, record, offset)
      if (broken !== undefined) report({ kind: 'record', offset, oid: record.oid, message: broken })
      if (generation.newest(record.oid) === offset && checked.add(record.oid)) checkLinks(record, offset)
      records++
      at = record.end
    }
    if (header.kind === 'commit' && !checkAnnotation(body.subarray(at))) {
      const message = `what commit ${header.tid} says of itself (note and meta) cannot be read${MAY_BE_NEWER}`
      report({ kind: 'note', offset: header.offset, message })
    }
    if (header.kind === 'base' && at !== end)
      report({ kind: 'frame', offset: header.offset, message: 'a frame of the packed state has more than its records' })
  })
  try {
    for (const done of steps) yield { what: 'records', done, all }
  } catch (error) {
    if (error !== stop && !(error instanceof CorruptLogError)) throw error
  }
  return { commits, records }
}

type Links = Pick<RecordCursor, 'oid' | 'shape' | 'count'> & { readonly refs: readonly Oid[] }

/** Says what of the shape and the references of a newest version is not there; nothing if not even the packed state is. */
function linkCheck(generation: Generation, report: (finding: Finding) => void): (links: Links, offset: Offset) => void {
  if (generation.reader.tail.offset < generation.header.baseEnd) return () => undefined
  const shapes = new Set<Oid>(generation.shapes)
  return ({ oid, shape, count, refs }, offset) => {
    if (shape >= FIRST_FREE_OID && !shapes.has(shape)) {
      report({ kind: 'shape', offset, oid, message: `object ${oid} names shape ${shape}, which is none` })
    }
    for (let n = 0; n < count; n++) {
      const ref = refs[n] ?? ROOT_OID
      if (generation.newest(ref) !== 0) continue
      report({ kind: 'reference', offset, oid, message: `object ${oid} refers to object ${ref}, which is not there` })
    }
  }
}

/** The packed state's own table must say where its records stand. `packed`: what they say themselves. */
function* checkTable(
  generation: Generation,
  packed: LogIndex,
  report: (finding: Finding) => void,
): Generator<VerifyProgress, void> {
  const { table: place } = generation.header
  if (place === undefined || generation.reader.tail.offset < place.end) return // damaged before it
  const table = packedTable(generation.file, generation.header)
  const all = generation.reader.tail.offset
  const wrong =
    table === undefined
      ? 'it cannot be read'
      : yield* eachGiving({ what: 'records', done: all, all }, new LogIndex(table).differenceFrom(packed))
  if (wrong === undefined) return
  const message = `the table of the packed state is damaged (${wrong}): opening reads all of it instead; a pack makes it anew`
  report({ kind: 'table', offset: place.at, message })
}

/** Objects whose newest versions were not met where the records were checked. */
function* checkOthers(
  generation: Generation,
  checked: OidSet,
  report: (finding: Finding) => void,
): Generator<VerifyProgress, void> {
  const checkLinks = linkCheck(generation, report)
  const all = generation.index.size
  let done = 0
  for (const [oid, offset] of generation.entries()) {
    if (++done % OBJECTS_IN_STEP === 0) yield { what: 'references', done, all }
    if (checked.has(oid)) continue
    let record
    try {
      record = generation.read(offset)
    } catch (error) {
      if (!(error instanceof CorruptLogError)) throw error
      continue // reported with its frame
    }
    if (record.oid === oid) checkLinks({ ...record, count: record.refs.length }, offset)
    else report({ kind: 'record', offset, oid, message: `object ${oid} is indexed where object ${record.oid} stands` })
  }
}
