// A commit keeps in memory what it wrote of a collection, without reading it back: that must be what reading gives.
import { inspect } from 'node:util'
import t from 'tap'
import { PersistentMap, PersistentSet, plain } from '../../lib/index.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { shelf, thing } from './store.js'

const shown = (value: unknown): string => inspect(plain(value), { depth: 9, maxArrayLength: null })

const makers: Readonly<Record<string, (random: Random, n: number) => unknown>> = {
  'numbers and text': (random, n) =>
    random.pick<unknown>([n, -n, n / 3, `${n}`, 'é'.repeat(n % 90), null, n % 2 === 0]),
  'plain data': (random, n) => ({ n, list: [n, `${n}`], more: { [`k${n % 5}`]: 'x'.repeat(random.int(60)) } }),
  objects: (_, n) => thing(`${n}`),
  'plain data with objects in it': (random, n) => (random.int(3) > 0 ? { n } : { n, of: thing(`${n}`) }),
}

for (const [name, make] of Object.entries(makers)) {
  t.test(`what a commit keeps of a map with ${name} is what stands in the file`, async t => {
    const random = seeded(t)
    const { db } = shelf(t)
    const { map } = db.root
    for (let n = 0; n < 600; n++) map.set(2 * n, make(random, n))
    db.commit()
    for (let round = 0; round < 60; round++) {
      for (let n = 0; n < 5; n++) {
        const key = random.int(1300)
        const known = map.get(key) as { list?: unknown[] } | undefined
        if (random.int(8) === 0) map.delete(key)
        else if (known?.list && random.int(2) === 0) known.list.push(round)
        else map.set(key, make(random, round))
      }
      db.commit()
      if (round % 6 > 0) continue
      const fresh = db.connect()
      if (shown(map) !== shown(fresh.root.map)) t.fail(`after round ${round}`)
      fresh.close()
    }
  })
}

t.test('what a commit keeps of a set is what stands in the file', async t => {
  const random = seeded(t)
  const { db } = shelf(t)
  const set = new PersistentSet<number | string>()
  ;(db.root.map as PersistentMap<string, unknown>).set('set', set)
  for (let n = 0; n < 600; n++) set.add(n % 3 === 0 ? `${n}` : n)
  db.commit()
  for (let round = 0; round < 60; round++) {
    for (let n = 0; n < 5; n++) {
      const key = random.int(700)
      if (!set.delete(key)) set.add(key)
    }
    db.commit()
    if (round % 6 > 0) continue
    const fresh = db.connect()
    if (shown(set) !== shown((fresh.root.map as PersistentMap<string, unknown>).get('set')))
      t.fail(`after round ${round}`)
    fresh.close()
  }
})
