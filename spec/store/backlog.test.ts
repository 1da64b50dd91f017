import t from 'tap'
import { Backlog } from '../../lib/store/backlog.js'
import type { Oid } from '../../lib/store/types.js'
import { seeded } from '../helpers/seeded.js'

t.test('what was found last comes first, what was found together in its order', async t => {
  const backlog = new Backlog()
  for (const oid of [1, 2, 3]) backlog.add(oid as Oid)
  t.equal(backlog.take(), undefined, 'not before the turn')
  backlog.turn()
  t.equal(backlog.take(), 1)
  for (const oid of [11, 12]) backlog.add(oid as Oid)
  backlog.turn()
  t.strictSame(
    Array.from({ length: 5 }, () => backlog.take()),
    [11, 12, 2, 3, undefined],
  )
})

t.test('so it is with many, whatever their numbers', async t => {
  const random = seeded(t)
  const backlog = new Backlog()
  const model: number[] = []
  for (let round = 0; round < 40; round++) {
    const found = Array.from({ length: random.int(12_000) }, () => 1 + random.int(2 ** random.int(53)))
    for (const oid of found) backlog.add(oid as Oid)
    backlog.turn()
    model.push(...found.reverse())
    for (let n = random.int(12_000); n > 0; n--) {
      const [taken, expected] = [backlog.take(), model.pop()]
      if (taken !== expected) t.fail(`${taken} in place of ${expected}`)
    }
  }
  while (model.length > 0) if (backlog.take() !== model.pop()) t.fail('the rest')
  t.equal(backlog.take(), undefined)
})
