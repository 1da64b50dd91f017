// better-sqlite3 with a write-ahead log: columns for the fields, JSON for the tags.
import { join } from 'node:path'
import type { Contender, Opened, Settings } from '../contender.js'
import { peer } from '../peer.js'
import type { Person } from '../person.js'

interface Statement {
  run(...values: unknown[]): unknown
  get(...values: unknown[]): unknown
  iterate(...values: unknown[]): Iterable<unknown>
}

interface Database {
  pragma(text: string): unknown
  exec(text: string): void
  prepare(text: string): Statement
  transaction<A extends unknown[]>(act: (...values: A) => void): { immediate(...values: A): void }
  close(): void
}

type Row = Omit<Person, 'tags'> & { tags: string }

function fromRow(row: unknown): Person {
  const { tags, ...rest } = row as Row
  return { ...rest, tags: JSON.parse(tags) as string[] }
}

class SqliteStore implements Opened {
  readonly #db: Database
  readonly #set: Statement
  readonly #read: Statement
  readonly #get: Statement
  readonly #all: Statement
  readonly #increment: { immediate(counter: string): void }
  readonly #putAll: { immediate(people: Iterable<Person>): void }
  readonly #updateAll: { immediate(ids: Uint32Array): void }

  constructor(dir: string, { durable }: Settings) {
    const Sqlite = peer<new (path: string, options: object) => Database>('better-sqlite3')
    const db = new Sqlite(join(dir, 'club.sqlite'), { timeout: 10_000 })
    this.#db = db
    db.pragma('journal_mode = WAL')
    db.pragma(`synchronous = ${durable ? 'FULL' : 'NORMAL'}`)
    db.exec(`
      CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, count INTEGER);
      CREATE TABLE IF NOT EXISTS people
        (id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER, tags TEXT, createdAt INTEGER)`)
    this.#set = db.prepare('INSERT OR REPLACE INTO counters VALUES (?, ?)')
    this.#read = db.prepare('SELECT count FROM counters WHERE name = ?')
    this.#get = db.prepare('SELECT * FROM people WHERE id = ?')
    this.#all = db.prepare('SELECT * FROM people ORDER BY id')
    const put = db.prepare('INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?, ?)')
    const update = db.prepare('UPDATE people SET age = age + 1 WHERE id = ?')
    this.#increment = db.transaction((counter: string) => {
      this.set(counter, this.read(counter) + 1)
    })
    this.#putAll = db.transaction((people: Iterable<Person>) => {
      for (const { id, name, email, age, tags, createdAt } of people)
        put.run(id, name, email, age, JSON.stringify(tags), createdAt)
    })
    this.#updateAll = db.transaction((ids: Uint32Array) => {
      for (const id of ids) update.run(id)
    })
  }

  set(counter: string, count: number): void {
    this.#set.run(counter, count)
  }

  increment(counter: string): void {
    this.#increment.immediate(counter)
  }

  read(counter: string): number {
    return (this.#read.get(counter) as { count: number } | undefined)?.count ?? 0
  }

  put(people: readonly Person[]): void {
    this.#putAll.immediate(people)
  }

  load(people: Iterable<Person>): void {
    this.#putAll.immediate(people)
  }

  update(ids: Uint32Array): void {
    this.#updateAll.immediate(ids)
  }

  age(id: number): number {
    return fromRow(this.#get.get(id)).age
  }

  sum(): number {
    let sum = 0
    for (const row of this.#all.iterate()) sum += fromRow(row).age
    return sum
  }

  pack(): void {
    this.#db.exec('VACUUM')
    this.#db.pragma('wal_checkpoint(TRUNCATE)')
  }

  close(): void {
    this.#db.close()
  }
}

export const sqlite: Contender = { needs: 'better-sqlite3', open: (dir, settings) => new SqliteStore(dir, settings) }
