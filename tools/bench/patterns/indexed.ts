// People who are found by number, by email and by town, as a program keeps them that has indexes of its own: in Perdure a map of
// objects, a map from emails to these, and a set of objects for each town.
import { join } from 'node:path'
import { open, Persistent, PersistentMap, PersistentSet } from '../../../lib/index.js'
import { peer } from '../peer.js'

export interface Citizen {
  readonly id: number
  readonly name: string
  readonly email: string
  readonly age: number
  readonly town: string
}

/** Every act is one transaction. */
export interface Registry {
  enter(people: readonly Citizen[]): void
  move(ids: readonly number[], town: string): void
  remove(ids: readonly number[]): void
  /** Ages. */
  byEmail(email: string): number
  inTown(town: string): readonly number[]
  close(): unknown
}

class Member extends Persistent {
  static type = 'Member'
  id = 0
  name = ''
  email = ''
  age = 0
  town = ''
}

class Root extends Persistent {
  static type = 'Root'
  members = new PersistentMap<number, Member>()
  emails = new PersistentMap<string, Member>()
  towns = new PersistentMap<string, PersistentSet<Member>>()
}

function openPerdure(dir: string): Registry {
  const db = open(join(dir, 'registry.db'), { root: Root, classes: [Member], durability: 'os' })
  const townOf = ({ towns }: Root, name: string): PersistentSet<Member> => {
    let town = towns.get(name)
    if (!town) towns.set(name, (town = new PersistentSet()))
    return town
  }
  return {
    enter(people) {
      db.transact(root => {
        for (const fields of people) {
          const member = Object.assign(new Member(), fields)
          root.members.set(member.id, member)
          root.emails.set(member.email, member)
          townOf(root, member.town).add(member)
        }
      })
    },
    move(ids, town) {
      db.transact(root => {
        for (const id of ids) {
          const member = root.members.get(id)
          if (!member) throw new Error(`nobody has number ${id}`)
          townOf(root, member.town).delete(member)
          member.town = town
          townOf(root, town).add(member)
        }
      })
    },
    remove(ids) {
      db.transact(root => {
        for (const id of ids) {
          const member = root.members.get(id)
          if (!member) throw new Error(`nobody has number ${id}`)
          root.members.delete(id)
          root.emails.delete(member.email)
          townOf(root, member.town).delete(member)
        }
      })
    },
    byEmail: email => db.root.emails.get(email)?.age ?? NaN,
    inTown: town => Array.from(db.root.towns.get(town) ?? [], ({ age }) => age),
    close: () => db.close(),
  }
}

interface Lmdb {
  transactionSync(work: () => void): void
  get(key: unknown): unknown
  putSync(key: unknown, value: unknown): void
  removeSync(key: unknown, value?: unknown): void
  getValues(key: unknown): Iterable<unknown>
  openDB(options: object): Lmdb
  close(): Promise<void>
}

function openLmdb(dir: string): Registry {
  const { open } = peer<{ readonly open: (options: object) => Lmdb }>('lmdb')
  const all = open({ path: join(dir, 'lmdb'), noSync: true })
  const members = all.openDB({ name: 'members' })
  const emails = all.openDB({ name: 'emails' })
  const towns = all.openDB({ name: 'towns', dupSort: true, encoding: 'ordered-binary' })
  const member = (id: unknown): Citizen => members.get(id) as Citizen
  return {
    enter(people) {
      all.transactionSync(() => {
        for (const citizen of people) {
          members.putSync(citizen.id, citizen)
          emails.putSync(citizen.email, citizen.id)
          towns.putSync(citizen.town, citizen.id)
        }
      })
    },
    move(ids, town) {
      all.transactionSync(() => {
        for (const id of ids) {
          const citizen = member(id)
          towns.removeSync(citizen.town, id)
          members.putSync(id, { ...citizen, town })
          towns.putSync(town, id)
        }
      })
    },
    remove(ids) {
      all.transactionSync(() => {
        for (const id of ids) {
          const { email, town } = member(id)
          members.removeSync(id)
          emails.removeSync(email)
          towns.removeSync(town, id)
        }
      })
    },
    byEmail: email => member(emails.get(email)).age,
    inTown: town => Array.from(towns.getValues(town), id => member(id).age),
    close: () => all.close(),
  }
}

interface Sqlite {
  pragma(text: string): unknown
  exec(text: string): void
  prepare(text: string): {
    run(...values: unknown[]): unknown
    get(...values: unknown[]): unknown
    all(...values: unknown[]): unknown[]
  }
  transaction(act: () => void): { immediate(): void }
  close(): void
}

function openSqlite(dir: string): Registry {
  const db = new (peer<new (path: string) => Sqlite>('better-sqlite3'))(join(dir, 'registry.sqlite'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = OFF')
  db.exec(`
    CREATE TABLE IF NOT EXISTS members (id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER, town TEXT);
    CREATE UNIQUE INDEX IF NOT EXISTS emails ON members (email);
    CREATE INDEX IF NOT EXISTS towns ON members (town)`)
  const insert = db.prepare('INSERT INTO members VALUES (?, ?, ?, ?, ?)')
  const move = db.prepare('UPDATE members SET town = ? WHERE id = ?')
  const remove = db.prepare('DELETE FROM members WHERE id = ?')
  const byEmail = db.prepare('SELECT * FROM members WHERE email = ?')
  const inTown = db.prepare('SELECT * FROM members WHERE town = ?')
  const transact = (act: () => void): void => {
    db.transaction(act).immediate()
  }
  return {
    enter: people =>
      transact(() => {
        for (const { id, name, email, age, town } of people) insert.run(id, name, email, age, town)
      }),
    move: (ids, town) =>
      transact(() => {
        for (const id of ids) move.run(town, id)
      }),
    remove: ids =>
      transact(() => {
        for (const id of ids) remove.run(id)
      }),
    byEmail: email => (byEmail.get(email) as Citizen).age,
    inTown: town => (inTown.all(town) as Citizen[]).map(({ age }) => age),
    close: () => db.close(),
  }
}

export const REGISTRIES: Readonly<Record<string, (dir: string) => Registry>> = {
  perdure: openPerdure,
  lmdb: openLmdb,
  'better-sqlite3': openSqlite,
}
