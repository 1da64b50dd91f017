// A map remembers what it was asked. Nobody can tell, but by the time that it takes: not after any change, and not by its memory.
import t from 'tap'
import { PersistentMap } from '../../lib/index.js'
import { Answers, type Answer } from '../../lib/collection/answers.js'
import type { StoredKey } from '../../lib/collection/key.js'
import { shelf } from './store.js'

const MANY = 20_000

t.test('what others have changed is not answered from memory, however long ago it was asked', async t => {
  const { db, rival } = shelf(t)
  db.root.map.bulkLoad(Array.from({ length: MANY }, (_, i) => [i, i] as const))
  db.commit()
  const { map } = db.root
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < MANY; i++) map.get(i)
    map.get(-1)
    rival.transact(({ map }) => {
      map.set(0, `new ${round}`)
      map.set(-1, round)
      map.delete(MANY - 1 - round)
    })
    db.refresh()
    t.equal(map.get(MANY - 10), MANY - 10)
    t.equal(map.get(0), `new ${round}`)
    t.equal(map.get(-1), round)
    t.notOk(map.has(MANY - 1 - round))
    t.equal(map.get(MANY - 1 - round), undefined)
    rival.transact(({ map }) => map.delete(-1))
    db.refresh()
    t.equal(map.get(-1), undefined)
  }
})

t.test('own changes, undone and committed, are seen', async t => {
  const { db } = shelf(t)
  db.root.map.bulkLoad(Array.from({ length: MANY }, (_, i) => [i, i] as const))
  db.commit()
  const { map } = db.root
  for (let i = 0; i < MANY; i++) map.get(i)
  map.set(0, 'own')
  t.equal(map.get(0), 'own')
  db.abort()
  t.equal(map.get(0), 0)
  map.set(0, 'own')
  db.commit()
  t.equal(map.get(0), 'own')
  map.clear()
  t.equal(map.get(1), undefined)
  db.abort()
  t.equal(map.get(1), 1)
})

const answer = (value: unknown): Answer => ({ there: true, value, place: undefined, serial: 0 })

/** How many of the first `count` keys are remembered. */
function remembered(
  answers: Answers,
  count: number,
  cacheBytes: number,
  keyOf: (n: number) => StoredKey = n => n,
): number {
  let found = 0
  for (let n = count - 1; n >= 0; n--) if (answers.get(keyOf(n), 1, cacheBytes)) found++
  return found
}

t.test('what is remembered takes no more memory than it may', async t => {
  const cacheBytes = 4 << 20 // a quarter of it is theirs
  for (const [length, least, greatest] of [
    [0, 3800, 8192],
    [100, 1500, 3196],
    [10_000, 25, 52],
    [200_000, 2, 2],
    [300_000, 0, 0],
  ] as const) {
    const text = 'x'.repeat(length)
    for (const [what, keyOf, value] of [
      ['values', (n: number) => n, text],
      ['keys', (n: number) => n + text, 1],
    ] as const) {
      const answers = new Answers()
      for (let n = 0; n < 10_000; n++) answers.put(keyOf(n), 1, answer(value), cacheBytes)
      const found = remembered(answers, 10_000, cacheBytes, keyOf)
      t.ok(found >= least && found <= greatest, `${found} ${what} of length ${length}`)
    }
  }
  const none = new Answers()
  none.put(1, 1, answer(1), 0)
  t.equal(none.get(1, 1, 0), undefined)
})

t.test('numbers are forgotten when there are too many, those first that were not asked for', async t => {
  const answers = new Answers()
  const cacheBytes = Infinity
  let always = true
  for (let key = 0; key < 100_000; key++) {
    answers.put(key, 1, answer(key), cacheBytes)
    if (!answers.get(0, 1, cacheBytes)) always = false
  }
  t.ok(always)
  t.equal(answers.get(1, 1, cacheBytes), undefined)
  t.equal(answers.get(0, 2, cacheBytes), undefined, 'of another state')
})

t.test('a map whose connection keeps nothing gives the same answers', async t => {
  const { db } = shelf(t, { cacheBytes: 0 })
  db.root.map.set('text', 'x').set('more', new PersistentMap([[1, 2]]))
  db.commit()
  for (let i = 0; i < 3; i++) {
    t.equal(db.root.map.get('text'), 'x')
    t.equal((db.root.map.get('more') as PersistentMap<number, number>).get(1), 2)
  }
})
