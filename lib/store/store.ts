// One store as this process sees it: which generation is current, catching up, and the commit procedure. One for each data inode,
// shared by its connections. Knows oids and bytes, never classes. The lock is held only inside `commit` and `underLock`.
import { NotAStoreError, ReadonlyError, StoreNotFoundError, StoreReplacedError, UnsupportedError } from '../error.js'
import type { Disk } from '../file/disk.js'
import { CommitLock } from '../file/lock.js'
import type { TailStatus } from '../log/log-reader.js'
import { cutShortFrame, setTornEndAside } from '../log/recovery.js'
import { assembleCommit, assembleControl, type AssembledFrame, type Place } from './assemble.js'
import { createStore } from './create.js'
import { Durability } from './durability.js'
import { Generation } from './generation.js'
import type { Snapshot } from './snapshot.js'
import { removeStrays } from './temporary.js'
import { withId } from './transaction-id.js'
import type { Draft, Offset, Oid, Tid } from './types.js'

export interface StoreOptions {
  readonly?: boolean
  /** Only with `readonly`: the state after this commit, whatever came later. */
  until?: number
  /** Milliseconds to wait for the commit lock; 10,000 unless told. */
  lockTimeout?: number
  /** Permission bits of a new store; 0600 unless told. */
  mode?: number
  /** Goes on where the file system is one of a network, or FUSE, on which locks may not work. */
  unsafeFilesystem?: boolean
}

export type CommitResult =
  | {
      readonly outcome: 'committed'
      readonly snapshot: Snapshot
      readonly firstOid: Oid
      readonly offsets: readonly Offset[]
    }
  | { readonly outcome: 'conflict'; readonly oids: readonly Oid[]; readonly snapshot: Snapshot }
  | { readonly outcome: 'known'; readonly tid: Tid }
  | { readonly outcome: 'moved' }
  | { readonly outcome: 'busy' }

/** Milliseconds between two looks at whether the path still leads to this file. */
const LOOK_INTERVAL = 100
/** More than this to catch up with is read without the lock. */
const MOST_UNDER_LOCK = 1 << 20

const stores = new Map<string, Store>()

export class Store {
  readonly disk: Disk
  readonly path: string
  readonly readonly: boolean
  readonly lock: CommitLock
  readonly durability: Durability
  readonly lockTimeout: number
  readonly #until: number
  readonly #mode: number
  #current: Generation
  #lookedAt = 0
  #users = 0
  #straysRemoved = false

  /** Opens the store at `path`; a missing one is created with `initial` as its first commit (whoever is first, wins). */
  static open(disk: Disk, path: string, options: StoreOptions = {}, initial?: Draft): Store {
    if (options.until !== undefined && options.readonly !== true) throw new TypeError('until needs { readonly: true }')
    const real = canonicalPath(disk, path)
    refuseNetwork(disk, real, options)
    if (options.readonly !== true) disk.checkWriting()
    const there = disk.lookUp(real)
    if (there === undefined) {
      if (options.readonly === true || initial === undefined) throw new StoreNotFoundError(real)
      createStore(disk, real, initial, options.mode ?? 0o600)
    } else if (!there.isFile) {
      throw new NotAStoreError(real, 'this is not a regular file')
    }
    const store = new Store(disk, real, options)
    const shared = options.until === undefined ? stores.get(store.#key()) : undefined
    if (shared !== undefined && shared.disk === disk && shared.path === real) {
      store.#current.release()
      shared.#users++
      return shared
    }
    store.#users++
    if (options.until === undefined && shared === undefined) stores.set(store.#key(), store)
    try {
      store.#catchUp()
      const { tid } = store.#current.reader.tail
      if (options.until !== undefined && tid < options.until) {
        throw new RangeError(`${real}: there is no commit ${options.until}; the last one is ${tid}`)
      }
      if (options.until !== undefined && tid > options.until) {
        throw new RangeError(
          `${real}: commit ${options.until} is not in the file any more; a pack has kept only ${tid} and later`,
        )
      }
    } catch (error) {
      store.close()
      throw error
    }
    return store
  }

  private constructor(disk: Disk, path: string, options: StoreOptions) {
    this.disk = disk
    this.path = path
    this.readonly = options.readonly === true
    this.lockTimeout = options.lockTimeout ?? 10_000
    this.#until = options.until ?? Infinity
    this.#current = this.#openCurrent()
    this.#mode = this.#current.identity.mode & 0o666
    this.lock = new CommitLock(disk, path, this.#mode)
    this.durability = new Durability(disk, generation => this.#markSuspect(generation))
  }

  /** The generation that commits go to, as far as this process knows. */
  get current(): Generation {
    return this.#current
  }

  /** The newest state of the file: one lseek when nothing has happened since. May be in another generation than before. */
  latest(): Snapshot {
    if (this.#until === Infinity) {
      if (this.disk.ticks() - this.#lookedAt >= LOOK_INTERVAL) this.#look()
      this.#catchUp()
    }
    return this.#current.snapshot()
  }

  /** Which of `oids` were changed after `since` and up to `now`, `now` being the later of the two. */
  touchedSince(since: Snapshot, oids: Iterable<Oid>, now: Snapshot): Oid[] {
    const { generation } = now
    const touched: Oid[] = []
    if (generation === since.generation) {
      if (now.offset === since.offset) return touched
      for (const oid of oids) if (generation.find(oid, now.offset) >= since.offset) touched.push(oid)
      return touched
    }
    for (const oid of oids) {
      const at = generation.find(oid, now.offset)
      if (at === 0 ? since.generation.find(oid, since.offset) !== 0 : generation.read(at).tid > since.tid)
        touched.push(oid)
    }
    return touched
  }

  /**
   * Appends `draft` if none of `accessed` has changed since `snapshot`: the frame is built before the lock, and the lock is held
   * from the check to the append. `id`: of the transaction; nothing is appended if it has been committed before.
   * Throws LockTimeoutError, CommitFailedError, CommitTooLargeError, DurabilityUnknownError.
   */
  commit(work: Draft, snapshot: Snapshot, accessed: Iterable<Oid>, wait: boolean, id?: string): CommitResult {
    this.durability.refuseAfterFailure(this.#current)
    const draft = id === undefined ? work : withId(work, id, this.disk.now())
    let frame = this.#assemble(draft)
    if (this.lock.held) return this.#append(draft, frame, snapshot, accessed, id)
    for (;;) {
      if (!this.#takeLock(wait)) return { outcome: 'busy' }
      try {
        const status = this.#tailUnderLock()
        if (status === 'end') return this.#append(draft, frame, snapshot, accessed, id)
      } finally {
        this.lock.release()
      }
      this.#catchUp()
      frame = this.#assemble(draft)
    }
  }

  /** Runs `act` with the lock held and everything read; commits inside use that lock. Blocks up to `lockTimeout`. */
  underLock<T>(act: () => T): T {
    for (;;) {
      this.#takeLock(true)
      try {
        if (this.#tailUnderLock() === 'end') return act()
      } finally {
        this.lock.release()
      }
      this.#catchUp()
    }
  }

  /** The same, waiting for the lock without blocking the event loop; `act` then runs in one stretch. */
  async underLockAsync<T>(act: () => T): Promise<T> {
    for (;;) {
      const result = await this.lock.with(
        () => this.#current.file.fd,
        this.lockTimeout,
        () => (this.#tailUnderLock() === 'end' ? { value: act() } : undefined),
      )
      if (result !== undefined) return result.value
      this.#catchUp()
    }
  }

  /** Resolves when the lock was free at a moment. Throws LockTimeoutError. */
  untilFree(): Promise<void> {
    return this.lock.with(
      () => this.#current.file.fd,
      this.lockTimeout,
      () => undefined,
    )
  }

  /** Everything up to `snapshot` is on disk afterwards, in the file that the path leads to. */
  makeDurable(snapshot: Snapshot): void {
    this.durability.sync(snapshot)
    this.#look()
  }

  async makeDurableAsync(snapshot: Snapshot): Promise<void> {
    await this.durability.syncAsync(snapshot)
    this.#look()
  }

  /** Looks at the path now: after a pack, goes on in the next generation. Throws StoreReplacedError. */
  look(): void {
    this.#look()
    this.#catchUp()
  }

  close(): void {
    if (--this.#users > 0) return
    if (stores.get(this.#key()) === this) stores.delete(this.#key())
    try {
      if (!this.readonly) this.durability.close(this.#current.snapshot())
    } finally {
      this.#current.release()
      this.lock.close()
    }
  }

  #key(): string {
    const { dev, ino } = this.#current.identity
    return `${this.readonly ? 'r' : 'w'}:${dev}:${ino}`
  }

  #openCurrent(): Generation {
    return Generation.open(this.disk, this.path, this.readonly ? 'read' : 'append', this.#until)
  }

  #place(): Place {
    const { reader } = this.#current
    return {
      tail: reader.tail,
      now: this.disk.now(),
      salt: reader.salt,
      boot: this.disk.boot,
      syncedTo: reader.syncedTo,
    }
  }

  #assemble(draft: Draft): AssembledFrame {
    const generation = this.#current
    return assembleCommit(draft, this.#place(), oid => generation.newest(oid))
  }

  #takeLock(wait: boolean): boolean {
    if (this.readonly)
      throw new ReadonlyError(`${this.path} was opened readonly: open it without { readonly: true } to commit`)
    if (wait) this.lock.take(this.#current.file.fd, this.lockTimeout)
    else if (!this.lock.try(this.#current.file.fd)) return false
    if (!this.#straysRemoved) this.#removeStrays()
    return true
  }

  /** Tidying up never stands in the way of a commit. */
  #removeStrays(): void {
    this.#straysRemoved = true
    try {
      removeStrays(this.disk, this.path)
    } catch {
      // The directory may not be ours to list; the next writer or packer tries again.
    }
  }

  /** With the lock held: applies what has arrived. `superseded`, `budget`: the lock must be given up to go on. */
  #tailUnderLock(): Exclude<TailStatus, 'short' | 'torn'> {
    const { reader, writer, file } = this.#current
    for (;;) {
      const status = reader.advance(MOST_UNDER_LOCK)
      if (status === 'short') {
        cutShortFrame(this.path, reader, writer)
      } else if (status === 'torn') {
        const saved = setTornEndAside(file, this.path, reader, writer)
        this.disk.warn(
          `${this.path}: a power cut has damaged the end of the store, behind commit ${reader.tail.tid}, before it was on disk. ` +
            `It was cut off and saved as ${saved}.`,
        )
      } else if (status === 'superseded' && this.#pathIsMine()) {
        reader.passSuperseded()
      } else {
        return status
      }
    }
  }

  /** An fsync has failed. A process that opens the file later would be told that all is well: the file itself must say so. */
  #markSuspect(generation: Generation): void {
    try {
      this.underLock(() => {
        if (this.#current !== generation || generation.reader.suspect) return
        const { reader, writer } = generation
        writer.append(assembleControl('suspect', new Uint8Array(), this.#place()), reader.tail.offset)
        reader.advance()
      })
    } catch {
      // The disk takes nothing any more. This process knows, and commits no more.
    }
  }

  /** With the lock held and everything applied. */
  #append(
    draft: Draft,
    prepared: AssembledFrame,
    snapshot: Snapshot,
    accessed: Iterable<Oid>,
    id: string | undefined,
  ): CommitResult {
    const generation = this.#current
    this.durability.refuseAfterFailure(generation)
    const known = id === undefined ? undefined : generation.ids.get(id)
    if (known !== undefined) return { outcome: 'known', tid: known.tid }
    if (snapshot.generation !== generation) return { outcome: 'moved' }
    const now = generation.snapshot()
    const oids = this.touchedSince(snapshot, accessed, now)
    if (oids.length > 0) return { outcome: 'conflict', oids, snapshot: now }
    const { tail } = generation.reader
    const frame = prepared.tail.lastFrame === tail.offset ? prepared : this.#assemble(draft)
    generation.writer.append(frame.bytes, tail.offset)
    generation.applyOwn(draft, frame)
    this.durability.syncSoon(() => this.#current, frame.bytes.length)
    return { outcome: 'committed', snapshot: generation.snapshot(), firstOid: frame.firstOid, offsets: frame.offsets }
  }

  /** Reads to the end, over to the next generation where a pack has made one. */
  #catchUp(): void {
    for (;;) {
      const status = this.#current.reader.advance()
      if (status !== 'superseded' || this.#pathIsMine()) return
      this.#goOver()
    }
  }

  /** Whether the path leads to the current generation's file, or that file has at least kept a name of its own. */
  #pathIsMine(): boolean {
    const there = this.disk.lookUp(this.path)
    const { dev, ino } = this.#current.identity
    return there?.ino === ino && there.dev === dev
  }

  #look(): void {
    this.#lookedAt = this.disk.ticks()
    if (this.#until !== Infinity) return
    this.lock.look()
    if (this.#pathIsMine()) return
    // Another file stands at the path: a pack, if this one ends in a superseded frame, which catching up finds.
    if (this.#current.reader.advance() !== 'superseded') {
      const gone = this.disk.lookUp(this.path) === undefined
      if (!gone && this.#pathIsMine()) return
      throw new StoreReplacedError(
        this.path,
        gone ? 'the file has been removed' : 'another file has taken the place of this one',
      )
    }
    this.#catchUp()
  }

  #goOver(): void {
    const old = this.#current
    const next = this.#openNext()
    const same = Buffer.compare(next.header.storeId, old.header.storeId) === 0
    if (!same || next.number <= old.number) {
      next.release()
      throw new StoreReplacedError(this.path, 'another store, or an older copy, has taken the place of this one')
    }
    const shared = stores.get(this.#key()) === this
    if (shared) stores.delete(this.#key())
    this.#current = next
    if (shared && !stores.has(this.#key())) stores.set(this.#key(), this)
    old.release()
  }

  #openNext(): Generation {
    try {
      return this.#openCurrent()
    } catch (cause) {
      if (cause instanceof StoreNotFoundError) throw new StoreReplacedError(this.path, 'the file has been removed')
      throw cause
    }
  }
}

function canonicalPath(disk: Disk, path: string): string {
  try {
    return disk.canonical(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new StoreNotFoundError(path)
    throw cause
  }
}

function refuseNetwork(disk: Disk, path: string, { unsafeFilesystem }: StoreOptions): void {
  if (unsafeFilesystem === true) return
  const name = disk.networkFileSystem(path.slice(0, path.lastIndexOf('/') + 1))
  if (name === undefined) return
  throw new UnsupportedError(
    `${path} is on ${name}, where file locks and appends of several machines cannot be trusted. Use a local disk; ` +
      'or, if only this machine uses the file (a local FUSE mount, say), open it with { unsafeFilesystem: true }.',
  )
}
