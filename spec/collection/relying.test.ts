// What a transaction has asked is kept for its commit: for no longer, and only where there can be one that relies on it.
import t from 'tap'
import { PersistentCounter, PersistentMap, PersistentQueue, plain } from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import { shelf, thing } from './store.js'

t.test('what was read while paused is in nobody’s way', async t => {
  const { other, rival } = shelf(t)
  other.root.map.set('a', 1).set('b', 1)
  other.commit()
  const pause = other.pause()
  t.same([other.root.map.get('a'), other.root.map.size, [...other.root.map].length], [1, 2, 2])
  pause.continue()
  other.root.map.set('b', 2)
  rival.root.map.set('a', 2).set('c', 2)
  rival.commit()
  t.doesNotThrow(() => other.commit())
})

t.test('what was read before it was stored is in nobody’s way', async t => {
  const { other, rival } = shelf(t)
  const map = new PersistentMap<string, unknown>([['a', 1]])
  const queue = new PersistentQueue(['a'])
  const counter = new PersistentCounter(1)
  t.same([map.size, [...map].length, queue.size, counter.value], [1, 1, 1, 1])
  other.root.map.set('map', map).set('queue', queue).set('counter', counter)
  other.commit()
  map.set('b', 1)
  queue.push('b')
  counter.add(1)
  ;(rival.root.map.get('map') as typeof map).set('c', 1)
  ;(rival.root.map.get('queue') as typeof queue).push('c')
  ;(rival.root.map.get('counter') as typeof counter).add(1)
  rival.commit()
  t.doesNotThrow(() => other.commit())
  t.same([map.size, [...queue], counter.value], [3, ['a', 'c', 'b'], 3])
})

for (const fails of [false, true]) {
  t.test(
    `a list goes on from a pack in one state, and its commit ${fails ? 'fails for something else' : 'succeeds'}`,
    async t => {
      const { db, other, rival } = shelf(t)
      db.root.list.bulkLoad([...Array.from({ length: 300 }, (_, n) => ({ n })), { n: 'last' }])
      db.commit()
      const { list } = other.root
      type Item = { n: number | string }
      const [held, near] = [200, 1].map(at => list.at(at)) as [Item, Item]
      other.refresh()
      const last = list.at(-1) as Item
      list.push({ n: 'pushed' })
      list.unshift({ n: 'unshifted' })
      near.n = 'near'
      last.n = 'in place'
      list.set(3, 'set')
      if (fails) other.root.things.push(thing('mine'))
      const [first, pushed] = [list.at(0), list.at(-1)] as [Item, Item]
      rival.root.list.splice(100, 50, 'theirs')
      if (fails) rival.root.things.push(thing('theirs'))
      rival.commit()
      await rival.pack()
      const expected = (): unknown[] => {
        const all: unknown[] = Array.from({ length: 300 }, (_, n) => ({ n }))
        all.splice(100, 50, 'theirs')
        all.push({ n: 'in place' }, { n: 'pushed' })
        all[1] = { n: 'near' }
        all[2] = 'set'
        return [{ n: 'unshifted' }, ...all]
      }
      if (fails) t.throws(() => other.commit(), { code: 'WRITE_CONFLICT' })
      else other.commit()
      if (fails) {
        t.same([first.n, pushed.n, last.n, near.n], ['unshifted', 'pushed', 'in place', 'near'])
        first.n = 'changed'
        t.equal((list.at(0) as Item).n, 'changed')
        other.abort()
        const theirs = plain<unknown[]>([...other.root.list])
        t.equal(theirs.length, 252)
        t.same([theirs[0], theirs[1], theirs[100], theirs[101], theirs.at(-1)], [{ n: 0 }, { n: 1 }, 'theirs', { n: 150 }, { n: 'last' }]) // prettier-ignore
        return
      }
      t.same(plain([...list]), expected())
      t.same([first.n, pushed.n, last.n, near.n], ['unshifted', 'pushed', 'in place', 'near'])
      last.n = 'again'
      pushed.n = 'again'
      t.throws(() => held.n, { code: 'STALE_DATA' })
      other.commit()
      db.refresh()
      t.same(plain([db.root.list.at(-1), db.root.list.at(-2)]), [{ n: 'again' }, { n: 'again' }])
    },
  )
}

t.test('a list whose commit was moved by a pack and then refused is tried again with what it has', async t => {
  const { db, other, rival } = shelf(t)
  db.root.list.bulkLoad(Array.from({ length: 300 }, (_, n) => ({ n })))
  db.commit()
  const { list } = other.root
  list.push({ n: 'mine' })
  ;(list.at(-2) as { n: unknown }).n = 'last'
  ;(list.at(5) as { n: unknown }).n = 'five'
  const { store } = headerOf(other.root)!.scope as Session
  const commit = store.commit.bind(store)
  let failing = true
  store.commit = (...args) => {
    const result = commit(...args)
    if (failing && result.outcome === 'moved') {
      failing = false
      store.commit = () => {
        throw new Error('the disk is full')
      }
    }
    return result
  }
  rival.root.list.splice(100, 50)
  rival.commit()
  await rival.pack()
  t.throws(() => other.commit(), { message: 'the disk is full' })
  store.commit = commit
  const expected: unknown[] = Array.from({ length: 300 }, (_, n) => ({ n }))
  expected.splice(100, 50)
  expected[5] = { n: 'five' }
  expected[249] = { n: 'last' }
  expected.push({ n: 'mine' })
  t.same(plain([...list]), expected, 'what it did stands in the newer state')
  const mine = list.at(-1) as { n: unknown }
  mine.n = 'more'
  rival.root.list.splice(100, 50)
  rival.commit()
  t.throws(() => other.commit(), { code: 'WRITE_CONFLICT' }, 'all of it was read by now')
  other.abort()
  t.equal(list.length, 200)
})
