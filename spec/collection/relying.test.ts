// What a transaction has asked is kept for its commit: for no longer, and only where there can be one that relies on it.
import { join } from 'node:path'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { PersistentCounter, PersistentMap, PersistentQueue, type Connection } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { elsewhere } from '../object/helpers/elsewhere.js'
import { faultsOf, shapeOf } from './check.js'
import { shelf, Shelf, Thing } from './store.js'

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

t.test(
  'a commit that has followed a pack and then fails leaves one state to be seen, and what was done to it',
  async t => {
    const path = join(tempDir(t), 'shelf.db')
    const long = (n: number): string => `${n}`.padStart(4, '0').padEnd(800, '.')
    const options = { root: Shelf, classes: [Thing], durability: 'os' } as const
    let locks = NaN
    const disk = wrapDisk(Object.create(systemDisk) as typeof systemDisk, (name, _n, go) => {
      if (name === 'tryLock' && ++locks === 3) {
        rival.root.map.set(long(1), 'in the way')
        rival.commit()
      }
      return go()
    })
    const db = openWith(disk, path, options) as Connection<Shelf>
    const rival = elsewhere<Shelf>(path, options)
    t.teardown(() => {
      db.close()
      rival.close()
    })
    const { map, list } = db.root
    const visits = new PersistentCounter()
    map.set('visits', visits)
    for (let n = 0; n < 20; n++) map.set(long(n), { n })
    db.commit()
    const held = map.get(long(7)) as { n: number }
    t.equal(held.n, 7)
    t.equal(shapeOf(map as never).height, 2)
    db.commit()

    map.set(long(5000), { n: 5000 })
    visits.add(1)
    const own = map.get(long(5000)) as { n: number }
    t.same([map.get(long(1)), list.length], [{ n: 1 }, 0])
    rival.root.map.set(long(7), { n: 77 })
    for (let n = 1000; n < 1200; n++) rival.root.map.set(long(n), n)
    ;(rival.root.map.get('visits') as PersistentCounter).add(10)
    rival.commit()
    await rival.pack()
    db.flush() // now the store knows that the file was replaced: the next two locks are those of the first attempt
    locks = 0
    t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
    t.equal(locks, 4)

    t.ok(db.changed)
    t.same([map.size, [...map.keys()].length, map.get(long(1100)), visits.value], [222, 222, 1100, 11])
    t.same([held.n, own.n], [77, 5000])
    t.equal(map.get(long(7)), held)
    t.equal(map.get(long(5000)), own)
    own.n++
    t.equal((map.get(long(5000)) as { n: number }).n, 5001)
    db.abort()
    t.same([map.size, map.get(long(1)), map.get(long(5000)), visits.value], [221, 'in the way', undefined, 10])
    t.throws(() => own.n, { code: 'STALE_DATA' })
    t.equal(map.get(long(7)), held)
    t.same(faultsOf(map as never), [])
    t.ok(shapeOf(map as never).height > 2)
  },
)
