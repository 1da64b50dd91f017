// A small graph of objects, twice: stored, and as plain things in memory, with the same fields and methods, so that one function
// can change both. `describe` says what a graph is, in terms that do not depend on which of the two it is.
import assert from 'node:assert/strict'
import { Persistent, PersistentList, PersistentMap, PersistentSet } from '../../lib/index.js'

/** What both kinds of item have. */
export interface Item {
  /** Never changed. */
  readonly name: string
  value: unknown
  tags: unknown[]
  fields: Record<string, unknown>
  next: this | null
}

export interface Graph<I extends Item = Item> {
  stamp: number
  first: I | null
  readonly map: Pick<Map<string, I>, 'set' | 'delete' | 'clear'>
  readonly list: Pick<PersistentList<unknown>, 'push' | 'unshift'> & Pick<unknown[], 'splice'> & { reverse(): unknown }
  readonly set: Pick<Set<number>, 'add' | 'delete'>
}

/** One of the two graphs, and how its items are made. */
export interface World<I extends Item = Item> {
  readonly root: Graph<I>
  make(name: string): I
}

export class StoredItem extends Persistent implements Item {
  static type = 'Item'
  name = ''
  value: unknown = null
  tags: unknown[] = []
  fields: Record<string, unknown> = {}
  next: this | null = null
}

export class StoredGraph extends Persistent implements Graph<StoredItem> {
  static type = 'Graph'
  stamp = 0
  first: StoredItem | null = null
  map = new PersistentMap<string, StoredItem>()
  list = new PersistentList<unknown>()
  set = new PersistentSet<number>()
}

class ModelList extends Array<unknown> {}

class ModelItem implements Item {
  name = ''
  value: unknown = null
  tags: unknown[] = []
  fields: Record<string, unknown> = {}
  next: this | null = null
}

export class ModelGraph implements Graph<ModelItem> {
  stamp = 0
  first: ModelItem | null = null
  map = new Map<string, ModelItem>()
  list = new ModelList()
  set = new Set<number>()
}

export const storedWorld = (root: StoredGraph): World<StoredItem> => ({
  root,
  make(name) {
    const item = new StoredItem()
    item.name = name
    return item
  },
})

export const modelWorld = (root: ModelGraph): World<ModelItem> => ({
  root,
  make: name => Object.assign(new ModelItem(), { name }),
})

/** A copy of the model, with the same sharing and cycles. */
export function cloneGraph<T>(graph: T): T {
  const made = new Map<unknown, unknown>()
  const clone = (value: unknown): unknown => {
    if (made.has(value)) return made.get(value)
    if (value instanceof Map) return fill(value, new Map(), copy => value.forEach((v, k) => copy.set(k, clone(v))))
    if (value instanceof Set) return new Set(value)
    if (value instanceof ModelList) return fill(value, new ModelList(), copy => copy.push(...value.map(clone)))
    if (!(value instanceof ModelItem || value instanceof ModelGraph)) return structuredCloneOf(value)
    const copy = Object.create(Object.getPrototypeOf(value) as object) as object
    return fill(value, copy, () => Object.entries(value).forEach(([k, v]) => Object.assign(copy, { [k]: clone(v) })))
  }
  const fill = <C>(from: unknown, copy: C, act: (copy: C) => unknown): C => {
    made.set(from, copy)
    act(copy)
    return copy
  }
  return clone(graph) as T
}

/** Like structuredClone, which knows no objects without a prototype and takes `__proto__` for a setter. */
export function structuredCloneOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(structuredCloneOf)
  if (typeof value !== 'object' || value === null) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) return structuredClone(value)
  const copy = Object.create(prototype) as object
  for (const [key, each] of Object.entries(value)) {
    const field = { value: structuredCloneOf(each), writable: true, enumerable: true, configurable: true }
    Object.defineProperty(copy, key, field)
  }
  return copy
}

/** All items in the order in which a walk from the root meets them. */
export function itemsOf<I extends Item>(graph: Graph<I>): I[] {
  const found: I[] = []
  walk(graph, item => void found.push(item as I))
  return found
}

/** Everything that can be reached, each entity once, references as numbers: two graphs with one description are the same. */
export function describe(graph: Graph): unknown[] {
  return walk(graph, () => undefined)
}

export function assertSame(stored: Graph, model: Graph, message: string): void {
  assert.deepStrictEqual(describe(stored), describe(model), message)
}

function walk(graph: object, met: (item: Item) => void): unknown[] {
  const numbers = new Map<object, number>([[graph, 0]])
  const queue: object[] = [graph]
  const told: unknown[] = []
  const tell = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (isEntity(value)) {
      if (!numbers.has(value)) queue.push(value)
      numbers.set(value, numbers.get(value) ?? numbers.size)
      return ['entity', numbers.get(value)]
    }
    if (Array.isArray(value)) return ['array', ...value.map(tell)]
    if (value instanceof Date) return ['date', value.getTime()]
    if (ArrayBuffer.isView(value)) return [value.constructor.name, ...(value as Uint8Array)]
    const kind = Object.getPrototypeOf(value) === null ? 'object without prototype' : 'object'
    return [kind, ...Object.entries(value).map(([key, each]) => [key, tell(each)])]
  }
  for (const entity of queue) {
    if (entity instanceof StoredItem || entity instanceof ModelItem) met(entity)
    told.push(contentOf(entity).map(tell))
  }
  return told
}

const isEntity = (value: object): boolean =>
  value instanceof Persistent ||
  value instanceof PersistentMap ||
  value instanceof PersistentList ||
  value instanceof PersistentSet ||
  [Map, Set, ModelList, ModelItem, ModelGraph].some(each => value instanceof each)

type Entries = Iterable<readonly [string, unknown]>

function contentOf(entity: object): unknown[] {
  if (entity instanceof PersistentMap) return ['map', ...(entity as Entries)]
  if (entity instanceof Map) return ['map', ...[...(entity as Entries)].sort(([a], [b]) => (a < b ? -1 : 1))]
  if (entity instanceof PersistentSet) return ['set', ...(entity as Iterable<number>)]
  if (entity instanceof Set) return ['set', ...[...(entity as Iterable<number>)].sort((a, b) => a - b)]
  if (entity instanceof PersistentList || entity instanceof ModelList) return ['list', ...(entity as Iterable<unknown>)]
  return ['fields', ...Object.entries(entity)]
}
