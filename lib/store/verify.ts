// The check of a whole file: every frame, checksum and reference, as a stream of findings. Changes nothing, needs no lock.
import { CorruptLogError } from '../error.js'
import type { Disk } from '../file/disk.js'
import { onDisk } from '../file/disk-error.js'
import { FRAME_HEADER_LENGTH } from '../log/frame.js'
import { Generation } from './generation.js'
import { readRecord } from './record.js'
import { FIRST_FREE_OID, ROOT_OID, type Oid } from './types.js'

/** Something that is wrong, or (`tail`) worth knowing. */
export interface Finding {
  readonly kind: 'frame' | 'record' | 'reference' | 'shape' | 'root' | 'collection' | 'tail'
  /** Where in the file; 0: nowhere in particular. */
  readonly offset: number
  readonly oid?: number
  readonly message: string
}

export interface VerifySummary {
  readonly commits: number
  readonly records: number
  /** Up to where the log is sound. */
  readonly bytes: number
  /** Damage: findings other than a torn tail, which the next writer removes. */
  readonly damage: number
}

/**
 * Reads every frame and record, and checks every reference of the newest versions; `found` gets what is wrong as it comes.
 * Throws StoreNotFoundError, NotAStoreError, NewerFormatError.
 */
export function verify(disk: Disk, path: string, found: (finding: Finding) => void): VerifySummary {
  return onDisk(path, () => verifyFile(disk, path, found))
}

function verifyFile(disk: Disk, path: string, found: (finding: Finding) => void): VerifySummary {
  const generation = Generation.open(disk, path, 'read', Infinity, false)
  try {
    let damage = 0
    const report = (finding: Finding): void => {
      if (finding.kind !== 'tail') damage++
      found(finding)
    }
    checkFrames(generation, report)
    const counts = checkRecords(generation, report)
    checkReferences(generation, report)
    return { ...counts, bytes: generation.reader.tail.offset, damage }
  } finally {
    generation.release()
  }
}

/** Leaves the generation's reader behind the last sound frame. */
function checkFrames({ reader, file }: Generation, report: (finding: Finding) => void): void {
  try {
    const status = reader.advance()
    if (status !== 'short' && status !== 'torn') return
    const left = file.end() - reader.tail.offset
    const message =
      status === 'short'
        ? `${left} bytes of an incomplete commit: the next writer removes them`
        : `${left} bytes damaged by a power cut before they were on disk: the next writer saves them aside and removes them`
    report({ kind: 'tail', offset: reader.tail.offset, message })
  } catch (error) {
    if (!(error instanceof CorruptLogError)) throw error
    report({ kind: 'frame', offset: error.offset, message: whatIsDamaged(error) })
  }
}

function whatIsDamaged({ what, lastGoodTid, nextGoodOffset }: CorruptLogError): string {
  const behind = nextGoodOffset === undefined ? 'nothing sound follows' : `sound data follows from ${nextGoodOffset} on`
  return `${what}; the last good commit before it is ${lastGoodTid}; ${behind}`
}

function checkRecords(
  generation: Generation,
  report: (finding: Finding) => void,
): { commits: number; records: number } {
  const { reader } = generation
  let commits = 0
  let records = 0
  const stop = new Error('the frames behind this are damaged')
  try {
    generation.replay((header, bytes, from, end) => {
      if (header.offset >= reader.tail.offset) throw stop
      if (header.kind === 'commit') commits++
      const shift = header.offset + FRAME_HEADER_LENGTH - from
      const body = bytes.subarray(0, end)
      for (let at = from, n = 0; n < header.records; n++) {
        const record = readRecord(body, at, shift + at, reader.salt)
        if (record === undefined) {
          report({ kind: 'record', offset: shift + at, message: `record ${n + 1} of a sound frame is damaged` })
          return
        }
        records++
        at += record.length
      }
    })
  } catch (error) {
    if (error !== stop && !(error instanceof CorruptLogError)) throw error
  }
  return { commits, records }
}

function checkReferences(generation: Generation, report: (finding: Finding) => void): void {
  if (generation.newest(ROOT_OID) === 0)
    report({ kind: 'root', offset: 0, oid: ROOT_OID, message: 'there is no root object' })
  const shapes = new Set<Oid>(generation.shapes)
  for (const [oid, offset] of generation.entries()) {
    let record
    try {
      record = generation.read(offset)
    } catch (error) {
      if (!(error instanceof CorruptLogError)) throw error
      continue // reported with its frame
    }
    if (record.oid !== oid) {
      report({ kind: 'record', offset, oid, message: `object ${oid} is indexed where object ${record.oid} stands` })
      continue
    }
    if (record.shape >= FIRST_FREE_OID && !shapes.has(record.shape)) {
      report({ kind: 'shape', offset, oid, message: `object ${oid} names shape ${record.shape}, which is none` })
    }
    for (const ref of record.refs) {
      if (generation.newest(ref) !== 0) continue
      report({ kind: 'reference', offset, oid, message: `object ${oid} refers to object ${ref}, which is not there` })
    }
  }
}
