// The iterators of collections are iterators as the language has them.
import t from 'tap'
import { PersistentList, PersistentMap, PersistentQueue, PersistentSet } from '../../lib/index.js'
import { shelf } from './store.js'

const queue = new PersistentQueue<number>()
for (const n of [1, 2, 3]) queue.push(n)

const iterators: Record<string, () => IteratorObject<unknown, undefined>> = {
  'values of a map': () => new PersistentMap([1, 2, 3].map(n => [n, n] as const)).values(),
  'keys of a map': () => new PersistentMap([1, 2, 3].map(n => [n, n] as const)).keys(),
  'a set': () => new PersistentSet([1, 2, 3]).values(),
  'a list': () => new PersistentList([1, 2, 3]).values(),
  'a queue': () => queue[Symbol.iterator](),
}

const ITERATOR = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object

function isIterator(value: object): boolean {
  return Object.prototype.isPrototypeOf.call(ITERATOR, value)
}

for (const [name, begin] of Object.entries(iterators)) {
  t.test(`${name}: goes through all, once, and stays at its end`, async t => {
    const iterator = begin()
    t.equal(iterator[Symbol.iterator](), iterator)
    t.strictSame([...iterator], [1, 2, 3])
    t.strictSame([...iterator], [])
    t.strictSame(iterator.next(), { value: undefined, done: true })
    t.ok(isIterator(iterator), 'has all that iterators have')
  })

  t.test(`${name}: a loop that is left ends it`, async t => {
    const iterator = begin()
    for (const value of iterator) if (value === 1) break
    t.strictSame([...iterator], [])
  })
}

t.test('what throws ends an iterator', async t => {
  const { db } = shelf(t)
  db.root.map.set('a', 1).set('b', 2)
  db.root.list.push(1, 2)
  db.commit()
  const own = db.connect()
  const begun = [own.root.map.values(), own.root.list.values()]
  for (const iterator of begun) iterator.next()
  own.close()
  for (const iterator of begun) {
    t.throws(() => iterator.next(), { code: 'CLOSED' })
    t.strictSame(iterator.next(), { value: undefined, done: true })
  }
})
