// One store as this process sees it: opened and shared, caught up with, committed to, made durable, closed; each of these is done by
// what it puts together here. One for each data inode, shared by its connections. Knows oids and bytes, never classes. The lock is held
// only inside `commit` and `underLock`.
import { ClosedError, DiskError, StoreNotFoundError, StoreReplacedError } from '../error.js'
import type { Disk } from '../file/disk.js'
import { onDisk } from '../file/disk-error.js'
import { CommitLock } from '../file/lock.js'
import { checkOpened } from './check-opened.js'
import { asCommitFailure } from './commit-failure.js'
import { Committer } from './committer.js'
import { CurrentFile } from './current-file.js'
import { Durability } from './durability.js'
import type { Generation } from './generation.js'
import { locateStore } from './locate.js'
import { orPacked } from './or-packed.js'
import { PathWatch } from './path-watch.js'
import { inSlices } from './long-work.js'
import { saveIndex, saveIndexBehindSync } from './save-index.js'
import type { Snapshot } from './snapshot.js'
import { LOCK_TIMEOUT, type Asker, type CommitResult, type Look, type StoreOptions } from './store-options.js'
import { WriteGate } from './write-gate.js'
import type { Draft, Oid } from './types.js'

/** Bytes that are read in one step of catching up without blocking. */
const CATCH_UP_STEP = 1 << 20
/** So many bytes to catch up with are not read in one go where blocking can be helped. */
const FAR_BEHIND = 4 << 20

const stores = new Set<Store>()

export class Store {
  readonly disk: Disk
  readonly path: string
  readonly readonly: boolean
  readonly lock: CommitLock
  readonly durability: Durability
  /** Where a call does not name one: of the first to open the store. */
  readonly lockTimeout: number
  readonly #until: number
  readonly #file: CurrentFile
  readonly #watch: PathWatch
  readonly #gate: WriteGate
  readonly #committer: Committer
  #users = 0

  /** Opens the store at `path`; a missing one is created with `initial` as its first commit (whoever is first, wins). */
  static open(disk: Disk, path: string, options: StoreOptions = {}, initial?: Draft): Store {
    if (options.until !== undefined && options.readonly !== true) throw new TypeError('until needs { readonly: true }')
    return onDisk(path, () => twiceIfReplaced(() => Store.#open(disk, path, options, initial)))
  }

  static #open(disk: Disk, path: string, options: StoreOptions, initial: Draft | undefined): Store {
    if (options.readonly !== true) disk.checkWriting()
    const real = locateStore(disk, path, options, initial)
    const shared = options.until === undefined ? Store.#sharedAt(disk, real, options.readonly === true) : undefined
    if (shared !== undefined) return shared
    const store = new Store(disk, real, options)
    stores.add(store)
    store.#users++
    try {
      // Over to what a pack has put there meanwhile, if it has.
      for (let read: Generation | undefined; read !== store.current; store.look()) {
        read = store.current
        store.#readLog(options)
        checkOpened(store.current, store.#until)
      }
    } catch (error) {
      store.close()
      throw error
    }
    return store
  }

  /** Two for one file would wait for each other's lock: one that has yet to go over to what a pack has put there does so now. */
  static #sharedAt(disk: Disk, path: string, isReadonly: boolean): Store | undefined {
    for (const store of stores) {
      if (store.disk !== disk || store.path !== path || store.readonly !== isReadonly || store.#until < Infinity)
        continue
      try {
        return store.share()
      } catch (error) {
        if (error instanceof DiskError) throw error // its file may be there still
        // Otherwise it is not there any more: that is told to those who use it.
      }
    }
    return undefined
  }

  /** For one more user, who closes it as well. Throws StoreReplacedError, DiskError. */
  share(): this {
    onDisk(this.path, () => this.look())
    this.#users++
    return this
  }

  private constructor(disk: Disk, path: string, options: StoreOptions) {
    this.disk = disk
    this.path = path
    this.readonly = options.readonly === true
    this.lockTimeout = options.lockTimeout ?? LOCK_TIMEOUT
    this.#until = options.until ?? Infinity
    this.#file = new CurrentFile(disk, path, this.readonly ? 'read' : 'append', this.#until)
    const { identity } = this.current
    this.lock = new CommitLock(disk, path, identity.mode & 0o666, identity)
    this.#gate = new WriteGate(disk, this.#file, this.lock, this.readonly)
    this.#watch = new PathWatch(disk, this.#file, this.lock)
    this.durability = new Durability(disk, path, {
      tellOthers: (generation, wait) => this.#markSuspect(generation, wait),
      atPath: () => this.#atPath(),
      saveIndexBehindSync,
    })
    this.#committer = new Committer(disk, this.#file, this.lock, this.#gate, this.#watch, this.durability)
  }

  #readLog({ onProgress, signal }: StoreOptions): void {
    signal?.throwIfAborted()
    while (!this.#file.catchUpBy(CATCH_UP_STEP)) {
      const { reader, file } = this.current
      onProgress?.({ done: reader.tail.offset, all: file.end() })
      signal?.throwIfAborted()
    }
  }

  get closed(): boolean {
    return this.#users === 0
  }

  /** For work that goes on while others may close the store. Throws ClosedError. */
  checkOpen(): void {
    if (this.closed) throw new ClosedError(`${this.path} has been closed`)
  }

  /** The generation that commits go to, as far as this process knows. */
  get current(): Generation {
    return this.#file.generation
  }

  /** The newest state of the file: one lseek when nothing has happened since. May be in another generation than before. */
  latest(): Snapshot {
    if (this.#until === Infinity) {
      onDisk(this.path, () => {
        this.lookIfDue()
        this.#file.catchUp()
      })
    }
    return this.current.snapshot()
  }

  /** Whether so much has arrived that reading it would block for long. */
  isFarBehind(): boolean {
    if (this.#until < Infinity) return false
    const { file, reader } = this.current
    return onDisk(this.path, () => file.end()) - reader.tail.offset > FAR_BEHIND
  }

  /** Reads what has arrived, in pieces with turns of the event loop between, where that is much. Throws ClosedError. */
  async catchUpAsync(asker: Asker = this): Promise<void> {
    if (this.#until === Infinity) await inSlices(this.disk, this.#catchingUp(asker), {})
  }

  *#catchingUp(asker: Asker): Generator<void> {
    for (;;) {
      asker.checkOpen()
      if (onDisk(this.path, () => this.#file.catchUpBy(CATCH_UP_STEP))) return
      yield
    }
  }

  /**
   * Appends `draft` if none of `accessed` has changed since `snapshot`: the frame is built before the lock, and the lock is held
   * from the check to the append. `wait`: for the lock, and how many milliseconds, if that is told. `id`: of the transaction; nothing
   * is appended if it has been committed before. `look`: whether the path still leads to this file, before anything is appended.
   * Throws LockTimeoutError, CommitFailedError, CommitTooLargeError, DurabilityUnknownError, StoreReplacedError.
   */
  commit(
    work: Draft,
    snapshot: Snapshot,
    accessed: Iterable<Oid>,
    wait: boolean | number,
    id?: string,
    look: Look = 'if due',
  ): CommitResult {
    const timeout = wait === true ? this.lockTimeout : wait === false ? undefined : wait
    try {
      return this.#committer.commit(work, snapshot, accessed, timeout, id, look)
    } catch (error) {
      this.durability.heedFailedCut(this.current)
      throw asCommitFailure(this.path, error)
    }
  }

  /** Runs `act` with the lock held and everything read; commits inside use that lock. Blocks up to `timeout`. */
  underLock<T>(act: () => T, timeout = this.lockTimeout): T {
    try {
      return this.#gate.run(act, timeout)
    } catch (error) {
      this.durability.heedFailedCut(this.current)
      throw error
    }
  }

  /** The same, waiting for the lock without blocking the event loop; `act` then runs in one stretch. Throws ClosedError. */
  async underLockAsync<T>(act: () => T, asker: Asker = this): Promise<T> {
    try {
      return await this.#gate.runAsync(act, asker, () => this.catchUpAsync(asker))
    } catch (error) {
      this.durability.heedFailedCut(this.current)
      throw error
    }
  }

  /** Resolves when the lock was free at a moment. Throws LockTimeoutError, ClosedError. */
  untilFree(asker: Asker = this): Promise<void> {
    return this.#gate.untilFree(asker)
  }

  /** Everything up to `snapshot` is on disk afterwards, in the file that the path leads to. */
  makeDurable(snapshot: Snapshot): void {
    this.durability.sync(snapshot)
    this.#synced(snapshot)
  }

  async makeDurableAsync(snapshot: Snapshot): Promise<void> {
    const { generation } = snapshot
    generation.retain()
    try {
      await this.durability.syncAsync(snapshot)
      this.#synced(snapshot)
    } finally {
      generation.release()
    }
  }

  #synced({ generation }: Snapshot): void {
    this.#watch.lookAfterSync(this.closed ? generation : undefined) // closed while it waited
    saveIndex(this.current, 'after a sync')
  }

  /** The newest state, held for the caller, if that is in another file than `generation`, which somebody holds. Throws StoreReplacedError. */
  packedSince(generation: Generation): Snapshot | undefined {
    if (!this.#file.closed) {
      this.look() // however short a while ago the last one was: what has failed may have done so because of that
      this.latest()
    }
    return this.#file.packedSince(generation)
  }

  /** Looks now whether the path still leads to this file. Throws StoreReplacedError. */
  look(): void {
    if (this.#until === Infinity) this.#watch.look()
  }

  /** The same, if the last look was a while ago. */
  lookIfDue(): void {
    if (this.#until === Infinity) this.#watch.lookIfDue()
  }

  /**
   * The last user makes what was committed durable. Throws DurabilityUnknownError, and StoreReplacedError unless that was told before; it
   * is closed then, too.
   */
  close(): void {
    if (--this.#users > 0) return
    stores.delete(this)
    try {
      if (this.readonly) return
      orPacked(this, this.current.snapshot(), each => {
        if (this.durability.close(each) && !this.#watch.hasTold) this.#watch.lookAfterSync()
      })
      saveIndex(this.current, 'at close')
    } finally {
      this.#file.close()
      this.lock.close()
    }
  }

  /**
   * An fsync has failed. A process that opens the file later would be told that all is well: the file itself must say so.
   * Gives why it does not yet. The lock may be held by the commit that has failed.
   */
  #markSuspect(generation: Generation, wait: boolean): Error | undefined {
    try {
      if (this.lock.held) this.#committer.appendSuspect(generation)
      else this.underLock(() => this.#committer.appendSuspect(generation), wait ? this.lockTimeout : 0)
      if (this.closed) this.lock.close() // it was an fsync that outlived the store
      return undefined
    } catch (error) {
      if (this.closed) this.lock.close()
      return error as Error // others hold the lock, or the disk takes nothing. This process knows, and commits no more.
    }
  }

  /** Gone over to, where a pack has put it there. */
  #atPath(): Generation {
    if (this.#file.closed && !this.#file.isAtPath()) return this.#openedAtPath()
    try {
      this.look()
    } catch (error) {
      if (!(error instanceof StoreReplacedError)) throw error
      // Where it is put back, that is this one.
    }
    return this.current
  }

  /** For an fsync that outlived the store: closing it tells the others. */
  #openedAtPath(): Generation {
    const store = Store.open(this.disk, this.path, { lockTimeout: this.lockTimeout })
    try {
      return store.current
    } finally {
      store.close()
    }
  }
}

/** What was replaced while it was opened is opened once more: nobody has anything of it yet. Where it was taken away, the first error says so. */
function twiceIfReplaced<T>(open: () => T): T {
  try {
    return open()
  } catch (replaced) {
    if (!(replaced instanceof StoreReplacedError)) throw replaced
    try {
      return open()
    } catch (error) {
      throw error instanceof StoreNotFoundError ? replaced : error
    }
  }
}
