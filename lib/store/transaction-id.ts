// Ids that applications give to transactions, so that one whose outcome they did not learn is not applied twice. Each is a record
// of its own in the commit that it names: eight bytes of time, then the id as UTF-8. Packs keep them for a while.
import { sha256 } from '../file/sha256.js'
import { ID_SHAPE, stretchOf, type Draft, type StoredRecord, type Stretch, type Tid } from './types.js'

const TIME_LENGTH = 8
/** Of the digits of an id's SHA-256: 48 bits. */
const HASH_DIGITS = 12

/** What is known of the commit that carried an id. */
export interface CommittedId {
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
export function decodeId({ state, tid }: StoredRecord): (CommittedId & { readonly id: string }) | undefined {
  const time = idTime({ bytes: state, from: 0, to: state.length })
  return time === undefined ? undefined : { id: Buffer.from(nameIn(state)).toString('utf8'), tid, time }
}

/** The time in the state of such a record; undefined: it is too short to be one. */
export function idTime({ bytes, from, to }: Stretch): number | undefined {
  if (to - from < TIME_LENGTH) return undefined
  return Number(new DataView(bytes.buffer, bytes.byteOffset + from, TIME_LENGTH).getBigUint64(0, true))
}

/** The hash of the id in it; undefined: it is too short to be one. */
export function hashOfState(state: Uint8Array): number | undefined {
  return state.length < TIME_LENGTH ? undefined : hashOfId(nameIn(state))
}

/**
 * By this, ids are found: a whole number of 48 bits. Few have the same, also of ids that somebody chose to make it so. Never tells that two
 * are the same.
 */
export function hashOfId(id: string | Uint8Array): number {
  return parseInt(sha256(id).slice(0, HASH_DIGITS), 16)
}

function nameIn(state: Uint8Array): Uint8Array {
  return state.subarray(TIME_LENGTH)
}
