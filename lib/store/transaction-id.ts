// Ids that applications give to transactions, so that one whose outcome they did not learn is not applied twice. Each is a record
// of its own in the commit that it names: eight bytes of time, then the id as UTF-8. Packs keep them for a while.
import { ID_SHAPE, stretchOf, type Draft, type Oid, type StoredRecord, type Tid } from './types.js'

const TIME_LENGTH = 8

/** What is known of the commit that carried an id. */
export interface CommittedId {
  readonly oid: Oid
  readonly tid: Tid
  /** Milliseconds since 1970. */
  readonly time: number
}

/** The draft with one more record, which says that `id` is committed with it. */
export function withId(draft: Draft, id: string, now: number): Draft {
  const fresh = draft.fresh + 1
  return {
    ...draft,
    fresh,
    records: [...draft.records, { oid: -fresh, shape: ID_SHAPE, refs: [], ...stretchOf(encodeId(id, now)) }],
  }
}

/** The state of the record that says it. */
export function encodeId(id: string, time: number): Uint8Array {
  const name = Buffer.from(id, 'utf8')
  const state = Buffer.alloc(TIME_LENGTH + name.length)
  state.writeBigUInt64LE(BigInt(Math.floor(time)))
  name.copy(state, TIME_LENGTH)
  return state
}

/** undefined: the record is too short to be one. */
export function decodeId({ state, tid }: StoredRecord): { id: string; tid: Tid; time: number } | undefined {
  if (state.length < TIME_LENGTH) return undefined
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.byteLength)
  return { id: bytes.toString('utf8', TIME_LENGTH), tid, time: Number(bytes.readBigUInt64LE()) }
}
