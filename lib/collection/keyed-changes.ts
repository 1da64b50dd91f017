// What a transaction did to a map or set, by key. Does not touch the stored state, to which a commit makes it.
import { Gaps } from './gaps.js'
import type { StoredKey } from './key.js'
import { KeyTable } from './key-table.js'
import { differences, sameAt } from './tree/reads.js'
import type { Change } from './tree/rewrite.js'
import { isAbove, isBelow, type Found, type Range, type Tree } from './tree/tree.js'

/** What the transaction did to one key. */
export interface Pending extends Change {
  value: unknown
}

/** More changes than this are not looked up one by one. */
const MANY = 1000

export class KeyedChanges {
  readonly table = new KeyTable<Pending>()
  /** Nothing of the stored state is left: these changes are all. */
  cleared = false
  /** Entries that they add. */
  added = 0
  #gaps: Gaps | undefined

  /** There are changes. */
  get any(): boolean {
    return this.cleared || this.table.size > 0
  }

  /** How many of them in a range. */
  addedIn({ low, high }: Range): number {
    if (!low && !high) return this.added
    let sum = 0
    for (const { key, gone, existed } of this.table.onwards(low?.key)) {
      if (isAbove(key, high)) break
      if (!isBelow(key, low)) sum += Number(!gone) - Number(existed)
    }
    return sum
  }

  drop(): void {
    this.table.clear()
    this.#gaps = undefined
    this.cleared = false
    this.added = 0
  }

  clear(): void {
    this.drop()
    this.cleared = true
  }

  get(key: StoredKey): Pending | undefined {
    return this.table.get(key)
  }

  /** Where nothing of what is stored, nor of these changes, is left, as far as somebody has found that out. */
  gapsIn(stored: Tree): Gaps {
    if (this.#gaps?.stored !== stored) this.#gaps = new Gaps(stored, this.table)
    return this.#gaps
  }

  /** The order of the keys has changed. */
  sort(): void {
    this.table.sort()
    this.#gaps = undefined
  }

  /** What stands at a key; `stored`: what is left of the stored state, in which it may have to be read. */
  at(key: StoredKey, stored: Tree): Pending | Found | undefined {
    return this.table.get(key) ?? stored.find(key)
  }

  /** `there`: what `at` has given of this key. */
  set(key: StoredKey, value: unknown, gone: boolean, there: Pending | Found | undefined): void {
    const isStored = there !== undefined && 'leaf' in there
    const before = isStored ? undefined : there
    const present = before ? !before.gone : isStored
    // Of equal keys the one that is there stays.
    const known = isStored ? there.leaf.keys[there.at] : present ? before?.key : undefined
    this.table.put({ key: known ?? key, value, gone, existed: before ? before.existed : isStored })
    if (!gone) this.#gaps?.open(key)
    this.added += Number(!gone) - Number(present)
  }

  /** There is nothing any more at a key at which something stands. */
  remove(key: StoredKey): void {
    const before = this.table.get(key)
    this.table.put({ key, value: undefined, gone: true, existed: before ? before.existed : true })
    this.added -= 1
  }

  /** Puts in what comes in the order of its keys, each once, where nothing is and nothing has been done. */
  fill(entries: Pending[]): void {
    this.table.fill(entries)
    this.added += entries.length
  }

  /** Keys that were written here, and by others in between these two states. */
  *overwritten(before: Tree, now: Tree): Generator<StoredKey, undefined> {
    if (this.cleared) yield* differences(before, now)
    else if (this.table.size > MANY) {
      for (const key of differences(before, now)) if (this.table.get(key)) yield key
    } else {
      for (const { key } of this.table.inOrder()) if (!sameAt(key, before, now, true)) yield key
    }
  }
}
