// A commit of a changed object writes the fields that nobody has read without decoding them: they stay what they are,
// whatever they hold and wherever they refer to, and can be read afterwards.
import t from 'tap'
import { inspect } from 'node:util'
import { join } from 'node:path'
import { open, Persistent, plain, type Connection } from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import { LATER } from '../../lib/object/decoder.js'
import type { EntityHeader } from '../../lib/object/persistent.js'
import { tempDir } from '../helpers/temp-dir.js'

class Box extends Persistent {
  [field: string]: unknown
  static type = 'Box'
}

const values: Readonly<Record<string, () => unknown>> = {
  text: () => 'é'.repeat(300),
  'text that needs an escape': () => '\ufeffa\ud800b',
  undefined: () => undefined,
  'a bigint': () => -(2n ** 70n),
  'a fraction': () => 0.1,
  'a date': () => new Date(1e12),
  bytes: () => [Uint8Array.of(0, 255), Buffer.from('a'), Float64Array.of(-0, 1.5)],
  'plain data': () => ({ list: [1, 'two', [3]], '': 0, constructor: { toString: 1 } }),
  'an empty object': () => ({}),
}

const shown = (value: unknown): string => inspect(plain(value), { depth: 9 })

/** How many fields of the object are not decoded. */
function undecoded(object: Persistent): number {
  const { state } = headerOf(object) as EntityHeader
  return Object.values(state ?? {}).filter(value => value === LATER).length
}

function reopened(path: string): Connection<Box> {
  return open(path, { root: Box, classes: [Box], durability: 'os' })
}

for (const [name, make] of Object.entries(values)) {
  for (const refers of [false, true]) {
    t.test(`${name} is not touched by a change of its neighbour${refers ? ', beside references' : ''}`, async t => {
      const path = join(tempDir(t), 'box.db')
      const first = reopened(path)
      Object.assign(first.root, { count: 0, first: 'a', value: make(), last: make() })
      if (refers) {
        const others = [new Box(), new Box()]
        others.forEach((other, n) => (other.name = n))
        Object.assign(first.root, { to: others[1], also: others[1], among: [others[0], make()] })
      }
      first.commit()
      first.close()
      const db = reopened(path)
      for (let n = 1; n < 4; n++) {
        db.root.count = n
        if (n === 2) db.root.first = 'b'
        const before = undecoded(db.root)
        db.commit()
        t.ok(refers || undecoded(db.root) === before, 'is decoded by nobody')
        const fresh = reopened(path)
        for (const each of n === 3 ? [db, fresh] : [fresh]) {
          t.equal(each.root.count, n)
          t.equal(each.root.first, n === 1 ? 'a' : 'b')
          for (const field of ['value', 'last']) t.equal(shown(each.root[field]), shown(make()))
          if (!refers) continue
          const [other, part] = each.root.among as [Box, unknown]
          t.match([(each.root.to as Box).name, other.name], [1, 0])
          t.equal(each.root.to, each.root.also)
          t.equal(shown(part), shown(make()))
        }
        fresh.close()
      }
      db.close()
    })
  }
}

t.test('fields that come and go leave those that nobody has read what they are', async t => {
  const path = join(tempDir(t), 'box.db')
  const first = reopened(path)
  Object.assign(first.root, { a: 'a', b: [1], c: 'c', d: { e: 1 }, n: 1 })
  first.commit()
  first.close()
  const db = reopened(path)
  delete db.root.b
  db.root.more = 'more'
  db.commit()
  db.root.n = 2
  db.commit()
  for (const each of [db, reopened(path)]) {
    t.same(plain(each.root), { a: 'a', c: 'c', d: { e: 1 }, n: 2, more: 'more' })
    t.same(Object.keys(each.root), ['a', 'c', 'd', 'n', 'more'])
    each.close()
  }
})

t.test('plain data that nobody had read before the commit is tracked afterwards', async t => {
  const path = join(tempDir(t), 'box.db')
  const first = reopened(path)
  Object.assign(first.root, { n: 0, list: ['a'] })
  first.commit()
  first.close()
  const db = reopened(path)
  db.root.n = 1
  db.commit()
  const list = db.root.list as string[]
  list.push('b')
  db.abort()
  t.same(plain(list), ['a'])
  list.push('c')
  db.commit()
  db.close()
  const again = reopened(path)
  t.same(plain(again.root), { n: 1, list: ['a', 'c'] })
  again.close()
})
