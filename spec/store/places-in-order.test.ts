import t from 'tap'
import { placesInOrder } from '../../lib/store/places-in-order.js'
import { seeded } from '../helpers/seeded.js'

const MOST = 2 ** 17

const inOrder = (places: readonly number[]): number[][] =>
  [...placesInOrder(Float64Array.from(places), MOST, new Float64Array(places.length))].flatMap(piece =>
    [...piece].map(entry => [Math.floor(entry / MOST), entry % MOST]),
  )

t.test('places come in ascending order, each with its number', async t => {
  t.strictSame(inOrder([]), [])
  t.strictSame(inOrder([7]), [[7, 0]])
  t.strictSame(inOrder([5000, 4096, 2 ** 35]), [
    [4096, 1],
    [5000, 0],
    [2 ** 35, 2],
  ])
})

t.test('so they do when there are many, near to each other, far from each other and several times', async t => {
  const random = seeded(t)
  for (const spread of [1, 1000, 2 ** 36]) {
    const places = Array.from({ length: 10_000 }, () => 4096 + random.int(spread))
    const expected = places.map((place, n) => [place, n] as const).sort(([a, n], [b, m]) => a - b || n - m)
    t.strictSame(inOrder(places), expected, `spread over ${spread} bytes`)
  }
})

t.test('they come in several pieces, so that nobody waits for all to be sorted', async t => {
  const places = Float64Array.from({ length: 10_000 }, (_, n) => 4096 + n * 100)
  const pieces = [...placesInOrder(places, MOST, new Float64Array(places.length))]
  t.ok(Math.max(...pieces.map(({ length }) => length)) < 2000)
})
