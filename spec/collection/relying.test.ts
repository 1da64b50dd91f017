// What a transaction has asked is kept for its commit: for no longer, and only where there can be one that relies on it.
import t from 'tap'
import { PersistentCounter, PersistentMap, PersistentQueue } from '../../lib/index.js'
import { shelf } from './store.js'

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
