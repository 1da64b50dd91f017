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

t.test('entries can be deleted while a table is gone through', async t => {
  const table = new OidTable<string>()
  const oids = Array.from({ length: 100 }, (_, n) => (n * 7) as Oid)
  for (const oid of oids) table.set(oid, `${oid}`)
  const met: Oid[] = []
  for (const [oid, entry] of table.entries()) {
    t.equal(entry, `${oid}`)
    met.push(oid)
    if (oid % 2 === 0) table.delete(oid)
  }
  t.same(met, oids)
  t.same(
    Array.from(table.entries(), ([oid]) => oid),
    oids.filter(oid => oid % 2 !== 0),
  )
})
