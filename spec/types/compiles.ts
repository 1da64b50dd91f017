// What must compile, under the strictest settings: types are inferred as the documentation says.
import {
  connectionOf,
  isUnknown,
  oidOf,
  open,
  Persistent,
  PersistentCounter,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  PersistentSet,
  plain,
  StateError,
  touch,
  typeOf,
  WriteConflictError,
  type Commit,
  type Connection,
  type Key,
  type Mentioned,
  type OpenEnded,
  type OpenOptions,
  type PackResult,
  type Pause,
  type PersistentClass,
  type Plain,
  type RootClass,
  type Sync,
  type TransactOptions,
  type Usage,
} from 'perdure'

/** Compiles only if both are the same type, not merely assignable to each other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(isSame: Same<A, B>): void

class Counter extends Persistent {
  static type = 'Counter'
  count = 0
}

class Task extends Persistent {
  static readonly type = 'Task'
  static readonly version = 2
  static readonly defaults = { urgent: false }
  static readonly transient = ['draft']
  static upgrade(state: Record<string, unknown>, from: number): void {
    if (from < 2) state.title = String(state.name)
  }
  title = ''
  urgent = false
  draft?: string
  due: Date | null = null
  readonly steps = new PersistentList<{ text: string; done: boolean }>()
  readonly byName = new PersistentMap<string, Task>()
  readonly labels = new PersistentSet<string>()
  parent?: Task
}

// ---- the type of the root ----

const byClass = open('a.db', { root: Counter })
same<typeof byClass, Connection<Counter>>(true)
const byClassWithOptions = open('a.db', { root: Counter, classes: [Task], durability: 'os', isolation: 'snapshot' })
same<typeof byClassWithOptions, Connection<Counter>>(true)
const onlyOneOption = open('a.db', { root: Task, durability: 'os' })
same<typeof onlyOneOption, Connection<Task>>(true)

const byValues = open('b.db', {
  root: {
    count: 0,
    name: 'x',
    done: false,
    big: 1n,
    at: new Date(),
    bytes: new Uint8Array(3),
    todos: [] as { title: string }[],
    first: null as null | { title: string },
    anything: undefined as unknown,
    tasks: new PersistentMap<string, Task>(),
    order: new PersistentList<Task>(),
    seen: new PersistentSet<number>(),
  },
})
byValues.transact(root => {
  root.count++
  root.name = 'another'
  root.done = true
  root.big += 2n
  root.todos.push({ title: 'write it down' })
  root.first = { title: 'more' }
  root.anything = 'whatever'
  root.order.push(root.tasks.get('a') ?? new Task())
  root.seen.add(root.count)
})
same<typeof byValues.root.count, number>(true)
same<typeof byValues.root.name, string>(true)

interface Settings {
  theme: 'dark' | 'light'
  size?: number
}
const settings: Settings = { theme: 'dark' }
const byInterface = open('c.db', { root: settings })
same<typeof byInterface.root.theme, 'dark' | 'light'>(true)

const openEnded = open('d.db')
same<typeof openEnded, Connection<OpenEnded>>(true)
same<typeof openEnded.root.whatever, unknown>(true)
openEnded.root.whatever = 1

const options: OpenOptions = { readonly: true, until: 12, lockTimeout: 100, mode: 0o640, writes: 'transact' }
open('e.db', { ...options, root: Counter }).root.count.toFixed()

const Class: RootClass<Task> = Task
open('f.db', { root: Class }).root.title.trim()

class Invoice extends Persistent {
  static type = 'Invoice'
  constructor(
    readonly customer: string,
    public amount: number,
  ) {
    super()
  }
}
const WithParameters: PersistentClass<Invoice> = Invoice
open('f.db', { root: Counter, classes: [Task, Invoice, WithParameters] })

// ---- options that are undefined are not given ----

const none = undefined
open('e.db', {
  ...{ root: Counter, classes: none, readonly: none, until: none, durability: none, isolation: none, writes: none },
  ...{ cacheBytes: none, lockTimeout: none, mode: none, unsafeFilesystem: none, onProgress: none, signal: none },
})
byClass.transact(root => root.count, {
  ...{ attempts: none, timeout: none, note: none, meta: none, isolation: none, id: none },
})
byClass.commit({ note: none, meta: none })
byClass.resolve('x', { since: none })
byClass.log({ after: none, until: none, reverse: none, limit: none })
void byClass.pack({ onProgress: none, signal: none })
plain(new Task(), { depth: none })
new PersistentMap<string, Task>().keys({
  gte: none,
  gt: none,
  lte: none,
  lt: none,
  prefix: none,
  reverse: none,
  limit: none,
})
new PersistentSet<[string, number]>().count({ gte: none, prefix: none })

// ---- transactions ----

const result = byClass.transact(root => root.count++)
same<typeof result, number>(true)
const later = byClass.transactAsync(root => [root], { attempts: 2, timeout: 50, note: 'n', meta: { by: 'me' } })
same<typeof later, Promise<Counter[]>>(true)
same<ReturnType<typeof once>, number | undefined>(true)
function once(options: TransactOptions | undefined) {
  return byClass.transact(root => root.count, options)
}
const named = byClass.transactAsync(root => root.count, { id: 'once' })
same<typeof named, Promise<number | undefined>>(true)
const unnamed = byClass.transact(root => root.count, { id: none, note: 'n' })
same<typeof unnamed, number>(true)
byClass.transact(function nothing() {})
const mixed = byClass.transact((root): number | undefined => (root.count > 1 ? root.count : undefined))
same<typeof mixed, number | undefined>(true)
const tid: number = byClass.commit({ note: 'by hand', meta: { a: 1 } })
byClass.refresh()
const pause: Pause = byClass.pause()
pause.continue()
const own: Connection<Counter> = byClass.connect()
own.close()
const packed: Promise<PackResult> = byClass.pack({ onProgress: () => {} })

// ---- objects and collections ----

function look(task: Task): unknown[] {
  const { byName, labels, steps } = task
  for (const [name, child] of byName) name.concat(child.title)
  for (const label of labels) label.trim()
  for (const { text } of steps) text.trim()
  touch(task)
  steps.push({ text: 'a', done: false })
  steps.at(0)?.text.trim()
  labels.add('x').add('y')
  const children: Task[] = [...byName.values()]
  const oid: number | undefined = oidOf(task)
  const type: string = typeOf(task)
  const unknown: boolean = isUnknown(task)
  const connection: Connection | undefined = connectionOf(task)
  for (const copy of byName.values({ plain: true, limit: 2 })) {
    copy.title.trim()
    same<typeof copy extends Persistent ? true : false, false>(true)
  }
  return [children, oid, type, unknown, connection, plain(task, { depth: 2 })]
}

class Post extends Persistent {
  at = new Date()
  bytes = new Uint8Array()
  next: Post | null = null
  replies = new PersistentList<Post>()
  data: { readonly to: Task; readonly tags: readonly string[]; deep?: { n: bigint }[] } = { to: new Task(), tags: [] }
  text(): string {
    return ''
  }
}
type Post2 = { at: Date; bytes: Uint8Array<ArrayBuffer>; next: Mentioned | null; replies: Mentioned }
const copied = new PersistentMap<string, Post>().range({ gt: 'a', plain: true }).next().value?.[1] as Plain<Post>
same<Pick<typeof copied, keyof Post2>, Post2>(true)
same<typeof copied.data.to, Mentioned>(true)
same<typeof copied.data.deep, { n: bigint }[] | undefined>(true)
same<'text' extends keyof typeof copied ? true : false, false>(true)
const maybe: { readonly plain?: false | undefined } = { plain: undefined }
for (const options of [maybe, { plain: false, reverse: undefined }] as const) {
  const posts = new PersistentMap<string, Post>()
  const values: MapIterator<Post> = posts.values(options)
  const entries: MapIterator<[string, Post]>[] = [posts.entries(options), posts.range(options)]
  void [values, entries]
}
const ownItems: ArrayIterator<Post> = new PersistentList<Post>().values(maybe)
const ownEntries: ArrayIterator<[number, Post]> = new PersistentList<Post>().entries({ plain: undefined })
void [ownItems, ownEntries]
const [copiedItem] = new PersistentList<Post>().values({ plain: true })
same<typeof copiedItem, Plain<Post> | undefined>(true)
const [copiedData] = new PersistentMap<string, { n: number; to: Task | undefined }>().values({ plain: true })
same<typeof copiedData, { n: number; to: Mentioned | undefined } | undefined>(true)
const [copiedList] = new PersistentMap<string, PersistentList<Task>>().values({ plain: true })
same<typeof copiedList, Mentioned[] | undefined>(true)
const [, copiedSet] = new PersistentMap<string, PersistentSet<number>>().range({ plain: true }).next().value ?? []
same<typeof copiedSet, Set<number> | undefined>(true)
const [copiedMap] = new PersistentList<PersistentMap<number, PersistentCounter>>().values({ plain: true })
same<typeof copiedMap, Map<number, Mentioned> | undefined>(true)

const nativeMap = plain(new PersistentMap<readonly [string, Task], { n: bigint; to: Task }>())
same<typeof nativeMap, Map<[string, Mentioned], { n: bigint; to: Mentioned }>>(true)
const nativeSet = plain(new PersistentSet<Date>())
same<typeof nativeSet, Set<Date>>(true)
const nativeLists = [plain(new PersistentList<Task>()), plain(new PersistentQueue<string[]>())] as const
same<typeof nativeLists, readonly [Mentioned[], string[][]]>(true)
const nativeNumber = plain(new PersistentCounter())
same<typeof nativeNumber, number>(true)
const inside = plain({ map: new PersistentMap<string, number>() })
same<typeof inside, { map: Mentioned }>(true)

const keys: Key[] = [1, 2n, 'a', new Date(), Buffer.from(''), new Uint8Array(1), ['a', [1, new Date()]], new Counter()]
const words = new PersistentMap<[lang: string, word: string, n: number], Counter>()
words.keys({ prefix: [] })
words.values({ prefix: ['en'], reverse: true })
words.entries({ gte: ['en', 'a'], lt: ['en', 'b', 3], plain: true })
words.deleteRange({ gt: ['en'] })
words.count({ prefix: ['en', 'a'] })
const days = new PersistentSet<readonly [Date, ...string[]]>()
days.range({ gte: [new Date(0)], lt: [new Date(1), 'a', 'b'] })
type Ticket = `T-${number}` & { readonly branded: true }
new PersistentMap<Ticket, number>().keys({ prefix: 'T-1' })
new PersistentSet<Buffer | readonly string[]>().keys({ prefix: new Uint8Array(1) })
const anyKeys: Iterable<Key> = new PersistentSet<Key>().range({ prefix: ['a'], gte: 1, limit: 3 })

const byTask = new PersistentMap<Task, number>([[new Task(), 1]])
const byPair = new PersistentMap<readonly [string, number], string>()
byPair.set(['a', 1], 'x')
const byCollection = new PersistentSet<PersistentMap<string, number>>()

try {
  byClass.commit()
} catch (error) {
  if (error instanceof WriteConflictError) error.conflicts.map(({ oid, type, kind }) => [oid, type, kind === 'read'])
  if (error instanceof StateError) error.code.trim()
}

const commits: Commit[] = [...byClass.log({ limit: 3 })]
const { bytes, packedBytes }: Usage = byClass.usage()

// What is returned by a function that is asynchronous must be this, which no promise is: so the compiler says it.
same<Sync<Promise<void>>, 'a transaction does not wait: await first, then transact'>(true)
same<Sync<string>, string>(true)
const wrapped = <T>(work: (root: Counter) => Sync<T>): T => byClass.transact<T>(work)
const inferred: number = wrapped(root => root.count)

export { anyKeys, byCollection, byTask, bytes, commits, inferred, keys, look, packed, packedBytes, tid }
