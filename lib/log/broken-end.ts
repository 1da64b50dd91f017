// What stands behind the tail and is no whole frame: an append under way, damage, or the mark of a power cut. Owns what was found of it,
// so that what is looked through again is only what has come since. Only reads.
import type { DataFile } from '../file/data-file.js'
import { isMarkOfPowerCut, isOverOthers, type BeforeDamage, type BehindDamage } from './damage.js'
import { checkFrame, FRAME_HEADER_LENGTH, frameLength, readFrameHeader, type FrameHeader } from './frame.js'

/** How often bytes that look wrong are read again: a writer may just have cut a torn frame and written anew. */
const RE_READS = 3

export class BrokenEnd {
  readonly #file: DataFile
  readonly #salt: number
  /** Where bytes looked wrong the last time, and how often there, one time after the other. */
  #wrong = { offset: 0, times: 0 }
  /** Behind the tail at `offset`, an append under way has been looked through up to here: it may be long, and grows. */
  #searched = { offset: 0, to: 0 }
  /** Where the torn end was found that the file had then. */
  #torn: { readonly offset: number; readonly end: number } | undefined

  constructor(file: DataFile, salt: number) {
    this.#file = file
    this.#salt = salt
  }

  /** Bytes look wrong there; false: they have been read again often enough to be called damage. */
  isToBeReadAgain(offset: number): boolean {
    if (this.#wrong.offset !== offset) this.#wrong = { offset, times: 0 }
    if (++this.#wrong.times <= RE_READS) return true
    this.#wrong.times = 0
    return false
  }

  /** Whether the damage there is the mark of a power cut, which is noted then. */
  isTorn(before: BeforeDamage, end: number, behind: BehindDamage): boolean {
    const { offset } = before
    if (!isMarkOfPowerCut(offset, before, this.#file.disk.boot, () => behind)) return false
    this.#torn = { offset, end }
    return true
  }

  /** Whether the torn end found earlier is still what stands there: a writer may have cut it and appended since. */
  isStillTorn(offset: number, end: number): boolean {
    if (this.#torn?.offset !== offset || this.#torn.end !== end) return false
    const head = this.#file.between(offset, Math.min(end, offset + FRAME_HEADER_LENGTH))
    const header = readFrameHeader(head, 0, offset, this.#salt)
    if (header === undefined) return true
    const bytes = this.#file.between(offset, Math.min(end, offset + frameLength(header)))
    return bytes.length < frameLength(header) || checkFrame(bytes, 0, header) === undefined
  }

  /** The question of `isOverOthers`, about what has come since it was asked last; `strict`: about all of it. */
  isOverOthers(header: FrameHeader, end: number, strict: boolean): boolean {
    const { offset } = header
    const searched = this.#searched
    const from = offset + FRAME_HEADER_LENGTH
    const isKnown = !strict && searched.offset === offset && searched.to <= end
    if (isOverOthers(this.#file, header, isKnown ? searched.to : from, end)) return true
    this.#searched = { offset, to: Math.max(from, end - FRAME_HEADER_LENGTH) }
    return false
  }
}
