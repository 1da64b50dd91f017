// What must not compile. A line that compiles after all is an error of its own.
import {
  open,
  Persistent,
  PersistentList,
  PersistentMap,
  PersistentSet,
  oidOf,
  type Key,
  type PersistentClass,
  type TransactOptions,
} from 'perdure'

class Counter extends Persistent {
  static type = 'Counter'
  count = 0
}

class Owner extends Persistent {
  static type = 'Owner'
  counter?: Counter
  readonly counters = new PersistentMap<string, Counter>()
}

const db = open('a.db', { root: Owner, classes: [Counter] })

// ---- functions that return a promise ----

// @ts-expect-error the transaction would end before its promise is settled
db.transact(async () => {})
// @ts-expect-error the same with a result
db.transact(async root => root.counters.size)
// @ts-expect-error returns a promise in another way
db.transact(() => Promise.resolve(1))
// @ts-expect-error it is the waiting that is asynchronous, not the function
void db.transactAsync(async root => root.counters.size)

// ---- look-alikes ----

class LooksLike {
  static type = 'Counter'
  count = 0
}
interface Persisting {
  count: number
}
declare const persisting: Persisting & { counter?: Counter }

// @ts-expect-error it has the same members, and does not extend Persistent
const persistent: Persistent = new LooksLike()
// @ts-expect-error one that is a plain object with the same members
const counter: Counter = { count: 1 }
// @ts-expect-error an interface with the same members
db.root.counter = persisting
// @ts-expect-error in a collection
db.root.counters.set('a', { count: 1 })
// @ts-expect-error as the class of the root
open('a.db', { root: LooksLike })
// @ts-expect-error among the classes
open('a.db', { classes: [LooksLike] })
class Invoice extends Persistent {
  static type = 'Invoice'
  constructor(readonly customer: string) {
    super()
  }
}
// @ts-expect-error open makes the root, and has nothing for its constructor
open('a.db', { root: Invoice })
// @ts-expect-error as a class by itself
const Class: PersistentClass = LooksLike
// @ts-expect-error no native Map is a PersistentMap
const map: PersistentMap<string, number> = new Map<string, number>()
// @ts-expect-error no native Set is a PersistentSet
const set: PersistentSet<number> = new Set<number>()
// @ts-expect-error an array is no PersistentList
const list: PersistentList<number> = [1]

// ---- options of open ----

// @ts-expect-error no such option
open('a.db', { root: Counter, durable: true })
// @ts-expect-error no such option beside initial values
open('a.db', { root: { count: 0 }, readOnly: true })
// @ts-expect-error no such option without a root
open('a.db', { locktimeout: 10 })
// @ts-expect-error no such durability
open('a.db', { root: Counter, durability: 'sync' })
// @ts-expect-error no such isolation
open('a.db', { root: Counter, isolation: 'none' })
// @ts-expect-error no such way of writing
open('a.db', { root: Counter, writes: 'never' })
// @ts-expect-error until is the number of a commit
open('a.db', { readonly: true, until: new Date() })
// @ts-expect-error no such option of transact
db.transact(root => root.counters.size, { retries: 3 })
declare const perhapsNamed: { readonly id?: string }
// @ts-expect-error an id that is there may have been applied before: no result
db.transact(() => 3, perhapsNamed).toFixed()
// @ts-expect-error the same, waiting
void db.transactAsync(() => 3, perhapsNamed).then(count => count.toFixed())
declare const anyOptions: TransactOptions
// @ts-expect-error the same of options of which nothing else is known
db.transact(() => 3, anyOptions).toFixed()
// @ts-expect-error no such option of pack
void db.pack({ progress: () => {} })

// ---- classes ----

class Nameless extends Persistent {
  count = 0
}
class Demanding extends Persistent {
  static type = 'Demanding'
  readonly name: string
  constructor(name: string) {
    super()
    this.name = name
  }
}

// @ts-expect-error this class has no stored name
open('a.db', { root: Nameless })
// @ts-expect-error the same among the classes
open('a.db', { classes: [Nameless] })
// @ts-expect-error nobody would give its constructor an argument
open('a.db', { root: Demanding })
// @ts-expect-error an object instead of its class
open('a.db', { classes: [new Counter()] })
// @ts-expect-error Persistent is there to be extended
new Persistent()

// ---- values of a new root ----

// @ts-expect-error functions cannot be stored
open('b.db', { root: { now: () => 1 } })
// @ts-expect-error nor a method
open('b.db', { root: { now() {} } })
// @ts-expect-error nor a class
open('b.db', { root: { Counter } })
// @ts-expect-error nor a symbol
open('b.db', { root: { mark: Symbol('mark') } })
// @ts-expect-error nor a native Map: there is PersistentMap
open('b.db', { root: { map: new Map<string, number>() } })
// @ts-expect-error nor a native Set: there is PersistentSet
open('b.db', { root: { set: new Set<string>() } })
// @ts-expect-error nor one that is read only
open('b.db', { root: { set: new Set<string>() as ReadonlySet<string> } })
// @ts-expect-error nor one that is there only sometimes
open('b.db', { root: { map: null as Map<string, number> | null } })
// @ts-expect-error the root itself is an object with named fields
open('b.db', { root: [1, 2] })
// @ts-expect-error not a function
open('b.db', { root: () => ({ count: 0 }) })

// ---- keys ----

// @ts-expect-error booleans are no keys
new PersistentMap<boolean, number>()
// @ts-expect-error undefined is no key
new PersistentMap<string | undefined, number>()
// @ts-expect-error null is no key
new PersistentSet<null>()
// @ts-expect-error plain objects are no keys
new PersistentMap<{ name: string }, number>()
// @ts-expect-error symbols are no keys
new PersistentSet<symbol>()
// @ts-expect-error another typed array is no key
new PersistentSet<Float64Array>()
// @ts-expect-error tuples are keys if their elements are
const key: Key = ['a', true]
const byPair = new PersistentMap<[string, number], Counter>()
// @ts-expect-error the second element is a number
byPair.keys({ prefix: ['a', 'b'] })
// @ts-expect-error what a bound begins with is the first element
byPair.count({ gte: [1] })
// @ts-expect-error tuples have no third element
byPair.range({ lt: ['a', 1, 2] })
// @ts-expect-error a key itself is whole
byPair.get(['a'])
// @ts-expect-error a bound that is undefined would remove everything
byPair.deleteRange({ gte: undefined })
// @ts-expect-error a number is the beginning of none
new PersistentSet<number>().keys({ prefix: 1 })
// @ts-expect-error not the key of this map
db.root.counters.get(1)
// @ts-expect-error not the value of this map
new PersistentMap<string, number>().set('a', 'b')

// ---- the rest ----

// @ts-expect-error the number of a commit is read only
db.tid = 3
// @ts-expect-error the root is what it is
db.root = new Owner()
// @ts-expect-error only persistent objects have a number
oidOf('a')

export { Class, counter, key, list, map, persistent, set }
