// PersistentCounter: the class that applications use, and its header. A transaction keeps what it adds; a commit adds that
// to whatever the number is by then.
import type { Conflict } from '../error.js'
import { registerCollection, sealedClass } from '../object/collection.js'
import type { Encoder } from '../object/encoder.js'
import { NOWHERE, type Kind } from '../object/header.js'
import type { Looked } from '../object/inspection.js'
import { MergingHeader } from '../object/merging.js'
import type { Recordable } from '../object/recordable.js'
import type { RecordView, StoredState } from '../object/record-view.js'
import { sameKeys } from '../object/shapes.js'
import { unknownForm } from '../object/values.js'
import { refuseAssignment } from '../object/refuse-assignment.js'
import { forbidDerived, headerBehind, type native, type nominal } from './sealed.js'

const FORM: readonly string[] = ['value']
const EXACT = 'it counts exactly below 2^53. Keep larger numbers in a field, as a bigint'

class CounterHeader extends MergingHeader {
  /** As it is stored; null: not loaded. */
  #stored: number | null
  #added = 0
  #wasRead = false
  /** As the encoding at hand stores it. */
  #built = 0

  constructor(object: object, isNew: boolean) {
    super(COUNTER, object, isNew)
    this.#stored = isNew ? 0 : null
  }

  get value(): number {
    if (this.scope.relies) this.#wasRead = true
    return (this.#stored ?? 0) + this.#added
  }

  add(amount: number): void {
    if (amount === 0) return
    const added = sum(this.#added, amount)
    sum(this.#stored ?? 0, added)
    this.change()
    this.#added = added
  }

  // ---- merging ----

  conflict(before: RecordView, now: RecordView, reads: boolean): Conflict | undefined {
    const same = !reads || !this.#wasRead || storedIn(before.read(this.oid)) === storedIn(now.read(this.oid))
    return same ? undefined : { oid: this.oid, type: this.name, kind: 'read', keys: ['value'] }
  }

  override goOn(view: RecordView): () => void {
    const stored = storedIn(view.read(this.oid))
    return () => {
      this.#stored = stored
    }
  }

  override forget(): void {
    this.#wasRead = false
  }

  keepAll(): void {
    // it is in memory
  }

  override prepare(view: RecordView | undefined): readonly Recordable[] {
    const isStored = this.scope !== NOWHERE && this.at !== 0 && view !== undefined
    this.#built = sum(isStored ? storedIn(view.read(this.oid)) : (this.#stored ?? 0), this.#added)
    return []
  }

  override settled(): void {
    this.#stored = this.#built
    this.#added = 0
  }

  // ---- for the object layer ----

  get loaded(): boolean {
    return this.#stored !== null
  }

  protected unload(): void {
    this.#stored = null
    this.#added = 0
  }

  take(state: StoredState): void {
    this.#stored = storedIn(state)
  }

  decode(keys: readonly string[], raw: readonly unknown[]): void {
    this.#stored = valueIn(keys, raw)
  }

  keys(): readonly string[] {
    return FORM
  }

  encode(encoder: Encoder): void {
    encoder.write(this.#built, 'value')
  }

  eachSlot(): void {
    // a number has no parts
  }

  slot(): number {
    return this.value
  }

  putBack(): void {
    // nothing was visited
  }

  toPlain(): number {
    return this.value
  }

  leave(): void {
    // nothing was handed out
  }

  look(state: StoredState): Looked {
    return { content: [storedIn(state)], size: 1 }
  }

  lookNow(): Looked {
    return { content: [(this.#stored ?? 0) + this.#added], size: 1 }
  }
}

/** The number in a record. Throws SchemaError. */
export function storedIn(state: StoredState): number {
  return state.read(() => valueIn(state.keys, state.raw))
}

function valueIn(keys: readonly string[], [value]: readonly unknown[]): number {
  return sameKeys(keys, FORM) && typeof value === 'number' ? value : unknownForm()
}

const behind = (counter: unknown): CounterHeader => {
  const header = headerBehind(counter, CounterHeader, 'PersistentCounter')
  header.touch()
  return header
}

/**
 * A number to which several transactions can add at the same time without a conflict. One that asks for the value, and
 * writes anything, depends on it, and conflicts with those that changed it meanwhile.
 *
 * ```ts
 * const visits = new PersistentCounter()
 * visits.add(1)
 * visits.add(2)
 * console.log(visits.value) // 3
 * ```
 */
export class PersistentCounter {
  declare readonly [nominal]: true
  declare readonly [native]: number

  constructor(value = 0) {
    forbidDerived(new.target, PersistentCounter)
    const header = new CounterHeader(makeCounter(), true)
    if (!isCounterValue(checkNumber(value))) throw new RangeError(`a counter cannot begin with ${value}: ${EXACT}`)
    header.add(value)
    return header.object as this
  }

  get value(): number {
    return behind(this).value
  }

  /**
   * Adds to the value, without asking for it. Throws TypeError unless the amount is a finite number, RangeError where the
   * number would be too large to count exactly: 2^53 or more, either side of 0. Fractions are added as JavaScript adds them.
   */
  add(amount = 1): void {
    behind(this).add(checkNumber(amount))
  }

  toJSON(): number {
    return behind(this).value
  }

  /**
   * In a template it is the text that every object of a class is. Throws TypeError where a number may be wanted: `hits + 1`, `hits++`, and
   * `+`, `==` and `<` with whatever stands on the other side, as these ask in the same way.
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return Object.prototype.toString.call(this)
    throw new TypeError('a PersistentCounter is neither number nor text: use add() to change it, and value to read it')
  }

  get [Symbol.toStringTag](): string {
    return 'PersistentCounter'
  }
}

function checkNumber(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new TypeError(`a counter adds finite numbers, not ${String(value)}`)
  return value
}

/** Whether additions can have led to it. */
export function isCounterValue(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER
}

/** Integers below 2^53 are exact; from there on, additions would be lost in silence. Throws RangeError. */
function sum(a: number, b: number): number {
  const result = a + b
  if (!isCounterValue(result)) throw new RangeError(`a counter of ${a} cannot add ${b}: ${EXACT}`)
  return result
}

const COUNTER: Kind = {
  type: 'PersistentCounter',
  version: 1,
  Class: PersistentCounter,
  ghost: () => new CounterHeader(makeCounter(), false),
}
registerCollection(COUNTER)
const makeCounter = sealedClass(PersistentCounter)
refuseAssignment(PersistentCounter.prototype, { value: 'call add()' }, 'call add()')
