// Plain data that a collection handed out is the same object for as long as somebody holds it, whatever happens around it.
import t, { type Test } from 'tap'
import { join } from 'node:path'
import {
  open,
  Persistent,
  PersistentList,
  PersistentMap,
  plain,
  StaleDataError,
  type Connection,
} from '../../lib/index.js'
import { Leaf } from '../../lib/collection/tree/leaf.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { openWith } from '../../lib/object/open.js'
import { RecordView } from '../../lib/object/record-view.js'
import { countingDisk } from '../helpers/counting-disk.js'
import { elsewhere } from '../object/helpers/elsewhere.js'
import { tempDir } from '../helpers/temp-dir.js'

interface Item {
  n: number
  text: string
  parts: { n: number }[]
}

class Shelf extends Persistent {
  static type = 'Shelf'
  map = new PersistentMap<number, Item>()
  list = new PersistentList<Item>()
  dates = new PersistentMap<number, Date>()
}

const COUNT = 600
const item = (n: number): Item => ({ n, text: 'x'.repeat(40), parts: [{ n }] })
/** So small that it shares its record with others. */
const small = (n: number): Item => ({ n, text: '', parts: [{ n }] })
/** So small that what was read is forgotten soon. */
const options = { root: Shelf, durability: 'os', cacheBytes: 1 << 14 } as const

function shelf(t: Test, make = item): { readonly db: Connection<Shelf>; readonly rival: Connection<Shelf> } {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, options)
  db.transact(({ map, list, dates }) => {
    for (let n = 0; n < COUNT; n++) {
      map.set(n, make(n))
      list.push(make(n))
      dates.set(n, new Date(n))
    }
  })
  db.close()
  const again = open(path, options)
  const own = again.connect()
  const rival = elsewhere<Shelf>(path, options)
  t.teardown(() => {
    for (const connection of [own, again, rival]) {
      if (connection.changed) connection.abort()
      connection.close()
    }
  })
  return { db: own, rival }
}

interface Kind {
  readonly all: (root: Shelf) => Item[]
  readonly at: (root: Shelf, n: number) => Item | undefined
}

const collections: Record<string, Kind> = {
  'a map': { all: ({ map }) => [...map.values()], at: ({ map }, n) => map.get(n) },
  'a list': { all: ({ list }) => [...list], at: ({ list }, n) => list.at(n) },
}

for (const [name, { all, at }] of Object.entries(collections)) {
  t.test(`of ${name}, values stay the same objects when their records were forgotten and read again`, t => {
    const { db } = shelf(t)
    const values = all(db.root)
    t.equal(values.length, COUNT)
    t.ok(values.every((value, n) => value === at(db.root, n)))
    t.ok(all(db.root).every((value, n) => value === values[n]))
    db.commit()
    t.ok(values.every((value, n) => value === at(db.root, n) && value.n === n))
    t.end()
  })

  t.test(`of ${name}, they stay the same when one of them changes, and it is undone or stored`, t => {
    const { db } = shelf(t)
    const values = all(db.root)
    const same = (): boolean => values.every((value, n) => value === at(db.root, n))
    const [first, second] = values as [Item, Item]
    first.n = -1
    t.ok(same())
    db.abort()
    t.equal(first.n, 0)
    t.ok(same())
    second.parts.push({ n: 7 })
    t.ok(db.changed)
    db.commit()
    t.equal(at(db.root, 1), second)
    t.strictSame(plain(second.parts), [{ n: 1 }, { n: 7 }])
    t.ok(values.slice(1).every((value, n) => value === at(db.root, n + 1)))
    t.end()
  })

  t.test(`of ${name}, they stay the same when others change something else`, t => {
    const { db, rival } = shelf(t)
    const values = all(db.root)
    const [part] = (values[5] as Item).parts
    db.commit()
    rival.root.map.set(1, item(100))
    rival.root.list.set(1, item(100))
    rival.commit()
    t.ok(values.every((value, n) => n === 1 || value === at(db.root, n)))
    t.equal(part?.n, 5, 'also below an array')
    t.equal(at(db.root, 1)?.n, 100)
    if (name === 'a map') t.equal(at(db.root, 1), values[1])
    else t.throws(() => values[1]?.n, StaleDataError)
    t.end()
  })
}

t.test('a value that was handed out is found under its key when another connection changes it', t => {
  const { db, rival } = shelf(t)
  const held = [...db.root.map.values()]
  db.commit()
  for (const n of [0, 17, COUNT - 1]) rival.root.map.set(n, item(1000 + n))
  rival.root.map.delete(3)
  rival.commit()
  t.strictSame(
    [0, 17, COUNT - 1].map(n => held[n]?.n),
    [1000, 1017, 1000 + COUNT - 1],
  )
  t.throws(() => held[3]?.n, StaleDataError)
  t.equal(held[4]?.n, 4)
  t.end()
})

t.test('a value of which nothing else was handed out follows its key without a look into older versions', t => {
  const path = join(tempDir(t), 'app.db')
  const options = { root: { map: new PersistentMap<number, Item>() }, durability: 'os' } as const
  const rival = elsewhere<{ map: PersistentMap<number, Item> }>(path, options)
  rival.transact(({ map }) => {
    for (let n = 0; n < COUNT; n++) map.set(n, small(n))
  })
  const counting = countingDisk({ ...systemDisk, ticks: () => 0 }) // no look at the path comes due
  const db = openWith(counting.disk, path, options) as Connection<{ map: PersistentMap<number, Item> }>
  t.teardown(() => {
    db.close()
    rival.close()
  })
  const flat = db.root.map.get(50) as Item
  const deep = db.root.map.get(51) as Item
  const part = deep.parts[0] as { n: number }
  t.equal(flat.n, 50)
  const readsOf = (act: () => void): number => counting.during(act).filter(name => name === 'read').length
  const counts = { flat: 0, deep: 0 }
  for (let n = 0; n < 20; n++) {
    rival.transact(({ map }) => void map.set(52, small(1000 + n)))
    db.refresh()
    t.equal(db.root.map.get(52)?.n, 1000 + n) // now the leaf has been read
    counts.flat += readsOf(() => t.equal(flat.text, ''))
    counts.deep += readsOf(() => t.equal(part.n, 51))
  }
  t.ok(counts.deep > 0, 'what it had been is read where a part of it is held')
  t.equal(counts.flat, 0)
  t.equal(db.root.map.get(50), flat)
  t.equal(db.root.map.get(51)?.parts[0], part)
  rival.transact(({ map }) => void map.set(50, small(5000)))
  db.refresh()
  t.equal(flat.n, 5000)
  flat.n = 7
  db.abort()
  t.equal(flat.n, 5000)
  flat.parts.push({ n: 1 })
  db.commit()
  rival.refresh()
  t.equal(rival.root.map.get(50)?.parts.length, 2)
  t.end()
})

/** How often a method is called, of whatever object. */
function counted(t: Test, prototype: object, name: string): () => number {
  const method = Reflect.get(prototype, name) as () => unknown
  let calls = 0
  const counting = function (this: unknown, ...args: unknown[]): unknown {
    calls++
    return Reflect.apply(method, this, args)
  }
  Reflect.set(prototype, name, counting)
  t.teardown(() => Reflect.set(prototype, name, method))
  return () => calls
}

t.test('what others do at one key costs those who hold what stands at the others no reading and no decoding', t => {
  const decoded = counted(t, Leaf.prototype, 'value')
  const read = counted(t, RecordView.prototype, 'readOnce')
  for (const length of [0, 2000]) {
    const path = join(tempDir(t), 'app.db')
    const options = { root: { map: new PersistentMap<number, { text: string }>() }, durability: 'os' } as const
    const rival = elsewhere<typeof options.root>(path, options)
    const text = (n: number): string => `${n}`.padEnd(length)
    rival.transact(({ map }) => map.bulkLoad(Array.from({ length: COUNT }, (_, n) => [n, { text: text(n) }])))
    const db = open(path, options)
    const held = [...db.root.map.values()]
    const touch = (): string => held.map(each => each.text).join()
    touch()
    rival.transact(({ map }) => void map.set(0, { text: 'changed' }))
    db.refresh()
    const before = [decoded(), read()] as const
    t.equal(touch(), ['changed', ...held.slice(1).map((_, n) => text(n + 1))].join())
    t.ok(decoded() - before[0] < COUNT / 2, `${decoded() - before[0]} decoded`)
    t.ok(read() - before[1] <= 1, `${read() - before[1]} read`)
    db.close()
    rival.close()
  }
  t.end()
})

t.test(
  'what was handed out of a value and taken out of it is there again when that was undone, whatever others have changed beside it',
  t => {
    const path = join(tempDir(t), 'app.db')
    type Root = { map: PersistentMap<string, { t: number }[] | number> }
    const options = { root: { map: new PersistentMap() } as unknown as Root, durability: 'os' } as const
    const rival = elsewhere<Root>(path, options)
    rival.transact(({ map }) => {
      map.set('jobs', [{ t: 1 }])
      map.set('done', 0)
    })
    const db = open(path, options) as unknown as Connection<Root>
    t.teardown(() => {
      db.close()
      rival.close()
    })
    const jobs = db.root.map.get('jobs') as { t: number }[]
    const job = jobs[0] as { t: number }
    const more = ({ map }: Root): void => void map.set('done', (map.get('done') as number) + 1)
    const takings: (() => void)[] = [
      () => jobs.pop(),
      () => (jobs.length = 0),
      () => jobs.splice(0),
      () => (jobs[0] = { t: 2 }),
    ]
    for (const take of takings) {
      let runs = 0
      const taken = (root: Root): number => {
        const { t } = job
        take()
        if (runs++ === 0) rival.transact(more) // a conflict
        more(root)
        if (runs === 2) throw new Error('enough')
        return t
      }
      t.throws(() => db.transact(taken), /enough/)
      t.equal(runs, 2)
      t.equal(job.t, 1)
      t.equal(jobs[0], job)
      take()
      db.abort()
      rival.transact(more)
      db.refresh()
      t.equal(jobs[0], job)
    }
    t.end()
  },
)

t.test('bytes and dates in a value that was handed out stay the same objects where the value does', t => {
  const path = join(tempDir(t), 'app.db')
  type Root = { map: PersistentMap<number, { bytes: Uint8Array; at: Date; n?: number }> }
  const options = { root: { map: new PersistentMap() } as unknown as Root, durability: 'os' } as const
  const rival = elsewhere<Root>(path, options)
  rival.transact(({ map }) => {
    for (let n = 0; n < 10; n++) map.set(n, { bytes: Uint8Array.of(n, n), at: new Date(n) })
  })
  const db = open(path, options) as unknown as Connection<Root>
  t.teardown(() => {
    db.close()
    rival.close()
  })
  const value = db.root.map.get(3)
  if (!value) throw new Error('nothing there')
  const { bytes, at } = value
  rival.transact(({ map }) => void map.set(4, { bytes: Uint8Array.of(1), at: new Date(5) }))
  db.refresh()
  t.equal(db.root.map.get(3), value)
  t.equal(value.bytes, bytes)
  t.equal(value.at, at)
  bytes[0] = 77
  value.n = 1
  db.commit()
  rival.refresh()
  t.same([...(rival.root.map.get(3)?.bytes ?? [])], [77, 3])
  t.end()
})

t.test('a value that was handed out can be moved to another key, and both keys are written', t => {
  const { db } = shelf(t)
  const { map } = db.root
  const value = map.get(9) as Item
  map.delete(9)
  map.set(10, value)
  t.equal(map.get(10), value)
  db.commit()
  t.equal(map.get(10), value)
  t.equal(map.get(9), undefined)
  value.n = 99
  db.commit()
  t.equal(db.root.map.get(10)?.n, 99)
  t.end()
})

t.test('dates that were handed out stay the same objects', t => {
  const { db } = shelf(t)
  const dates = [...db.root.dates.values()]
  t.ok(dates.every((date, n) => date === db.root.dates.get(n)))
  t.end()
})

const FORMS: Record<string, (n: number) => unknown> = {
  tuples: n => ['k', n],
  dates: n => new Date(n),
  'big integers': n => BigInt(n),
  bytes: n => Uint8Array.of(n),
  numbers: n => n,
}
for (const [name, keyOf] of Object.entries(FORMS)) {
  t.test(
    `what a map of ${name} has held is local once it is cleared, also where another connection has taken some out`,
    t => {
      const path = join(tempDir(t), 'cleared.db')
      const db = open(path, { root: { map: new PersistentMap<never, { n: number }>() }, durability: 'os' })
      const other = db.connect()
      const numbers = [0, 1, 2, 3, 4, 5]
      const key = (n: number): never => keyOf(n) as never
      db.transact(({ map }) => {
        for (const n of numbers) map.set(key(n), { n })
      })
      const held = numbers.map(n => db.root.map.get(key(n)))
      other.transact(({ map }) => map.delete(key(2)))
      db.refresh()
      t.equal(held[3]?.n, 3)
      db.transact(({ map }) => {
        map.clear()
      })
      for (const n of [0, 1, 3, 4, 5]) (held[n] as { n: number }).n = -n
      t.same([db.changed, db.root.map.size], [false, 0])
      db.close()
      t.end()
    },
  )
}

/** What happens to the record of the item that is held, before a pack: all that this connection has seen. */
const seen: Record<string, (own: Connection<Shelf>, rival: Connection<Shelf>, at: Kind['at'], held: Item) => void> = {
  'the connection has changed another one': (own, _rival, at) => {
    at(own.root, 2)!.n = -1
    own.commit()
  },
  'the connection has changed another one, and undone a change of this one': (own, _rival, at, held) => {
    at(own.root, 2)!.n = -1
    own.commit()
    held.n = -1
    own.abort()
  },
  'it has put others in and taken them out': (own, _rival, at) => {
    own.root.map.set(0.5, small(0))
    own.root.map.delete(0)
    own.root.list.push(small(COUNT))
    own.root.list.pop()
    at(own.root, 3)!.n = -1
    own.commit()
  },
  'others have, and it has looked': (own, rival, at) => {
    rival.transact(root => void (at(root, 2)!.n = -1))
    own.refresh()
  },
}
for (const [name, { at }] of Object.entries(collections))
  for (const [what, act] of Object.entries(seen))
    for (const undone of [true, false])
      t.test(
        `what is held below an array in ${name} is the same after a pack where ${what}${undone ? ', and something is undone' : ''}`,
        async t => {
          const { db, rival } = shelf(t, small)
          const held = at(db.root, 1)!
          const part = held.parts[0]!
          act(db, rival, at, held)
          if (undone) {
            at(db.root, 4)!.n = -2
            db.abort()
          }
          await rival.pack()
          db.refresh()
          t.equal(part.n, 1)
          t.equal(at(db.root, 1)?.parts[0], part)
          part.n = 5
          db.commit()
          rival.refresh()
          t.same(plain(at(rival.root, 1)), { ...small(1), parts: [{ n: 5 }] })
        },
      )

for (const [name, { at }] of Object.entries(collections))
  for (const late of [false, true])
    t.test(
      `what is held below an array in ${name}, read ${late ? 'after' : 'before'} a pack, is the same when others change another one`,
      async t => {
        const { db, rival } = shelf(t, small)
        const hold = (): { n: number } => at(db.root, 1)!.parts[0]!
        at(db.root, 1)
        const early = late ? undefined : hold()
        await rival.pack()
        db.refresh()
        at(db.root, 1)
        const part = early ?? hold()
        for (const n of [-2, -3]) {
          rival.transact(root => void (at(root, 2)!.n = n))
          db.refresh()
          t.equal(at(db.root, 2)!.n, n)
        }
        t.equal(part.n, 1)
        t.equal(hold(), part)
        part.n = 5
        db.commit()
        rival.refresh()
        t.same(plain(at(rival.root, 1)), { ...small(1), parts: [{ n: 5 }] })
      },
    )
