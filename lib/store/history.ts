// The commits that the current generation still holds, from its frames, in either order. Decodes no state.
import { CorruptLogError } from '../error.js'
import { asDiskError } from '../file/disk-error.js'
import { FRAME_HEADER_LENGTH, frameLength, type FrameHeader } from '../log/frame.js'
import type { WholeFrame } from '../log/frames-backwards.js'
import type { FrameSink } from '../log/log-reader.js'
import type { Tail } from '../log/tail.js'
import { scanRecords } from './record.js'
import type { Snapshot } from './snapshot.js'
import { copyOf, FIRST_FREE_OID, LOST_SHAPE, type Offset, type Oid } from './types.js'

/** One commit as it stands in the log. */
export interface CommitEntry {
  readonly tid: number
  /** Milliseconds since 1970. */
  readonly time: number
  /** Where its frame begins. */
  readonly offset: number
  /** Bytes of its frame. */
  readonly bytes: number
  /** How many objects it wrote, by the oid of the shape record; shapes are not counted. */
  readonly byShape: ReadonlyMap<Oid, number>
  /** A MessagePack map with `note` and `meta`; empty: none. */
  readonly annotation: Uint8Array
}

/** Which commits, of those that the snapshot shows and that stand behind the packed state. */
interface HistoryRange {
  /** Those behind this one. */
  readonly after?: number
  /** This one is the last. */
  readonly until?: number
  /** The newest first. */
  readonly reverse?: boolean
}

/** Whoever asks for one commit reads little more than that. */
const FIRST_STEP = 1 << 14

/**
 * Reads as it goes: forwards in pieces of up to 1 MiB, backwards frame by frame. Gives all commits that are sound before it throws
 * CorruptLogError; damage outside of the range is in the way only where it stands on both sides of it. Throws DiskError.
 */
export function* readHistory(snapshot: Snapshot, range: HistoryRange = {}): Generator<CommitEntry, undefined> {
  const { until = Infinity, reverse = false } = range
  const after = Math.max(range.after ?? 0, snapshot.generation.header.baseTid)
  const last = Math.min(until, snapshot.tid)
  if (last <= after) return
  try {
    yield* reverse ? backwards(snapshot, after, last) : forwards(snapshot, after, last)
  } catch (error) {
    throw asDiskError(snapshot.generation.path, error)
  }
}

function* forwards(snapshot: Snapshot, after: number, last: number): Generator<CommitEntry, undefined> {
  const { log, header } = snapshot.generation
  let from = log.tailOf(after)
  let inTheWay: CorruptLogError | undefined
  if (from !== undefined || after === header.baseTid) {
    let given = after
    try {
      for (const entry of replayed(snapshot, from, after, last)) {
        yield entry
        given = entry.tid
      }
      return
    } catch (error) {
      if (given > after || !(error instanceof CorruptLogError)) throw error
      inTheWay = error
    }
  }
  // What is damaged stands before all of them: the first one is found from the other end.
  const first = commitBehind(snapshot, after, last, inTheWay)
  if (first !== undefined) {
    yield entryOfFrame(first)
    from = tailBehind(first)
  }
  yield* replayed(snapshot, from, first?.header.tid ?? after, last)
}

/** Those behind `after`, which ends at `from` or behind it. */
function* replayed(
  { generation }: Snapshot,
  from: Tail | undefined,
  after: number,
  last: number,
): Generator<CommitEntry, undefined> {
  let read: CommitEntry[] = []
  const take: FrameSink = (header, bytes, at, end) => {
    if (header.kind === 'commit' && header.tid > after) read.push(entryOf(header, bytes, at, end))
  }
  const steps = generation.log.replaying(take, from, last, FIRST_STEP)
  for (;;) {
    let step: IteratorResult<number, { readonly tid: number; readonly offset: number }>
    try {
      step = steps.next()
    } catch (error) {
      yield* read
      throw error
    }
    yield* read
    read = []
    if (step.done !== true) continue
    const { tid, offset } = step.value
    if (tid >= last) return
    throw new CorruptLogError(generation.path, offset, tid, 'the log has become shorter than it was')
  }
}

/**
 * The first one behind `after`, found from the other end; undefined: that leads to none. Where there is damage on this way, too, throws
 * `inTheWay`, what there was on the other.
 */
function commitBehind(
  snapshot: Snapshot,
  after: number,
  last: number,
  inTheWay: CorruptLogError | undefined,
): WholeFrame | undefined {
  let found: WholeFrame | undefined
  try {
    for (found of commitsBackwards(snapshot, after, last));
  } catch (error) {
    throw error instanceof CorruptLogError ? (inTheWay ?? error) : error
  }
  return found?.header.tid === after + 1 ? found : undefined
}

function tailBehind({ header, checksum }: WholeFrame): Tail {
  const { offset: lastFrame, tid, time, nextOid, boot } = header
  return { offset: lastFrame + frameLength(header), tid, time, nextOid, checksum, lastFrame, boot }
}

function* backwards(snapshot: Snapshot, after: number, last: number): Generator<CommitEntry, undefined> {
  for (const frame of commitsBackwards(snapshot, after, last)) yield entryOfFrame(frame)
}

/** The frames of the commits up to `last`, down to the first one behind `after`. */
function* commitsBackwards(snapshot: Snapshot, after: number, last: number): Generator<WholeFrame, undefined> {
  const { log } = snapshot.generation
  const end = last < snapshot.tid ? log.tailOf(last)?.offset : undefined
  let met = false
  try {
    for (const frame of commitsBefore(end ?? snapshot.offset, snapshot, after, last)) {
      met = true
      yield frame
    }
  } catch (error) {
    // What is damaged may stand behind all of them.
    const begin = met || end !== undefined || !(error instanceof CorruptLogError) ? undefined : log.tailOf(last)?.offset
    if (begin === undefined) throw error
    yield* commitsBefore(begin, snapshot, after, last)
  }
}

/** Of the frames before `to`, where one ends. */
function* commitsBefore(
  to: number,
  { generation }: Snapshot,
  after: number,
  last: number,
): Generator<WholeFrame, undefined> {
  for (const frame of generation.framesBackwards(to as Offset)) {
    const { kind, tid } = frame.header
    if (kind !== 'commit' || tid > last) continue
    yield frame
    if (tid - 1 <= after) return
  }
}

function entryOfFrame({ header, bytes }: WholeFrame): CommitEntry {
  return entryOf(header, bytes, FRAME_HEADER_LENGTH, FRAME_HEADER_LENGTH + header.bodyLength)
}

function entryOf(header: FrameHeader, bytes: Uint8Array, at: number, end: number): CommitEntry {
  const byShape = new Map<Oid, number>()
  const behind = scanRecords(bytes, at, end, header.records, (_oid, shape) => {
    if (shape >= FIRST_FREE_OID || shape === LOST_SHAPE) byShape.set(shape, (byShape.get(shape) ?? 0) + 1)
  })
  const { tid, time, offset } = header
  const annotation = copyOf({ bytes, from: behind < 0 ? end : behind, to: end })
  return { tid, time, offset, bytes: frameLength(header), byShape, annotation }
}
