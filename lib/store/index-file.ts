// The index file `<store>.index`: a cache of the offset index, so that opening does not read the whole log. It names the last frame
// that it covers and is used only if exactly that frame stands there; a missing, old, cut, damaged or foreign one is as good as none.
// Holds no truth: whatever it says can be built again from the log.
import { DataFile } from '../file/data-file.js'
import type { Disk } from '../file/disk.js'
import { checksum } from '../log/checksum.js'
import type { FileHeader } from '../log/file-header.js'
import type { Tail } from '../log/log-reader.js'
import { PAGE, type OffsetIndex, type StoredPages } from './offset-index.js'
import { createTemporary } from './temporary.js'
import type { CommittedId } from './transaction-id.js'
import type { Oid, Tid } from './types.js'

const MAGIC = Buffer.from('\x89PRDX\r\n\n', 'latin1')
const VERSION = 1
export const PAGE_BYTES = PAGE * 8
/** Magic, version, length of the head, checksum of the head. */
const PREFIX = 24

/** What an index file covers, besides the pages. */
export interface Covered {
  readonly tail: Tail
  readonly syncedTo: number
  readonly shapes: readonly Oid[]
  readonly ids: ReadonlyMap<string, CommittedId>
}

interface Head extends Covered {
  readonly pages: StoredPages
}

/** An index file that was found and belongs to this generation. Keeps the file open for its pages. */
export interface IndexFile extends Head {
  close(): void
}

interface JsonHead {
  readonly storeId: string
  readonly uuid: string
  readonly tail: Tail
  readonly syncedTo: number
  readonly shapes: number[]
  readonly ids: [string, number, number, number][]
  readonly size: number
  /** Page number, checksum. */
  readonly pages: [number, number][]
}

export function indexPath(path: string): string {
  return `${path}.index`
}

/** undefined: there is none that can be used. Never throws. */
export function openIndexFile(disk: Disk, path: string, header: FileHeader): IndexFile | undefined {
  let file: DataFile | undefined
  try {
    file = new DataFile(disk, disk.open(indexPath(path), 'read'))
    const head = readHead(file, header)
    if (head !== undefined) {
      const found = file
      return { ...head, close: () => found.close() }
    }
  } catch {
    // As good as none.
  }
  file?.close()
  return undefined
}

function readHead(file: DataFile, header: FileHeader): Head | undefined {
  const prefix = Buffer.alloc(PREFIX)
  if (file.read(prefix, 0) < PREFIX || !prefix.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const length = prefix.readUInt32LE(12)
  if (prefix.readUInt32LE(8) !== VERSION || PREFIX + length > file.end()) return undefined
  const bytes = Buffer.alloc(length)
  if (file.read(bytes, PREFIX) < length || checksum(bytes) !== prefix.readUInt32LE(16)) return undefined
  const head = JSON.parse(bytes.toString('utf8')) as JsonHead
  if (head.storeId !== hex(header.storeId) || head.uuid !== hex(header.uuid) || !isWellFormed(head)) return undefined
  const firstPage = PREFIX + length
  if (firstPage + head.pages.length * PAGE_BYTES > file.end()) return undefined
  const places = new Map(head.pages.map(([number, sum], n) => [number, { at: firstPage + n * PAGE_BYTES, sum }]))
  return {
    tail: head.tail,
    syncedTo: head.syncedTo,
    shapes: head.shapes as Oid[],
    ids: new Map(head.ids.map(([id, oid, tid, time]) => [id, { oid: oid as Oid, tid: tid as Tid, time }])),
    pages: {
      numbers: new Set(places.keys()),
      size: head.size,
      read(number) {
        const place = places.get(number)
        const page = Buffer.from(new ArrayBuffer(PAGE_BYTES))
        const whole = place !== undefined && file.read(page, place.at) === PAGE_BYTES && checksum(page) === place.sum
        if (!whole) throw new DamagedIndexError()
        return new Float64Array(page.buffer)
      },
    },
  }
}

function isWellFormed({ tail, syncedTo, size, shapes, ids, pages }: JsonHead): boolean {
  const lists: readonly unknown[] = [shapes, ids, pages, ...ids, ...pages]
  const names: unknown[] = ids.map(([id]) => id)
  const ofIds: unknown[] = ids.flatMap(([, ...rest]) => rest)
  const numbers = [
    tail.offset,
    tail.tid,
    tail.lastFrame,
    tail.checksum,
    syncedTo,
    size,
    ...shapes,
    ...ofIds,
    ...pages.flat<unknown[]>(),
  ]
  return (
    lists.every(Array.isArray) &&
    names.every(name => typeof name === 'string') &&
    numbers.every(number => Number.isSafeInteger(number) && Number(number) >= 0)
  )
}

/** A page of the index file is not what was written: the index is to be built from the log. Never leaves the store layer. */
export class DamagedIndexError extends Error {}

/** Writes the index file anew, beside the old one, and puts it in its place. What it covers must be on disk. */
export function writeIndexFile(
  disk: Disk,
  path: string,
  mode: number,
  header: FileHeader,
  index: OffsetIndex,
  covered: Covered,
): void {
  const numbers = index.pageNumbers()
  const pages = numbers.map(number => Buffer.from(index.page(number).buffer))
  const head: JsonHead = {
    storeId: hex(header.storeId),
    uuid: hex(header.uuid),
    tail: covered.tail,
    syncedTo: covered.syncedTo,
    shapes: [...covered.shapes],
    ids: [...covered.ids].map(([id, { oid, tid, time }]) => [id, oid, tid, time]),
    size: index.size,
    pages: numbers.map((number, n) => [number, checksum(pages[n] ?? MAGIC)]),
  }
  const bytes = Buffer.from(JSON.stringify(head), 'utf8')
  const prefix = Buffer.alloc(PREFIX)
  MAGIC.copy(prefix)
  prefix.writeUInt32LE(VERSION, 8)
  prefix.writeUInt32LE(bytes.length, 12)
  prefix.writeUInt32LE(checksum(bytes), 16)
  const temporary = createTemporary(disk, path, 'cache', mode)
  try {
    const file = new DataFile(disk, temporary.fd)
    let at = 0
    for (const part of [prefix, bytes, ...pages]) {
      file.write(part, at)
      at += part.length
    }
    disk.rename(temporary.path, indexPath(path))
    temporary.keep()
  } finally {
    temporary.discard()
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
