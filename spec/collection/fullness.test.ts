// Where nodes are cut: what comes item by item is cut as the whole is.
import t from 'tap'
import { cut, fill, Filling, LEAST, type Weighed } from '../../lib/collection/tree/fullness.js'
import { seeded } from '../helpers/seeded.js'

/** All parts of what comes item by item; and how many items were held back at most. */
function filled(items: readonly Weighed[]): { parts: (readonly Weighed[])[]; full: number; held: number } {
  const filling = new Filling<Weighed>()
  const parts: (readonly Weighed[])[] = []
  let given = 0
  let held = 0
  items.forEach((item, i) => {
    const part = filling.add(item)
    if (part) {
      parts.push(part)
      given += part.length
    }
    held = Math.max(held, i + 1 - given)
  })
  const full = parts.length
  return { parts: [...parts, ...filling.rest()], full, held }
}

t.test('what comes item by item is cut where all of it at once would be', t => {
  const random = seeded(t)
  const shares = [1 / 96, 1 / 20, 1 / 7, 1 / 4]
  for (let round = 0; round < 2000; round++) {
    const kinds = shares.slice(0, 1 + random.int(shares.length))
    const items = Array.from({ length: random.int(300) }, () => ({ share: random.pick(kinds) }))
    const { parts, full, held } = filled(items)
    t.same(parts.flat(), items)
    if (full === 0) continue
    t.same(parts, cut(items, random.int(2) === 0))
    t.ok(parts.every(part => fill(part) <= 1 + 1e-9 && fill(part) >= LEAST - 1e-9))
    t.ok(held <= 2 * 96 + 1, `${held} items held back`)
  }
  t.end()
})

t.test('what fits into two nodes is left to who knows whether more will follow', t => {
  t.same(filled([]).parts.flat(), [])
  const few = Array.from({ length: 7 }, () => ({ share: 1 / 4 }))
  t.same(filled(few).full, 0)
  t.equal(fill(few), 1.75)
  t.same(filled([...few, { share: 1 / 4 }, { share: 1 / 4 }]).full, 1)
  t.end()
})
