// What maps, sets and queues ask and do by key, with a note of what the transaction depends on by that (keyed-state.ts).
// Positions, nodes and records are the tree's; knows nothing of the order of keys.
import { noteSourceAt } from '../object/kept-sources.js'
import { plain } from '../object/plain.js'
import { isObject } from '../object/values.js'
import { Answers, type Answer } from './answers.js'
import { isHashed, keyIn, keyOut, type StoredKey } from './key.js'
import type { KeyedChanges, Pending } from './keyed-changes.js'
import { KeyedState } from './keyed-state.js'
import { BACKWARD, FORWARD, Passage, type Entry } from './passage.js'
import { countStored } from './tree/count.js'
import { plainKey } from './tree/look.js'
import type { Interval } from './tree/interval.js'
import { EVERYTHING, type Found, type Range } from './tree/tree.js'

export abstract class KeyedHeader extends KeyedState {
  #answers: Answers | undefined

  // ---- reading: after `touch()` ----

  get size(): number {
    if (this.scope.relies && !this.changes.cleared) this.noted.size = true
    return this.stored.size + this.changes.added
  }

  has(key: StoredKey): boolean {
    const answer = this.#answer(key)
    if (answer) {
      if (answer.serial !== this.serial) this.note(key, false)
      return answer.there
    }
    const own = this.changes.get(key)
    if (own) return !own.gone
    this.note(key, false)
    return this.stored.find(key) !== undefined
  }

  /** The key as it is here: of equal byte arrays, one may be a Buffer. undefined: there is none. */
  ownKey(key: StoredKey): StoredKey | undefined {
    const there = this.#lookAt(key)
    if (!stands(there)) return undefined
    return 'leaf' in there ? there.leaf.keys[there.at] : there.key
  }

  /** The value at the key as it is handed out; undefined: there is none. */
  get(key: StoredKey): unknown {
    const answer = this.#answer(key)
    if (answer) {
      const value = answer.place ? answer.place.current(this.load) : answer.value
      if (answer.serial !== this.serial) this.note(key, true)
      answer.serial = this.serial
      if (value !== undefined || !answer.place) return value
    }
    const own = this.changes.get(key)
    if (own) return own.gone ? undefined : this.ownOut(own)
    this.note(key, true)
    const found = this.stored.find(key)
    // Most that is got for the first time is not got again.
    const again = !found || this.isHandedOut(found, key)
    const value = found && this.storedOut(found, key)
    if ((again || typeof value !== 'object') && this.#mayAnswer(key)) {
      const isData = typeof value === 'object' && value !== null && found?.leaf.reference(found.at) === undefined
      const place = isData && found ? this.handed.placeOf(key, found) : undefined
      const there = found !== undefined
      if (!isData || place)
        (this.#answers ??= new Answers()).put(
          key,
          this.state,
          { there, value: isData ? undefined : value, place, serial: this.serial },
          this.scope.cacheBytes,
        )
    }
    return value
  }

  /** What the stored state was found to have at a key, where that is all. */
  #answer(key: StoredKey): Answer | undefined {
    return this.#mayAnswer(key) ? this.#answers?.get(key, this.state, this.scope.cacheBytes) : undefined
  }

  #mayAnswer(key: StoredKey): boolean {
    return isHashed(key) && !this.changes.any && !this.isNowhere
  }

  override get notesFirst(): boolean {
    return true
  }

  /** The value of an entry of an iteration. */
  valueOut({ key, stored, own }: Entry): unknown {
    return own ? this.ownOut(own) : stored && this.storedOut(stored, key)
  }

  /** The same as ordinary data, of which nothing is kept. */
  plainOut(entry: Entry): unknown {
    return entry.stored ? this.storedCopy(entry.stored) : plain(this.valueOut(entry))
  }

  keyIn(value: unknown): StoredKey {
    if (typeof value === 'string') return value
    return keyIn(value, this, `${this.name} key`)
  }

  keyOut(key: StoredKey): unknown {
    return keyOut(key, reference => this.handOut(reference))
  }

  /** One entry after another: goes on behind the key that it gave last, whatever happened meanwhile. */
  entriesIn(range: Range = EVERYTHING, values = true): Passage {
    return new Passage(this, range, values, FORWARD)
  }

  /** The same from the end. */
  entriesBack(range: Range, values: boolean): Passage {
    return new Passage(this, range, values, BACKWARD)
  }

  /** How many entries there are in a range, of which the transaction depends as if it had gone through them. */
  countIn(range: Range): number {
    this.touch()
    const interval = this.passes(range, false)
    if (interval) interval.empty = false
    return countStored(this.stored, range) + this.changes.addedIn(range)
  }

  // ---- for passages: after `touch()` ----

  /** What the transaction did. */
  get pending(): KeyedChanges {
    return this.changes
  }

  /** Notes a passage that begins; undefined: nobody can change what it meets, or it does not matter. */
  passes(range: Range, values: boolean): Interval | undefined {
    return this.scope.relies && !this.changes.cleared ? this.noted.begin(range.low, range.high, values) : undefined
  }

  // ---- changing ----

  put(key: StoredKey, value: unknown): void {
    this.putAdopted(key, value, this.adoptValue(value, key))
  }

  /** A value that was given, and what has become of it on its way in. */
  protected putAdopted(key: StoredKey, value: unknown, own: unknown): void {
    this.putOwn(key, own)
    if (typeof value === 'object' && value !== null && own !== value) noteSourceAt(this, key, value)
  }

  /** A value that has been adopted. */
  putOwn(key: StoredKey, value: unknown): void {
    this.touch()
    // Looked up before anything is done, as that may take reading, which may fail.
    this.#put(key, value, this.changes.at(key, this.stored))
  }

  #put(key: StoredKey, value: unknown, there: Pending | Found | undefined): void {
    if (!this.handed.ignores(value)) this.#replace(key, value, false, there)
    else {
      this.change()
      this.setChange(key, value, false, there)
    }
  }

  /** Values that have been adopted, in the order of their keys, each once. */
  putAll(entries: Pending[]): void {
    if (entries.length === 0) return
    this.change()
    const isFresh = this.stored.size === 0 && this.changes.table.size === 0
    const needsCare = ({ key, value }: Pending): boolean =>
      !this.handed.ignores(value) || (this.isNowhere && typeof key === 'object')
    if (isFresh && !entries.some(needsCare)) this.changes.fill(entries)
    else for (const { key, value } of entries) this.putOwn(key, value)
  }

  /** Of a set. */
  add(key: StoredKey): void {
    const there = this.#lookAt(key)
    if (!stands(there)) this.#put(key, undefined, there)
  }

  remove(key: StoredKey): boolean {
    const there = this.#lookAt(key)
    if (!stands(there)) return false
    this.#replace(key, undefined, true, there)
    return true
  }

  /** What is at a key of which the transaction depends on whether it is there. */
  #lookAt(key: StoredKey): Pending | Found | undefined {
    const own = this.changes.get(key)
    if (own) return own
    this.note(key, false)
    return this.stored.find(key)
  }

  #replace(key: StoredKey, value: unknown, gone: boolean, there: Pending | Found | undefined): void {
    this.handed.known(key) // the same: what may have to be read is read before anything is done
    this.change()
    this.handed.replace(key, value, () => this.setChange(key, value, gone, there))
  }

  removeRange(range: Range): number {
    const keys = Array.from(this.entriesIn(range, false), ({ key }) => key)
    if (keys.length === 0) return 0
    for (const key of keys) this.handed.known(key)
    this.change()
    for (const key of keys) this.handed.replace(key, undefined, () => this.changes.remove(key))
    return keys.length
  }

  clear(): void {
    if (!this.entriesIn(EVERYTHING, false).next()) return
    const handed = this.handed.current()
    this.change()
    this.handed.clear(handed)
    this.dropChanges()
    this.changes.clear()
  }

  // ---- for the object layer ----

  override holds(key: unknown): boolean {
    return isObject(this.changes.get(key as StoredKey)?.value)
  }

  slot(key: unknown): unknown {
    return this.get(key as StoredKey)
  }

  toPlain(convert: (value: unknown) => unknown, begun?: (copy: object) => void): unknown {
    const copy = this.newCopy()
    begun?.(copy)
    for (const entry of this.entriesIn()) {
      this.addTo(copy, plainKey(entry.key, convert), this.valued ? convert(this.valueOut(entry)) : undefined)
    }
    return copy
  }
}

/** Whether something stands where this was found. */
function stands(there: Pending | Found | undefined): there is Pending | Found {
  return there !== undefined && ('leaf' in there || !there.gone)
}
