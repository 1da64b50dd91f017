// The part of the check of a whole file that needs to know how objects and collections are kept: whether everything can be decoded, and
// collections are in order. Changes nothing, needs no lock. Of each part and each collection it keeps a few bytes: there may be many millions.
import type { Disk } from '../file/disk.js'
import { asDiskError, onDisk } from '../file/disk-error.js'
import { SchemaError } from '../error.js'
import { checkState } from '../object/check-state.js'
import { RecordView } from '../object/record-view.js'
import { decodeShape, ShapeTable, type Shape } from '../object/shapes.js'
import { Generation } from '../store/generation.js'
import { atOnce, inSlices, type LongWork } from '../store/long-work.js'
import { OffsetIndex } from '../store/offset-index.js'
import { OidSet } from '../store/oid-set.js'
import { FIRST_FREE_OID, type Oid, type StoredRecord } from '../store/types.js'
import { MAY_BE_NEWER, type Finding, type VerifyProgress } from '../store/verify.js'
import type { StoredKey } from './key.js'
import { isCounterValue, storedIn } from './persistent-counter.js'
import { isItemNumber } from './persistent-queue.js'
import { checkTree, isOfData } from './tree/check.js'
import { ITEMS_FORM, LEAF_FORM, NODE_TYPE, VALUE_TYPE } from './tree/forms.js'

type Check = (
  ...of: [view: RecordView, oid: Oid, report: (message: string) => void, met: OffsetIndex, parts: OidSet]
) => void

/** `small`: fields of the record while it is small. */
function treeCheck(small: readonly string[], isKey?: (key: StoredKey) => boolean): Check {
  return (view, oid, report, met, parts) => {
    checkTree(view, oid, small, report, met, parts, isKey)
  }
}

const CHECKS: ReadonlyMap<string, Check> = new Map([
  ['PersistentMap', treeCheck(LEAF_FORM)],
  ['PersistentSet', treeCheck(['values'])],
  ['PersistentQueue', treeCheck(LEAF_FORM, isItemNumber)],
  ['PersistentList', treeCheck(ITEMS_FORM)],
  ['PersistentCounter', checkCounter],
])

function checkCounter(view: RecordView, oid: Oid, report: (message: string) => void): void {
  const value = storedIn(view.read(oid))
  if (!isCounterValue(value)) report(`its value is ${value}, to which no counter comes`)
}

/** Objects that are looked at in one step. */
const STEP = 1 << 8

/**
 * Checks every shape, state and collection of the newest state of a file that is otherwise sound; gives how many findings there were.
 * Throws DiskError.
 */
export function verifyCollections(disk: Disk, path: string, found: (finding: Finding) => void): number {
  return onDisk(path, () => atOnce(verifying(disk, path, found)))
}

/** The same in slices, with turns of the event loop between. Rejects with the reason of `options.signal` when that is aborted. */
export async function verifyCollectionsAsync(
  disk: Disk,
  path: string,
  found: (finding: Finding) => void,
  options: LongWork<VerifyProgress>,
): Promise<number> {
  try {
    return await inSlices(disk, verifying(disk, path, found), options)
  } catch (error) {
    throw asDiskError(path, error)
  }
}

function* verifying(disk: Disk, path: string, found: (finding: Finding) => void): Generator<VerifyProgress, number> {
  const generation = Generation.open(disk, path, 'read', Infinity)
  try {
    generation.reader.advance()
    const view = new RecordView(generation.snapshot(), new ShapeTable())
    const met = new OffsetIndex()
    const collections = new OidSet()
    const parts = new OidSet()
    const all = generation.index.size
    let findings = 0
    const report = (finding: Finding): void => {
      findings++
      found(finding)
    }
    let done = 0
    for (const [oid, offset] of generation.entries()) {
      if (++done % STEP === 0) yield { what: 'collections', done: done / 2, all }
      const type = typeOf(view, generation.read(offset), report)
      if (type === NODE_TYPE || type === VALUE_TYPE) parts.add(oid)
      else if (type !== undefined && CHECKS.has(type)) collections.add(oid)
    }
    done = 0
    for (const oid of collections) {
      if (++done % STEP === 0)
        yield { what: 'collections', done: Math.floor((all * (1 + done / collections.size)) / 2), all }
      const offset = generation.newest(oid)
      const { type } = view.shapeOf(generation.read(offset, oid))
      const tell = (message: string): void =>
        report({ kind: 'collection', offset, oid, message: `${type} ${oid}: ${message}` })
      try {
        CHECKS.get(type)?.(view, oid, tell, met, parts)
      } catch (error) {
        if (!isOfData(error)) throw error
        tell(`it cannot be read (${reasonOf(error)})`)
      }
    }
    return findings
  } finally {
    generation.release()
  }
}

/** Without what is meant for others: the file, of which a dump is only about to be made one, and to call what is running. */
function reasonOf(error: Error): string {
  const isUndecodable = error instanceof SchemaError && error.oid !== undefined
  return isUndecodable ? `the state of object ${error.oid} cannot be decoded` : error.message
}

/** The type of an object whose state can be decoded. Reports all that cannot be, but objects of a shape that cannot: that is told once. */
function typeOf(view: RecordView, record: StoredRecord, report: (finding: Finding) => void): string | undefined {
  const { oid, offset } = record
  const isShape = record.shape === 0
  if (!isShape && record.shape < FIRST_FREE_OID) return undefined
  let shape: Shape | undefined
  try {
    if (isShape) return void decodeShape(oid, record.state)
    shape = view.shapeOf(record)
    checkState(record, shape)
    return shape.type
  } catch (error) {
    if (!isOfData(error)) throw error
    const what = isShape ? `shape ${oid}` : `the state of object ${oid} (${shape?.type || 'root'})`
    if (isShape || shape)
      report({ kind: isShape ? 'shape' : 'record', offset, oid, message: `${what} cannot be decoded${MAY_BE_NEWER}` })
    return undefined
  }
}
