// The identity map: what nobody has any more takes no room in it.
import t from 'tap'
import { ObjectCache } from '../../lib/object/cache.js'
import { EntityType } from '../../lib/object/entity-type.js'
import type { Header } from '../../lib/object/header.js'
import { OidTable } from '../../lib/object/oid-table.js'
import type { Oid } from '../../lib/store/types.js'
import { usedHeap } from '../helpers/heap.js'

const MANY = 20_000
const type = new EntityType(undefined, 'Thing')

t.test('objects that nobody has any more are forgotten', async t => {
  const cache = new ObjectCache()
  const held: Header[] = []
  let oid = 16
  const meet = async (): Promise<void> => {
    for (let n = 0; n < MANY; n++) {
      const header = type.ghost()
      header.oid = oid++ as Oid
      cache.addGhost(header)
      if (n % 100 === 0) held.push(header)
    }
    cache.weaken()
    await usedHeap()
  }
  for (let round = 0; round < 3; round++) await meet()
  const before = await usedHeap()
  for (let round = 0; round < 15; round++) await meet()
  const grown = (await usedHeap()) - before
  t.ok(grown < 30 * (15 * MANY), `${grown} bytes for ${15 * MANY} objects`)
  t.ok(
    held.every(header => cache.get(header.oid) === header),
    'those that somebody has are the same',
  )
})

t.test('what the program has for a while is forgotten after that', async t => {
  const cache = new ObjectCache()
  let oid = 16
  let held: Header[] = []
  const meet = async (): Promise<void> => {
    const before = held
    held = []
    for (let n = 0; n < MANY; n++) {
      const header = type.ghost()
      header.oid = oid++ as Oid
      cache.addGhost(header)
      held.push(header)
    }
    cache.weaken()
    await usedHeap()
    t.equal(before.length === 0 || cache.get(before[0]?.oid as Oid) === before[0], true)
  }
  for (let round = 0; round < 5; round++) await meet()
  const before = await usedHeap()
  for (let round = 0; round < 10; round++) await meet()
  const grown = (await usedHeap()) - before
  t.ok(grown < 30 * (10 * MANY), `${grown} bytes for ${10 * MANY} objects`)
})

t.test('entries of a table are looked at round and round, some at a time', async t => {
  const table = new OidTable<string>()
  const oids = Array.from({ length: 100 }, (_, n) => (n * 7) as Oid)
  for (const oid of oids) table.set(oid, `${oid}`)
  const met: string[] = []
  for (let n = 0; n < 11; n++)
    table.deleteNext(10, entry => {
      met.push(entry)
      return Number(entry) % 2 === 0
    })
  t.same(met.slice(0, 100), oids.map(String))
  t.equal(Array.from(table.values()).length, 50)
  t.same(
    oids.filter(oid => table.get(oid) !== undefined),
    oids.filter(oid => oid % 2 !== 0),
  )
  const left: string[] = []
  for (let n = 0; n < 8; n++) table.deleteNext(10, entry => left.push(entry) === 0)
  t.ok(
    oids.every(oid => oid % 2 === 0 || left.includes(`${oid}`)),
    'those that stay are met again',
  )
  table.set(oids[0] as Oid, 'again')
  t.equal(table.get(oids[0] as Oid), 'again')
})
