// `static merge`: what others changed meanwhile is no conflict where the class can merge it.
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { join } from 'node:path'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open, oidOf, Persistent, plain, WriteConflictError, type Connection } from '../../lib/index.js'
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
  for (const wrong of [null, 5, [1]]) {
    answer = () => wrong as never
    t.throws(change, { code: 'VALUE', message: /static merge/ })
    stores.db.abort()
  }
  answer = () => ({ where: { room: () => 1 } })
  t.throws(change, { code: 'VALUE', path: 'Presence.where.room' })
  stores.db.abort()
  answer = () => ({ see: 5 })
  t.throws(change, { code: 'VALUE', path: 'Presence.see', message: /static merge gives/ })
  stores.db.abort()
  answer = () => JSON.parse('{ "__proto__": { "a": 1 } }') as Fields
  t.throws(change, { code: 'VALUE', path: 'Presence.__proto__', message: /static merge gives/ })
  stores.db.abort()
  answer = () => {
    new Note()
    return undefined
  }
  t.throws(change, { code: 'SCHEMA', message: /static merge of Presence/ })
  stores.db.abort()
  answer = (_base, { note }) => ({ text: (note as Note).text })
  stores.db.transact(root => (root.presence.note = root.note))
  t.throws(change, { code: 'SCHEMA', message: /static merge of Presence/ })
  stores.db.abort()
  t.same([stores.db.root.presence.seen, stores.db.root.presence.typed], [0, 9], 'all of theirs, and nothing of mine')
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
