// Where nodes are cut: what comes item by item is cut as the whole is. And that nobody depends on how full they are.
import t from 'tap'
import { cut, fill, Filling, LEAST, type Weighed } from '../../lib/collection/tree/fullness.js'
import { PersistentMap } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import type { Connection } from '../../lib/object/connection.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { faultsOf } from './check.js'
import { COPY, isSound, load, textOf } from './dumps.js'
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

/** A map of which the leaves have so many entries each, and as few inner nodes as there can be. */
function dumpOf(leaves: readonly number[]): string {
  const first = leaves.map((_, i) => leaves.slice(0, i).reduce((sum, n) => sum + n, 0))
  const shape = (oid: number, type: string, ...keys: string[]) => ({ oid, tid: 1, type, version: 1, keys })
  const object = (oid: number, type: string, shape: number, fields: object) => ({ oid, tid: 1, type, shape, fields })
  const ref = (oid: number) => ({ $ref: oid })
  const size = leaves.reduce((sum, n) => sum + n, 0)
  const records = [
    shape(16, '', 'map'),
    shape(17, 'PersistentMap', 'size', 'height', 'root'),
    shape(18, 'perdure.node', 'separators', 'children'),
    shape(19, 'perdure.node', 'keys', 'values'),
    object(1, '', 16, { map: ref(20) }),
    object(20, 'PersistentMap', 17, { size, height: 1, root: ref(21) }),
    object(21, 'perdure.node', 18, { separators: first.slice(1), children: leaves.map((_, i) => ref(30 + i)) }),
    ...leaves.map((n, i) => {
      const keys = Array.from({ length: n }, (_, k) => first[i]! + k)
      return object(30 + i, 'perdure.node', 19, { keys, values: keys })
    }),
  ]
  const begin = { perdure: 'dump', version: 1, tid: 1, time: 1, nextOid: 30 + leaves.length, idsSince: 0 }
  return textOf([begin, ...records, { end: true, records: records.length }].map(line => JSON.stringify(line)))
}

t.test('a node that has become too small beside one that is too full takes nothing away from it', async t => {
  for (const [leaves, key] of [
    [[5, 300], 0],
    [[300, 5], 304],
    [[5, 2000, 5], 2],
    [[2000, 5, 2000], 2001],
  ] as const) {
    const disk = new MemoryDisk()
    await load(disk, dumpOf(leaves))
    const db = openWith(disk, COPY, {}) as unknown as Connection<{ map: PersistentMap<number, unknown> }>
    const native = new Map(db.root.map)
    db.transact(({ map }) => t.equal(map.delete(key), native.delete(key)))
    t.same([...db.root.map], [...native], `leaves of ${leaves.join(', ')}`)
    db.close()
    isSound(t, disk)
  }
})

t.test('nodes that are fuller or emptier than the library keeps them are read and changed like any others', async t => {
  const random = seeded(t)
  for (const leaves of [
    [1, 1, 1],
    [1, 2000, 1, 1],
    [500, 1, 500],
    Array.from({ length: 400 }, () => 1 + random.int(5)),
  ]) {
    const disk = new MemoryDisk()
    await load(disk, dumpOf(leaves))
    isSound(t, disk)
    const db = openWith(disk, COPY, {}) as unknown as Connection<{ map: PersistentMap<number, unknown> }>
    const { map } = db.root
    const native = new Map(map)
    t.same(
      [...native.keys()],
      Array.from({ length: leaves.reduce((sum, n) => sum + n, 0) }, (_, n) => n),
    )
    for (let n = 0; n < 200; n++) {
      db.transact(() => {
        for (let left = random.int(20); left >= 0; left--) {
          const key = random.int(native.size + 20)
          if (random.int(2) === 0) {
            map.set(key, n)
            native.set(key, n)
          } else t.equal(map.delete(key), native.delete(key))
        }
      })
    }
    t.same([...map].sort(), [...native].sort())
    isSound(t, disk)
    db.transact(() => {
      for (const key of native.keys()) map.set(key, 'x'.repeat(40))
    })
    t.same(faultsOf(map as never), [], 'what takes another share than before is as full as ever')
    db.close()
  }
})
