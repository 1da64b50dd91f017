// The ids of transactions in a table, in pages by the hashes of the ids, as spec/format.md describes them: a look-up reads one page of
// eight kilobytes, whatever the number of ids. Pages that were looked into are kept.
import { oidsIn, type IdRun, type StoredIds } from './id-index.js'
import { damaged, type Directory, type Section } from './table-directory.js'
import type { Oid } from './types.js'

/** Hash and oid of a record. */
const ENTRY = 16

export function encodeIds(ids: IdRun): Buffer {
  const bytes = Buffer.allocUnsafe(ids.length * 8)
  for (let n = 0; n < ids.length; n++) bytes.writeDoubleLE(ids[n] ?? 0, n * 8)
  return bytes
}

export class TableIds implements StoredIds {
  readonly size: number
  readonly #directory: Directory
  readonly #section: (section: Section) => Buffer
  readonly #pages = new Map<number, IdRun>()

  /** Throws DamagedIndexError. */
  constructor(directory: Directory, section: (section: Section) => Buffer) {
    this.#directory = directory
    this.#section = section
    if (!directory.ascendsBy(0)) damaged()
    let bytes = 0
    for (let n = 0; n < directory.count; n++) bytes += directory.length(n)
    this.size = bytes / ENTRY
  }

  oids(hash: number): Oid[] {
    const directory = this.#directory
    const found: Oid[] = []
    // The page before may end with it, and several may begin with it.
    for (let n = Math.max(0, directory.firstFrom(hash) - 1); n < directory.count && directory.number(n) <= hash; n++) {
      let page = this.#pages.get(n)
      if (page === undefined) this.#pages.set(n, (page = this.#read(n)))
      for (const oid of oidsIn(page, hash)) found.push(oid)
    }
    return found
  }

  *runs(): Generator<IdRun> {
    for (let n = 0; n < this.#directory.count; n++) yield this.#pages.get(n) ?? this.#read(n)
  }

  #read(n: number): IdRun {
    return decodeIds(this.#section(this.#directory.section(n)), this.#directory.number(n))
  }
}

/** Throws DamagedIndexError: these bytes are no page that begins with `first`. */
function decodeIds(bytes: Buffer, first: number): IdRun {
  if (bytes.length === 0 || bytes.length % ENTRY !== 0 || bytes.readDoubleLE() !== first) return damaged()
  const ids = new Float64Array(bytes.length / 8)
  for (let n = 0, before = first; n < ids.length; n += 2) {
    const hash = bytes.readDoubleLE(n * 8)
    const oid = bytes.readDoubleLE(n * 8 + 8)
    if (!(hash >= before && Number.isSafeInteger(hash) && Number.isSafeInteger(oid) && oid > 0)) return damaged()
    ids[n] = before = hash
    ids[n + 1] = oid
  }
  return ids
}
