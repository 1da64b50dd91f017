// What the random transactions work on. Every text that is written is of its writer alone, so that what is read says whose
// it is. How a transaction works on it, and what is written down of that: view.ts.
import {
  Persistent,
  PersistentCounter,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  PersistentSet,
  type OpenOptions,
} from '../../lib/index.js'

export class Account extends Persistent {
  static type = 'Account'
  balance = 0
  by = ''
}

/** One of a pair; one of both must be on call. */
export class Doctor extends Persistent {
  static type = 'Doctor'
  onCall = true
  by = ''
}

export class Box extends Persistent {
  static type = 'Box'
  text = ''
  lid: Box | null = null
}

/** Refers to a box, made anew, moved to another slot or dropped: what packs have to keep or to remove. */
export class Slot extends Persistent {
  static type = 'Slot'
  box: Box | null = null
}

/** What maps hold: text, plain data that is changed in place, and objects. */
export interface Tally {
  n: number
  by: string
  /** Of one, whose text is the same as above. */
  marks: { by: string }[]
  /** Of some, so that they stand apart from their entries. */
  readonly more?: string
}
export type Note = string | Tally | Box
export type Notes = PersistentMap<string, Note>

export const sizes = { accounts: 12, lists: 3, pairs: 3, slots: 4 } as const
export const TOTAL = sizes.accounts * 100

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

/** No list becomes shorter; one is kept in several records. */
export function shortest(n: number): number {
  return n === 0 ? 200 : 30
}

export class Bank extends Persistent {
  static type = 'Bank'
  accounts: Account[] = []
  lists: PersistentList<string>[] = []
  doctors: Doctor[] = []
  slots: Slot[] = []
  /** Few keys that everybody wants: most of the time one record. */
  notes: Notes = new PersistentMap()
  /** Keys so long that four of them fill a node: a tree of several levels, of which every range has some. */
  pages: Notes = new PersistentMap()
  jobs = new PersistentQueue<string>()
  tokens = new PersistentSet<Box>()
  visits = new PersistentCounter()

  /** Fills a new bank. */
  furnish(): void {
    this.accounts = times(sizes.accounts, () => new Account())
    for (const account of this.accounts) account.balance = 100
    this.lists = [...Array(sizes.lists).keys()].map(n => new PersistentList(times(shortest(n), () => 'new')))
    this.doctors = times(2 * sizes.pairs, () => new Doctor())
    this.slots = times(sizes.slots, () => new Slot())
    for (let n = 0; n < PAGES; n += 2) this.pages.set(longKey(pageName(n)), 'new')
  }
}

export const bankOptions = { root: Bank, classes: [Account, Doctor, Box, Slot] } as const satisfies OpenOptions & {
  root: unknown
}

export function box(text: string): Box {
  const made = new Box()
  made.text = text
  return made
}

/** In the order of their numbers. */
export const PAGES = 80
export const pageName = (n: number): string => `page ${String(n).padStart(2, '0')}`
export const noteName = (n: number): string => `note ${n}`

/** As the keys of pages are stored, and as they are written down. */
const LONG = 800
export const longKey = (name: string): string => name.padEnd(LONG, '.')
export const shortKey = (key: string): string => (key.length === LONG ? key.replace(/\.+$/, '') : key)
