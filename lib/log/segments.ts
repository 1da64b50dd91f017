// Which of the segments behind damage are of the log, and which are copies, kept as data in it: by where they stand, by what they follow and
// what follows them, and by where the file ends. What nothing proves is not taken. Work and memory in proportion to their number.
import type { DataFile } from '../file/data-file.js'
import type { FoundFrame } from './damage.js'
import type { FileHeader } from './file-header.js'
import { FRAME_HEADER_LENGTH, mayBeginFrame, type FrameHeader } from './frame.js'
import { lastFrame, trailerBefore, type LastFrame, type Trailer } from './last-frame.js'
import { displacement, extend, segmentOf, type Segment } from './segment.js'

/** What is linked to what has been accepted is looked for again and again, but no more often than this. */
const MOST_ROUNDS = 16

export class Segments {
  readonly #file: DataFile
  readonly #end: number
  readonly #header: FileHeader | undefined
  /** What stands before the damage, and all segments behind it. */
  readonly #all: Segment[]
  readonly #accepted = new Set<Segment>()
  /** Frames of which not all is there, by where they say that they begin. */
  readonly #broken = new Map<number, FrameHeader>()
  /** Those that have been looked at, by where they end. */
  readonly #trailers = new Map<number, Trailer | undefined>()
  /** If its trailer is left. */
  readonly #last: LastFrame | undefined
  #unfinished: Segment | undefined

  /** `end`: of the file; `before`: the log before the damage. */
  constructor(file: DataFile, end: number, header: FileHeader | undefined, before: Segment) {
    this.#file = file
    this.#end = end
    this.#header = header
    this.#all = [before]
    this.#accepted.add(before)
    this.#last = lastFrame(file, end)
  }

  /** Takes note of a frame behind those so far. */
  add(found: FoundFrame): void {
    const { header, bytes } = found
    const last = this.#all.at(-1)
    const isAgain = bytes !== undefined && (isSame(this.#broken.get(header.offset), header) || this.#isNext(header))
    if (!isAgain && this.#all.length > 1 && last !== undefined && extend(last, found, this.#header)) return
    this.#all.push(segmentOf(found, this.#header))
    if (bytes === undefined) this.#broken.set(header.offset, header)
  }

  /** Whether it goes on with what stands before the damage, which stands behind it once more. */
  #isNext({ offset, previous }: FrameHeader): boolean {
    const [before] = this.#all
    return offset === before?.endOffset && previous === before.checksum
  }

  /** Those behind the damage that are of the log, in order. */
  choose(): Segment[] {
    this.#acceptInPlace()
    this.#acceptLinked()
    this.#unfinished = this.#findUnfinished()
    const end = this.#last?.to ?? this.#end
    this.#acceptBehind(
      (last, each) => !each.isBroken && each.endAt === end && this.#reachesEnd(each) && !this.#reachesEnd(last),
    )
    this.#acceptBehind((last, each) => this.#reachesEnd(each) && !this.#reachesEnd(last))
    this.#acceptBehind((last, each) => isNearer(last, each) && each.at >= lastEnd(last) && !this.#isInLast(each))
    this.#acceptBehind((last, each) => this.#follows(last, each) && !this.#isInLast(each))
    this.#acceptBehind((last, each) => isNearer(last, each) && each.endAt > lastEnd(last) && !this.#isInLast(each))
    return this.#all.filter((segment, n) => n > 0 && this.#accepted.has(segment))
  }

  /**
   * An append that was never finished, if it goes on with whole frames before it: the end of the log, and what stands in it are copies. Where
   * something there may go on with it, bytes may be gone from it instead.
   */
  #findUnfinished(): Segment | undefined {
    const lastFrom = this.#last?.from ?? Infinity // what is part of the last frame is a copy
    const n = this.#all.findIndex(
      (segment, i) => i > 0 && segment.at < lastFrom && this.#isBeyond(segment) && isNext(this.#all[i - 1], segment),
    )
    const found = this.#all[n]
    if (found === undefined) return undefined
    const goesOn = ({ offset, after, isBroken }: Segment): boolean =>
      !isBroken && offset >= found.endOffset && after >= found.tid
    return this.#all.slice(n + 1).some(goesOn) ? undefined : found
  }

  #isBeyond({ at, length, isBroken }: Segment): boolean {
    return isBroken && at + length > this.#end
  }

  /** The last commit of those that may be of the log, behind what surely is; 0: there is none. */
  get doubtful(): number {
    const last = this.#all.findLast(segment => this.#accepted.has(segment))
    // What is part of the last frame is a copy.
    if (last === undefined || (last.isBroken && (last.at + last.length > this.#end || this.#reachesEnd(last)))) return 0
    let tid = 0
    for (const segment of this.#all) {
      if (segment.at <= last.at || this.#isInLast(segment)) continue
      if (this.#isInOrder(last, segment, undefined)) tid = Math.max(tid, segment.tid)
    }
    return tid
  }

  /** What stands where it says is no copy: that stands further behind than where it was. */
  #acceptInPlace(): void {
    let [last] = this.#all
    for (const segment of this.#all) {
      if (displacement(segment) !== 0 || !segment.isClosed || last === undefined) continue
      if (segment.offset < last.endOffset || segment.after < last.tid) continue
      this.#accepted.add(segment)
      last = segment
    }
  }

  #acceptLinked(): void {
    for (let rounds = MOST_ROUNDS; rounds > 0; rounds--) {
      const before = this.#accepted.size
      this.#sweepBack()
      this.#sweepOn()
      if (this.#accepted.size === before) return
    }
  }

  #sweepBack(): void {
    const before: Segment[] = []
    let [last] = this.#all
    for (const segment of this.#all) {
      if (last !== undefined) before.push(last)
      if (this.#accepted.has(segment)) last = segment
    }
    let next: Segment | undefined
    for (let n = this.#all.length - 1; n > 0; n--)
      next = this.#judge(before[n], this.#all[n], next) ? this.#all[n] : next
  }

  #sweepOn(): void {
    const behind: (Segment | undefined)[] = []
    let next: Segment | undefined
    for (let n = this.#all.length - 1; n > 0; n--) {
      behind[n] = next
      const segment = this.#all[n]
      if (segment !== undefined && this.#accepted.has(segment)) next = segment
    }
    let [last] = this.#all
    for (let n = 1; n < this.#all.length; n++) last = this.#judge(last, this.#all[n], behind[n]) ? this.#all[n] : last
  }

  /** Accepts it if it belongs between these two; gives whether it is accepted. */
  #judge(before: Segment | undefined, segment: Segment | undefined, next: Segment | undefined): boolean {
    if (segment === undefined || before === undefined) return false
    if (this.#accepted.has(segment)) return true
    const isLinked = this.#isInOrder(before, segment, next) && this.#isLinked(before, segment, next)
    if (isLinked) this.#accepted.add(segment)
    return isLinked
  }

  /**
   * That it follows the one before proves nothing: so does a copy of another life that went on from there. But no life other than its own
   * leads to the one behind it.
   */
  #isLinked(before: Segment, segment: Segment, next: Segment | undefined): boolean {
    const shift = displacement(segment)
    if (shift === displacement(before) || (next !== undefined && shift === displacement(next))) return true
    return next !== undefined && this.#leadsTo(segment, next)
  }

  #leadsTo({ endAt, endOffset, tid, checksum, isBroken }: Segment, next: Segment): boolean {
    if (endOffset === next.offset) return isBroken ? tid === next.after : checksum === next.previous
    // There is one frame between them, of which the trailer is left.
    const trailer = this.#trailerBefore(next.at)
    if (trailer === undefined || trailer.checksum !== next.previous) return false
    return endOffset === next.offset - trailer.length && endAt <= next.at - trailer.length
  }

  /** Accepts what of the rest belongs behind what has been accepted last, and what is linked to it. */
  #acceptBehind(belongs: (last: Segment, segment: Segment) => boolean): void {
    const { size } = this.#accepted
    const from = this.#all.findLastIndex(segment => this.#accepted.has(segment))
    let last = this.#all[from]
    for (const segment of this.#all.slice(from + 1)) {
      if (last === undefined || !this.#isInOrder(last, segment, undefined) || !belongs(last, segment)) continue
      this.#accepted.add(segment)
      last = segment
    }
    if (this.#accepted.size > size) this.#acceptLinked()
  }

  /** Whether it goes on with the one before it, so far as that tells. */
  #follows(before: Segment, segment: Segment): boolean {
    const { at, offset, after, previous, length } = segment
    if (displacement(segment) === displacement(before)) return true
    if (before.isBroken && before.offset === offset && before.length === length) return true // it is whole here
    if (offset === before.endOffset) return after === before.tid && previous === (before.checksum ?? previous)
    const trailer = this.#trailerBefore(at)
    return trailer !== undefined && trailer.checksum === previous && offset - trailer.length === before.endOffset
  }

  /** Whether it is part of the last frame, of which the trailer is left, or of an append that was never finished. */
  #isInLast(segment: Segment): boolean {
    return segment.at > (this.#last?.from ?? Infinity) || this.#isInUnfinished(segment)
  }

  #isInUnfinished({ at }: Segment): boolean {
    return this.#unfinished !== undefined && at > this.#unfinished.at
  }

  #reachesEnd(segment: Segment): boolean {
    if (segment === this.#unfinished) return true
    if (this.#isInUnfinished(segment)) return false
    const { endAt, isBroken, length } = segment
    const rest = this.#end - endAt
    if (rest === 0) return true
    const last = this.#last
    if (last !== undefined && last.length === (isBroken ? length : last.to - endAt)) return true
    return rest > 0 && rest < FRAME_HEADER_LENGTH && mayBeginFrame(this.#file.between(endAt, this.#end))
  }

  #trailerBefore(at: number): Trailer | undefined {
    if (!this.#trailers.has(at)) this.#trailers.set(at, trailerBefore(this.#file, at))
    return this.#trailers.get(at)
  }

  /**
   * Whether it may stand between the two. It may begin with frames that stand before it once more: where bytes stand twice, or the frame
   * before it is whole only there.
   */
  #isInOrder(before: Segment, segment: Segment, next: Segment | undefined): boolean {
    // In the place of a frame there may be an old header, which says a greater length.
    const isOver = segment.isBroken && next !== undefined && displacement(segment) === displacement(next)
    const end = isOver ? segment.offset : segment.endOffset
    if (next !== undefined && (end > next.offset || segment.tid > next.after)) return false
    if (segment.offset >= before.endOffset && segment.after >= before.tid) return true
    const isUnfinished = before.isBroken && before.at + before.length > this.#end
    return !segment.isBroken && !isUnfinished && segment.endOffset > before.endOffset && segment.tid > before.tid
  }
}

/** Whether it begins where these frames end, and follows the last of them. */
function isNext(before: Segment | undefined, { at, offset, after, previous }: Segment): boolean {
  if (before === undefined || before.isBroken || before.endAt !== at || before.endOffset !== offset) return false
  return before.tid === after && before.checksum === previous
}

/** Whether bytes before it are gone. Of the copies that are kept as data, only those of a longer log seem to stand so. */
function isNearer(before: Segment, segment: Segment): boolean {
  return !segment.isBroken && displacement(segment) < displacement(before)
}

/** Where its last frame ends, if no bytes are gone from that or have been inserted. */
function lastEnd({ at, length, endAt, isBroken }: Segment): number {
  return isBroken ? at + length : endAt
}

function isSame(one: FrameHeader | undefined, other: FrameHeader): boolean {
  if (one === undefined) return false
  const keys = Object.keys(other) as (keyof FrameHeader)[]
  return keys.every(key => one[key] === other[key])
}
