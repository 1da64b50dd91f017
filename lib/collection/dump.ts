// A state of a store as text: one JSON object a line, for other programs, for people, and for `loadDump`. See spec/format.md.
// Reads one snapshot, and no class.
import { CorruptLogError } from '../error.js'
import type { Disk } from '../file/disk.js'
import { Decoder, unpackState } from '../object/decoder.js'
import { jsonText, toJson, type Json } from '../object/json.js'
import { Reference } from '../object/reference.js'
import { ShapeTable, type Shape } from '../object/shapes.js'
import { asUnreadable } from '../object/unreadable.js'
import { inSlices, type LongWork } from '../store/long-work.js'
import { reachable } from '../store/reachable.js'
import type { Snapshot } from '../store/snapshot.js'
import { decodeId } from '../store/transaction-id.js'
import { FIRST_FREE_OID, ID_SHAPE, LOST_SHAPE, type Oid, type StoredRecord, type Tid } from '../store/types.js'
import { listedField } from './tree/listed-values.js'

export const DUMP_VERSION = 1

/** How far a dump has come. */
export interface DumpProgress {
  /** Records written so far. */
  readonly done: number
  /** Records in the store, reachable or not: an upper bound of what is to be written. */
  readonly all: number
}

export interface DumpReport {
  /** Lines between the first and the last. */
  readonly records: number
  /** Objects of which a salvage saved nothing, or not their shape. */
  readonly lost: number
  /** The commit whose state it is. */
  readonly tid: Tid
}

/**
 * Everything that can be reached, all shapes, and the ids of transactions. `write` gets one line after another, without
 * line ends, and whether it is of a lost object; the last one says that it is. Rejects with the reason of `options.signal` when that is aborted; CorruptLogError,
 * SchemaError (a newer version wrote it), UnsupportedError (a record is too large for a line).
 */
export function dump(
  disk: Disk,
  snapshot: Snapshot,
  write: (line: string, isLost: boolean) => void,
  options: LongWork<DumpProgress>,
): Promise<DumpReport> {
  return inSlices(disk, dumping(snapshot, write), options)
}

function* dumping(
  snapshot: Snapshot,
  write: (line: string, isLost: boolean) => void,
): Generator<DumpProgress, DumpReport> {
  const { generation, tid, time } = snapshot
  const { nextOid } = generation.reader.tail
  const { idsSince } = generation.header
  const all = generation.index.size
  const shapes = new ShapeTable()
  const known = new Set(generation.shapes)
  const missing = (oid: Oid): never => {
    throw new CorruptLogError(generation.path, 0, tid, `object ${oid}, to which others refer, is missing`)
  }
  let done = 0
  let lost = 0
  write(JSON.stringify({ perdure: 'dump', version: DUMP_VERSION, tid, time, nextOid, idsSince }), false)
  for (const record of reachable(snapshot, missing)) {
    const isLost = !known.has(record.shape) && isOfNoUse(record, snapshot)
    if (isLost) lost++
    write(isLost ? JSON.stringify(lostLine(record)) : textOf(record, snapshot, shapes), isLost)
    yield { done: ++done, all }
  }
  write(JSON.stringify({ end: true, records: done }), false)
  return { records: done, lost, tid }
}

/** What a salvage could not save, and what cannot be read without that: objects whose shape is lost. */
function isOfNoUse({ shape }: StoredRecord, { generation, offset }: Snapshot): boolean {
  if (shape < FIRST_FREE_OID) return shape === LOST_SHAPE
  const at = generation.find(shape, offset)
  return at !== 0 && generation.read(at, shape).shape === LOST_SHAPE
}

function lostLine({ oid, tid }: StoredRecord): Record<string, Json> {
  return { oid, tid, lost: true }
}

function textOf(record: StoredRecord, snapshot: Snapshot, shapes: ShapeTable): string {
  const instead = 'keep a copy of the store itself instead, by pack and cp'
  return jsonText(
    () => lineOf(record, snapshot, shapes),
    `object ${record.oid} is too large for a line of text: ${instead}`,
  )
}

function lineOf(record: StoredRecord, { generation }: Snapshot, shapes: ShapeTable): Record<string, Json> {
  const { oid, tid } = record
  if (record.shape === ID_SHAPE) {
    const { id = '', time = 0 } = decodeId(record) ?? {}
    return { oid, tid, transaction: id, time }
  }
  if (record.shape === 0) {
    const { type, version, keys } = shapes.get(generation, oid)
    return { oid, tid, type, version, keys: keys && [...keys] }
  }
  const shape = shapes.get(generation, record.shape)
  try {
    return fieldsLine(record, shape)
  } catch (error) {
    throw asUnreadable(error, oid, shape.type, generation.path)
  }
}

function fieldsLine(record: StoredRecord, shape: Shape): Record<string, Json> {
  const { oid, tid } = record
  const { keys, raw } = unpackState(record, shape)
  const decoder = new Decoder(
    record.refs.map(ref => new Reference(ref, () => '')),
    undefined,
  )
  const listed = listedField(shape, raw, record.refs)
  const fields = keys.map((key, n): [string, Json] => [
    key,
    n === listed ? record.refs.map(referenceTo) : toJson(decoder.value(raw[n]), to => referenceTo(to.oid)),
  ])
  // Where the keys stand in the record, their order does.
  return { oid, tid, type: shape.type, shape: shape.oid, fields: shape.keys ? Object.fromEntries(fields) : fields }
}

function referenceTo(oid: Oid): Json {
  return { $ref: oid }
}
