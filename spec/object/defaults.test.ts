// `static defaults`, and the initial values of a root without a class: what every connection sees of a field that the record lacks, the
// one that committed the record included.
import t, { type Test } from 'tap'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { open, Persistent, plain, type Connection } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

class Limits extends Persistent {
  static type = 'Limits'
  static defaults = { limit: 100, names: ['none'], deep: { in: [{ n: 1 }] } }
  declare limit: number | undefined
  declare names: string[]
  declare deep: { in: { n: number }[] }
  used = 0
}
class Root extends Persistent {
  static type = 'Root'
  limits: Limits | null = null
}

const options = { root: Root, classes: [Limits], durability: 'os' } as const

interface Opened {
  readonly path: string
  readonly db: Connection<Root>
  readonly limits: Limits
  /** What another process reads. */
  readonly theirs: () => object
}

function opened(t: Test): Opened {
  const path = join(tempDir(t), 'defaults.db')
  const db = open(path, options)
  const rival = elsewhere<Root>(path, options)
  t.teardown(() => {
    db[Symbol.dispose]()
    rival.close()
  })
  const limits = new Limits()
  db.root.limits = limits
  db.commit()
  const theirs = (): object => {
    rival.refresh()
    return plain(rival.root.limits as Limits)
  }
  return { path, db, limits, theirs }
}

t.test('who commits a new object that lacks a field sees the default of it, as everybody does', t => {
  const { db, limits, theirs } = opened(t)
  t.equal(limits.limit, 100)
  t.same(plain(limits), { used: 0, limit: 100, names: ['none'], deep: { in: [{ n: 1 }] } })
  t.same(theirs(), plain(limits))
  t.equal(db.changed, false)
  t.equal(db.tid, 2, 'and nothing is written')
  limits.names.push('more')
  t.same(Limits.defaults.names, ['none'], 'copied in')
  db.commit()
  t.same(theirs(), plain(limits))
  t.end()
})

t.test('a field that was deleted has its default from the commit on', t => {
  const { db, limits, theirs } = opened(t)
  limits.limit = 5
  db.commit()
  Reflect.deleteProperty(limits, 'limit')
  t.equal(limits.limit, undefined)
  db.commit()
  t.equal(limits.limit, 100)
  t.same(theirs(), plain(limits))
  limits.limit = undefined
  db.commit()
  t.ok('limit' in limits && limits.limit === undefined, 'one that is there, and undefined, has none')
  t.same(theirs(), plain(limits))
  t.end()
})

t.test('so has one of a root without a class', t => {
  const path = join(tempDir(t), 'plain.db')
  const root = { n: 1, list: ['a'] }
  const db = open(path, { root, durability: 'os' })
  db.root.n = 5
  db.commit()
  Reflect.deleteProperty(db.root, 'n')
  db.root.list.push('b')
  db.commit()
  t.equal(db.root.n, 1)
  Reflect.deleteProperty(db.root, 'list')
  db.commit()
  t.same(plain(db.root), { n: 1, list: ['a'] })
  const other = elsewhere<{ n: number }>(path, { root })
  t.same(plain(other.root), { n: 1, list: ['a'] })
  other.close()
  db.close()
  t.end()
})

t.test('plain data of a default has a place from the commit on', t => {
  const { db, limits, theirs } = opened(t)
  const { names, deep } = limits
  limits.used = 1
  db.abort()
  t.equal(limits.names, names)
  t.equal(limits.deep, deep)
  deep.in.push({ n: 2 })
  db.commit()
  t.same(theirs(), plain(limits))
  t.equal(limits.deep, deep)
  t.end()
})

t.test('defaults that cannot be stored are refused by open, in a new store and in an old one', t => {
  const path = join(tempDir(t), 'odd.db')
  open(path, { durability: 'os' }).close()
  const deep = Array.from({ length: 400 }).reduce<unknown>(below => [below], 1)
  const odd: Record<string, object> = {
    'Odd.defaults.made': { made: () => new Date() },
    'Odd.defaults.deep.in.1': { deep: { in: [1, new Map()] } },
    [`Odd.defaults.far${'.0'.repeat(299)}`]: { far: deep },
    'Odd.defaults.named': { named: 1 },
    'Odd.defaults.asked': {
      get asked(): unknown {
        throw new Error('nobody calls this')
      },
    },
    'Odd.defaults.hidden': Object.defineProperty({}, 'hidden', { value: 1 }),
    'Odd.defaults': { [Symbol('odd')]: 1 },
  }
  for (const [place, defaults] of Object.entries(odd)) {
    class Odd extends Persistent {
      static type = 'Odd'
      static defaults = defaults
      get named(): number {
        return 2
      }
    }
    class Derived extends Odd {
      static override type = 'Derived'
    }
    t.throws(() => open(path, { classes: [Odd] }), { code: 'VALUE', path: place })
    t.throws(() => open(path, { classes: [Derived] }), { code: 'VALUE', path: place.replace('Odd', 'Derived') })
    t.throws(() => open(`${path}.new`, { classes: [Odd] }), { code: 'VALUE', path: place })
    t.notOk(existsSync(`${path}.new`))
  }
  const root = { made: new Map() } as object
  t.throws(() => open(path, { root }), { code: 'VALUE', path: 'root.made' })
  class Fine extends Persistent {
    static type = 'Fine'
    static transient = ['made']
    static defaults = { made: (): void => undefined, all: [1n, new Date(5), new Uint8Array(2), { a: undefined }] }
  }
  open(path, { classes: [Fine] }).close()
  t.end()
})

t.test('static merge is given the default in all three versions', t => {
  class Mood extends Persistent {
    static type = 'Mood'
    static defaults = { mood: 'calm' }
    declare mood: string
    seen = 0
    static merge(base: Fields, theirs: Fields, mine: Fields): Fields {
      const made = { ...theirs }
      for (const key of new Set([...Object.keys(base), ...Object.keys(mine)]))
        if (!(key in mine)) Reflect.deleteProperty(made, key)
        else if (mine[key] !== base[key]) made[key] = mine[key]
      return made
    }
  }
  const path = join(tempDir(t), 'moods.db')
  const root: { of: Mood | null } = { of: null }
  const [db, rival] = [1, 2].map(() => elsewhere<{ of: Mood }>(path, { root, classes: [Mood] })) as [
    Connection<{ of: Mood }>,
    Connection<{ of: Mood }>,
  ]
  db.root.of = new Mood()
  db.commit()
  rival.refresh()
  db.root.of.seen = 5
  rival.root.of.mood = 'angry'
  rival.commit()
  db.commit()
  rival.refresh()
  t.same(
    [plain(rival.root.of), plain(db.root.of)],
    [1, 2].map(() => ({ seen: 5, mood: 'angry' })),
  )
  db.close()
  rival.close()
  t.end()
})

type Fields = Record<string, unknown>
