// The pieces of a list that a transaction changes, against an array of its items; and that no change or question has to do
// with many of them.
import t from 'tap'
import { Own, Pieces, Stretch, type Piece } from '../../lib/collection/pieces.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { handledBy } from '../helpers/handled.js'

/** An item: its stored position, or the key of one that the transaction put in, as a negative number. */
const itemOf = (at: Own | number): number => (at instanceof Own ? -at.key : at)

function itemsOf(pieces: Iterable<Piece>): number[] {
  const items: number[] = []
  for (const piece of pieces) {
    if (piece instanceof Own) items.push(itemOf(piece))
    else for (let at = piece.from; at < piece.to; at++) items.push(at)
  }
  return items
}

let made = 0

function somePieces(random: Random, most: number): Piece[] {
  return Array.from({ length: random.int(most) }, () => {
    const from = random.int(1000)
    return random.chance(0.3) ? new Stretch(from, from + 1 + random.int(5)) : new Own(++made, 'own')
  })
}

t.test('pieces are what an array of their items is, whatever is done to them', async t => {
  const random = seeded(t)
  for (let round = 0; round < 15; round++) {
    const pieces = new Pieces()
    let items: number[] = []
    const most = random.pick([3, 30, 3000])
    for (let step = 0; step < 300; step++) {
      const near = items.length > 5 && random.chance(0.5) ? random.pick([0, 1, items.length - 5]) : -1
      const at = near < 0 ? random.int(items.length + 1) : near
      const count = random.int(random.pick([1, 2, 5, items.length + 1])) % (items.length - at + 1)
      const put = random.chance(0.5) ? somePieces(random, random.pick([2, most])) : []
      const out = pieces.splice(at, count, put)
      // Not by splice, to which all that is put in would be an argument.
      const [before, taken, behind] = [items.slice(0, at), items.slice(at, at + count), items.slice(at + count)]
      items = [...before, ...itemsOf(put), ...behind]
      if (!same(itemsOf(out), taken)) t.same(itemsOf(out), taken, 'what was taken out')
      if (pieces.length !== items.length) t.equal(pieces.length, items.length)
      for (let i = 0; i < 5 && items.length > 0; i++) {
        const asked = random.int(items.length)
        if (itemOf(pieces.at(asked)) !== items[asked]) t.equal(itemOf(pieces.at(asked)), items[asked], `at ${asked}`)
      }
      const [from, to] = [random.int(items.length + 1), random.int(items.length + 1)]
      if (!same(itemsOf(pieces.between(from, to)), items.slice(from, Math.max(from, to))))
        t.fail(`between ${from} and ${to}`)
      if (!same(itemsOf(pieces), items)) t.same(itemsOf(pieces), items)
    }
  }
  t.pass('all the same')
})

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i])
}

const MANY = 40_000
/** Pieces that are passed or moved for one change or question: less than what is in two runs, and for a jump the runs on the way. */
const MOST = 2000

/** Which of so many items are taken out, one after the other. */
const orders: Record<string, (n: number, length: number) => number> = {
  'every second one from the front': n => n,
  'every second one from the end': (_, length) => 2 * (length - MANY / 2) - 1,
  'from both ends in turns': (n, length) => (n % 2 === 0 ? n >> 1 : length - 1 - (n >> 1)),
  'the first one': () => 0,
  'the last one': (_, length) => length - 1,
  anywhere: (n, length) => (n * 7919) % length,
}

for (const [name, which] of Object.entries(orders)) {
  t.test(`taking out ${name} passes and moves few pieces each time`, async t => {
    const pieces = new Pieces()
    pieces.splice(0, 0, [new Stretch(0, MANY)])
    const handled = await handledBy(() => {
      for (let n = 0; n < MANY / 2; n++) pieces.splice(which(n, pieces.length), 1, [])
    })
    t.equal(pieces.length, MANY / 2)
    t.ok(handled < (MOST * MANY) / 2, `${Math.round((2 * handled) / MANY)} each`)
  })

  t.test(`putting in where that was (${name}), and asking, passes and moves few pieces each time`, async t => {
    const pieces = new Pieces()
    pieces.splice(0, 0, [new Stretch(0, MANY)])
    const handled = await handledBy(() => {
      for (let n = 0; n < MANY / 2; n++) {
        const at = which(n, pieces.length - n)
        pieces.splice(at, 0, [new Own(++made, 'own')])
        pieces.at(at)
      }
    })
    t.equal(pieces.length, MANY + MANY / 2)
    t.ok(handled < (MOST * MANY) / 2, `${Math.round((2 * handled) / MANY)} each`)
  })
}
