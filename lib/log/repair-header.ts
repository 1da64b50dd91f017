// Puts right the header of a frame of which all else is sound: body and trailer prove what checksum it had, and so what it said.
// Pure functions over bytes: no file, no state.
import { checksum } from './checksum.js'
import {
  AT,
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  readFrameHeader,
  sealFrame,
  SMALLEST_FRAME,
  trailerChecksum,
  type FrameHeader,
} from './frame.js'
import { movedBack } from './part-checksums.js'

/** The fields, from where to where, of which what stands around a frame tells no more than about what they say. */
const OWN: readonly (readonly [number, number])[] = [
  [AT.time, AT.bodyLength],
  [AT.nextOid, AT.syncedTo],
  [AT.syncedTo, AT.boot],
  [AT.boot, AT.previous],
]
const ALL_OWN = 2 ** OWN.length - 1

/** What checksum the header of a frame had, if its body and trailer are sound; undefined: it does not end with a trailer. */
export function provedChecksum(frame: Uint8Array): number | undefined {
  const bodyEnd = frame.length - FRAME_TRAILER_LENGTH
  const ofFrame = trailerChecksum(frame.subarray(bodyEnd))
  if (ofFrame === undefined) return undefined
  // The checksum of the frame is that of the header, moved on by the length of the body, and that of the body.
  return movedBack(ofFrame ^ checksum(frame, 0, FRAME_HEADER_LENGTH, bodyEnd), bodyEnd - FRAME_HEADER_LENGTH)
}

/**
 * The header with the checksum `proved`; undefined: nothing proves what it was. `told`: what stands around it says; its time and next oid
 * are the lowest there can be. Those two, `syncedTo` and `boot` may be what stands there instead, also but for one byte or two
 * neighbours, if the checksum that stands there is right: so little of what is open has the right checksum by chance once in some thousand
 * cases, and then must be possible, too.
 */
export function repairHeader(damaged: Uint8Array, told: FrameHeader, proved: number): Uint8Array | undefined {
  const asTold = write(told)
  const head = Buffer.alloc(FRAME_HEADER_LENGTH)
  for (let kept = 0; kept <= ALL_OWN; kept++) {
    head.set(asTold)
    OWN.forEach(([from, to], n) => {
      if ((kept & (1 << n)) !== 0) head.set(damaged.subarray(from, to), from)
    })
    if (seal(head) === proved) return head
  }
  // All that stands there was kept at last.
  const stored = Buffer.from(damaged).readUInt32LE(AT.checksum)
  return stored === proved ? corrected(head, told, proved) : undefined
}

/** With one or two neighbouring bytes of its own fields changed so that it has this checksum, if there is one way to do so. */
function corrected(head: Buffer, told: FrameHeader, proved: number): Uint8Array | undefined {
  const difference = seal(head) ^ proved
  const found: Uint8Array[] = []
  for (const [from, to] of OWN) {
    for (let at = from; at < to; at++) {
      // What the four bytes there must be changed by for this difference.
      const change = movedBack(difference, AT.checksum - at)
      if (change % 256 === 0 || change >= (at + 1 < to ? 2 ** 16 : 2 ** 8)) continue
      const other = Buffer.from(head)
      other[at] = (other[at] ?? 0) ^ (change & 0xff)
      other[at + 1] = (other[at + 1] ?? 0) ^ (change >>> 8)
      seal(other)
      if (isPossible(readFrameHeader(other, 0, told.offset, told.salt), told)) found.push(other)
    }
  }
  return found.length === 1 ? found[0] : undefined
}

function isPossible(header: FrameHeader | undefined, told: FrameHeader): boolean {
  if (header === undefined) return false
  return header.time >= told.time && header.nextOid >= told.nextOid && header.syncedTo <= header.offset
}

/** A header without its checksum. */
function write(header: FrameHeader): Buffer {
  const frame = Buffer.alloc(SMALLEST_FRAME)
  sealFrame(frame, { ...header, bodyLength: 0 }) // the body is not here
  frame.writeUInt32LE(header.bodyLength, AT.bodyLength)
  return frame.subarray(0, FRAME_HEADER_LENGTH)
}

/** Gives the checksum that it writes. */
function seal(head: Buffer): number {
  const ofHeader = checksum(head, 0, 0, AT.checksum)
  head.writeUInt32LE(ofHeader, AT.checksum)
  return ofHeader
}
