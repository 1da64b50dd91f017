import t from 'tap'
import { random, seeded } from './seeded.js'

t.test('the same seed draws the same, another one does not', async t => {
  const draw = (seed: number) => random(seed).bytes(16)
  t.same(draw(1), draw(1))
  t.notSame(draw(1), draw(2))
})

t.test('PERDURE_SEED gives the seed, and nothing else than a whole number', async t => {
  const before = process.env.PERDURE_SEED
  t.teardown(() => {
    if (before === undefined) delete process.env.PERDURE_SEED
    else process.env.PERDURE_SEED = before
  })
  process.env.PERDURE_SEED = '42'
  t.equal(seeded(t).next(), random(42).next())
  process.env.PERDURE_SEED = 'x'
  t.throws(() => seeded(t), RangeError)
})

t.test('numbers stay within their bounds, and all of them come up', async t => {
  const r = seeded(t)
  const seen = new Set(Array.from({ length: 1000 }, () => r.int(6)))
  t.same([...seen].sort(), [0, 1, 2, 3, 4, 5])
  t.ok(['a', 'b'].includes(r.pick(['a', 'b'])))
  t.throws(() => r.pick([]), RangeError)
  t.same(r.shuffle([1, 2, 3]).sort(), [1, 2, 3])
  t.equal(r.chance(0), false)
  t.equal(r.chance(1), true)
})
