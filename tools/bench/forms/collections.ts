// The collections beside maps of plain values, and other keys than strings: prints a line for each operation.
import {
  open,
  Persistent,
  PersistentCounter,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  PersistentSet,
  type Connection,
  type Key,
} from '../../../lib/index.js'

class User extends Persistent {
  static type = 'User'
  name = ''
  best: User | undefined = undefined
}

function user(n: number): User {
  const made = new User()
  made.name = `user ${n}`
  return made
}

class Root extends Persistent {
  static type = 'Root'
  map = new PersistentMap<Key, unknown>()
  list = new PersistentList<unknown>()
  set = new PersistentSet<Key>()
  queue = new PersistentQueue<unknown>()
  counter = new PersistentCounter()
  users: User[] = []
  first: User | undefined = undefined
}

/** A store that is closed and opened again, so that what follows begins with nothing in memory. */
class Subject {
  readonly #path: string
  readonly #scale: number
  db: Connection<Root>

  constructor(path: string, scale: number) {
    this.#path = path
    this.#scale = scale
    this.db = this.#open()
  }

  #open(): Connection<Root> {
    return open(this.#path, { root: Root, classes: [User], durability: 'os' })
  }

  get root(): Root {
    return this.db.root
  }

  reopen(): void {
    this.db.close()
    this.db = this.#open()
  }

  count(full: number): number {
    return Math.max(10, Math.round(full * this.#scale))
  }

  /** `act` for each of 0 to `count`, in transactions of `each`; 0: in none. */
  async time(what: string, count: number, each: number, act: (n: number) => void): Promise<void> {
    const size = each || 1000
    const started = performance.now()
    for (let from = 0; from < count; from += size) {
      const part = (): void => {
        for (let n = from; n < Math.min(count, from + size); n++) act(n)
      }
      if (each > 0) this.db.transact(part)
      else part()
      if (from % (10 * size) === 0) await new Promise(done => void setImmediate(done))
    }
    const time = ((performance.now() - started) * 1000) / count
    console.log(`  ${what}${each > 0 ? `, ${each} a commit` : ''}`.padEnd(40), time.toFixed(2).padStart(10))
  }
}

const scattered = (n: number, below: number): number => (Math.imul(n + 1, 0x9e3779b1) >>> 0) % below

const ITEMS: Readonly<Record<string, (n: number) => unknown>> = {
  numbers: n => n,
  text: n => `item ${n}`,
  'small data': n => ({ n, text: `x${n}` }),
  data: n => ({ n, name: `Person number ${n}`, tags: ['a', `b${n % 7}`] }),
  objects: user,
}

async function list(subject: Subject, name: string, make: (n: number) => unknown): Promise<void> {
  const count = subject.count(50_000)
  const few = subject.count(5000)
  console.log(`a list of ${name}`)
  await subject.time('push', count, 1000, n => void subject.root.list.push(make(n)))
  subject.reopen()
  await subject.time('at(random), cold', count, 0, n => subject.root.list.at(scattered(n, count)))
  subject.reopen()
  await subject.time('for of, cold', 1, 0, () => [...subject.root.list])
  await subject.time('set(random)', count, 100, n => void subject.root.list.set(scattered(n, count), make(n)))
  await subject.time('push', few, 1, n => void subject.root.list.push(make(n)))
  await subject.time('insert(random)', few, 1, n => void subject.root.list.splice(scattered(n, count), 0, make(n)))
  await subject.time('shift', few, 1, () => subject.root.list.shift())
  subject.root.list.clear()
  subject.db.commit()
}

const KEYS: Readonly<Record<string, (n: number, users: readonly User[]) => Key>> = {
  numbers: n => n,
  dates: n => new Date(1.6e12 + n),
  bytes: n => Uint8Array.of(n >> 16, n >> 8, n),
  tuples: n => ['user', n % 100, n],
  objects: (n, users) => users[n] ?? n,
}

async function keys(subject: Subject, name: string, keyOf: (n: number) => Key): Promise<void> {
  const count = subject.count(20_000)
  const { map, set } = subject.root
  console.log(`${name} as keys`)
  await subject.time('map.set, new', count, 1000, n => void map.set(keyOf(scattered(n, count)), n))
  await subject.time('map.set(random)', count, 100, n => void map.set(keyOf(scattered(n, count)), n))
  await subject.time('map.get(random)', count, 0, n => map.get(keyOf(scattered(n, count))))
  await subject.time('set.add', count, 1000, n => void set.add(keyOf(scattered(n, count))))
  await subject.time('set.has(random)', count, 0, n => set.has(keyOf(scattered(n, count))))
  await subject.time('set.delete', count, 100, n => void set.delete(keyOf(scattered(n, count))))
  map.clear()
  set.clear()
  subject.db.commit()
}

const KINDS: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  async lists(subject) {
    for (const [name, make] of Object.entries(ITEMS)) await list(subject, name, make)
  },
  async keys(subject) {
    const users = Array.from({ length: subject.count(20_000) }, (_, n) => user(n))
    subject.db.transact(root => void (root.users = users))
    for (const [name, keyOf] of Object.entries(KEYS)) await keys(subject, name, n => keyOf(n, users))
  },
  async 'queue-and-counter'(subject) {
    const { queue, counter } = subject.root
    await subject.time('push', subject.count(50_000), 1000, n => void queue.push({ n, job: `job ${n}` }))
    await subject.time('shift', subject.count(20_000), 100, () => queue.shift())
    await subject.time('push and shift', subject.count(5000), 1, n => {
      queue.push({ n, job: `job ${n}` })
      queue.shift()
    })
    await subject.time('counter.add', subject.count(20_000), 1, () => void counter.add(1))
  },
  async references(subject) {
    const count = subject.count(50_000)
    subject.db.transact(root => void (root.users = Array.from({ length: 1000 }, (_, n) => user(n))))
    const users = [...subject.root.users]
    const { map } = subject.root
    const of = (n: number): User => users[n % users.length] as User
    const data = (n: number): unknown => ({ of: of(n), n })
    await subject.time('data with a reference, set', count, 1000, n => void map.set(n, data(n)))
    await subject.time(
      'data with a reference, set(random)',
      count,
      100,
      n => void map.set(scattered(n, count), data(n)),
    )
    await subject.time('data with a reference, changed', count, 100, n => {
      ;(map.get(scattered(n, count)) as { n: number }).n++
    })
    await subject.time('one of 1,000 objects, set(random)', count, 100, n => void map.set(scattered(n, count), of(n)))
    subject.db.transact(root => {
      for (let n = 0; n < count; n++) {
        const next = user(n)
        next.best = root.first
        root.first = next
      }
    })
    subject.reopen()
    let at = subject.root.first
    await subject.time('from object to object, cold', count, 0, () => void (at = at?.best))
  },
  async 'small-maps'(subject) {
    const count = subject.count(20_000)
    await subject.time('new, of 5 entries', count, 1000, n => {
      const small = new PersistentMap<string, number>()
      for (let i = 0; i < 5; i++) small.set(`k${i}`, n)
      subject.root.map.set(n, small)
    })
    subject.reopen()
    const at = (n: number): PersistentMap<string, number> =>
      subject.root.map.get(scattered(n, count)) as PersistentMap<string, number>
    await subject.time('get(random), cold', count, 0, n => at(n).get('k3'))
    await subject.time('set(random)', count, 100, n => void at(n).set('k3', n))
  },
  async 'large-fields'(subject) {
    const users = (): User[] => subject.root.users
    subject.db.transact(root => void (root.users = Array.from({ length: subject.count(10_000) }, (_, n) => user(n))))
    subject.reopen()
    await subject.time('array of 10,000 objects, all, cold', 1, 0, () => users().map(({ name }) => name))
    await subject.time('array of 10,000 objects, push', subject.count(200), 1, n => void users().push(user(n)))
  },
}

export const COLLECTIONS: Readonly<Record<string, (path: string, scale: number) => Promise<void>>> = Object.fromEntries(
  Object.entries(KINDS).map(([name, run]) => [
    name,
    async (path: string, scale: number) => {
      const subject = new Subject(path, scale)
      await run(subject)
      subject.db.close()
    },
  ]),
)
