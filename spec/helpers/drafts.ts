// Drafts of commits for tests below the object layer: states are short texts.
import type { Store } from '../../lib/store/store.js'
import { stretchOf, type Draft, type DraftRecord, type Oid } from '../../lib/store/types.js'

const NOTHING = new Uint8Array()

/** The first commit of a store: one shape (oid 16) and the root with the text "root". */
export const initialDraft: Draft = {
  records: [
    { oid: -1, shape: 0, refs: [], ...stretchOf(Buffer.from('\x93\xa0\x00\xc0', 'latin1')) },
    { oid: 1, shape: -1, refs: [], ...stretchOf(Buffer.from('root')) },
  ],
  fresh: 1,
  annotation: NOTHING,
}

export const SHAPE = 16 as Oid

export function record(oid: number, text: string, refs: readonly number[] = []): DraftRecord {
  return { oid, shape: SHAPE, refs, ...stretchOf(Buffer.from(text)) }
}

export function draft(...records: DraftRecord[]): Draft {
  return { records, fresh: records.filter(({ oid }) => oid < 0).length, annotation: NOTHING }
}

/** Commits on the newest state, which must go well; returns the first new oid. */
export function put(store: Store, ...records: DraftRecord[]): Oid {
  const result = store.commit(draft(...records), store.latest(), [], true)
  if (result.outcome !== 'committed') throw new Error(`not committed: ${result.outcome}`)
  return result.firstOid
}

/** The newest text of an object; undefined: there is none. */
export function textOf(store: Store, oid: number): string | undefined {
  const { generation, offset } = store.latest()
  const at = generation.find(oid as Oid, offset)
  return at === 0 ? undefined : Buffer.from(generation.read(at).state).toString()
}

/** Puts so many objects in, in commits of a hundred; gives their oids. */
export function fill(store: Store, objects: number, bytes: number): Oid[] {
  const oids: Oid[] = []
  for (let n = 0; n < objects; n += 100) {
    const records = Array.from({ length: 100 }, (_, i) => record(-1 - i, `${n + i} ${'x'.repeat(bytes)}`))
    const first = put(store, ...records)
    for (let i = 0; i < 100; i++) oids.push((first + i) as Oid)
  }
  return oids
}
