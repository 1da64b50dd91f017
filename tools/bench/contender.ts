// What a workload asks of a store: the same few acts of each, written as a user of that store would write them. An act that a
// store does not have is absent, and the workload leaves the figure out.
import type { Person } from './person.js'

/** Stores without asynchronous calls must not pay for an await at every act: see `settle`. */
export type Result<T> = T | Promise<T>

export interface Settings {
  /** A transaction is on disk when its call returns or its promise resolves; otherwise when the system has it. */
  readonly durable: boolean
  /** A way to use the store that is not its default, such as lmdb's `writemap`. */
  readonly mode: string
}

export interface Opened {
  // Counters: one small object each.

  /** One transaction that changes one small object. */
  set(counter: string, count: number): Result<void>
  /** One transaction that reads it and stores one more. */
  increment(counter: string): Result<void>
  /** As any process has left it. */
  read(counter: string): Result<number>
  /** Like `set`; many run at once. What its promise says of the disk differs: `flush` afterwards. */
  setAsync?(counter: string, count: number): Promise<unknown>
  /** All that was set is on disk afterwards. */
  flush?(): Result<void>

  /** Goes through everything that others have committed. Only of stores in which a process must do that. */
  catchUp?(): void

  // People, by number.

  /** One transaction. */
  put(people: readonly Person[]): Result<void>
  /** The fastest way into an empty store, in ascending order. */
  load?(people: Iterable<Person>): Result<void>
  /** One transaction that changes one field of each. */
  update(ids: Uint32Array): Result<void>
  /** The age, of the whole decoded record. */
  age(id: number): Result<number>
  /** Something that the program keeps, one field of which it reads again and again. */
  hold?(id: number): { readonly age: number }
  /** The sum of all ages: goes through all records in the order of their keys, decoded. */
  sum(): Result<number>
  /** The same of copies, which the store does not keep; other stores give nothing else. */
  sumCopies?(): Result<number>

  /** Leaves no dead bytes in the file, as far as the store can. */
  pack?(): Result<void>
  close(): Result<void>
}

export interface Contender {
  /** Another program's package that has to be installed. */
  readonly needs?: string
  open(dir: string, settings: Settings): Result<Opened>
}

export const COUNTERS = ['shared', 'p0', 'p1', 'p2', 'p3'] as const
