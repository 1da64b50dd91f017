// Sets of whole numbers as stretches of them, against native sets.
import t from 'tap'
import { Intervals } from '../../lib/collection/intervals.js'
import { seeded } from '../helpers/seeded.js'
import { handledBy } from '../helpers/handled.js'

t.test('intervals are what a set of their numbers is', async t => {
  const random = seeded(t)
  for (let round = 0; round < 60; round++) {
    const intervals = new Intervals()
    const numbers = new Set<number>()
    const many = random.pick([20, 300, 5000])
    for (let step = 0; step < 400; step++) {
      if (random.chance(0.002)) {
        intervals.clear()
        numbers.clear()
      }
      const from = random.int(many)
      const to = from + random.int(random.pick([2, 2, 10, many / 4]))
      intervals.add(from, to)
      for (let number = from; number < to; number++) numbers.add(number)
      const asked = random.int(many)
      if (intervals.has(asked) !== numbers.has(asked)) t.equal(intervals.has(asked), numbers.has(asked), `has ${asked}`)
    }
    t.equal(intervals.end, Math.max(-1, ...numbers) + 1)
    let before = -1
    const found: number[] = []
    for (const [from, to] of intervals) {
      if (from <= before || to <= from) t.fail(`${before}, then from ${from} to ${to}`)
      before = to
      for (let number = from; number < to; number++) found.push(number)
    }
    t.same(
      found,
      [...numbers].sort((a, b) => a - b),
    )
  }
})

const MANY = 40_000

for (const [name, number] of Object.entries({
  upwards: (n: number) => 2 * n,
  downwards: (n: number) => 2 * (MANY - n),
  'in any order': (n: number) => 2 * ((n * 7919) % MANY),
}))
  t.test(`adding numbers ${name} moves few of the others`, async t => {
    const intervals = new Intervals()
    const moved = await handledBy(() => {
      for (let n = 0; n < MANY; n++) intervals.add(number(n), number(n) + 1)
      // Filling the gaps makes one of all.
      for (let n = 0; n < MANY; n++) intervals.add(number(n) - 1, number(n))
    })
    t.equal([...intervals].length, 1)
    t.ok(moved < 1000 * MANY, `${Math.round(moved / MANY)} each`)
  })
