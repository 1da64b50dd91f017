// `static merge`: what others changed meanwhile is no conflict where the class can merge it.
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { join } from 'node:path'
import { systemDisk } from '../../lib/file/system-disk.js'
import {
  open,
  oidOf,
  Persistent,
  plain,
  StaleDataError,
  touch,
  WriteConflictError,
  type Connection,
} from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { plainNode } from '../helpers/plain-node.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { tool } from '../tools/cli-tool.js'
import { elsewhere } from './helpers/elsewhere.js'

type Fields = Record<string, unknown>

let calls: Fields[][] = []
let answer: ((base: Fields, theirs: Fields, mine: Fields) => object | undefined) | undefined

/** Whoever changed a field alone is right. */
function byField(base: Fields, theirs: Fields, mine: Fields): Fields {
  const made: Fields = { ...theirs }
  for (const [key, value] of Object.entries(mine))
    if (JSON.stringify(value) !== JSON.stringify(base[key])) made[key] = value
  return made
}

class Note extends Persistent {
  static type = 'Note'
  text = ''
}
class Presence extends Persistent {
  static type = 'Presence'
  static defaults = { mood: 'calm' }
  declare mood: string
  seen = 0
  typed = 0
  where: { room: string; seats: number[] } = { room: 'hall', seats: [1, 2] }
  note: Note | null = null
  static merge(base: Fields, theirs: Fields, mine: Fields): object | undefined {
    calls.push([base, theirs, mine])
    return (answer ?? byField)(base, theirs, mine)
  }
  see(time: number): void {
    this.seen = time
  }
  get busy(): boolean {
    return this.typed > 0
  }
}
class Plain extends Persistent {
  static type = 'Plain'
  seen = 0
  typed = 0
}
class Root extends Persistent {
  static type = 'Root'
  presence = new Presence()
  plain = new Plain()
  note = new Note()
  all: (Presence | Plain)[] = []
}

interface Both {
  readonly path: string
  readonly db: Connection<Root>
  readonly rival: Connection<Root>
}

function both(t: Parameters<typeof tempDir>[0]): Both {
  const path = join(tempDir(t), 'merge.db')
  const options = { root: Root, classes: [Presence, Plain, Note], durability: 'os' } as const
  const [db, rival] = [open(path, options), open(path, options)]
  t.teardown(() => {
    db.abort()
    db.close()
    rival.close()
  })
  calls = []
  answer = undefined
  return { path, db, rival }
}

/** `mine` is committed after `theirs`, which it does not know of. Whether that conflicted. */
function meets({ db, rival }: Both, mine: (root: Root) => void, theirs: (root: Root) => void): boolean {
  db.refresh()
  rival.refresh()
  mine(db.root)
  theirs(rival.root)
  rival.commit()
  try {
    db.commit()
    return false
  } catch (error) {
    if (!(error instanceof WriteConflictError)) throw error
    db.abort()
    return true
  }
}

t.test('what was assigned and not read is merged by the class', async t => {
  const stores = both(t)
  const { db, rival } = stores
  const presence = db.root.presence
  t.notOk(
    meets(
      stores,
      root => (root.presence.seen = 5),
      root => (root.presence.typed = 7),
    ),
  )
  t.same([presence.seen, presence.typed], [5, 7])
  t.equal(db.root.presence, presence)
  rival.refresh()
  t.same([rival.root.presence.seen, rival.root.presence.typed], [5, 7])
  t.equal(calls.length, 1)
  const where = { room: 'hall', seats: [1, 2] }
  t.same(calls[0], [
    { seen: 0, typed: 0, where, note: null, mood: 'calm' },
    { seen: 0, typed: 7, where, note: null, mood: 'calm' },
    { seen: 5, typed: 0, where, note: null, mood: 'calm' },
  ])
})

t.test('nothing is called when nobody else has changed the object', async t => {
  const stores = both(t)
  t.notOk(
    meets(
      stores,
      root => (root.presence.seen = 5),
      root => (root.plain.typed = 7),
    ),
  )
  t.equal(calls.length, 0)
})

t.test('calling a method that assigns, and deleting a field, reads nothing', async t => {
  const stores = both(t)
  t.notOk(
    meets(
      stores,
      root => {
        root.presence.see(9)
      },
      root => (root.presence.typed = 7),
    ),
  )
  t.same([stores.db.root.presence.seen, stores.db.root.presence.typed], [9, 7])
  answer = (_base, theirs, mine) => ('note' in mine ? undefined : { ...theirs, gone: true })
  t.notOk(
    meets(
      stores,
      root => delete (root.presence as { note?: unknown }).note,
      root => (root.presence.typed = 8),
    ),
  )
  t.equal((stores.db.root.presence as unknown as Fields).gone, true)
})

const reads: [string, (presence: Presence) => unknown][] = [
  ['a field', presence => presence.typed],
  ['an accessor', presence => presence.busy],
  ['its keys', presence => Object.keys(presence)],
  ['whether it has a field', presence => 'typed' in presence],
  ['a container that it holds', presence => presence.where.seats.push(3)],
]
for (const [what, read] of reads) {
  t.test(`who has read ${what} conflicts`, async t => {
    const stores = both(t)
    for (const order of ['before', 'after']) {
      const conflicted = meets(
        stores,
        ({ presence }) => {
          if (order === 'before') read(presence)
          presence.seen++
          if (order === 'after') read(presence)
        },
        root => root.presence.typed++,
      )
      t.ok(conflicted, order)
    }
    t.equal(calls.length, 0)
    t.equal(stores.db.root.presence.seen, 0)
  })
}

t.test('a class without merge conflicts', async t => {
  t.ok(
    meets(
      both(t),
      root => (root.plain.seen = 5),
      root => (root.plain.typed = 7),
    ),
  )
})

t.test('undefined is a conflict, and anything but an object with fields is refused', async t => {
  const stores = both(t)
  const change = (): boolean =>
    meets(
      stores,
      root => (root.presence.seen = 5),
      root => root.presence.typed++,
    )
  answer = () => undefined
  t.ok(change())
  const oid = oidOf(stores.db.root.presence)
  for (const wrong of [null, 5, [1], new Map([['seen', 1]]), new Set(), new Date(), Uint8Array.of(1, 2)]) {
    answer = () => wrong as never
    t.throws(change, { code: 'VALUE', message: /static merge/ })
    stores.db.abort()
  }
  answer = () => Promise.reject(new Error('of nobody'))
  t.throws(change, { name: 'TypeError', message: /static merge of Presence \d+ returned a promise/ })
  stores.db.abort()
  answer = (_base, theirs) => ({ ...theirs, then: () => undefined })
  t.throws(change, { name: 'TypeError', message: /returned a promise/ })
  stores.db.abort()
  answer = () => ({ where: { room: () => 1 } })
  t.throws(change, { code: 'VALUE', path: `Presence ${oid}.where.room` })
  stores.db.abort()
  answer = () => ({ see: 5 })
  t.throws(change, { code: 'VALUE', path: `Presence ${oid}.see`, message: /static merge gives/ })
  stores.db.abort()
  answer = () => JSON.parse('{ "__proto__": { "a": 1 } }') as Fields
  t.throws(change, { code: 'VALUE', path: `Presence ${oid}.__proto__`, message: /static merge gives/ })
  stores.db.abort()
  answer = () => {
    new Note()
    return undefined
  }
  t.throws(change, { code: 'SCHEMA', message: /static merge of Presence/ })
  stores.db.abort()
  const bug = new RangeError('a bug')
  answer = () => {
    throw bug
  }
  t.throws(change, { code: 'SCHEMA', message: `static merge of Presence ${oid} has thrown: a bug`, oid, cause: bug })
  stores.db.abort()
  const conflict = new WriteConflictError([])
  answer = () => {
    throw conflict
  }
  t.throws(change, { code: 'SCHEMA', oid, cause: conflict }, 'nothing is run again')
  stores.db.abort()
  answer = (_base, { note }) => ({ text: (note as Note).text })
  stores.db.transact(root => (root.presence.note = root.note))
  t.throws(change, { code: 'SCHEMA', message: /static merge of Presence/ })
  stores.db.abort()
  t.same([stores.db.root.presence.seen, stores.db.root.presence.typed], [0, 17], 'all of theirs, and nothing of mine')
})

t.test('a commit that fails for another reason leaves the object as it was assigned', async t => {
  const stores = both(t)
  const { db, rival } = stores
  db.root.presence.seen = 5
  db.root.plain.seen = 5
  rival.root.presence.typed = 7
  rival.root.plain.typed = 7
  rival.commit()
  t.throws(() => {
    db.commit()
  }, WriteConflictError)
  t.equal(calls.length, 1)
  t.same([db.root.presence.seen, db.root.presence.typed], [5, 0])
  db.abort()
  t.same([db.root.presence.seen, db.root.presence.typed], [0, 7])
})

t.test('plain data and references of all three versions can be stored', async t => {
  const stores = both(t)
  const { db, rival } = stores
  answer = (_base, theirs, mine) => ({ ...theirs, where: mine.where, old: { was: [theirs.where, mine.note] } })
  t.notOk(
    meets(
      stores,
      root => {
        root.presence.where = { room: 'cellar', seats: [9] }
        root.presence.note = Object.assign(new Note(), { text: 'mine' })
      },
      root => {
        root.presence.note = Object.assign(new Note(), { text: 'theirs' })
      },
    ),
  )
  for (const { root, refresh } of [db, rival].map(one => ({ root: one.root, refresh: () => one.refresh() }))) {
    refresh()
    const presence = root.presence as Presence & { old: { was: [unknown, Note] } }
    t.equal(presence.note?.text, 'theirs')
    t.same(presence.where, { room: 'cellar', seats: [9] })
    t.same(presence.old.was[0], { room: 'hall', seats: [1, 2] })
    t.equal(presence.old.was[1].text, 'mine')
    t.not(oidOf(presence.old.was[1]), oidOf(presence.note as Note))
  }
  db.root.presence.where.seats.push(10)
  db.commit()
  rival.refresh()
  t.same(rival.root.presence.where.seats, [9, 10])
})

t.test('what was read is looked up in all that was read, and not gone through for each object', async t => {
  const stores = both(t)
  const { db, rival } = stores
  const COUNT = 500
  db.transact(({ all }) => {
    for (let n = 0; n < COUNT; n++) all.push(new Presence(), new Plain())
  })
  rival.refresh()
  let typed = 0
  for (const each of rival.root.all)
    if (each instanceof Presence) each.seen = 1
    else typed += each.typed
  t.equal(typed, 0)
  db.transact(({ all }) => {
    for (const each of all) if (each instanceof Presence) each.typed = 1
  })
  const arrays = Array.prototype as { includes: (this: unknown, sought: unknown) => boolean }
  const searched = t.capture(arrays, 'includes', arrays.includes)
  rival.commit()
  t.equal(calls.length, COUNT)
  t.ok(searched().length < COUNT, `${searched().length} arrays were searched`)
})

t.test('after a pack nobody knows what the object was: a conflict, and transact runs again', async t => {
  const stores = both(t)
  const { db, rival } = stores
  db.root.presence.seen = 5
  rival.transact(root => root.presence.typed++)
  await rival.pack()
  t.throws(() => {
    db.commit()
  }, WriteConflictError)
  db.abort()
  t.equal(calls.length, 0)
  db.transact(root => {
    root.presence.seen = 6
  })
  t.same([db.root.presence.seen, db.root.presence.typed], [6, 1])
})

t.test('what is assigned blindly adds up, whoever comes in between', async t => {
  const random = seeded(t)
  const stores = both(t)
  const { db, rival } = stores
  answer = (base, theirs, mine) => ({
    ...theirs,
    seen: (theirs.seen as number) + (mine.seen as number) - (base.seen as number),
  })
  let sum = 0
  for (let n = 0; n < 300; n++) {
    const [one, other] = random.int(2) === 0 ? [db, rival] : [rival, db]
    one.refresh()
    t.equal(one.root.presence.seen, sum)
    one.refresh() // What was read belongs to the transaction before.
    const [mine, theirs] = [random.int(10), random.int(10)]
    one.root.presence.seen = sum + mine
    other.transact(root => (root.presence.seen += theirs))
    one.commit()
    sum += mine + theirs
  }
  t.equal(calls.length, 300)
})

t.test('what was merged once and then followed a pack is not merged with what it is no more', async t => {
  const path = join(tempDir(t), 'merge.db')
  const options = { root: Root, classes: [Presence, Plain, Note], durability: 'os' } as const
  const acts = new Map<number, () => void>()
  let locks = NaN
  const disk = wrapDisk(Object.create(systemDisk) as typeof systemDisk, (name, _n, go) => {
    if (name === 'tryLock') acts.get(++locks)?.()
    return go()
  })
  const db = openWith(disk, path, options) as Connection<Root>
  const rival = elsewhere<Root>(path, options)
  t.teardown(() => {
    db.abort()
    db.close()
    rival.close()
  })
  calls = []
  answer = (base, theirs, mine) => ({ ...theirs, seen: sum(theirs.seen, mine.seen) - sum(base.seen, 0) })
  t.teardown(() => (answer = undefined))
  const see = (seen: number) => (): void => {
    rival.root.presence.seen = seen
    rival.commit()
  }
  acts.set(1, see(10))
  acts.set(3, () => {
    const [command, args] = plainNode(tool, 'pack', path)
    execFileSync(command, args)
  })
  acts.set(7, see(20)) // the attempt that meets the pack takes the lock of both files
  db.root.presence.seen = 1
  locks = 0
  try {
    db.commit()
  } catch (error) {
    if (!(error instanceof WriteConflictError)) throw error
    db.abort()
    db.transact(root => void (root.presence.seen += 1))
  }
  locks = NaN
  rival.refresh()
  t.equal(rival.root.presence.seen, 21)
})

const sum = (a: unknown, b: unknown): number => (a as number) + (b as number)

t.test('what it gets of this transaction are copies, dates and bytes in them too', t => {
  class Day extends Persistent {
    static type = 'Day'
    n = 0
    at = new Date(1)
    bytes = Uint8Array.of(1)
    data = { at: new Date(2), all: [new Date(3)], bytes: Uint8Array.of(2) }
    static merge(_base: Day, _theirs: Day, mine: Day): undefined {
      for (const date of [mine.at, mine.data.at, ...mine.data.all]) date.setTime(0)
      for (const bytes of [mine.bytes, mine.data.bytes]) bytes[0] = 9
    }
  }
  const path = join(tempDir(t), 'days.db')
  const [db, rival] = [open(path, { root: Day, durability: 'os' }), open(path, { root: Day, durability: 'os' })]
  db.root.at = new Date(11)
  db.root.bytes = Uint8Array.of(11)
  db.root.data = { at: new Date(12), all: [new Date(13)], bytes: Uint8Array.of(12) }
  rival.root.n = 1
  rival.commit()
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
  const { at, bytes, data } = db.root
  t.same(
    [at, bytes, plain(data)],
    [new Date(11), Uint8Array.of(11), { at: new Date(12), all: [new Date(13)], bytes: Uint8Array.of(12) }],
  )
  for (const date of [at, data.at, ...data.all]) t.throws(() => date.setTime(0), TypeError)
  db.abort()
  db.close()
  rival.close()
  t.end()
})

// ---- plain data that the program holds from before ---------------------------------------------------------------

interface Part {
  v: string
  in?: Part
  list?: Part[]
}

class Box extends Persistent {
  static type = 'Box'
  n = 0
  a: Part = { v: 'a', in: { v: 'in' }, list: [{ v: 'item' }] }
  b: Part | undefined = { v: 'b' }
  c: Part | undefined
  static merge(base: Fields, theirs: Fields, mine: Fields): object | undefined {
    return answer?.(base, theirs, mine)
  }
}

const heldOf = ({ a, b }: Box) => ({
  a,
  in: a.in as Part,
  list: a.list as Part[],
  item: a.list?.[0] as Part,
  b: b as Part,
})
type Held = ReturnType<typeof heldOf>
type Merge = NonNullable<typeof answer>

const keepsTheirs: Merge = (_base, theirs) => theirs
const keepsMine: Merge = (_base, { n }, mine) => ({ ...mine, n })

const nothing = (): void => undefined
const takesOut = (box: Box, { a }: Held): void => {
  box.a = { v: 'new', in: { v: 'new in' }, list: [{ v: 'new item' }] }
  a.v = 'taken'
}
const putsBack = (box: Box, held: Held): void => {
  takesOut(box, held)
  held.a.in = { v: 'other' }
  box.a = held.a
}
const moves = (box: Box, held: Held): void => {
  takesOut(box, held)
  box.b = held.a
}
const takesApart = (box: Box, held: Held): void => {
  takesOut(box, held)
  box.c = held.in
}

/** Where each is then: at this place, stale, or nowhere (local data). */
type Places = Record<keyof Held, 'a' | 'a.in' | 'a.list' | 'b' | 'b.in' | 'b.list' | 'c' | 'stale' | 'local'>

const inPlace: Places = { a: 'a', in: 'a.in', list: 'a.list', item: 'stale', b: 'b' }
const out: Places = { a: 'local', in: 'local', list: 'local', item: 'local', b: 'b' }
const moved: Places = { a: 'b', in: 'b.in', list: 'b.list', item: 'stale', b: 'local' }
const gone: Places = { a: 'stale', in: 'stale', list: 'stale', item: 'stale', b: 'local' }

const lasting: [what: string, act: (box: Box, held: Held) => void, merge: Merge, Places][] = [
  ['was left alone, and others have changed it', nothing, keepsTheirs, inPlace],
  ['was left alone, and is kept as it was', nothing, keepsMine, inPlace],
  [
    'was left alone, and something else is made of it',
    nothing,
    (_base, theirs) => ({ ...theirs, a: { v: 'made', list: [] } }),
    { ...inPlace, in: 'stale' },
  ],
  [
    'was left alone, and is kept in another field',
    nothing,
    (_base, { a, ...theirs }) => ({ ...theirs, c: a }),
    { a: 'stale', in: 'stale', list: 'stale', item: 'stale', b: 'b' },
  ],
  [
    'was left alone, and has become of another kind',
    nothing,
    (_base, theirs) => ({ ...theirs, a: [], b: 5 }),
    { a: 'stale', in: 'stale', list: 'stale', item: 'stale', b: 'stale' },
  ],
  ['was taken out', takesOut, keepsMine, out],
  ['was taken out, and others keep it', takesOut, keepsTheirs, out],
  ['was taken out, and stays as it was', takesOut, (base, { n }) => ({ ...base, n }), out],
  ['was put back where it stood', putsBack, keepsMine, { ...inPlace, in: 'local' }],
  ['was put back where it stood, and others have changed it', putsBack, keepsTheirs, { ...inPlace, in: 'local' }],
  ['was moved', moves, keepsMine, moved],
  ['was moved, and is a copy', moves, (_base, { n }, mine) => structuredClone({ ...mine, n }), moved],
  ['was moved, and others have something else there', moves, keepsTheirs, gone],
  ['was moved, and nothing is there', moves, (_base, { a, n }) => ({ a, n }), gone],
  [
    'was moved, and something else is made of it',
    moves,
    (_base, { n }, mine) => ({ ...mine, n, b: { ...(mine.b as Part), more: 1 } }),
    gone,
  ],
  ['was moved, and is kept in a third field', moves, (_base, theirs, mine) => ({ ...theirs, c: mine.b }), gone],
  ['was taken out of what was taken out', takesApart, keepsMine, { ...out, in: 'c' }],
  ['was taken out of what was taken out, and nothing is there', takesApart, keepsTheirs, { ...out, in: 'stale' }],
]

for (const [what, act, merge, places] of lasting) {
  t.test(`plain data that ${what}: it leads to where its data is, or nowhere`, async t => {
    const path = join(tempDir(t), 'boxes.db')
    const options = { root: Box, durability: 'os' } as const
    const [db, rival] = [open(path, options), open(path, options)]
    t.teardown(() => {
      db[Symbol.dispose]()
      rival.close()
    })
    const box = db.root
    const held = heldOf(box)
    db.refresh()
    answer = undefined
    act(box, held)
    box.n = 0
    rival.transact(root => {
      root.n = 1
      root.a.v = 'theirs'
    })
    answer = merge
    db.commit()
    const expected = plain(box) as Box
    rival.refresh()
    t.strictSame(plain(rival.root), expected, 'all see what is stored')
    const at = (root: object, place: string): unknown =>
      place.split('.').reduce<unknown>((above, name) => (above as Fields)[name], root)
    for (const [name, place] of Object.entries(places) as [keyof Held, string][]) {
      const change = (part: Held[typeof name]): unknown =>
        Array.isArray(part) ? part.push({ v: name }) : (part.v = name)
      const part = held[name]
      if (place === 'stale') {
        t.throws(() => plain(part), StaleDataError, name)
        t.throws(() => change(part), StaleDataError, name)
      } else if (place === 'local') {
        const was = db.changed
        change(part)
        t.equal(db.changed, was, name)
      } else {
        t.equal(at(box, place), part, name)
        change(part)
        change(at(expected, place) as Part)
        t.ok(db.changed, name)
      }
    }
    db.commit()
    rival.refresh()
    t.strictSame(plain(rival.root), expected, 'and what is changed then, is changed there')
  })
}

t.test('bytes are read again from an object that was merged, and can be moved on', async t => {
  class Day extends Persistent {
    static type = 'Day'
    n = 0
    at = new Date(1)
    bytes?: Uint8Array = Uint8Array.of(1)
    data: { bytes: Uint8Array } | undefined = { bytes: Uint8Array.of(2) }
    other: Uint8Array | undefined
    static merge(_base: Fields, { n }: Fields, mine: Fields): Fields {
      return { ...mine, n }
    }
  }
  const path = join(tempDir(t), 'days.db')
  const [db, rival] = [open(path, { root: Day, durability: 'os' }), open(path, { root: Day, durability: 'os' })]
  t.teardown(() => {
    db[Symbol.dispose]()
    rival.close()
  })
  const day = db.root
  const [at, bytes, data] = [day.at, day.bytes as Uint8Array, day.data as { bytes: Uint8Array }]
  const inner = data.bytes
  db.refresh()
  delete day.bytes
  day.other = bytes
  day.at = at
  rival.transact(root => (root.n = 1))
  db.commit()
  t.strictSame(plain(day), { n: 1, at: new Date(1), data: { bytes: Uint8Array.of(2) }, other: Uint8Array.of(1) })
  t.equal(day.data, data)
  t.not(day.other, bytes)
  t.not(data.bytes, inner)
  data.bytes[0] = 7
  day.other[0] = 8
  touch(day)
  day.bytes = bytes
  db.commit()
  rival.refresh()
  t.strictSame(plain(rival.root), {
    n: 1,
    at: new Date(1),
    data: { bytes: Uint8Array.of(7) },
    other: Uint8Array.of(8),
    bytes: Uint8Array.of(1),
  })
})

t.test('what it makes has no tie to the data of other objects, which it may not touch', async t => {
  const stores = both(t)
  const { db } = stores
  const { where } = db.root.presence
  answer = (_base, theirs) => ({ ...theirs, where })
  t.throws(
    () =>
      meets(
        stores,
        root => (root.presence.seen = 5),
        root => root.presence.typed++,
      ),
    { code: 'SCHEMA', message: /static merge of Presence/ },
  )
})

t.test('what another program has stored is given as it would be loaded', t => {
  class Theirs extends Persistent {
    static type = 'Shared'
    n = 0
    draft = 'stored'
    shown: number | undefined
  }
  class Mine extends Persistent {
    static type = 'Shared'
    static transient = ['draft']
    n = 0
    static merge(base: Fields, theirs: Fields, mine: Fields): object {
      calls.push([base, theirs, mine])
      return { ...theirs, n: mine.n }
    }
    shown(): number {
      return 1
    }
  }
  const path = join(tempDir(t), 'shared.db')
  const root: { of: Persistent | null } = { of: null }
  const rival = elsewhere<{ of: Theirs }>(path, { root, classes: [Theirs] })
  const of = new Theirs()
  Reflect.deleteProperty(of, 'shown')
  rival.root.of = of
  rival.commit()
  const db = open(path, { root, classes: [Mine], durability: 'os' })
  calls = []
  ;(db.root.of as Mine).n = 1
  rival.root.of.draft = 'other'
  rival.commit()
  db.commit()
  t.same(calls, [[{ n: 0 }, { n: 0 }, { n: 1 }]], 'without transient fields')
  ;(db.root.of as Mine).n = 2
  rival.root.of.shown = 5
  rival.commit()
  const hidden = { code: 'SCHEMA', message: /stored field "shown"/ }
  t.throws(() => db.commit(), hidden)
  db.abort()
  t.throws(() => (db.root.of as Mine).n, hidden)
  db.close()
  rival.close()
  t.end()
})
