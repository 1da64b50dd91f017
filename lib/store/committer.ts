// How something is appended to the current file: a commit, after what others have committed since was looked at, or that an fsync has
// failed. The lock is held from that look to the append, and by nothing that takes long. What it means when that fails is for the store.
import type { Disk } from '../file/disk.js'
import type { CommitLock } from '../file/lock.js'
import { assembleControl } from './assemble.js'
import { CommitFrames, placeIn, type Prepared } from './commit-frames.js'
import type { CurrentFile } from './current-file.js'
import type { Durability } from './durability.js'
import type { Generation } from './generation.js'
import type { PathWatch } from './path-watch.js'
import type { Snapshot } from './snapshot.js'
import type { CommitResult, Look } from './store-options.js'
import { tailUnderLock } from './tail-under-lock.js'
import { touchedSince } from './touched.js'
import type { Draft, Oid } from './types.js'
import type { WriteGate } from './write-gate.js'

export class Committer {
  readonly #disk: Disk
  readonly #file: CurrentFile
  readonly #lock: CommitLock
  readonly #gate: WriteGate
  readonly #watch: PathWatch
  readonly #durability: Durability
  readonly #frames: CommitFrames

  constructor(
    disk: Disk,
    file: CurrentFile,
    lock: CommitLock,
    gate: WriteGate,
    watch: PathWatch,
    durability: Durability,
  ) {
    this.#disk = disk
    this.#file = file
    this.#lock = lock
    this.#gate = gate
    this.#watch = watch
    this.#durability = durability
    this.#frames = new CommitFrames(disk)
  }

  /** See `Store.commit`. `timeout`: milliseconds to wait for the lock; undefined: it must be free. Throws also what the system refuses. */
  commit(
    work: Draft,
    snapshot: Snapshot,
    accessed: Iterable<Oid>,
    timeout: number | undefined,
    id: string | undefined,
    look: Look,
  ): CommitResult {
    if (!this.#lock.held) {
      this.#watch.lookIfDue() // the transaction may have begun long ago
      if (this.#durability.refuses(this.#file.generation)) this.#file.catchUp() // over to what a pack may have made meanwhile
    }
    this.#durability.refuseAfterFailure(this.#file.generation)
    let prepared = this.#frames.prepare(this.#file.generation, work, id)
    if (this.#lock.held) {
      if (!this.#isReadUnderLock()) return { outcome: 'moved' }
      return this.#append(work, prepared, snapshot, accessed, id, look)
    }
    for (;;) {
      if (!this.#gate.take(timeout)) return { outcome: 'busy' }
      try {
        const status = tailUnderLock(this.#file)
        if (status === 'end') return this.#append(work, prepared, snapshot, accessed, id, look)
      } finally {
        this.#lock.release()
      }
      this.#file.catchUp()
      prepared = this.#frames.prepare(this.#file.generation, work, id, prepared)
    }
  }

  /** With the lock held and everything applied. */
  #append(
    work: Draft,
    prepared: Prepared,
    snapshot: Snapshot,
    accessed: Iterable<Oid>,
    id: string | undefined,
    look: Look,
  ): CommitResult {
    const { generation } = this.#file
    this.#durability.refuseAfterFailure(generation)
    const known = id === undefined ? undefined : generation.committed(id)
    if (known !== undefined) return { outcome: 'known', tid: known.tid }
    if (snapshot.generation !== generation) return { outcome: 'moved' }
    const now = generation.snapshot()
    const oids = touchedSince(snapshot, accessed, now)
    if (oids.length > 0) return { outcome: 'conflict', oids, snapshot: now }
    const { tail } = generation.reader
    const { draft, frame } =
      prepared.frame.tail.lastFrame === tail.offset ? prepared : this.#frames.prepare(generation, work, id, prepared)
    if (look === 'now') this.#watch.lookUnderLock()
    else this.#watch.lookAtEndIfDue()
    generation.log.expectOwn(draft, frame)
    generation.writer.append(frame.bytes, tail.offset)
    generation.log.applyOwn(draft, frame)
    this.#durability.heedFailedCut(generation)
    this.#durability.syncSoon(this.#current, frame.bytes.length)
    return { outcome: 'committed', snapshot: generation.snapshot(), firstOid: frame.firstOid, offsets: frame.offsets }
  }

  readonly #current = (): Generation => this.#file.generation

  /** Says in the file that an fsync of it has failed, unless it does, or another one is current. With the lock held. */
  appendSuspect(generation: Generation): void {
    if (this.#file.generation !== generation) return
    // A pack that holds the lock may have read nothing yet of the file that it has made, and has said it there already.
    if (!this.#isReadUnderLock() || generation.reader.suspect) return
    this.#watch.lookAtEndUnderLock()
    const { reader, writer } = generation
    writer.appendControl(
      assembleControl('suspect', new Uint8Array(), placeIn(generation, this.#disk)),
      reader.tail.offset,
    )
    reader.advance()
  }

  /**
   * Where the lock has been held before: an append under it may have failed since, and a part of it stand at the end. False: a pack has put
   * another file in the place of this one.
   */
  #isReadUnderLock(): boolean {
    for (;;) {
      const status = tailUnderLock(this.#file)
      if (status !== 'budget') return status === 'end'
    }
  }
}
