// A stored date refuses its setters, by whatever way it is got: they are put on only when it is handed out.
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { open, Persistent, PersistentList, PersistentMap, plain, type Connection, type Key } from '../../lib/index.js'
import { elsewhere } from './helpers/elsewhere.js'
import { tempDir } from '../helpers/temp-dir.js'

interface Data {
  at: Date
  all: Date[]
  inner: { at: Date; friend?: Day | undefined }
}

class Day extends Persistent {
  static type = 'Day'
  static defaults = { since: new Date(77) }
  at = new Date(1)
  since = new Date(77)
  data: Data = data(2)
  map = new PersistentMap<string, Data | Date>()
  list = new PersistentList<Data | Date>()
  byDate = new PersistentMap<Key, number>()
  friend: Day | undefined = undefined
}

const time = (n: number): Date => new Date(86_400_000 * n)

function data(n: number): Data {
  return { at: time(n), all: [time(n + 1), time(n + 2)], inner: { at: time(n + 3) } }
}

/** It is an ordinary date to whoever compares it, and cannot be changed. */
function isStored(t: Test, date: Date | undefined, expected: Date): void {
  t.ok(isDeepStrictEqual(date, expected), `${String(date)} is ${String(expected)}`)
  t.throws(() => date!.setTime(0), TypeError)
  t.throws(() => date!.setUTCDate(3), TypeError)
  t.equal(date!.getTime(), expected.getTime())
}

/** Every way in which data hands out its dates; each begins with data that nobody has used. */
const WAYS: Readonly<Record<string, (data: Data) => readonly (Date | undefined)[]>> = {
  'by name': ({ at, all, inner }) => [at, all[0], all[1], inner.at],
  'by index and at()': ({ at, all, inner }) => [at, all.at(0), all.at(-1), inner.at],
  'by spreading': value => {
    const { at, all, inner } = { ...value }
    const [first, second] = [...all]
    return [at, first, second, { ...inner }.at]
  },
  'by entries': value => {
    const [[, at], [, all], [, inner]] = Object.entries(value) as [
      [string, Date],
      [string, Date[]],
      [string, { at: Date }],
    ]
    return [at, ...Object.values(all), Object.values(inner)[0]]
  },
  'by descriptors': ({ at, all, inner }) => [
    at,
    Object.getOwnPropertyDescriptor(all, 0)!.value as Date,
    Reflect.get(all, '1') as Date,
    Object.getOwnPropertyDescriptors(inner).at.value,
  ],
  'by methods': ({ at, all, inner }) => {
    const met: Date[] = []
    all.forEach(date => met.push(date))
    return [at, ...met, inner.at]
  },
  'by slicing, sorting and finding': ({ at, all, inner }) => [
    at,
    all.slice(0, 1)[0],
    all.find(date => +date === +all[1]!),
    inner.at,
  ],
  'by mapping': ({ at, all, inner }) => [at, ...all.map(date => date), inner.at],
  'by concat and flat': ({ at, all, inner }) => [at, ...[[]].concat(all as never).flat(), inner.at],
  'by iterators': ({ at, all, inner }) => [at, all.values().next().value, [...all.entries()][1]![1], inner.at],
  'by popping': ({ at, all, inner }) => {
    const [second, first] = [all.pop(), all.shift()]
    return [at, first, second, inner.at]
  },
}

function days(t: Test): { db: Connection<Day>; other: Connection<Day> } {
  const path = join(tempDir(t), 'app.db')
  const options = { root: Day, durability: 'os' } as const
  const db = open(path, options)
  const other = elsewhere<Day>(path, options)
  t.teardown(() => {
    for (const connection of [db, other]) {
      if (connection.changed) connection.abort()
      connection.close()
    }
  })
  return { db, other }
}

/** Places where data stands, with what takes it there. */
const PLACES: Readonly<
  Record<string, { readonly put: (root: Day, value: Data) => void; readonly get: (root: Day) => Data }>
> = {
  'a field': {
    put: (root, value) => void (root.data = value),
    get: root => root.data,
  },
  'a map': {
    put: (root, value) => void root.map.set('data', value),
    get: root => root.map.get('data') as Data,
  },
  'a list': {
    put: (root, value) => void root.list.push(value),
    get: root => root.list.at(-1) as Data,
  },
}

for (const [place, { put, get }] of Object.entries(PLACES)) {
  t.test(`dates in data of ${place}`, async t => {
    for (const [way, ask] of Object.entries(WAYS)) {
      await t.test(way, t => {
        const { db, other } = days(t)
        for (const withReference of [false, true]) {
          const value = data(10)
          const own = data(10)
          if (withReference) own.inner.friend = db.root
          put(db.root, own)
          const expected = [value.at, ...value.all, value.inner.at]
          const check = (root: Day): void => ask(get(root)).forEach((date, n) => isStored(t, date, expected[n]!))
          own.at.setTime(5) // a copy was taken
          check(db.root)
          db.abort()
          const again = data(10)
          if (withReference) again.inner.friend = db.root
          put(db.root, again)
          db.commit()
          other.refresh()
          check(other.root)
          if (other.changed) other.abort()
          check(db.root)
          if (db.changed) db.abort()
        }
        t.end()
      })
    }
    t.end()
  })
}

t.test('dates in fields, as values and items, and as keys', async t => {
  const { db, other } = days(t)
  const { root } = db
  isStored(t, root.at, new Date(1))
  root.at = time(3)
  isStored(t, root.at, time(3))
  t.equal(root.at, root.at)
  root.map.set('at', time(4))
  root.list.push(time(5))
  isStored(t, root.map.get('at') as Date, time(4))
  isStored(t, root.list.at(0) as Date, time(5))
  root.at = time(6) // nobody asks for it before it is stored
  root.map.set('at', time(7))
  db.commit()
  isStored(t, root.at, time(6))
  isStored(t, root.map.get('at') as Date, time(7))
  const held = root.at
  root.at = time(8)
  db.abort()
  isStored(t, root.at, time(6))
  t.same(held, root.at)
  other.refresh()
  for (const day of [other.root, db.root]) {
    isStored(t, day.at, time(6))
    isStored(t, day.since, new Date(77))
    isStored(t, day.map.get('at') as Date, time(7))
    isStored(t, day.list.at(0) as Date, time(5))
    isStored(
      t,
      Object.values({ ...day }).find(value => value instanceof Date),
      time(6),
    )
  }
  // Keys, also as parts of tuples.
  db.root.byDate.set(time(9), 1)
  db.root.byDate.set([time(9), 'x'], 2)
  db.commit()
  other.refresh()
  for (const { byDate } of [db.root, other.root]) {
    const [date, [part] = []] = [...byDate.keys()] as [Date, [Date]]
    isStored(t, date, time(9))
    isStored(t, part, time(9))
    t.equal(byDate.get(time(9)), 1)
  }
  // One stored date may stand in several places.
  other.root.since = other.root.at
  other.root.data.all.push(other.root.at, other.root.data.at)
  other.root.map.set('since', other.root.at)
  other.commit()
  db.refresh()
  isStored(t, root.since, time(6))
  isStored(t, root.data.all.at(-1), root.data.at)
  isStored(t, root.map.get('since') as Date, time(6))
  // Copies are the caller's own.
  const copy = plain(root.data) as Data
  copy.at.setTime(0)
  copy.all[0]!.setTime(0)
  const [of] = [...root.map.values({ plain: true })] as [Date]
  of.setTime(0)
  t.same(plain(root.data.at), time(2))
})

t.test('invalid dates, and dates of other realms', async t => {
  const { db, other } = days(t)
  const { runInNewContext } = await import('node:vm')
  const foreign = runInNewContext('new Date(123)') as Date
  db.root.data = { at: foreign, all: [new Date(NaN), foreign], inner: { at: foreign } }
  db.root.map.set('foreign', { at: foreign, all: [new Date(NaN), foreign], inner: { at: foreign } })
  db.root.map.set('bare', new Date(NaN))
  db.commit()
  other.refresh()
  for (const { data, map } of [db.root, other.root]) {
    for (const { at, all } of [data, map.get('foreign') as Data]) {
      isStored(t, at, new Date(123))
      isStored(t, all[1], new Date(123))
      t.ok(Number.isNaN(all[0]!.getTime()))
      t.throws(() => all[0]!.setTime(0), TypeError)
    }
    t.ok(Number.isNaN((map.get('bare') as Date).getTime()))
  }
  class Mine extends Date {}
  t.throws(() => (db.root.at = new Mine(5)), { code: 'VALUE' })
  t.throws(() => db.root.map.set('mine', { at: new Mine(5) } as never), { code: 'VALUE' })
})
