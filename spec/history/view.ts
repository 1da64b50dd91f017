// One random transaction's eyes and hands: the only way to the bank. It writes down whatever it is answered and does.
import { StaleDataError } from '../../lib/index.js'
import { box, Box, longKey, shortest, shortKey, type Bank, type Note, type Notes, type Tally } from './bank.js'
import type { Stretch } from './models.js'
import type { Part, Step } from './recorded.js'

/** Plain data that a connection got from maps in some transaction, by map and key, and what it got below that. */
export type Held = Map<string, { readonly data: Tally; readonly mark: Tally['marks'][0] | undefined }>

export type MapName = 'notes' | 'pages'
/** What is to be set at a key: an own text; a lot of it; plain data; a new object; another name for the object at another key. */
export type Kind = 'text' | 'long text' | 'data' | 'object' | { readonly sameAs: string }

export class View {
  readonly steps: Step[] = []
  /** Has anything been changed? */
  wrote = false
  readonly #bank: Bank
  readonly #by: string
  readonly #held: Held
  /** Where the transaction itself took away what is held ... */
  readonly #takenOut = new Set<string>()
  /** ... and where it put something else. */
  readonly #placed = new Set<string>()

  /** `by` marks what is written, and must be of this transaction alone. */
  constructor(bank: Bank, by: string, held: Held = new Map()) {
    this.#bank = bank
    this.#by = by
    this.#held = held
  }

  // ---- objects ----

  balance(n: number): number {
    const account = at(this.#bank.accounts, n)
    return this.#saw(`account ${n}`, 'get', [], [account.balance, account.by] as const)[0]
  }

  setBalance(n: number, balance: number): void {
    const account = at(this.#bank.accounts, n)
    account.balance = balance
    account.by = this.#by
    this.#did(`account ${n}`, 'set', [[balance, this.#by]])
  }

  onCall(n: number): boolean {
    const doctor = at(this.#bank.doctors, n)
    return this.#saw(`doctor ${n}`, 'get', [], [doctor.onCall, doctor.by] as const)[0]
  }

  setOnCall(n: number, onCall: boolean): void {
    const doctor = at(this.#bank.doctors, n)
    doctor.onCall = onCall
    doctor.by = this.#by
    this.#did(`doctor ${n}`, 'set', [[onCall, this.#by]])
  }

  slot(n: number): string | null {
    const { box } = at(this.#bank.slots, n)
    return this.#saw(`slot ${n}`, 'get', [], box && `${box.text} ${box.lid?.text ?? 'open'}`)
  }

  fill(n: number): void {
    const filled = box(this.#by)
    filled.lid = box('lid')
    at(this.#bank.slots, n).box = filled
    this.#did(`slot ${n}`, 'set', [`${this.#by} lid`])
  }

  empty(n: number): void {
    at(this.#bank.slots, n).box = null
    this.#did(`slot ${n}`, 'set', [null])
  }

  /** The box itself changes its place. */
  move(from: number, to: number): void {
    const content = this.slot(from)
    at(this.#bank.slots, to).box = at(this.#bank.slots, from).box
    at(this.#bank.slots, from).box = null
    this.#did(`slot ${to}`, 'set', [content])
    this.#did(`slot ${from}`, 'set', [null])
  }

  // ---- lists ----

  list(n: number): string[] {
    return this.#saw(`list ${n}`, 'items', [], at(this.#bank.lists, n).toArray())
  }

  /** Appends; a list that has become long loses some of its first items. */
  append(n: number): void {
    const list = at(this.#bank.lists, n)
    if (this.#saw(`list ${n}`, 'length', [], list.length) > shortest(n) + 15) {
      list.splice(0, 15)
      this.#did(`list ${n}`, 'drop', [15])
    }
    list.push(this.#by)
    this.#did(`list ${n}`, 'push', [this.#by])
  }

  /** Asks nothing. */
  extend(n: number, end: 'push' | 'unshift'): void {
    at(this.#bank.lists, n)[end](this.#by)
    this.#did(`list ${n}`, end, [this.#by])
  }

  /** Takes an item out at one end, and puts one in at the other, so that no list becomes short. */
  rotate(n: number, end: 'pop' | 'shift'): void {
    this.#did(`list ${n}`, end, [], at(this.#bank.lists, n)[end]() ?? null)
    this.extend(n, end === 'pop' ? 'unshift' : 'push')
  }

  item(n: number, index: number): void {
    this.#saw(`list ${n}`, 'at', [index], at(this.#bank.lists, n).at(index) ?? null)
  }

  setItem(n: number, index: number): void {
    at(this.#bank.lists, n).set(index, this.#by)
    this.#did(`list ${n}`, 'set', [index, this.#by])
  }

  insertItem(n: number, index: number): void {
    at(this.#bank.lists, n).insert(index, this.#by)
    this.#did(`list ${n}`, 'insert', [index, this.#by])
  }

  // ---- maps ----

  get(name: MapName, key: string): Note | undefined {
    const value = this.#map(name).get(longOf(name, key))
    this.#saw(`map ${name}`, 'get', [key], noted(value))
    if (isTally(value)) this.#hold(name, key, value)
    return value
  }

  /** Reads something that was got in an earlier transaction, and does not ask the map. */
  recall(name: MapName, n: number): void {
    const keys = [...this.#held.keys()]
      .filter(place => place.startsWith(name))
      .map(place => place.slice(name.length + 1))
    const key = keys[n % keys.length]
    if (key === undefined) return
    if (this.#takenOut.has(`${name} ${key}`)) return
    const data = this.#ofBefore(name, key)
    if (data) this.#saw(`map ${name}`, 'get', [key], noted(data))
    else this.get(name, key)
  }

  has(name: MapName, key: string): boolean {
    return this.#saw(`map ${name}`, 'has', [key], this.#map(name).has(longOf(name, key)))
  }

  set(name: MapName, key: string, kind: Kind): void {
    const value = this.#make(name, kind)
    if (value === undefined) return
    this.#map(name).set(longOf(name, key), value)
    this.#takeOut(`${name} ${key}`)
    this.#placed.add(`${name} ${key}`)
    this.#did(`map ${name}`, 'set', [key, noted(value)])
  }

  #make(name: MapName, kind: Kind): Note | undefined {
    if (typeof kind === 'object') {
      const value = this.get(name, kind.sameAs)
      return value instanceof Box ? value : undefined
    }
    if (kind === 'data') {
      const tally = { n: 0, by: this.#by, marks: [{ by: this.#by }] }
      return made++ % 2 === 0 ? tally : { ...tally, more: '.'.repeat(100) }
    }
    if (kind === 'object') return box(`${this.#by}/${made++}`) // the judge tells objects by their texts
    return kind === 'text' ? this.#by : this.#by.padEnd(1000, '.')
  }

  delete(name: MapName, key: string): boolean {
    this.#takeOut(`${name} ${key}`)
    return this.#tried(`map ${name}`, 'delete', [key], this.#map(name).delete(longOf(name, key)))
  }

  /** Changes plain data in place, if there is any. */
  raise(name: MapName, key: string): void {
    const before = this.#ofBefore(name, key)
    const data = before ?? this.#map(name).get(longOf(name, key))
    this.#saw(`map ${name}`, 'raise', [key, this.#by], noted(data))
    if (!isTally(data)) return
    data.n++
    data.by = this.#by
    for (const mark of data.marks) mark.by = this.#by
    this.wrote = true
    this.#hold(name, key, data)
    if (data !== this.#map(name).get(longOf(name, key))) throw new Error(`what was got at ${key} is not what is there`)
  }

  #hold(name: MapName, key: string, data: Tally): void {
    this.#held.set(`${name} ${key}`, { data, mark: data.marks[0] })
    this.#takenOut.delete(`${name} ${key}`)
  }

  /** Data that never had a place before this transaction has none for ever. */
  #takeOut(place: string): void {
    this.#takenOut.add(place)
    if (this.#placed.has(place)) this.#held.delete(place)
  }

  /** What was got in an earlier transaction, if it can be used: it is what stands at the key. */
  #ofBefore(name: MapName, key: string): Tally | undefined {
    const held = this.#held.get(`${name} ${key}`)
    if (!held || this.#takenOut.has(`${name} ${key}`)) return undefined
    const { data, mark } = held
    if (isStale(() => data.n)) {
      this.#held.delete(`${name} ${key}`)
      return undefined
    }
    // It stands below an array, and so it may be stale although what contains it is not: but nothing else.
    if (mark !== data.marks[0] && !isStale(() => mark?.by)) throw new Error(`what was got below ${key} is not what is there`) // prettier-ignore
    return data
  }

  /** What a commit has taken out of a map has no place any more. */
  committed(): void {
    for (const place of this.#takenOut) this.#held.delete(place)
  }

  range(name: MapName, range: Stretch): void {
    const entries = Array.from(this.#map(name).range(longRange(name, range)), ([key, value]) => [shortKey(key), noted(value)]) // prettier-ignore
    this.#saw(`map ${name}`, 'range', [range], entries)
  }

  keys(name: MapName, range: Stretch): void {
    this.#saw(`map ${name}`, 'keys', [range], Array.from(this.#map(name).keys(longRange(name, range)), shortKey))
  }

  count(name: MapName, range: Stretch): void {
    this.#saw(`map ${name}`, 'count', [range], this.#map(name).count(longRange(name, range)))
  }

  size(name: MapName): number {
    return this.#saw(`map ${name}`, 'size', [], this.#map(name).size)
  }

  /** At most so many keys, as the maps change nothing but a stretch. */
  deleteRange(name: MapName, range: Stretch): void {
    const map = this.#map(name)
    const keys = Array.from(map.keys(longRange(name, range)), shortKey)
    const removed = map.deleteRange(longRange(name, range))
    if (removed !== keys.length) throw new Error(`deleteRange removed ${removed} of ${keys.length}`)
    for (const key of keys) this.#takeOut(`${name} ${key}`)
    this.#saw(`map ${name}`, 'deleteRange', [range], keys)
    this.wrote ||= removed > 0
  }

  clear(name: MapName): void {
    const map = this.#map(name)
    const any = map.keys({ limit: 1 }).next().done !== true
    map.clear()
    for (const place of this.#held.keys()) if (place.startsWith(`${name} `)) this.#takeOut(place)
    this.#tried(`map ${name}`, 'clear', [], any)
  }

  #map(name: MapName): Notes {
    return this.#bank[name]
  }

  // ---- the queue, the set, the counter ----

  pushJobs(count: number): void {
    const jobs = Array.from({ length: count }, (_, n) => `${this.#by} job ${this.steps.length}.${n}`)
    this.#bank.jobs.push(...jobs)
    this.#did('queue jobs', 'push', jobs)
  }

  takeJob(): string | null {
    const job = this.#saw('queue jobs', 'take', [], this.#bank.jobs.shift() ?? null)
    this.wrote ||= job !== null
    return job
  }

  firstJob(): void {
    this.#saw('queue jobs', 'first', [], this.#bank.jobs.peek() ?? null)
  }

  jobs(): string[] {
    return this.#saw('queue jobs', 'items', [], [...this.#bank.jobs])
  }

  jobCount(): number {
    return this.#saw('queue jobs', 'size', [], this.#bank.jobs.size)
  }

  addToken(): void {
    const text = `${this.#by} token ${this.steps.length}`
    this.#bank.tokens.add(box(text))
    this.#did('set tokens', 'push', [text])
  }

  takeToken(): void {
    const { tokens } = this.#bank
    const token = tokens.first()
    const text = this.#saw('set tokens', 'take', [], token?.text ?? null)
    if (!token) return
    if (!tokens.delete(token)) throw new Error(`the first of the tokens, ${text}, is none of them`)
    this.wrote = true
  }

  tokens(): void {
    this.#saw(
      'set tokens',
      'items',
      [],
      Array.from(this.#bank.tokens, ({ text }) => text),
    )
  }

  tokenCount(): number {
    return this.#saw('set tokens', 'size', [], this.#bank.tokens.size)
  }

  visit(times: number): void {
    this.#bank.visits.add(times)
    this.#did('counter visits', 'add', [times])
  }

  visits(): number {
    return this.#saw('counter visits', 'value', [], this.#bank.visits.value)
  }

  // ---- all of it ----

  everything(): Map<Part, unknown> {
    const begin = this.steps.length
    const { accounts, lists, doctors, slots } = this.#bank
    for (let n = 0; n < accounts.length; n++) this.balance(n)
    for (let n = 0; n < lists.length; n++) this.list(n)
    for (let n = 0; n < doctors.length; n++) this.onCall(n)
    for (let n = 0; n < slots.length; n++) this.slot(n)
    this.range('notes', {})
    this.range('pages', {})
    this.jobs()
    this.tokens()
    this.visits()
    return new Map(this.steps.slice(begin).map(({ part, answer }) => [part, answer]))
  }

  #saw<T>(part: Part, does: string, given: readonly unknown[], answer: T): T {
    this.steps.push({ part, does, given, answer })
    return answer
  }

  #did(part: Part, does: string, given: readonly unknown[], answer: unknown = null): void {
    this.#saw(part, does, given, answer)
    this.wrote = true
  }

  /** A change, if there was something to be changed. */
  #tried(part: Part, does: string, given: readonly unknown[], answer: boolean): boolean {
    this.wrote ||= answer
    return this.#saw(part, does, given, answer)
  }
}

function isStale(use: () => unknown): boolean {
  try {
    use()
    return false
  } catch (error) {
    if (error instanceof StaleDataError) return true
    throw error
  }
}

/** How much plain data has been made. */
let made = 0

const isTally = (value: Note | undefined): value is Tally => typeof value === 'object' && !(value instanceof Box)
const longOf = (name: MapName, key: string): string => (name === 'pages' ? longKey(key) : key)

function longRange(name: MapName, { gte, lt, ...rest }: Stretch): Stretch {
  return {
    ...rest,
    ...(gte === undefined ? {} : { gte: longOf(name, gte) }),
    ...(lt === undefined ? {} : { lt: longOf(name, lt) }),
  }
}

/** A value as it is written down. */
function noted(value: Note | undefined): unknown {
  if (value === undefined) return null
  if (value instanceof Box) return `object ${value.text}`
  if (typeof value === 'string') return value.length < 1000 ? value : `long ${shortText(value)}`
  for (const { by } of value.marks) if (by !== value.by) throw new Error(`data of ${value.by} has a part of ${by}`)
  return { n: value.n, by: value.by }
}

const shortText = (text: string): string => text.replace(/\.+$/, '')

function at<T>(items: readonly T[], n: number): T {
  const item = items[n]
  if (item === undefined) throw new RangeError(`there is no number ${n}`)
  return item
}
