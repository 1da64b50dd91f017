// What must compile does, and what must not does not: an unused @ts-expect-error is an error of the compiler.
import t from 'tap'
import {
  Persistent,
  PersistentList,
  PersistentMap,
  PersistentSet,
  plain,
  type Key,
  type SetLike,
} from '../../lib/index.js'

class Account extends Persistent {
  static type = 'Account'
  owner = ''
}

t.test('the collections have the types of their native counterparts', async t => {
  const map: Map<string, number> = new PersistentMap<string, number>()
  const set: Set<string> = new PersistentSet<string>()
  const readonlyMap: ReadonlyMap<Account, string> = new PersistentMap<Account, string>()
  const like: SetLike<string>[] = [set, map, new PersistentMap<string, number>()]
  const united: Set<string | number> = new PersistentSet<string>().union(new Set([1]))
  const reduced: string = new PersistentList([1]).reduce((text, n) => text + n.toFixed(), '')
  const isString = (value: unknown): value is string => typeof value === 'string'
  const strings: string[] = new PersistentList<string | number>(['a', 1]).filter(isString)
  for (const [key, value] of new PersistentMap<string, number>()) t.type(key, typeof value)
  t.ok([map, set, readonlyMap, like, united, reduced, strings])
})

t.test('keys are what can be compared', async t => {
  const keys: Key[] = [
    1,
    1n,
    'a',
    new Date(0),
    Buffer.from('a'),
    new Uint8Array(1),
    [1, ['a']],
    new Account(),
    new PersistentSet<Key>(),
  ]
  const byTuple = new PersistentMap<readonly [string, number], number>([[['a', 1], 1]])
  const byAccount = new PersistentMap<Account, PersistentList<string>>()
  interface Shape { a: number } // prettier-ignore
  t.ok([byTuple.get(['a', 1]), byAccount.get(new Account()), new PersistentSet(keys).size])
  // @ts-expect-error -- a plain object is no key
  type Bad1 = PersistentMap<Shape, number>
  // @ts-expect-error -- a boolean is no key
  type Bad2 = PersistentSet<boolean>
  // @ts-expect-error -- undefined is no key
  type Bad3 = PersistentSet<string | undefined>
  // @ts-expect-error -- other typed arrays are no keys
  type Bad4 = PersistentSet<Float64Array>
  type Unused = [Bad1?, Bad2?, Bad3?, Bad4?]
  const none: Unused = []
  t.same(none, [])
})

t.test('nothing else looks like a collection', async t => {
  // @ts-expect-error -- a native Map is not persistent
  const map: PersistentMap<string, number> = new Map<string, number>()
  // @ts-expect-error -- nor is an array
  const list: PersistentList<number> = [1]
  // @ts-expect-error -- nor a native Set
  const set: PersistentSet<number> = new Set<number>()
  // @ts-expect-error -- one is not the other
  const other: PersistentList<number> = new PersistentSet<number>()
  t.ok([map, list, set, other])
})

t.test('plain has the type of a copy', async t => {
  class Desk extends Persistent {
    static type = 'Desk'
    name = 'desk'
    made = new Date(1)
    drawers = [{ pens: 1 }]
    other: Desk | undefined = undefined
    papers = new PersistentMap<string, number>()
    clear(): void {
      this.drawers.length = 0
    }
  }
  const desk = new Desk()
  const copy = plain(desk)
  copy.made.setTime(5)
  copy.drawers.push(...plain(desk.drawers))
  const type: string = copy.papers.type
  t.same(
    [copy.name, copy.made.getTime(), copy.drawers, copy.other, type],
    ['desk', 5, [{ pens: 1 }, { pens: 1 }], undefined, 'PersistentMap'],
  )
  // @ts-expect-error -- methods are no part of it
  const method: keyof typeof copy = 'clear'
  t.notOk(method in copy)
  const deep: unknown = plain(desk, { depth: 2 })
  t.ok(deep)
})
