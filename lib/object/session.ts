// What one connection sees: its snapshot, its identity map, which transaction runs and what that has accessed and changed.
// It decides what is visible and what may be changed; how objects hold their state is theirs, what is in the file the store's.
//
//   idle --first access--> reading --first change--> writing --commit, abort--> idle
//   reading ends by itself with the synchronous stretch that began it (connections of `open`), or by commit, abort, refresh, transact, pause.
import { ClosedError } from '../error.js'
import type { Snapshot } from '../store/snapshot.js'
import { OidSet } from '../store/oid-set.js'
import type { Store } from '../store/store.js'
import { ID_SHAPE, LOST_SHAPE, ROOT_OID, type Oid, type StoredRecord, type Tid } from '../store/types.js'
import { ObjectCache } from './cache.js'
import { CacheBudget } from './cache-budget.js'
import type { ClassRegistry } from './class-registry.js'
import { takeSamples } from './kept-sources.js'
import type { Loading } from './load.js'
import { makeCurrent } from './make-current.js'
import { checkMayChange } from './may-change.js'
import { MergingHeader } from './merging.js'
import { RecordCache, RecordView } from './record-view.js'
import { watchPending } from './exit-warning.js'
import { goOver } from './go-over.js'
import type { Header, Scope } from './header.js'
import { forbidIfEditing } from './editing.js'
import { queueMicrotask } from './loop-turn.js'
import { mention } from './mention.js'
import { plainRecord } from './plain-record.js'
import { ShapeTable, type Shape } from './shapes.js'

/** `serializable`: all that a transaction accessed must be unchanged when it commits; `snapshot`: what it changed. */
export type Isolation = 'serializable' | 'snapshot'

export interface SessionOptions {
  readonly isolation: Isolation
  readonly durability: 'fsync' | 'os'
  readonly writes: 'anywhere' | 'transact'
  /** Milliseconds to wait for the commit lock. */
  readonly lockTimeout: number
  /** A transaction that only reads ends with the synchronous stretch of code that began it. */
  readonly endsWithTurn: boolean
  /** Bytes of loaded objects to keep; see cache-budget.ts. */
  readonly cacheBytes: number
}

/** What part of `cacheBytes` the records take, beside that, by which collections are read. */
const RECORDS_PART = 5 / 16

const CLOSED = -1
const NO_ACCESS = -2

export class Session implements Scope, Loading {
  readonly store: Store
  readonly registry: ClassRegistry
  readonly options: SessionOptions
  shapes = new ShapeTable()
  cache = new ObjectCache()
  budget: CacheBudget
  /** Oids that the current transaction read or wrote: mostly each once. */
  accessed: Oid[] = []
  /** Those of them of which copies were given. */
  copied = new OidSet()
  changed = new Set<Header>()
  /** Collections that the current transaction used and that take note themselves of what it asked. */
  merging = new Set<MergingHeader>()
  serial = 1
  snapshot: Snapshot
  closed = false
  /** How deep in `transact`. */
  inside = 0
  /** Why the running transact can only fail. */
  doomed: { readonly cause: unknown } | undefined
  pauses = 0
  /** The last commit of this connection of which it is not known that it is on disk, as was asked for; 0: there is none. See confirm.ts. */
  unconfirmed = 0
  /** Transactions that are to run before anything else does: see transact-async.ts. */
  waiting: { run(): void } | undefined
  #began = false
  /**
   * What is in memory of these, and what was handed out of it, is nothing to rely on: they are read anew before anything else is done. To
   * be pushed to, without a method in between, which the engine may have to compile: where the stack is full that fails.
   */
  half: Header[] = []
  /** Changes that are to be undone, which may have failed: for whoever cannot try again. Swapped for `spare`, without a call. */
  abandoned: Set<Header> | undefined
  spare = new Set<Header>()
  #letGo: (() => void) | undefined
  #records: RecordCache
  #view: RecordView
  /** Whether the end of this synchronous stretch has been asked for: once, however many transactions there are in it. */
  #awaitsTurn = false
  readonly #turnEnded = (): void => {
    this.#awaitsTurn = false
    if (this.#began && this.changed.size === 0 && this.pauses === 0 && this.inside === 0) this.end()
  }

  constructor(store: Store, registry: ClassRegistry, options: SessionOptions) {
    this.store = store
    this.registry = registry
    this.options = options
    this.budget = new CacheBudget(this.cache, options.cacheBytes)
    this.#records = new RecordCache(options.cacheBytes * RECORDS_PART)
    this.snapshot = store.latest()
    this.snapshot.generation.retain()
    this.#view = this.viewOf(this.snapshot)
  }

  // ---- where a transaction begins and ends ----

  /** Throws ClosedError. */
  checkOpen(): void {
    if (this.closed) throw new ClosedError(`the connection to ${this.store.path} is closed`)
  }

  begin(): void {
    this.checkOpen()
    if (this.abandoned) this.undo()
    if (this.#began) return
    if (this.half.length > 0) {
      this.#dropHalf()
      this.end()
    }
    this.waiting?.run()
    this.moveTo(this.store.latest())
    this.#began = true
    if (this.inside > 0) return
    if (!this.options.endsWithTurn) return this.hold()
    if (this.#awaitsTurn) return
    this.#awaitsTurn = true
    queueMicrotask(this.#turnEnded)
  }

  /** The snapshot will be looked at for longer, while others commit. */
  hold(): void {
    this.#letGo ??= this.snapshot.generation.pinned.pin(this.snapshot)
  }

  /** The next access begins another transaction. */
  end(): void {
    if (this.closed) return
    this.#began = false
    this.serial++
    this.#letGo?.()
    this.#letGo = undefined
    // New ones: to empty what is there takes longer.
    if (this.accessed.length > 0) this.accessed = []
    if (this.copied.size > 0) this.copied = new OidSet()
    this.cache.weaken()
    if (this.merging.size > 0) {
      for (const header of this.merging) header.forget()
      this.merging = new Set()
    }
    this.doomed = undefined
    this.budget.trim(this.serial)
  }

  /** Throws before anything is undone, or undoes everything, if only before the next access. */
  undo(): void {
    const half = [...this.half, ...(this.abandoned ?? []), ...this.changed]
    const [none, spare] = [new Set<Header>(), new Set<Header>()]
    this.half = half
    this.changed = none
    this.abandoned = undefined
    this.spare = spare
    this.#began = false
    this.serial++
    for (let header = half.at(-1); header; header = half.at(-1)) {
      takeSamples(header)
      header.drop()
      half.pop()
    }
    this.nothingChanged()
    this.end()
  }

  #dropHalf(): void {
    const half = this.half
    for (let header = half.at(-1); header; header = half.at(-1)) {
      header.forgetHandedOut()
      header.drop()
      half.pop()
    }
  }

  /** What was changed is committed or undone. */
  nothingChanged(): void {
    if (this.changed.size > 0) this.changed = new Set()
    watchPending(this, false)
  }

  close(): void {
    if (this.closed) return
    this.end()
    this.nothingChanged()
    this.closed = true
    this.serial = CLOSED
    this.pauses = 0
    this.#forgetAll()
    this.snapshot.generation.release()
    this.store.close()
  }

  /** What the program holds of it, such as local data, must not hold all the rest as well. */
  #forgetAll(): void {
    this.shapes = new ShapeTable()
    this.cache = new ObjectCache()
    this.budget = new CacheBudget(this.cache, 0)
    this.#records = new RecordCache(0)
    this.#view = this.viewOf(this.snapshot)
    this.accessed = []
    this.copied = new OidSet()
    this.half = []
    this.spare = new Set()
  }

  moveTo(now: Snapshot): void {
    const before = this.snapshot
    if (now === before) return
    if (now.generation !== before.generation) {
      this.#dropHalf()
      goOver(this.cache, before, now, this.#view)
      now.generation.retain()
    }
    this.#view = this.viewOf(now)
    this.snapshot = now
    // Last: it may close the file, in which nothing is to be looked for by then.
    if (now.generation !== before.generation) before.generation.release()
  }

  /**
   * The transaction goes on from a later snapshot, to which all that it asked and did applies as well. What it did not
   * change is compared at its next access.
   */
  goOnFrom(now: Snapshot): void {
    const view = this.viewOf(now)
    const steps: (() => void)[] = []
    for (const header of this.changed) if (header instanceof MergingHeader) steps.push(header.goOn(view))
    this.moveTo(now)
    this.serial++
    for (const step of steps) step()
  }

  get view(): RecordView {
    return this.#view
  }

  get relies(): boolean {
    return this.pauses === 0 && !this.store.readonly
  }

  get cacheBytes(): number {
    return this.options.cacheBytes
  }

  viewOf(snapshot: Snapshot): RecordView {
    return new RecordView(snapshot, this.shapes, this.#records)
  }

  // ---- what objects ask ----

  touched(header: Header): void {
    this.current(header)
    if (this.relies) {
      if (header instanceof MergingHeader) this.merging.add(header)
      else this.accessed.push(header.oid)
    }
    header.serial = this.serial
  }

  current(header: Header): void {
    forbidIfEditing()
    this.begin()
    if (!header.changed) makeCurrent(this, header)
  }

  changing(header: Header): void {
    checkMayChange(this, header)
    // The file lacks it: like a new object, it is written when something refers to it.
    if (header.at === 0) return
    header.changed = true
    this.changed.add(header)
    if (this.changed.size === 1) watchPending(this, true)
  }

  known(oid: Oid): object | undefined {
    return this.cache.get(oid)?.object
  }

  resolve(oid: Oid, snapshot = this.snapshot): object {
    return this.headerOf(oid, snapshot)?.object ?? this.#gone(oid)
  }

  /** undefined: there is no such object in this snapshot, whether or not it was known in an earlier one. */
  present(oid: Oid): Header | undefined {
    return this.view.locate(oid) === 0 ? undefined : this.headerOf(oid)
  }

  /** undefined: there is no such object in this snapshot, nor one that is known and that a pack has removed. */
  headerOf(oid: Oid, { generation, offset } = this.snapshot): Header | undefined {
    const known = this.cache.get(oid)
    if (known) return known
    const at = generation.find(oid, offset)
    if (at === 0) return undefined
    const record = generation.read(at, oid)
    if (record.shape === 0 || record.shape === ID_SHAPE) return undefined
    const type = record.shape === LOST_SHAPE ? '(lost)' : this.shapeOf(record).type
    const kind = this.registry.kind(type)
    if (kind.internal === true) return undefined
    const header = kind.ghost()
    header.scope = this
    header.oid = oid
    header.fetched = record
    header.generation = generation.number
    this.cache.addGhost(header)
    return header
  }

  copy(oid: Oid): unknown {
    return plainRecord(this, oid)
  }

  mention(oid: Oid): object {
    return mention(this, oid)
  }

  get root(): object {
    return this.resolve(ROOT_OID)
  }

  /** Stands for an object that a pack removed: any use of it throws GoneError. */
  #gone(oid: Oid): object {
    const header = this.registry.kind('(gone)').ghost()
    header.scope = this
    header.oid = oid
    return header.object
  }

  shapeOf(record: StoredRecord): Shape {
    return this.shapes.get(this.snapshot.generation, record.shape)
  }

  withoutAccess<T>(run: () => T): T {
    const { serial } = this
    this.serial = NO_ACCESS
    try {
      return run()
    } finally {
      this.serial = serial
    }
  }

  get tid(): Tid {
    return this.snapshot.tid
  }
}
