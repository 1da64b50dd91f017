// A store whose content after every commit is known: what damage leaves of it can be compared with what it was.
import type { Disk } from '../../lib/file/disk.js'
import { HEADER_LENGTH } from '../../lib/log/file-header.js'
import { readHistory } from '../../lib/store/history.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import type { DraftRecord, Oid } from '../../lib/store/types.js'
import { draft, initialDraft, record } from '../helpers/drafts.js'
import { MemoryDisk } from './memory-disk.js'

export const PATH = '/app.db'

/** The text of every object, by oid. */
export type Content = ReadonlyMap<number, string>

export interface KnownStore {
  readonly bytes: Buffer
  readonly packed: boolean
  /** What each commit left, by tid; entry 0 is what there is before the first. */
  readonly contents: readonly Content[]
  /** Where each commit ends, by tid; entry 0 is the end of the header. Of a packed file, the last one only. */
  readonly ends: readonly number[]
}

const MOST_OBJECTS = 10

function noteOf(tid: number): string {
  return `note ${tid}`
}

/** Commits on the newest state; gives the first new oid. */
function commit(store: Store, ...records: DraftRecord[]): Oid {
  const snapshot = store.latest()
  const annotation = Buffer.from(noteOf(snapshot.tid + 1))
  const result = store.commit({ ...draft(...records), annotation }, snapshot, [], true)
  if (result.outcome !== 'committed') throw new Error(`not committed: ${result.outcome}`)
  return result.firstOid
}

/** A store of `commits` commits: each but the first makes an object, or changes one or the root. The first half is on disk. */
export async function makeKnownStore(commits: number, packed = false): Promise<KnownStore> {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const contents = [new Map<number, string>(), new Map([[1, 'root']])]
  const ends: number[] = [HEADER_LENGTH, store.latest().offset]
  const oids: Oid[] = []
  const durable = Math.floor(commits / 2)
  for (let n = 2; n <= commits; n++) {
    const text = `commit ${n}`
    const content = new Map(contents.at(-1))
    if (n % 3 === 0 && oids.length < MOST_OBJECTS) {
      const oid = commit(store, record(-1, text), record(1, text, [...oids, -1]))
      oids.push(oid)
      content.set(oid, text).set(1, text)
    } else {
      const oid = oids[n % (oids.length + 1)] ?? 1
      commit(store, record(oid, text, oid === 1 ? oids : []))
      content.set(oid, text)
    }
    contents.push(content)
    ends.push(store.latest().offset)
    if (n === durable) store.makeDurable(store.latest())
  }
  if (packed) {
    await pack(store)
    ends.fill(0)
    ends[commits] = store.latest().offset
  }
  store.close()
  return { bytes: disk.bytesOf(PATH), packed, contents, ends }
}

/** Reads every object that there may be. */
export function readAll(store: Store, known: KnownStore): Map<number, string> {
  for (const { tid, annotation } of readHistory(store.latest())) {
    const note = Buffer.from(annotation).toString()
    if (note !== '' && note !== noteOf(tid)) throw new Error(`commit ${tid} has another note`)
  }
  const content = new Map<number, string>()
  for (const oid of (known.contents.at(-1) ?? new Map<number, string>()).keys()) {
    const { generation, offset } = store.latest()
    const at = generation.find(oid as Oid, offset)
    const text = at === 0 ? undefined : Buffer.from(generation.read(at, oid as Oid).state).toString()
    if (text !== undefined) content.set(oid, text)
  }
  return content
}

export function sameContent(one: Content | undefined, other: Content): boolean {
  return one?.size === other.size && [...other].every(([oid, text]) => one.get(oid) === text)
}

/** Opens the file in memory, hands it to `use` and closes it. */
export function withStore<T>(disk: Disk, options: { readonly?: boolean; until?: number }, use: (store: Store) => T): T {
  const store = Store.open(disk, PATH, options)
  try {
    return use(store)
  } finally {
    store.close()
  }
}
