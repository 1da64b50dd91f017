// The frames of a damaged file of which the header alone is damaged, with that put right. Only where all that stands around it proves it:
// the place behind the frame before, its trailer, its records, and the checksums, which tie all these together. Only reads.
import type { DataFile } from '../file/data-file.js'
import type { FoundFrame } from '../log/damage.js'
import { HEADER_LENGTH, type FileHeader } from '../log/file-header.js'
import {
  AT,
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  LARGEST_FRAME,
  readFrameHeader,
  SMALLEST_FRAME,
  trailerChecksum,
  type FrameHeader,
} from '../log/frame.js'
import { provedChecksum, repairHeader } from '../log/repair-header.js'
import { findTrailers } from '../log/trailers.js'
import { getUint32 } from './record.js'
import { RecordCursor } from './record-cursor.js'
import { FIRST_FREE_OID } from './types.js'

/** Where a frame should begin, and what the one before says of it. */
export interface NextFrame {
  readonly at: number
  /** Where it should say that it begins. */
  readonly offset: number
  /** Of the frame before; undefined: it must be in the trailer before. */
  readonly previous: number | undefined
  /** The last commit. */
  readonly tid: number
  /** The frame before; undefined: there is none. */
  readonly before: FrameHeader | undefined
}

/** What the records of a frame tell of its header. */
interface Told {
  readonly records: number
  readonly tid: number | undefined
  readonly nextOid: number
}

/** Behind where sound data goes on, trailers are looked for in no more than so many times the bytes there are. */
const MOST_PASSES = 4

export class RebuiltFrames {
  readonly #file: DataFile
  readonly #end: number
  readonly #header: FileHeader | undefined
  /** So many bytes may still be looked through. */
  #work: number

  /** `end`: of the file; `header` undefined: it is damaged. */
  constructor(file: DataFile, end: number, header: FileHeader | undefined) {
    this.#file = file
    this.#end = end
    this.#header = header
    this.#work = MOST_PASSES * end
  }

  /** The one that should stand there; undefined: that is not proved. Behind `near` something sound was found, which may be part of it. */
  *find(next: NextFrame, near: number, salt: number): Generator<void, FoundFrame | undefined> {
    const { at } = next
    const from = at + FRAME_HEADER_LENGTH
    let gone = from // up to there
    for (const found of findTrailers(this.#file, from, Math.min(this.#end, at + LARGEST_FRAME))) {
      if (typeof found === 'number') {
        this.#work -= Math.max(0, found - Math.max(gone, near))
        gone = found
        yield
      } else if (found.length >= SMALLEST_FRAME && found.end - found.length === at) {
        this.#work -= found.length
        const frame = this.#rebuilt(next, found.length, salt)
        if (frame !== undefined) return frame
      }
      if (this.#work <= 0) return undefined
    }
    return undefined
  }

  #rebuilt(next: NextFrame, length: number, salt: number): FoundFrame | undefined {
    const { at } = next
    const bytes = this.#file.between(at, at + length)
    const proved = bytes.length < length ? undefined : provedChecksum(bytes)
    if (proved === undefined) return undefined
    const damaged = bytes.slice(0, FRAME_HEADER_LENGTH)
    for (const told of this.#mayBe(next, bytes, salt)) {
      const head = repairHeader(damaged, told, proved)
      const header = head && readFrameHeader(head, 0, told.offset, salt)
      if (header === undefined) continue
      bytes.set(head ?? damaged)
      return { header, at, bytes, isClosed: true }
    }
    return undefined
  }

  /** What its header may say, as far as what stands around it tells. */
  *#mayBe(next: NextFrame, bytes: Uint8Array, salt: number): Generator<FrameHeader> {
    const { offset, before } = next
    const baseEnd = this.#header?.baseEnd ?? HEADER_LENGTH
    const { records, tid = next.tid + 1, nextOid } = toldByRecords(bytes, salt)
    for (const previous of this.#previousOf(next, bytes)) {
      const bodyLength = bytes.length - SMALLEST_FRAME
      const any = { control: undefined, offset, bodyLength, records, boot: before?.boot ?? 0, previous, salt }
      const base: FrameHeader = { ...any, kind: 'base', tid: 0, time: 0, nextOid: 0, syncedTo: 0 }
      if (this.#header === undefined || offset < baseEnd) yield base
      if (offset < baseEnd) continue
      const isFirst = before === undefined || before.kind === 'base'
      const { time, nextOid: last, syncedTo } = isFirst ? this.#atBaseEnd() : before
      const commit: FrameHeader = { ...any, kind: 'commit', tid, time, nextOid: Math.max(nextOid, last), syncedTo }
      yield commit
      if (records > 0) continue
      const control: FrameHeader = { ...commit, kind: 'control', tid: next.tid, nextOid: last }
      yield { ...control, control: 'superseded' }
      yield { ...control, control: 'suspect' }
    }
  }

  /** Of a frame that no commit stands before. */
  #atBaseEnd(): Pick<FrameHeader, 'time' | 'nextOid' | 'syncedTo'> {
    const { baseTime = 0, nextOid = FIRST_FREE_OID, baseEnd = HEADER_LENGTH } = this.#header ?? {}
    return { time: baseTime, nextOid, syncedTo: baseEnd }
  }

  /** The checksum of the frame before; if that is not whole, the one in what is left of its trailer, or that in the header. */
  #previousOf({ at, previous }: NextFrame, bytes: Uint8Array): number[] {
    if (previous !== undefined) return [previous]
    const inTrailer = trailerChecksum(this.#file.between(at - FRAME_TRAILER_LENGTH, at))
    const own = getUint32(bytes, AT.previous)
    return inTrailer === undefined ? [own] : [inTrailer, own]
  }
}

function toldByRecords(bytes: Uint8Array, salt: number): Told {
  const record = new RecordCursor()
  const end = bytes.length - FRAME_TRAILER_LENGTH
  let records = 0
  let nextOid = 0
  let tid: number | undefined
  for (let at = FRAME_HEADER_LENGTH; at < end && record.check(bytes, at, salt) && record.end <= end; at = record.end) {
    records++
    tid = record.tid
    nextOid = Math.max(nextOid, record.oid + 1)
  }
  return { records, tid, nextOid }
}
