// Which generation a store is at, as far as this process knows: catching up with it, and over to the next one that a pack has put
// in its place. Tells a pack from a file that somebody has replaced. Takes no lock.
import { ClosedError, NotAStoreError, StoreNotFoundError, StoreReplacedError } from '../error.js'
import type { Disk } from '../file/disk.js'
import { endStands, REPLACED, shorter } from '../log/tail.js'
import { Generation } from './generation.js'
import type { Snapshot } from './snapshot.js'

export class CurrentFile {
  readonly #disk: Disk
  readonly #path: string
  readonly #access: 'read' | 'append'
  readonly #until: number
  #generation: Generation
  #closed = false

  /** `until`: the last commit to read. */
  constructor(disk: Disk, path: string, access: 'read' | 'append', until: number) {
    this.#disk = disk
    this.#path = path
    this.#access = access
    this.#until = until
    this.#generation = this.#open()
  }

  /** What has just been replaced by a pack is as good as any: that is gone over to when it is read to its end. */
  #open(): Generation {
    const opened = Generation.open(this.#disk, this.#path, this.#access, this.#until)
    if (opened.identity.links > 0 || !opened.hasLostName(this.#disk.lookUp(this.#path))) return opened
    opened.release()
    throw lostName(this.#path)
  }

  get generation(): Generation {
    return this.#generation
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Reads to the end, over to the next generation where a pack has made one. */
  catchUp(): void {
    while (!this.catchUpBy(Infinity));
  }

  /** The same, but no more than about so many bytes; false: there is more to read. */
  catchUpBy(bytes: number): boolean {
    const status = this.#generation.reader.advance(bytes)
    if (status === 'budget') return false
    if (status !== 'superseded' || this.isAtPath()) return true
    this.#goOver()
    return false
  }

  /** Looks whether the path still leads to this file: after a pack, over to the next one, of which nothing is read. Throws StoreReplacedError. */
  look(): void {
    if (!this.#isStill(this.#generation)) this.#goOver()
  }

  /** The same once it is closed: whether the path leads to the file of `generation`, which somebody holds, or to a later one of a pack. */
  lookFor(generation: Generation): void {
    if (!this.#isStill(generation)) this.#openAfter(generation).release()
  }

  /** Whether the path still leads to the file of `generation`, which somebody holds; false: a pack has made another. Throws StoreReplacedError. */
  #isStill(generation: Generation): boolean {
    if (this.#standsAtPath(generation)) return true
    generation.isNameSynced = false // put back, it has its name anew
    // Another file stands at the path: a pack, if this one ends in a superseded frame, which catching up finds.
    if (generation.reader.advance() === 'superseded') return false
    const there = this.#disk.lookUp(this.#path)
    if (there === undefined) throw removed(this.#path)
    if (generation.hasLostName(there)) throw lostName(this.#path)
    if (this.#standsAtPath(generation)) return true
    throw new StoreReplacedError(this.#path, 'another file has taken the place of this one')
  }

  isAtPath(): boolean {
    return this.#generation.isAtPath()
  }

  /** Throws StoreReplacedError where the file is the same and its content is not: cut shorter, or written over. */
  #standsAtPath(generation: Generation): boolean {
    const there = this.#disk.lookUp(this.#path)
    if (!generation.isFile(there)) return false
    const { file, reader } = generation
    // A network file system may tell an old size by the path.
    if (there.size < reader.tail.offset && file.end() < reader.tail.offset) throw shorter(this.#path, reader.tail)
    this.#checkEnd(generation)
    reader.isGone = false // put back
    return true
  }

  /** Looks only whether what was read is still in the file, wherever that is. Throws StoreReplacedError. */
  lookAtEnd(): void {
    this.#checkEnd(this.#generation)
  }

  #checkEnd({ file, header, reader }: Generation): void {
    if (!endStands(file, header, reader.tail)) throw new StoreReplacedError(this.#path, REPLACED)
  }

  /** Whoever holds a generation still has it, and nothing goes over to another any more. */
  close(): void {
    this.#closed = true
    this.#generation.release()
  }

  /**
   * The newest state read, held for the caller, if that is in another file than `generation`, which somebody holds. Once it is closed, the
   * path is looked at for that. Throws StoreReplacedError.
   */
  packedSince(generation: Generation): Snapshot | undefined {
    if (this.#closed) return this.#isStill(generation) ? undefined : this.#stateAfter(generation)
    if (this.#generation === generation) return undefined
    this.#generation.retain()
    return this.#generation.snapshot()
  }

  #stateAfter(generation: Generation): Snapshot {
    const next = this.#openAfter(generation)
    try {
      next.reader.advance()
      return next.snapshot()
    } catch (error) {
      next.release()
      throw error
    }
  }

  #goOver(): void {
    if (this.#closed) throw new ClosedError(`${this.#path} has been closed`)
    const old = this.#generation
    this.#generation = this.#openAfter(old)
    old.release()
  }

  /** `old` is read to its end, whose commits all are in what a pack has made of it since: not so in a pack of an older copy. */
  #openAfter(old: Generation): Generation {
    const next = this.#openNext()
    const { storeId, baseTid, baseEnd } = next.header
    const same = Buffer.compare(storeId, old.header.storeId) === 0
    const isPack = same && next.number > old.number && baseTid >= old.reader.tail.tid
    const isWhole = next.identity.size >= baseEnd
    if (isPack && isWhole) return next
    next.release()
    const what = isPack ? 'a packed file that is cut short' : 'another store, or an older copy,'
    throw new StoreReplacedError(this.#path, `${what} has taken the place of this one`)
  }

  #openNext(): Generation {
    try {
      return this.#open()
    } catch (cause) {
      if (cause instanceof StoreNotFoundError) throw removed(this.#path)
      if (!(cause instanceof NotAStoreError)) throw cause
      const what = this.#disk.lookUp(this.#path)?.size === 0 ? 'an empty file' : 'a file that is no store'
      throw new StoreReplacedError(this.#path, `${what} has taken the place of this one`)
    }
  }
}

function lostName(path: string): StoreReplacedError {
  return new StoreReplacedError(
    path,
    'the file has lost its name: it was packed, replaced or removed outside, and a mount of the single file, as in a container, ' +
      'does not follow. Mount the directory, not the file',
    'Then open the store again',
  )
}

function removed(path: string): StoreReplacedError {
  return new StoreReplacedError(
    path,
    'the file has been removed',
    'Close this connection and put the file, or a copy of it, back before the store is opened again: open() makes an empty one where ' +
      'there is none',
  )
}
