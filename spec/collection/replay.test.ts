// What a commit does when others commit between its attempts: it makes its changes again to what is there by then. Here
// the others come at certain calls for the lock, of which each attempt makes two.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { oidOf, PersistentCounter, PersistentMap, typeOf, type Connection } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { elsewhere } from '../object/helpers/elsewhere.js'
import { faultsOf, shapeOf } from './check.js'
import { Shelf, Thing, thing } from './store.js'

interface Interrupted {
  readonly db: Connection<Shelf>
  readonly rival: Connection<Shelf>
  /** Just before this call for the lock. */
  readonly atLock: (number: number, act: () => void) => void
  /** How often `db` calls for it. */
  readonly locksTaken: (run: () => void) => number
}

function interrupted(t: Test): Interrupted {
  const path = join(tempDir(t), 'shelf.db')
  const options = { root: Shelf, classes: [Thing], durability: 'os' } as const
  const acts = new Map<number, () => void>()
  let locks = NaN
  const disk = wrapDisk(Object.create(systemDisk) as typeof systemDisk, (name, _n, go) => {
    if (name === 'tryLock') acts.get(++locks)?.()
    return go()
  })
  const first = openWith(disk, path, options) as Connection<Shelf>
  const db = first.connect()
  const rival = elsewhere<Shelf>(path, options)
  t.teardown(() => {
    for (const each of [first, db, rival]) {
      if (each.changed) each.abort()
      each.close()
    }
  })
  return {
    db,
    rival,
    atLock: (number, act) => void acts.set(number, act),
    locksTaken(run) {
      locks = 0
      run()
      return locks
    },
  }
}

/** A few of these make a tree of several levels. */
const long = (n: number): string => `${n}`.padStart(4, '0').padEnd(800, '.')

t.test('however often others come first, what is new is stored once, and all that was done is done once', async t => {
  const { db, rival, atLock, locksTaken } = interrupted(t)
  const { map, set, list } = db.root
  const [a, b] = [new PersistentCounter(), new PersistentMap<string, Thing>()]
  map.set('counter', a).set('map', b)
  for (let n = 0; n < 20; n++) map.set(long(n), { n })
  db.commit()
  const things = (): object[] =>
    Array.from({ length: 400 }, (_, oid) => db.get(oid)).filter(
      each => each !== undefined && typeOf(each) === 'Thing',
    ) as object[]
  t.equal(things().length, 0)

  const [key, value, both] = [thing('key'), thing('value'), thing('both')]
  map.set(key, value).set(long(100), both).set(both, 1)
  set.add(both)
  b.set('value', value)
  a.add(5)
  ;(map.get(long(3)) as { n: number }).n = 33
  map.delete(long(4))
  list.push(both)
  let others = 0
  const come = (): void => {
    for (let n = 0; n < 10; n++) rival.root.map.set(long(200 + 10 * others + n), thing(`theirs ${others}.${n}`))
    rival.root.map.set(thing(`their key ${others++}`), 1)
    ;(rival.root.map.get('counter') as PersistentCounter).add(1)
    rival.commit()
  }
  for (const lock of [1, 3, 5, 7, 9]) atLock(lock, come)
  t.equal(locksTaken(() => db.commit()), 10, 'the last attempt holds the lock from the beginning') // prettier-ignore

  t.equal(others, 5)
  rival.refresh()
  for (const each of [db, rival]) {
    const { map, set, list } = each.root
    t.equal(map.size, 22 + 3 - 1 + 5 * 11)
    t.equal([...map].length, map.size)
    t.equal((map.get('counter') as PersistentCounter).value, 10)
    t.same(map.get(long(3)), { n: 33 })
    t.notOk(map.has(long(4)))
    const mine = list.at(0) as Thing
    t.equal(mine.name, 'both')
    t.ok(set.has(mine))
    t.equal(map.get(long(100)), mine)
    t.equal(map.get(mine), 1)
    const last = [...map.keys()].slice(-2) as Thing[]
    t.same(last.map(({ name }) => name), ['key', 'both'], 'new keys stand behind those of the others') // prettier-ignore
    t.equal(map.get(last[0] as Thing), (map.get('map') as typeof b).get('value'))
    t.same(faultsOf(map as never), [])
  }
  t.equal(things().length, 3 + 5 * 11)
  t.equal(things().at(-1), both, 'in the order of creation')
  t.equal(oidOf(value), (oidOf(key) ?? 0) + 1)
})

t.test('a map that others have taken out of the store', async t => {
  const { db, rival } = interrupted(t)
  const map = new PersistentMap<string, unknown>([['a', 1]])
  db.root.map.set('map', map)
  db.commit()
  t.equal(map.get('a'), 1)
  db.refresh()
  rival.root.map.delete('map')
  rival.commit()

  map.set('b', 1)
  t.doesNotThrow(() => db.commit(), 'as long as it is in the file, it can be changed by who has it')
  map.set('c', 1)
  await rival.pack()
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
  db.abort()
  t.throws(() => map.size, { code: 'GONE' })

  const other = new PersistentMap<string, unknown>([['a', 1]])
  db.root.map.set('other', other)
  db.commit()
  rival.refresh()
  rival.root.map.delete('other')
  rival.commit()
  await rival.pack()
  other.set('b', 2)
  db.root.map.set('other again', other)
  db.commit()
  rival.refresh()
  const again = rival.root.map.get('other again') as typeof other
  t.same([again.size, ...again], [2, ['a', 1], ['b', 2]], 'what somebody has kept comes back whole')
})

t.test(
  'a commit that has followed a pack and then fails leaves one state to be seen, and what was done to it',
  async t => {
    const { db, rival, atLock, locksTaken } = interrupted(t)
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
    atLock(3, () => {
      rival.root.map.set(long(1), 'in the way')
      rival.commit()
    })
    t.equal(locksTaken(() => t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })), 4) // prettier-ignore

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
