// Stored arrays that are gone through while their owner is read anew: whatever comes next is what stands there then, and tracked.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { open, Persistent, PersistentMap, plain, type Connection } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

interface Row {
  done: boolean
}

class Item extends Persistent {
  static type = 'Item'
  n = 0
}

interface Values {
  rows: Row[]
  items: Item[]
  count: number
  map: PersistentMap<string, Row[]>
}

function store(t: Test): { db: Connection<Persistent & Values>; other: Connection<Values> } {
  const path = join(tempDir(t), 'walked.db')
  const root: Values = { rows: [], items: [], count: 0, map: new PersistentMap<string, Row[]>() }
  const options = { root, classes: [Item], durability: 'os' as const }
  const db = open(path, options)
  db.transact(root => {
    root.rows = [{ done: false }, { done: false }, { done: false }]
    root.items = [new Item()]
    root.map.set('k', [{ done: false }, { done: false }])
  })
  db.close()
  const again = open(path, options)
  const other = elsewhere<Values>(path, options)
  t.teardown(() => {
    again[Symbol.dispose]()
    other[Symbol.dispose]()
  })
  return { db: again, other }
}

const isDone = (rows: readonly Row[]): boolean[] => rows.map(({ done }) => done)

type Walk = (rows: Row[], visit: (row: Row) => void) => void

const walks: Record<string, Walk> = {
  'for of': (rows, visit) => {
    for (const row of rows) visit(row)
  },
  entries: (rows, visit) => {
    for (const [, row] of rows.entries()) visit(row)
  },
  forEach: (rows, visit) => {
    rows.forEach(row => {
      visit(row)
    })
  },
  map: (rows, visit) => {
    rows.map(visit)
  },
  reduce: (rows, visit) => {
    rows.reduce((count, row) => {
      visit(row)
      return count + 1
    }, 0)
  },
}

for (const [name, walk] of Object.entries(walks)) {
  t.test(`${name}: an abort on the way`, async t => {
    const { db } = store(t)
    let first = true
    walk(db.root.rows, row => {
      row.done = true
      if (!first) return
      first = false
      db.abort()
      t.equal(db.root.rows.length, 3, 'read anew, and no row asked for')
    })
    t.equal(db.changed, true)
    db.commit()
    t.same(isDone(db.root.rows), [false, true, true])
  })

  t.test(`${name}, of a value of a map: an abort on the way`, async t => {
    const { db, other } = store(t)
    let first = true
    walk(db.root.map.get('k') ?? [], row => {
      row.done = true
      if (!first) return
      first = false
      db.abort()
      t.equal(db.root.map.get('k')?.length, 2, 'read anew, and no row asked for')
    })
    db.commit()
    other.refresh()
    t.same(plain(other.root.map.get('k')), plain(db.root.map.get('k')))
    t.same(isDone(other.root.map.get('k') ?? []), [false, true])
  })
}

t.test('a commit of another program on the way', async t => {
  const { db, other } = store(t)
  let first = true
  for (const row of db.root.rows) {
    row.done = true
    db.root.count++
    db.commit()
    if (first) other.transact(root => (root.count = 100))
    first = false
    await Promise.resolve()
    t.ok(db.root.count >= 100)
  }
  other.refresh()
  t.same(isDone(other.root.rows), [true, true, true])
  t.equal(other.root.count, 102)
})

t.test('a reference that has come meanwhile is the object', async t => {
  const { db, other } = store(t)
  const met: Item[] = []
  for (const item of db.root.items) {
    t.equal(typeof item, 'object')
    met.push(item)
    if (met.length > 1) break
    other.transact(root => root.items.push(Object.assign(new Item(), { n: 2 })))
    await Promise.resolve()
    t.equal(db.root.count, 0)
  }
  t.same(
    met.map(({ n }) => n),
    [0, 2],
  )
})

t.test('a function that compares must leave the array alone', async t => {
  const { db } = store(t)
  const { rows } = db.root
  t.throws(
    () =>
      rows.sort(() => {
        rows.pop()
        return 1
      }),
    { code: 'STATE', message: /changed by the function that compares/ },
  )
  db.abort()
  t.equal(rows.length, 3)
  const [a] = db.root.rows
  db.root.rows[2]!.done = true
  db.root.rows.sort((a, b) => Number(b.done) - Number(a.done))
  db.commit()
  t.same(isDone(db.root.rows), [true, false, false])
  t.equal(db.root.rows[1], a)
})
