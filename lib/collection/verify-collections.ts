// The part of the check of a whole file that needs to know how collections are kept. Changes nothing, needs no lock. Of each part and each
// collection it keeps a few bytes: there may be many millions.
import type { Disk } from '../file/disk.js'
import { asDiskError, onDisk } from '../file/disk-error.js'
import { RecordView } from '../object/record-view.js'
import { ShapeTable } from '../object/shapes.js'
import { Generation } from '../store/generation.js'
import { atOnce, inSlices, type LongWork } from '../store/long-work.js'
import { OffsetIndex } from '../store/offset-index.js'
import { OidSet } from '../store/oid-set.js'
import { FIRST_FREE_OID, type Oid } from '../store/types.js'
import type { Finding, VerifyProgress } from '../store/verify.js'
import type { StoredKey } from './key.js'
import { storedIn } from './persistent-counter.js'
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
  ['PersistentCounter', (view, oid) => void storedIn(view.read(oid))],
])

/** Objects that are looked at in one step. */
const STEP = 1 << 8

/**
 * Checks every collection of the newest state of a file that is otherwise sound; gives how many findings there were. Throws SchemaError,
 * DiskError.
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
    let done = 0
    for (const [oid, offset] of generation.entries()) {
      if (++done % STEP === 0) yield { what: 'collections', done: done / 2, all }
      const record = generation.read(offset)
      if (record.shape < FIRST_FREE_OID) continue
      const { type } = view.shapeOf(record)
      if (type === NODE_TYPE || type === VALUE_TYPE) parts.add(oid)
      else if (CHECKS.has(type)) collections.add(oid)
    }
    done = 0
    for (const oid of collections) {
      if (++done % STEP === 0)
        yield { what: 'collections', done: Math.floor((all * (1 + done / collections.size)) / 2), all }
      const offset = generation.newest(oid)
      const { type } = view.shapeOf(generation.read(offset, oid))
      const report = (message: string): void => {
        findings++
        found({ kind: 'collection', offset, oid, message: `${type} ${oid}: ${message}` })
      }
      try {
        CHECKS.get(type)?.(view, oid, report, met, parts)
      } catch (error) {
        if (!isOfData(error)) throw error
        report(`it cannot be read (${error.message})`)
      }
    }
    return findings
  } finally {
    generation.release()
  }
}
