import t from 'tap'
import { OidSet } from '../../lib/store/oid-set.js'
import type { Oid } from '../../lib/store/types.js'
import { seeded } from '../helpers/seeded.js'

t.test('it agrees with a plain set, also for members far from each other', async t => {
  const random = seeded(t)
  const set = new OidSet()
  const model = new Set<number>()
  for (let n = 0; n < 20_000; n++) {
    const oid = random.pick([random.int(200), random.int(100_000), random.int(2 ** 31) * 2 ** 21])
    if (set.has(oid as Oid) !== model.has(oid)) t.fail(`has ${oid}`)
    if (set.add(oid as Oid) === model.has(oid)) t.fail(`add ${oid}`)
    model.add(oid)
  }
  t.equal(set.size, model.size)
  t.ok([...model].every(oid => set.has(oid as Oid)))
  t.strictSame(
    [...set],
    [...model].sort((a, b) => a - b),
    'in order',
  )
})

t.test('members far from each other do not take a page each', async t => {
  const before = process.memoryUsage().arrayBuffers
  const set = new OidSet()
  for (let n = 0; n < 10_000; n++) set.add((n * 2 ** 30) as Oid)
  t.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20)
  t.equal(set.size, 10_000)
})
