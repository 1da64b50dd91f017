// What the random transactions work on, and the one way to it: a view notes whatever is read and written, under a key, as JSON.
// Every value that is written is of its writer alone, so that a value that is read says whose it is.
import assert from 'node:assert/strict'
import { Persistent, PersistentList, PersistentMap, type OpenOptions } from '../../lib/index.js'
import type { Key, Recorded } from './recorded.js'

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

const ACCOUNTS = 12
const LISTS = 3
const PAIRS = 3
const SLOTS = 4
export const TOTAL = ACCOUNTS * 100

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

export class Bank extends Persistent {
  static type = 'Bank'
  accounts: Account[] = []
  lists: PersistentList<string>[] = []
  doctors: Doctor[] = []
  slots: Slot[] = []
  notes = new PersistentMap<string, string>()

  /** Fills a new bank. */
  furnish(): void {
    this.accounts = times(ACCOUNTS, () => new Account())
    for (const account of this.accounts) account.balance = 100
    this.lists = times(LISTS, () => new PersistentList<string>())
    this.doctors = times(2 * PAIRS, () => new Doctor())
    this.slots = times(SLOTS, () => new Slot())
  }
}

export const bankOptions = { root: Bank, classes: [Account, Doctor, Box, Slot] } as const satisfies OpenOptions & {
  root: unknown
}

/** One transaction's eyes and hands. */
export class View {
  readonly reads: [Key, unknown][] = []
  readonly #own = new Map<Key, unknown>()
  readonly #bank: Bank
  readonly #by: string

  /** `by` marks what is written, and must be of this transaction alone. */
  constructor(bank: Bank, by: string) {
    this.#bank = bank
    this.#by = by
  }

  get writes(): Recorded['writes'] {
    return [...this.#own]
  }

  balance(n: number): number {
    const account = at(this.#bank.accounts, n)
    this.#saw(`account ${n}`, [account.balance, account.by])
    return account.balance
  }

  setBalance(n: number, balance: number): void {
    const account = at(this.#bank.accounts, n)
    account.balance = balance
    account.by = this.#by
    this.#made(`account ${n}`, [balance, this.#by])
  }

  list(n: number): string[] {
    const items = at(this.#bank.lists, n).toArray()
    this.#saw(`list ${n}`, items)
    return items
  }

  /** Appends; a list that has become long loses its older half. */
  append(n: number): void {
    const list = at(this.#bank.lists, n)
    this.list(n)
    if (list.length > 30) list.splice(0, 15)
    list.push(this.#by)
    this.#made(`list ${n}`, list.toArray())
  }

  onCall(n: number): boolean {
    const doctor = at(this.#bank.doctors, n)
    this.#saw(`doctor ${n}`, [doctor.onCall, doctor.by])
    return doctor.onCall
  }

  setOnCall(n: number, onCall: boolean): void {
    const doctor = at(this.#bank.doctors, n)
    doctor.onCall = onCall
    doctor.by = this.#by
    this.#made(`doctor ${n}`, [onCall, this.#by])
  }

  notes(): [string, string][] {
    const entries = this.#bank.notes.toJSON()
    this.#saw('notes', entries)
    return entries
  }

  setNote(name: string, keep: boolean): void {
    if (keep) this.#bank.notes.set(name, this.#by)
    else if (!this.#bank.notes.delete(name)) return
    this.#made('notes', this.#bank.notes.toJSON())
  }

  slot(n: number): string | null {
    const { box } = at(this.#bank.slots, n)
    const content = box && `${box.text} ${box.lid?.text ?? 'open'}`
    this.#saw(`slot ${n}`, content)
    return content
  }

  fill(n: number): void {
    const [box, lid] = [new Box(), new Box()]
    box.text = this.#by
    box.lid = lid
    lid.text = 'lid'
    at(this.#bank.slots, n).box = box
    this.#made(`slot ${n}`, `${this.#by} lid`)
  }

  empty(n: number): void {
    at(this.#bank.slots, n).box = null
    this.#made(`slot ${n}`, null)
  }

  /** The box itself changes its place. */
  move(from: number, to: number): void {
    const content = this.slot(from)
    at(this.#bank.slots, to).box = at(this.#bank.slots, from).box
    at(this.#bank.slots, from).box = null
    this.#made(`slot ${to}`, content)
    this.#made(`slot ${from}`, null)
  }

  everything(): Map<Key, unknown> {
    for (let n = 0; n < ACCOUNTS; n++) this.balance(n)
    for (let n = 0; n < LISTS; n++) this.list(n)
    for (let n = 0; n < 2 * PAIRS; n++) this.onCall(n)
    for (let n = 0; n < SLOTS; n++) this.slot(n)
    this.notes()
    return new Map(this.reads)
  }

  #saw(key: Key, value: unknown): void {
    if (this.#own.has(key)) assert.deepEqual(value, this.#own.get(key), `its own change of ${key}`)
    else this.reads.push([key, value])
  }

  #made(key: Key, value: unknown): void {
    this.#own.set(key, value)
  }
}

export const sizes = { accounts: ACCOUNTS, lists: LISTS, pairs: PAIRS, slots: SLOTS }

function at<T>(items: readonly T[], n: number): T {
  const item = items[n]
  if (item === undefined) throw new RangeError(`there is no number ${n}`)
  return item
}
