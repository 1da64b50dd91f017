// The stored form of what is known of a log up to a frame: where the newest versions stand, shapes, ids, marks. It stands in the index
// file, and in a packed file beside the state that it describes; see spec/format.md. Everything but its end is read when it is
// asked for. A cache: whatever does not check is as good as missing, and can be built again from the log.
import type { DataFile } from '../file/data-file.js'
import { checksum } from '../log/checksum.js'
import type { FileHeader } from '../log/file-header.js'
import type { Tail } from '../log/tail.js'
import { IdIndex, type StoredIds } from './id-index.js'
import type { LogIndex } from './log-index.js'
import { PAGE_BYTES, type StoredPages } from './offset-index.js'
import { decodePage, encodePage } from './page-codec.js'
import { damaged, Directory, encodeDirectory, type DirectoryEntry, type Section } from './table-directory.js'
import { encodeIds, TableIds } from './table-ids.js'
import { hashOfId } from './transaction-id.js'
import type { Offset, Oid } from './types.js'

const MAGIC = Buffer.from('\x89PRDX\r\n\n', 'latin1')
const VERSION = 3
/** Before, the ids stood one by one in a JSON text, and the checksum was of the head alone. */
const VERSION_WITH_NAMES = 2
/** The last bytes of a table: length of the head, checksum of the head and of what stands here behind it: version, zeros, magic. */
const END = 24
const SUM_AT = 4
const VERSION_AT = 8
const MARK = 24
/** Pages of so many bytes may be needed for any log; for more, if they are more than the log's own bytes, that is read itself. */
const FREE_PAGES = 1 << 20
/** Bytes that are written at once. */
const PIECE = 1 << 20
/** One read brings in the end of most tables. */
const FIRST_READ = 1 << 13

/** The frame of a commit whose number is a multiple of this is marked. */
export const MARK_EVERY = 1024

/** Where the frame of a commit begins. */
export interface Mark {
  readonly tid: number
  /** Milliseconds since 1970. */
  readonly time: number
  readonly offset: number
}

/** What a table covers. */
export interface Covered {
  /** Behind the last frame that it covers. */
  readonly tail: Tail
  readonly syncedTo: number
}

/** What it tells of that. */
export interface StoredParts {
  readonly pages: StoredPages
  readonly shapes: readonly Oid[]
  /** Throws DamagedIndexError. */
  ids(): StoredIds
  /** Throws DamagedIndexError. */
  marks(): Mark[]
}

export type OffsetTable = Covered & StoredParts

interface Head {
  readonly storeId: string
  readonly uuid: string
  readonly tail: Tail
  readonly syncedTo: number
  readonly size: number
  readonly shapes: readonly number[]
  readonly directory: Section
  readonly marks: Section
  readonly ids: Section
}

/** Whether so many pages are better than to read a log of so many bytes: not for a few objects far from each other. */
export function areFewFor(pages: number, bytes: number): boolean {
  return pages * PAGE_BYTES <= bytes + FREE_PAGES
}

// ---- writing ----------------------------------------------------------------------------------------------------

/** The bytes of a table, in parts, each to be written before the next one is asked for. */
export function* tableParts(
  header: Pick<FileHeader, 'storeId' | 'uuid'>,
  index: LogIndex,
  covered: Covered,
): Generator<Uint8Array, void> {
  let at = 0
  const section = (bytes: Uint8Array): Section => {
    const place = [at, bytes.length, checksum(bytes)] as const
    at += bytes.length
    return place
  }
  const pages: DirectoryEntry[] = []
  for (const number of index.offsets.pageNumbers()) {
    const page = encodePage(index.offsets.page(number))
    pages.push({ number, section: section(page) })
    yield page
  }
  const idPages: DirectoryEntry[] = []
  for (const run of index.ids.pages()) {
    const page = encodeIds(run)
    idPages.push({ number: run[0] ?? 0, section: section(page) })
    yield page
  }
  const marked = Buffer.alloc(index.marks.length * MARK)
  index.marks.forEach(({ tid, time, offset }, n) => {
    marked.writeDoubleLE(tid, n * MARK)
    marked.writeDoubleLE(time, n * MARK + 8)
    marked.writeDoubleLE(offset, n * MARK + 16)
  })
  const [idDirectory, pageDirectory] = [encodeDirectory(idPages), encodeDirectory(pages)]
  const ids = section(idDirectory)
  const marks = section(marked)
  const directory = section(pageDirectory)
  const { offset, tid, time, nextOid, checksum: sum, lastFrame } = covered.tail
  const said: Head = {
    storeId: hex(header.storeId),
    uuid: hex(header.uuid),
    tail: { offset, tid, time, nextOid, checksum: sum, lastFrame },
    syncedTo: covered.syncedTo,
    size: index.offsets.size,
    shapes: index.shapes,
    directory,
    marks,
    ids,
  }
  const head = Buffer.from(JSON.stringify(said))
  const end = Buffer.alloc(END)
  end.writeUInt32LE(head.length, 0)
  end.writeUInt32LE(VERSION, VERSION_AT)
  MAGIC.copy(end, END - MAGIC.length)
  end.writeUInt32LE(sumOf(head, end), SUM_AT)
  yield Buffer.concat([idDirectory, marked, pageDirectory, head, end])
}

function sumOf(head: Buffer, end: Buffer): number {
  const sum = checksum(head)
  return end.readUInt32LE(VERSION_AT) === VERSION_WITH_NAMES ? sum : checksum(end.subarray(VERSION_AT), sum)
}

/** The same bytes in fewer parts, as they are best written. */
export function* inPieces(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  let held: Uint8Array[] = []
  let bytes = 0
  for (const part of parts) {
    held.push(part)
    bytes += part.length
    if (bytes < PIECE) continue
    yield Buffer.concat(held)
    held = []
    bytes = 0
  }
  if (held.length > 0) yield Buffer.concat(held)
}

// ---- reading ----------------------------------------------------------------------------------------------------

/** The table of this generation between `from` and `to` of a file; undefined: there is none. Throws what the disk throws. */
export function readTable(file: DataFile, from: number, to: number, header: FileHeader): OffsetTable | undefined {
  const found = readHead(file, from, to, header)
  if (found === undefined) return undefined
  const { version, head, part } = found
  const section = ([at, length, sum]: Section): Buffer => part(at, length, sum) ?? damaged()
  const directory = part(...head.directory)
  const { tail, syncedTo, size, shapes } = head
  if (directory === undefined) return undefined
  const pages = new TablePages(new Directory(directory), size, section)
  if (!pages.areInOrder() || !areFewFor(pages.count, tail.offset)) return undefined
  return {
    tail,
    syncedTo,
    shapes: shapes as readonly Oid[],
    ids() {
      const bytes = section(head.ids)
      return version === VERSION ? new TableIds(new Directory(bytes), section) : idsByName(bytes)
    },
    marks: () => parseMarks(section(head.marks)),
    pages,
  }
}

/** What a table that is all of its file covers, by its head alone, whatever the rest is worth; undefined: there is none. Throws what the disk throws. */
export function readCovered(file: DataFile, header: FileHeader): Covered | undefined {
  return readHead(file, 0, file.end(), header)?.head
}

interface HeadOfTable {
  readonly version: number
  readonly head: Head
  /** Bytes of the table, from `at` behind its beginning on; undefined: they are not what was written. */
  readonly part: (at: number, length: number, sum: number) => Buffer | undefined
}

function readHead(file: DataFile, from: number, to: number, header: FileHeader): HeadOfTable | undefined {
  const last = Buffer.allocUnsafe(Math.min(FIRST_READ, to - from))
  if (last.length < END || file.read(last, to - last.length) < last.length) return undefined
  const end = last.subarray(last.length - END)
  const version = end.readUInt32LE(VERSION_AT)
  const isKnown = version === VERSION || version === VERSION_WITH_NAMES
  if (!isKnown || !end.subarray(END - MAGIC.length).equals(MAGIC)) return undefined
  const bytesAt = (place: number, length: number): Buffer | undefined => {
    const at = from + place
    const inLast = at - (to - last.length)
    if (at < from || at + length > to) return undefined
    const bytes = inLast >= 0 ? last.subarray(inLast, inLast + length) : Buffer.allocUnsafe(length)
    return inLast < 0 && readOf(file, bytes, at) < length ? undefined : bytes
  }
  const part: HeadOfTable['part'] = (place, length, sum) => {
    const bytes = bytesAt(place, length)
    return bytes !== undefined && checksum(bytes) === sum ? bytes : undefined
  }
  const length = end.readUInt32LE(0)
  const bytes = bytesAt(to - END - length - from, length)
  if (bytes === undefined || sumOf(bytes, end) !== end.readUInt32LE(SUM_AT)) return undefined
  const head = parseHead(bytes)
  const isOfFile = head?.storeId === hex(header.storeId) && head.uuid === hex(header.uuid)
  return isOfFile ? { version, head, part } : undefined
}

/** What a disk refuses to read is as good as damaged. */
function readOf(file: DataFile, bytes: Buffer, at: number): number {
  try {
    return file.read(bytes, at)
  } catch {
    return 0
  }
}

class TablePages implements StoredPages {
  readonly size: number
  readonly count: number
  readonly #directory: Directory
  readonly #section: (section: Section) => Buffer

  constructor(directory: Directory, size: number, section: (section: Section) => Buffer) {
    this.#directory = directory
    this.count = directory.count
    this.size = size
    this.#section = section
  }

  number(n: number): number {
    return this.#directory.number(n)
  }

  areInOrder(): boolean {
    return this.#directory.ascendsBy(1)
  }

  read(number: number): Float64Array | undefined {
    const n = this.#directory.firstFrom(number)
    if (n === this.count || this.number(n) !== number) return undefined
    return decodePage(this.#section(this.#directory.section(n))) ?? damaged()
  }
}

function parseHead(bytes: Buffer): Head | undefined {
  const head = JSON.parse(bytes.toString()) as Head
  const { tail, syncedTo, size, shapes, directory, marks, ids } = head
  const { offset, tid, time, nextOid, checksum: sum, lastFrame } = tail
  const numbers: unknown[] = [offset, tid, time, nextOid, sum, lastFrame, syncedTo, size]
  const sections = [directory, marks, ids]
  if (!sections.every(section => section.length === 3)) return undefined
  return [...numbers, ...shapes, ...sections.flat()].every(isCount) ? head : undefined
}

function idsByName(bytes: Buffer): StoredIds {
  const found = new IdIndex()
  const entries = parsed(bytes)
  for (const entry of Array.isArray(entries) ? (entries as unknown[]) : damaged()) {
    const [id, oid, tid, time] = (Array.isArray(entry) ? entry : damaged()) as unknown[]
    if (typeof id !== 'string' || !isCount(oid) || !isCount(tid) || !isCount(time)) return damaged()
    found.add(hashOfId(id), oid as Oid)
  }
  return found
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return damaged()
  }
}

function parseMarks(bytes: Buffer): Mark[] {
  return Array.from({ length: Math.floor(bytes.length / MARK) }, (_, n) => ({
    tid: bytes.readDoubleLE(n * MARK),
    time: bytes.readDoubleLE(n * MARK + 8),
    offset: bytes.readDoubleLE(n * MARK + 16) as Offset,
  }))
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
