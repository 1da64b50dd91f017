// A reference in plain data is followed when it is read, and no other with it. Nobody can tell when that was.
import t, { type Test } from 'tap'
import { inspect } from 'node:util'
import { join } from 'node:path'
import { oidOf, open, Persistent, PersistentMap, plain, type Connection } from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import { tempDir } from '../helpers/temp-dir.js'

class Thing extends Persistent {
  static type = 'Thing'
  n = 0
}

type Named = Record<string, Thing | number>

class Home extends Persistent {
  static type = 'Home'
  note = ''
  things: Thing[] = []
  mixed: (Thing | string | { deep: Thing[] })[] = []
  named: Named = {}
  map = new PersistentMap<string, Thing[]>()
}

const options = { root: Home, classes: [Thing], durability: 'os' } as const
const FIRST = 20

function make(n: number): Thing {
  const thing = new Thing()
  thing.n = n
  return thing
}

/** Twenty things in each place, as a connection has them that has read none. */
function stored(t: Test): { readonly db: Connection<Home>; readonly oids: readonly number[]; readonly path: string } {
  const path = join(tempDir(t), 'app.db')
  const first = open(path, options)
  const things = Array.from({ length: FIRST }, (_, n) => make(n))
  first.transact(home => {
    home.things = things
    home.mixed = [...things.slice(0, 3), 'text', { deep: things }]
    home.named = { ...Object.fromEntries(things.map((thing, n) => [`t${n}`, thing])), number: 1 }
    home.map.set('key', things)
  })
  const oids = things.map(thing => oidOf(thing) as number)
  first.close()
  const db = open(path, options)
  t.teardown(() => {
    db.close()
  })
  return { db, oids, path }
}

function known(db: Connection<Home>, oids: readonly number[]): number[] {
  const scope = headerOf(db.root)?.scope
  return oids.flatMap((oid, n) => (scope?.known(oid as never) ? [n] : []))
}

t.test('how many there are and whether one is there is told without following any', t => {
  const { db, oids } = stored(t)
  const { things, named } = db.root
  t.equal(things.length, FIRST)
  t.ok(5 in things)
  t.notOk(FIRST in things)
  t.ok('t1' in named)
  t.equal(named.number, 1)
  t.equal(db.root.map.get('key')?.length, FIRST)
  t.same(known(db, oids), [])
  t.end()
})

t.test('one that is read is followed alone, and stays the same object', t => {
  const { db, oids } = stored(t)
  const { things, named, mixed, map } = db.root
  const third = things[3]
  t.equal(third?.n, 3)
  t.same(known(db, oids), [3])
  t.equal(things[3], third)
  t.equal(named.t3, third)
  t.equal(map.get('key')?.[3], third)
  t.equal((mixed[4] as { deep: Thing[] }).deep[3], third)
  t.equal(things[FIRST], undefined)
  t.same(known(db, oids), [3])
  t.equal(things.indexOf(third as Thing), 3)
  t.same(
    things.map(thing => thing.n),
    oids.map((_, n) => n),
  )
  t.end()
})

t.test('of data that is partly followed everything else is as if all were', t => {
  for (const read of [0, 1, FIRST - 1]) {
    const { db, oids } = stored(t)
    const { things, named, mixed } = db.root
    t.equal((mixed[0] as Thing).n, 0)
    t.equal(things[read]?.n, read)
    t.equal((named[`t${read}`] as Thing).n, read)
    t.match(inspect(things), `[Thing ${oids[2]}]`)
    t.equal(Reflect.ownKeys(things).length, FIRST + 1)
    t.same(
      plain(things, { depth: 1 }),
      oids.map((_, n) => ({ n })),
    )
    t.same(Object.keys(named).length, FIRST + 1)
    t.equal((JSON.parse(JSON.stringify(mixed)) as { deep: unknown[] }[])[4]?.deep.length, FIRST)
    t.ok(things.every((thing, n) => thing.n === n))
    t.equal(Object.getOwnPropertyDescriptor(things, 1)?.value, things[1])
  }
  t.end()
})

t.test('what is partly followed is written as it stands, and undone as it stood', t => {
  const { db, oids, path } = stored(t)
  const { things, named } = db.root
  t.equal(things[7]?.n, 7)
  db.transact(home => (home.note = 'changed'))
  t.equal(things[8]?.n, 8)
  t.throws(() =>
    db.transact(() => {
      things.reverse()
      delete named.t1
      throw new Error('undone')
    }),
  )
  t.equal(things[9]?.n, 9)
  t.equal((named.t1 as Thing).n, 1)
  db.transact(() => things.push(make(FIRST)))
  const again = open(path, options)
  t.same(again.root.things.map(oidOf).slice(0, FIRST), oids)
  t.equal(again.root.things[FIRST]?.n, FIRST)
  t.equal(again.root.note, 'changed')
  again.close()
  t.end()
})

t.test('what another connection has put there is read after that, and only that', t => {
  const { db, oids, path } = stored(t)
  const rival = open(path, options)
  const { things } = db.root
  t.equal(things[2]?.n, 2)
  rival.transact(home => void home.things.splice(5, 1))
  db.refresh()
  t.equal(things.length, FIRST - 1)
  t.equal(things[5]?.n, 6)
  t.same(known(db, oids), [2, 6])
  rival.close()
  t.end()
})

t.test('a list that is read anew while a method of it runs gives no marks', t => {
  const { db, path } = stored(t)
  const other = open(path, options)
  const { prototype } = Thing
  t.teardown(() => {
    Reflect.deleteProperty(prototype, 'toString')
    other.close()
  })
  const anew = (): void => {
    other.transact(home => (home.note += 'x'))
    db.refresh()
    void db.root.things.length
  }
  const argument = { valueOf: () => (anew(), 0) } as unknown as number
  const { things } = db.root
  for (const [name, found] of Object.entries({
    slice: () => things.slice(argument),
    at: () => [things.at(argument)],
    toSpliced: () => things.toSpliced(argument, 0),
    flat: () => things.flat(argument),
  })) {
    t.ok(
      found().every(each => each instanceof Thing),
      name,
    )
  }
  Object.defineProperty(prototype, 'toString', {
    configurable: true,
    value(this: Thing): string {
      anew()
      return `thing ${this.n}`
    },
  })
  t.equal((things as unknown[]).join(), Array.from({ length: FIRST }, (_, n) => `thing ${n}`).join())
  t.end()
})

t.test('a list of which all were read one by one prints as one that was gone through', t => {
  const { things } = stored(t).db.root
  for (let i = 0; i < FIRST; i++) void things[i]?.n
  const shown = inspect(things)
  for (const thing of things) void thing.n
  t.equal(shown, inspect(things))
  t.match(shown, 'Thing ')
  t.notMatch(shown, '[Thing')
  t.end()
})
