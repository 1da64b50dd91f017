// Perdure through its public interface. `perdure`: people are objects of a class; `perdure-plain`: plain data in the map.
// Mode `transact`: counters are set by `transact` instead of by hand.
import { open, Persistent, PersistentMap, type Connection } from 'perdure'
import { join } from 'node:path'
import { COUNTERS, type Contender, type Opened, type Settings } from '../contender.js'
import type { Person } from '../person.js'

class Counter extends Persistent {
  static type = 'Counter'
  count = 0
}

class Member extends Persistent {
  static type = 'Member'
  id = 0
  name = ''
  email = ''
  age = 0
  tags: string[] = []
  createdAt = 0
}

class Club<P extends Person> extends Persistent {
  static type = 'Club'
  counters: Record<string, Counter> = {}
  people = new PersistentMap<number, P>()
}

class PerdureStore<P extends Person> implements Opened {
  readonly #db: Connection<Club<P>>
  readonly #enter: (fields: Person) => P
  readonly #counters = new Map<string, Counter>()
  readonly #byTransact: boolean
  readonly #people: PersistentMap<number, P>

  constructor(db: Connection<Club<P>>, enter: (fields: Person) => P, mode: string) {
    this.#db = db
    this.#enter = enter
    this.#byTransact = mode === 'transact'
    if (db.root.counters.shared === undefined) {
      db.transact(({ counters }) => {
        for (const name of COUNTERS) counters[name] = new Counter()
      })
    }
    for (const name of COUNTERS) {
      const counter = db.root.counters[name]
      if (counter !== undefined) this.#counters.set(name, counter)
    }
    this.#people = db.root.people
  }

  #counter(name: string): Counter {
    const counter = this.#counters.get(name)
    if (counter === undefined) throw new Error(`no counter ${name}`)
    return counter
  }

  set(name: string, count: number): void {
    const counter = this.#counter(name)
    if (this.#byTransact) {
      this.#db.transact(() => {
        counter.count = count
      })
    } else {
      counter.count = count
      this.#db.commit()
    }
  }

  increment(name: string): void {
    const counter = this.#counter(name)
    this.#db.transact(() => {
      counter.count++
    })
  }

  read(name: string): number {
    this.#db.refresh()
    return this.#counter(name).count
  }

  setAsync(name: string, count: number): Promise<unknown> {
    const counter = this.#counter(name)
    return this.#db.transactAsync(() => {
      counter.count = count
    })
  }

  catchUp(): void {
    this.#db.refresh()
  }

  flush(): void {
    this.#db.flush()
  }

  put(people: readonly Person[]): void {
    this.#db.transact(club => {
      for (const fields of people) club.people.set(fields.id, this.#enter(fields))
    })
  }

  load(people: Iterable<Person>): void {
    const enter = this.#enter
    function* entries(): Generator<[number, P]> {
      for (const fields of people) yield [fields.id, enter(fields)]
    }
    this.#db.transact(club => {
      club.people.bulkLoad(entries())
    })
  }

  update(ids: Uint32Array): void {
    this.#db.transact(club => {
      for (const id of ids) {
        const member = club.people.get(id)
        if (member !== undefined) member.age++
      }
    })
  }

  age(id: number): number {
    return this.#people.get(id)?.age ?? NaN
  }

  hold(id: number): { readonly age: number } {
    const member = this.#people.get(id)
    if (member === undefined) throw new Error(`nobody has number ${id}`)
    return member
  }

  sum(): number {
    let sum = 0
    for (const member of this.#people.values()) sum += member.age
    return sum
  }

  sumCopies(): number {
    let sum = 0
    for (const copy of this.#people.values({ plain: true })) sum += (copy as Person).age
    return sum
  }

  async pack(): Promise<void> {
    await this.#db.pack()
  }

  close(): void {
    this.#db.close()
  }
}

const durability = ({ durable }: Settings): 'fsync' | 'os' => (durable ? 'fsync' : 'os')

export const perdure: Contender = {
  open(dir, settings) {
    const options = { root: Club<Member>, classes: [Counter, Member], durability: durability(settings) }
    return new PerdureStore(
      open(join(dir, 'club.db'), options),
      fields => Object.assign(new Member(), fields),
      settings.mode,
    )
  },
}

export const perdurePlain: Contender = {
  open(dir, settings) {
    const options = { root: Club<Person>, classes: [Counter], durability: durability(settings) }
    return new PerdureStore(open(join(dir, 'club.db'), options), fields => fields, settings.mode)
  },
}
