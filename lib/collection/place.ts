// Where one value stands that a collection has handed out: at which key, which version of a record it was read from, whether
// that is current. Holds the value weakly.
import type { Seat } from '../object/plain-node.js'
import type { StoredKey } from './key.js'
import type { Source } from './tree/leaf.js'
import type { Found } from './tree/tree.js'

/** What was handed out of one leaf, by entry. Each refers to all, so that one weak reference does for all of them: they are costly. */
export class Kin {
  readonly values: (object | undefined)[] = []
  readonly ref = new WeakRef<Kin>(this)
  /** Of the leaf's entries; of a list: none. */
  readonly #keys: readonly StoredKey[]
  /** Of a list: the position of the first entry. */
  readonly #start: number
  /** Of those that stand apart: the record of each. */
  #apart: (Source | undefined)[] | undefined

  constructor(keys: readonly StoredKey[], start: number) {
    this.#keys = keys
    this.#start = start
  }

  keyAt(entry: number): StoredKey {
    return this.#keys[entry] ?? this.#start + entry
  }

  /** What was handed out of an entry stands in a record of its own. */
  stands(entry: number, source: Source | undefined): void {
    this.#apart ??= []
    this.#apart[entry] = source
  }

  /** The place of what was handed out of an entry of the record `leaf`. */
  place(entry: number, key: StoredKey, load: number, leaf: Source): Place {
    const source = this.#apart?.[entry]
    return Place.among(this.ref, entry, key, load, source ?? leaf, source ? 0 : entry)
  }
}

export class Place implements Seat {
  key: StoredKey
  /** The value, or its kin. */
  readonly #ref: WeakRef<object>
  /** Which one of its kin it is; -1: it has none. */
  readonly #number: number
  /** The version of the record that it was read from and still agrees with; undefined: it was changed since. */
  source: Source | undefined
  /** That version, from before the transaction did anything to it that has been undone. */
  before: Source | undefined
  /** Which entry of that record it is. */
  index: number
  /** The owner's load in which it was handed out, or found to be current. */
  load: number

  /** `source`, `index`: where it is stored; undefined: it is not. */
  private constructor(
    key: StoredKey,
    ref: WeakRef<object>,
    number: number,
    load: number,
    source: Source | undefined,
    index: number,
  ) {
    this.key = key
    this.#ref = ref
    this.#number = number
    this.load = load
    this.source = source
    this.before = undefined
    this.index = index
  }

  static of(key: StoredKey, value: object, load: number, found?: Found): Place {
    return new Place(key, new WeakRef(value), -1, load, found?.leaf.source, found?.at ?? 0)
  }

  /** Of what was handed out with others, as one of these. */
  static among(kin: WeakRef<Kin>, number: number, key: StoredKey, load: number, source: Source, index: number): Place {
    return new Place(key, kin, number, load, source, index)
  }

  /** undefined: nobody has it any more. */
  get value(): object | undefined {
    const known = this.#ref.deref()
    return known instanceof Kin ? known.values[this.#number] : known
  }

  /** The value, if somebody may have it and it was handed out, or found to be current, in this load of its owner. */
  current(load: number): object | undefined {
    return this.load === load ? this.value : undefined
  }

  /** The version that it was read from, whatever was done to it and undone. */
  get origin(): Source | undefined {
    return this.source ?? this.before
  }

  /** What the transaction did to it is undone, and it may not be what it was; `before`: what it agreed with before that. */
  undone(before: Source | undefined): void {
    this.before = before
    this.source = undefined
  }

  /** In this version of the record stands the same as in the one that it was read from. */
  standsIn(source: Source, index: number): void {
    if (this.source) {
      this.source = source
      this.before = undefined
    } else this.before = source
    this.index = index
  }

  /** It is current, and agrees with what is stored there; `source` undefined: nothing is. */
  agrees(load: number, source: Source | undefined, index: number): void {
    this.load = load
    this.source = source
    this.before = undefined
    this.index = index
  }
}
