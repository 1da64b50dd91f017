// What can be asked of a store when it is opened, and what can become of a commit.
import type { LongWork } from './long-work.js'
import type { Snapshot } from './snapshot.js'
import type { Offset, Oid, Tid } from './types.js'

/** How far opening has come with reading the log: no table of it could be used. */
export interface OpenProgress {
  /** Bytes read, of `all`. */
  readonly done: number
  readonly all: number
}

/** Milliseconds for which the commit lock is waited for, unless told otherwise. */
export const LOCK_TIMEOUT = 10_000

/** Opening is told of, and can be stopped, where the log must be read because there is no index file: between pieces of it. */
export interface StoreOptions extends LongWork<OpenProgress> {
  /** Nothing can be changed, and the store must be there. Takes no lock, and no fs-ext. */
  readonly?: boolean | undefined
  /** Only with `readonly`: the state after this commit, whatever came later, back to the last pack. To look at, not to undo by. */
  until?: number | undefined
  /** Milliseconds to wait for the commit lock, 10,000 unless told; then LockTimeoutError. */
  lockTimeout?: number | undefined
  /** Permission bits of a new store; 0600 unless told. */
  mode?: number | undefined
  /** Goes on where the file system is one of a network, or FUSE, on which locks may not work. */
  unsafeFilesystem?: boolean | undefined
}

/** For whom something is done that takes its time: a connection, or nobody but the store. Others may have the store open as well. */
export interface Asker {
  /** Milliseconds to wait for the commit lock. */
  readonly lockTimeout: number
  /** Throws ClosedError: then what was asked for is given up. */
  checkOpen(): void
}

/** At the path, before a commit: `now`, at the cost of one system call; `if due`: when the last look was a while ago. */
export type Look = 'now' | 'if due'

export type CommitResult =
  | {
      readonly outcome: 'committed'
      readonly snapshot: Snapshot
      readonly firstOid: Oid
      readonly offsets: readonly Offset[]
    }
  | { readonly outcome: 'conflict'; readonly oids: readonly Oid[]; readonly snapshot: Snapshot }
  | { readonly outcome: 'known'; readonly tid: Tid }
  | { readonly outcome: 'moved' }
  | { readonly outcome: 'busy' }
