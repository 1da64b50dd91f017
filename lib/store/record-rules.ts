// What a record says beside its state, and what readers rely on without asking: of which commit it is, and whether it replaces a version
// that stands before it. Where that version stands, is not asked: it would take a table of all objects.
import type { FrameHeader } from '../log/frame.js'
import { OidSet } from './oid-set.js'
import type { RecordCursor } from './record-cursor.js'

export class RecordRules {
  readonly #baseTid: number
  /** Objects of which a version stands before the one that is looked at. */
  readonly #met = new OidSet()

  constructor(baseTid: number) {
    this.#baseTid = baseTid
  }

  /** Says which rule a record breaks, if any, which stands at `at` in a frame; to be asked of all records in turn. */
  broken({ kind, tid, offset }: FrameHeader, { oid, tid: said, back }: RecordCursor, at: number): string | undefined {
    const isFirst = this.#met.add(oid)
    if (kind === 'base') {
      if (said > this.#baseTid) return `object ${oid} says commit ${said}, and the packed state is of ${this.#baseTid}`
      return back === 0 ? undefined : `object ${oid} says in the packed state that it replaces a version`
    }
    if (said !== tid) return `object ${oid} says commit ${said}, in the frame of commit ${tid}`
    if (back > 0 && at - back > offset) return `object ${oid} stands twice in commit ${tid}`
    if (isFirst === (back === 0)) return undefined
    return isFirst
      ? `object ${oid} says that it replaces a version, and none stands before it`
      : `object ${oid} does not say which version it replaces`
  }
}
