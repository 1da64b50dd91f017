// classic-level with JSON values. One process only, and no transactions: a batch stands for one.
import { join } from 'node:path'
import type { Contender, Opened, Settings } from '../contender.js'
import { peer } from '../peer.js'
import type { Person } from '../person.js'

interface Put {
  readonly type: 'put'
  readonly key: string
  readonly value: unknown
}

interface Database {
  open(): Promise<void>
  get(key: string): Promise<unknown>
  getSync(key: string): unknown
  getMany(keys: string[]): Promise<unknown[]>
  put(key: string, value: unknown, options: object): Promise<void>
  batch(acts: Put[], options: object): Promise<void>
  values(options: object): AsyncIterable<unknown>
  compactRange(from: string, to: string): Promise<void>
  close(): Promise<void>
}

const key = (id: number): string => `person:${String(id).padStart(9, '0')}`
const entry = (person: Person): Put => ({ type: 'put', key: key(person.id), value: person })

class LevelStore implements Opened {
  readonly #db: Database
  readonly #options: object

  constructor(db: Database, { durable }: Settings) {
    this.#db = db
    this.#options = { sync: durable }
  }

  set(counter: string, count: number): Promise<void> {
    return this.#db.put(counter, { count }, this.#options)
  }

  async increment(counter: string): Promise<void> {
    await this.set(counter, this.read(counter) + 1)
  }

  read(counter: string): number {
    return (this.#db.getSync(counter) as { count: number } | undefined)?.count ?? 0
  }

  setAsync(counter: string, count: number): Promise<unknown> {
    return this.set(counter, count)
  }

  put(people: readonly Person[]): Promise<void> {
    return this.#db.batch(people.map(entry), this.#options)
  }

  async update(ids: Uint32Array): Promise<void> {
    const people = (await this.#db.getMany([...ids].map(key))) as Person[]
    for (const person of people) person.age++
    await this.put(people)
  }

  age(id: number): number {
    return (this.#db.getSync(key(id)) as Person).age
  }

  async sum(): Promise<number> {
    let sum = 0
    for await (const value of this.#db.values({ gte: 'person:', lt: 'person;' })) sum += (value as Person).age
    return sum
  }

  pack(): Promise<void> {
    return this.#db.compactRange('', '~')
  }

  close(): Promise<void> {
    return this.#db.close()
  }
}

export const level: Contender = {
  needs: 'classic-level',
  async open(dir, settings) {
    const { ClassicLevel } = peer<{ ClassicLevel: new (path: string, options: object) => Database }>('classic-level')
    const db = new ClassicLevel(join(dir, 'level'), { valueEncoding: 'json' })
    await db.open()
    return new LevelStore(db, settings)
  },
}
