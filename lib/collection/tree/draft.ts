// A node of a tree as a commit makes it, before it is a record: its entries or children, or what of a stored node changes.
import type { Oid } from '../../store/types.js'
import type { StoredKey } from '../key.js'
import { EditedLeaf } from './edited-leaf.js'
import { cut, fill, innerShare, LEAST } from './fullness.js'
import type { NodeHeader } from './node-header.js'

/**
 * An entry of a leaf, or a child of an inner node: `key` is then the one that separates it from the child before. In a list
 * there are no keys.
 */
export interface Item {
  readonly key: StoredKey | undefined
  readonly share: number
  /** Of an item of a list, or a child: how many items it stands for. */
  readonly count?: number
  readonly value?: unknown
  /** The child: as it is in the file, or ... */
  readonly oid?: Oid
  /** ... as it will be. */
  readonly draft?: Draft
}

export interface Draft {
  /** 0: a leaf. */
  readonly level: number
  /** 0: a new node. */
  readonly oid: Oid
  /** What separates it from the node before; undefined: there is none. */
  readonly low: StoredKey | undefined
  readonly items: readonly Item[]
  /** The same as a change of the stored leaf: neither too full nor too empty. */
  readonly edited?: EditedLeaf | undefined
  /** Of a node that stays as it is: its children that do not. */
  readonly below?: readonly Draft[] | undefined
  /** Of a leaf that stays as it is: how many entries it has. */
  readonly size?: number | undefined
  /** Of an inner node of a list that keeps its children. */
  readonly recounted?: Recounted | undefined
  /** A new leaf that has been written already: so many items, which are forgotten. */
  readonly made?: { readonly header: NodeHeader; readonly size: number } | undefined
  /** Is it other than the one in the file? (If not, something below it is.) */
  readonly dirty: boolean
}

/** The children of an inner node of a list, each as it is in the file or as it will be, and how many items they stand for. */
export interface Recounted {
  readonly counts: readonly number[]
  readonly children: readonly (Oid | Draft)[]
}

export const NEW = 0 as Oid

/** A draft whose items are made only when somebody asks for them. */
export class SlightDraft implements Draft {
  readonly level: number
  readonly oid: Oid
  readonly low: StoredKey | undefined
  readonly edited: EditedLeaf | undefined
  readonly below: readonly Draft[] | undefined
  readonly recounted: Recounted | undefined
  readonly dirty: boolean
  readonly size: number | undefined
  readonly #itemsOf: () => readonly Item[]

  /** `change`: of a leaf, of children of a node that stays as it is, or of a list's that keeps its children. `size`: see Draft. */
  constructor(
    level: number,
    oid: Oid,
    low: StoredKey | undefined,
    change: EditedLeaf | readonly Draft[] | Recounted,
    itemsOf: () => readonly Item[],
    dirty = change instanceof EditedLeaf,
    size?: number,
  ) {
    this.level = level
    this.oid = oid
    this.low = low
    this.edited = change instanceof EditedLeaf ? change : undefined
    this.below = 'length' in change ? change : undefined
    this.recounted = 'counts' in change ? change : undefined
    this.dirty = dirty
    this.size = size
    this.#itemsOf = itemsOf
  }

  get items(): readonly Item[] {
    return this.#itemsOf()
  }
}

export function asFirstDraft({ level, oid, items, edited, below, size, dirty }: Draft): Draft {
  return { level, oid, low: undefined, items, edited, below, size, dirty } // of a list there is none
}

/** Full enough to stay beside its neighbours. */
export function isSteady(draft: Draft): boolean {
  return isSlight(draft) || fill(draft.items) >= LEAST
}

export function isSlight({ edited, below, recounted, made }: Draft): boolean {
  return edited !== undefined || below !== undefined || recounted !== undefined || made !== undefined
}

export function asChild(draft: Draft): Item {
  return { key: draft.low, share: innerShare(draft.low), count: sizeOf(draft), draft }
}

/** Of a part of a list: how many items it stands for. */
export function sizeOf(draft: Draft): number {
  const { edited, below, size, recounted, made } = draft
  if (edited) return edited.size
  if (made) return made.size
  let sum = size ?? 0
  if (recounted) for (const count of recounted.counts) sum += count
  else if (!below) for (const { count = 0 } of draft.items) sum += count
  return sum
}

/** The first part goes on as the same node. */
export function split(draft: Draft, appending: boolean): readonly Draft[] {
  const parts = cut(draft.items, appending)
  if (parts.length === 1) return [draft]
  return parts.map((items, i) =>
    i === 0
      ? { ...draft, items, dirty: true }
      : { level: draft.level, oid: NEW, low: items[0]?.key, items, dirty: true },
  )
}
