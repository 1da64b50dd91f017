// lmdb with its default options where transactions are to be durable, without syncing where not. Modes: `writemap`, `cache`
// (decoded objects are kept), `structures` (the keys of records are stored once).
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, Opened, Settings } from '../contender.js'
import { peer } from '../peer.js'
import type { Person } from '../person.js'

interface Database {
  get(key: unknown): unknown
  put(key: unknown, value: unknown): Promise<boolean>
  putSync(key: unknown, value: unknown, options?: object): void
  transactionSync<T>(act: () => T): T
  getRange(options: object): Iterable<{ readonly value: unknown }>
  resetReadTxn(): void
  readonly flushed: Promise<unknown>
  backup(path: string, compact: boolean): Promise<void>
  openDB(options: object): Database
  close(): Promise<void>
}

const MODES: Record<string, object> = {
  '': {},
  writemap: { useWritemap: true },
  cache: { cache: true },
  structures: { sharedStructuresKey: Symbol.for('structures') },
}

class LmdbStore implements Opened {
  readonly #all: Database
  readonly #people: Database
  readonly #counters: Database
  readonly #dir: string

  constructor(dir: string, { durable, mode }: Settings) {
    const { open } = peer<{ readonly open: (options: object) => Database }>('lmdb')
    this.#dir = dir
    const own = MODES[mode]
    this.#all = open({ path: join(dir, 'data'), noSync: !durable, ...own })
    this.#people = this.#all.openDB({ name: 'people', ...own })
    this.#counters = this.#all.openDB({ name: 'counters' })
  }

  set(counter: string, count: number): void {
    this.#counters.transactionSync(() => {
      this.#counters.putSync(counter, { count })
    })
  }

  increment(counter: string): void {
    this.#counters.transactionSync(() => {
      this.#counters.putSync(counter, { count: this.#count(counter) + 1 })
    })
  }

  #count(counter: string): number {
    return (this.#counters.get(counter) as { count: number } | undefined)?.count ?? 0
  }

  read(counter: string): number {
    this.#all.resetReadTxn()
    return this.#count(counter)
  }

  setAsync(counter: string, count: number): Promise<unknown> {
    return this.#counters.put(counter, { count })
  }

  async flush(): Promise<void> {
    await this.#all.flushed
  }

  put(people: readonly Person[]): void {
    this.#people.transactionSync(() => {
      for (const person of people) this.#people.putSync(person.id, person)
    })
  }

  load(people: Iterable<Person>): void {
    this.#people.transactionSync(() => {
      for (const person of people) this.#people.putSync(person.id, person, { append: true })
    })
  }

  update(ids: Uint32Array): void {
    this.#people.transactionSync(() => {
      for (const id of ids) {
        const person = this.#people.get(id) as Person
        this.#people.putSync(id, { ...person, age: person.age + 1 })
      }
    })
  }

  age(id: number): number {
    return (this.#people.get(id) as Person).age
  }

  sum(): number {
    let sum = 0
    for (const { value } of this.#people.getRange({})) sum += (value as Person).age
    return sum
  }

  async pack(): Promise<void> {
    const copy = join(this.#dir, 'packed')
    mkdirSync(copy)
    await this.#all.backup(copy, true)
  }

  close(): Promise<void> {
    return this.#all.close()
  }
}

export const lmdb: Contender = { needs: 'lmdb', open: (dir, settings) => new LmdbStore(dir, settings) }
