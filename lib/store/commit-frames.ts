// The frames of commits before they are appended: one at a time, from assembling to appending without a break, and each built in the
// space of the one before it. Appends nothing.
import type { Disk } from '../file/disk.js'
import { assembleCommit, timeAt, type AssembledFrame, type Place } from './assemble.js'
import type { Generation } from './generation.js'
import { withId } from './transaction-id.js'
import type { Draft } from './types.js'

/** The space has so many bytes at first, and as many as the frames took, but no more than this. */
const LEAST_SPACE = 1 << 14
const MOST_SPACE = 1 << 20

/** A draft with its id, if it has one, and the frame that it makes at the tail that was known then. */
export interface Prepared {
  readonly draft: Draft
  readonly frame: AssembledFrame
}

export class CommitFrames {
  readonly #disk: Disk
  #space: Uint8Array = new Uint8Array(LEAST_SPACE)

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /**
   * An id is kept with the time of its frame: by that a pack tells which are old, whatever the clock of this machine said. `before`: the
   * same at another place, which is given up for it. Memory that is used again is ready, which counts where others wait for the lock.
   * Throws CommitTooLargeError.
   */
  prepare(generation: Generation, work: Draft, id: string | undefined, before?: Prepared): Prepared {
    const space = before === undefined ? this.#space : new Uint8Array(before.frame.bytes.buffer)
    const place = placeIn(generation, this.#disk)
    const draft = id === undefined ? work : withId(work, id, timeAt(place))
    const frame = assembleCommit(draft, place, oid => generation.newest(oid), space)
    const { buffer } = frame.bytes
    if (buffer.byteLength <= MOST_SPACE) this.#space = new Uint8Array(buffer)
    return { draft, frame }
  }
}

/** Where the next frame stands, as far as this process knows. */
export function placeIn({ reader }: Generation, disk: Disk): Place {
  const { tail, salt, proved: syncedTo } = reader
  return { tail, now: disk.now(), salt, boot: disk.boot, syncedTo }
}
