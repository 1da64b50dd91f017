// Several processes that write, read, pack, die and come back on one simulated machine, as a seed has it.
// All that they were promised stands in the ledger.
import type { Disk } from '../../lib/file/disk.js'
import { DurabilityUnknownError, PerdureError } from '../../lib/error.js'
import { pack } from '../../lib/store/pack.js'
import type { Snapshot } from '../../lib/store/snapshot.js'
import { Store } from '../../lib/store/store.js'
import type { Draft, Oid } from '../../lib/store/types.js'
import { draft, initialDraft, record } from '../helpers/drafts.js'
import type { Random } from '../helpers/seeded.js'
import { compare, type Ledger } from './ledger.js'
import type { SimulatedDisk, SimulatedProcess } from './simulated-disk.js'

export const PATH = '/data/app.db'

/** Codes of errors that say that the disk has failed. */
const FAILURES: ReadonlySet<string> = new Set(['DURABILITY_UNKNOWN', 'COMMIT_FAILED', 'DISK'])

interface Member {
  process: SimulatedProcess
  store: Store
  /** The last commit that it has made. */
  last: number
  /** A snapshot that it reads while others move on. */
  held: Snapshot | undefined
  /** That what it has committed may not be on disk: closing tells that only once. */
  told: boolean
}

export class Workload {
  readonly #machine: SimulatedDisk
  readonly #ledger: Ledger
  readonly #random: Random
  readonly #through: (disk: Disk) => Disk
  readonly #members: Member[] = []
  readonly #waiting = new Set<Promise<void>>()
  /** Whose operations others come between, and how deep we are in those. */
  #disturbed: number | undefined
  #acting = 0
  #killBefore = Infinity
  /** What was done how often. */
  readonly done: Record<string, number> = {}

  /** `through`: what the processes see of the disk. */
  constructor(machine: SimulatedDisk, ledger: Ledger, random: Random, through: (disk: Disk) => Disk = disk => disk) {
    this.#machine = machine
    this.#ledger = ledger
    this.#random = random
    this.#through = through
  }

  /** To be called before every operation of every process. */
  watch(process: number): void {
    if (--this.#killBefore === 0) this.#members.find(each => each.process.number === process)?.process.kill()
    if (process !== this.#disturbed || this.#acting > 0 || !this.#random.chance(0.1)) return
    const other = this.#random.pick(this.#members.filter(each => each.process.number !== process))
    this.#acting++
    try {
      this.#act(other, 0.3)
    } catch (error) {
      this.#expect(error, other)
      this.#replaceKilled()
    } finally {
      this.#acting--
    }
  }

  async run(processes: number, actions: number): Promise<void> {
    if (this.#ledger.tid === 0) this.#ledger.intend(initialDraft)
    for (let n = 0; n < processes; n++) this.#members.push(this.#start())
    for (let n = 0; n < actions; n++) {
      const member = this.#random.pick(this.#members)
      const { process } = member // another one has taken its place, where it was killed while others acted
      if (this.#random.chance(0.05)) this.#killBefore = 1 + this.#random.int(20)
      try {
        await this.#step(member)
      } catch (error) {
        this.#expect(error, member, process)
      }
      this.#replaceKilled()
      this.#killBefore = Infinity
      await Promise.resolve()
    }
    await Promise.all(this.#waiting)
    for (const member of this.#members) {
      try {
        member.store.close()
      } catch (error) {
        this.#expect(error, member)
      }
    }
  }

  /** Of those that were killed anything; of the others what a disk that fails makes of what they do. */
  #expect(error: unknown, member: Member, process = member.process): void {
    if (process.killed) return
    const { failingSyncs, failingDirectorySyncs } = this.#machine
    if (failingSyncs + failingDirectorySyncs === 0 || !(error instanceof PerdureError) || !FAILURES.has(error.code))
      throw error
    member.told ||= error instanceof DurabilityUnknownError || error.cause instanceof DurabilityUnknownError
    this.#count(error.code)
  }

  async #step(member: Member): Promise<void> {
    const { store } = member
    switch (this.#random.int(16)) {
      case 0:
        this.#disturbed = member.process.number
        try {
          this.#count('packs')
          await pack(store)
        } finally {
          this.#disturbed = undefined
        }
        return
      case 1:
        this.#count('closed')
        member.held = undefined
        try {
          store.close()
          if (!member.told) this.#promise(member.last)
        } finally {
          Object.assign(member, { last: 0, told: false })
          member.store = this.#open(member.process)
        }
        return
      case 2:
        this.#count('seconds')
        this.#machine.elapse(1000)
        return
      case 3:
        this.#count('flushed')
        this.#flush(member, store.latest())
        return
      case 4:
        this.#count('held')
        this.#hold(member)
        return
      case 6:
        this.#saveIndex(member)
        return
      case 5:
        this.#count('read')
        this.#compare(store)
        return
      default:
        this.#act(member, 0.4)
    }
  }

  /** Commits something, durably with this probability. */
  #act(member: Member, durably: number): void {
    const { store, process } = member
    const before = store.latest()
    const work = this.#draft()
    this.#ledger.intend(work)
    let settled = false
    try {
      const { outcome } = store.commit(work, before, this.#ledger.oids() as Oid[], false)
      settled = true
      this.#ledger.settle(outcome === 'committed')
      this.#count(outcome)
      if (outcome !== 'committed') return
      member.last = this.#ledger.tid
    } catch (error) {
      // Whether the commit of a killed process is in the file, others find out.
      if (!settled) this.#ledger.settle(process.killed && this.#isAppended())
      throw error
    }
    if (!this.#random.chance(durably)) return
    const { tid } = store.latest()
    if (this.#random.chance(0.7)) {
      this.#flush(member, store.latest())
      return
    }
    this.#count('async')
    const waits = store.makeDurableAsync(store.latest()).then(
      () => this.#promise(tid),
      (error: unknown) => this.#expect(error, member, process),
    )
    this.#waiting.add(waits)
  }

  #compare(store: Store): void {
    store.look()
    const { problem } = compare(store, { ...this.#ledger.promised(), durable: this.#ledger.tid })
    if (problem !== undefined) throw new Error(problem)
  }

  #flush({ store }: Member, snapshot: Snapshot): void {
    store.makeDurable(snapshot)
    this.#promise(snapshot.tid)
  }

  /** As a store does by itself when there is more to read. */
  #saveIndex(member: Member): void {
    if (this.#random.chance(0.5)) {
      this.#saveIndexBehindSync(member)
      return
    }
    this.#flush(member, member.store.latest())
    const { log, identity } = member.store.current
    log.save(identity.mode)
    this.#countIndexFiles()
  }

  /** Whoever commits before it is on disk adds what it does not cover. */
  #saveIndexBehindSync(member: Member): void {
    const { store, process } = member
    const latest = store.latest()
    const { log, identity } = latest.generation
    const save = log.saveBehindSync(identity.mode)
    const waits = store.makeDurableAsync(latest).then(
      () => {
        this.#promise(latest.tid)
        if (!process.killed) save?.()
        this.#countIndexFiles()
      },
      (error: unknown) => this.#expect(error, member, process),
    )
    this.#waiting.add(waits)
  }

  #countIndexFiles(): void {
    if (this.#machine.contentOf(`${PATH}.index`) !== undefined) this.#count('index files')
  }

  /** Holds a snapshot, or makes durable the one that it has held. */
  #hold(member: Member): void {
    const { held } = member
    member.held = held === undefined ? member.store.latest() : undefined
    if (held === undefined) member.held?.generation.retain()
    else this.#flush(member, held)
    held?.generation.release()
  }

  #promise(tid: number): void {
    this.#ledger.durable = Math.max(this.#ledger.durable, tid)
    this.#count('durable')
  }

  #draft(): Draft {
    const oids = this.#ledger.oids()
    const text = `${this.#ledger.tid + 1} `.padEnd(
      this.#random.pick([5, 50, 50, 300, 300, 700, 1500, 20_000]),
      'abcdefgh',
    )
    const refs = this.#ledger.refsOf(1)
    if (oids.length < 3 || this.#random.chance(0.3)) return draft(record(-1, text), record(1, text, [...refs, -1]))
    if (oids.length > 8) return draft(record(1, text, refs.slice(2)))
    const oid = this.#random.pick(oids)
    return draft(record(oid, text, this.#ledger.refsOf(oid)))
  }

  #isAppended(): boolean {
    const reader = Store.open(this.#machine.process().disk, PATH, { readonly: true })
    const { tid } = reader.latest()
    reader.close()
    return tid > this.#ledger.tid
  }

  /** Others take the place of those that were killed. */
  #replaceKilled(): void {
    for (const member of this.#members) {
      if (!member.process.killed) continue
      this.#count('killed')
      try {
        member.store.close()
      } catch {
        // It is dead.
      }
      Object.assign(member, this.#start())
    }
  }

  #start(): Member {
    const process = this.#machine.process()
    return { process, store: this.#open(process), last: 0, held: undefined, told: false }
  }

  #open(process: SimulatedProcess): Store {
    const store = Store.open(this.#through(process.disk), PATH, {}, initialDraft)
    if (this.#ledger.tid === 0) {
      this.#ledger.settle(true)
      this.#promise(1)
    }
    return store
  }

  #count(what: string): void {
    this.done[what] = (this.done[what] ?? 0) + 1
  }
}
