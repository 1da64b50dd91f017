// Reading an object that fails half-way is no reading: nothing of what is stored is lost, and the next use reads it once more.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  open,
  Persistent,
  PersistentCounter,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  plain,
  type Connection,
} from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

/** To read that takes more of the stack than all that comes before. */
const deep = (depth: number): unknown => (depth === 0 ? [] : [deep(depth - 1)])
const content = { name: 'precious', deep: deep(50), tags: { of: { all: ['a'] } }, money: 100 }

class Before extends Persistent {
  static type = 'Account'
}

/** What upgrade gives for `first`. */
let first: () => unknown = () => 1

class Account extends Persistent {
  static type = 'Account'
  static version = 2
  static defaults = { last: 2 }
  declare money: number
  declare tags: { of: { all: string[] } }
  static upgrade(state: Record<string, unknown>): void {
    const old = { ...state }
    for (const key of Object.keys(state)) delete state[key]
    Object.assign(state, { first: first() }, old)
  }
}

interface Root {
  readonly account: Account
}

/** A store with an account that an older version of the class has written. */
function accountIn(t: Test): Connection<Root> {
  const path = join(tempDir(t), 'half.db')
  const account = Object.assign(new Before(), structuredClone(content))
  open(path, { root: { account }, classes: [Before] }).close()
  const db = open(path, { classes: [Account], durability: 'os' }) as unknown as Connection<Root>
  t.teardown(() => {
    first = () => 1
    db[Symbol.dispose]()
  })
  return db
}

function storedIn(t: Test, { path }: Connection<Root>): unknown {
  const other = elsewhere<Root>(path, { classes: [Account] })
  t.teardown(() => other.close())
  return plain(other.root.account)
}

type Failure = { code: string; path: string } | { code: string; message: string; oid: number; cause: Error }
const failing: [string, () => unknown, Failure][] = [
  [
    'throws',
    () => {
      throw new Error('not today')
    },
    {
      code: 'SCHEMA',
      message: 'static upgrade of Account 16 has thrown: not today',
      oid: 16,
      cause: new Error('not today'),
    },
  ],
  ...[undefined, Symbol('of nobody'), 5].map((message): [string, () => unknown, Failure] => {
    const cause = Object.assign(new RangeError(), { message })
    const gives = (): never => {
      throw cause
    }
    return [
      `throws an error whose message is ${String(message)}`,
      gives,
      { code: 'SCHEMA', message: 'static upgrade of Account 16 has thrown', oid: 16, cause },
    ]
  }),
  ['gives what cannot be stored', () => new Map(), { code: 'VALUE', path: 'Account 16.first' }],
]
for (const [what, gives, error] of failing) {
  t.test(`after an upgrade that ${what}, the object is read once more`, t => {
    const db = accountIn(t)
    const { account } = db.root
    const { of } = account.tags
    account.money = 5
    db.abort()
    first = gives
    t.throws(() => account.money, error)
    t.throws(() => plain(account), error, 'it is not there yet')
    t.throws(() => (account.money = 1), error)
    t.notOk(db.changed)
    first = () => 1
    t.same(plain(account), { first: 1, ...content, last: 2 })
    t.equal(account.tags.of, of, 'plain data that was handed out has its place')
    account.money = 6
    db.commit()
    t.same(storedIn(t, db), { first: 1, ...content, money: 6, last: 2 })
    t.end()
  })
}

/** Does `act` with every little that can be left of the stack, from next to nothing on, until that is enough. */
function onFullStack(act: () => void): void {
  const again = (): boolean => {
    try {
      if (again()) return true
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
    act()
    return true
  }
  again()
}

t.test('where the stack is full while an object is read, no part of it counts as all', t => {
  const db = accountIn(t)
  const { account } = db.root
  const { of } = account.tags
  for (let n = 0; n < 20; n++) {
    account.money = n
    db.abort()
    let money = 0
    onFullStack(() => (money = account.money))
    t.equal(money, 100)
    t.same(plain(account), { first: 1, ...content, last: 2 })
    t.equal(account.tags.of, of)
  }
  account.money = 6
  db.commit()
  t.same(storedIn(t, db), { first: 1, ...content, money: 6, last: 2 })
  t.end()
})

interface Item {
  n: number[]
  deep?: unknown
}

t.test('the same of collections', t => {
  const root = {
    map: new PersistentMap<string, Item>([['a', { n: [1], deep: deep(50) }]]),
    list: new PersistentList<Item>([{ n: [2], deep: deep(50) }]),
    queue: new PersistentQueue<Item>([{ n: [3], deep: deep(50) }]),
    counter: new PersistentCounter(4),
  }
  const db = open(join(tempDir(t), 'half.db'), { root, durability: 'os' })
  t.teardown(() => {
    db[Symbol.dispose]()
  })
  const { map, list, queue, counter } = db.root
  const all = (): unknown[] => [map.get('a')?.n[0], list.at(0)?.n[0], queue.peek()?.n[0], counter.value]
  const held = map.get('a')
  for (let n = 0; n < 20; n++) {
    map.set('b', { n: [] })
    list.push({ n: [] })
    queue.push({ n: [] })
    counter.add(1)
    db.abort()
    let found: unknown[] = []
    onFullStack(() => (found = all()))
    t.same(found, [1, 2, 3, 4])
    t.same(all(), [1, 2, 3, 4])
    t.same([map.size, list.length, queue.size], [1, 1, 1])
    t.equal(map.get('a'), held)
  }
  t.end()
})
