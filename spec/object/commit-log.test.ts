import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { open, Persistent, PersistentMap, type Commit, type Connection, type LogOptions } from '../../lib/index.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { openWith } from '../../lib/object/open.js'
import { craft } from '../damage/crafted-file.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { damage } from '../tools/cli-tool.js'

class Account extends Persistent {
  static type = 'Account'
  balance = 0
}

interface Root {
  n: number
  text: string
  accounts: PersistentMap<string, Account>
}
type Db = Connection<Persistent & Root>

function openBank(path: string): Db {
  const root: Root = { n: 0, text: '', accounts: new PersistentMap<string, Account>() }
  return open(path, { root, classes: [Account], durability: 'os' })
}

/** Of as many commits as told; the first one makes the store. */
function bank(t: Test, commits: number): Db {
  const db = openBank(join(tempDir(t), 'bank.db'))
  t.teardown(() => db[Symbol.dispose]())
  for (let n = 2; n <= commits; n++) db.transact(root => (root.n = n), { note: `number ${n}` })
  return db
}

function tids(commits: Iterable<Commit>): number[] {
  return Array.from(commits, ({ tid }) => tid)
}

t.test('a commit tells its number, time, place, objects and classes, note and meta', async t => {
  const db = bank(t, 1)
  const before = Date.now()
  db.transact(
    root => {
      for (const name of ['ada', 'bob']) root.accounts.set(name, new Account())
    },
    { note: 'open accounts', meta: { by: ['me'] } },
  )
  const [first, second, ...more] = [...db.log()]
  t.same(more, [])
  t.match(first, { tid: 1, offset: 4096, note: undefined, meta: undefined, count: 1 })
  t.match(second, {
    tid: 2,
    objects: 3,
    types: { Account: 2, PersistentMap: 1 },
    note: 'open accounts',
    meta: { by: ['me'] },
    count: 1,
  })
  t.ok(second!.time >= before && second!.time <= Date.now())
  t.equal(second!.offset, first!.offset + first!.bytes)
  t.equal(second!.offset + second!.bytes, statSync(db.path).size)
  await Promise.all([1, 2, 3].map(n => db.transactAsync(root => (root.n = n))))
  t.match([...db.log({ after: 2 })], [{ tid: 3, count: 3 }])
})

t.test('its number opens the past', async t => {
  const db = bank(t, 5)
  const { tid } = [...db.log()].find(({ note }) => note === 'number 3')!
  const past = open(db.path, { classes: [Account], readonly: true, until: tid })
  t.equal(past.root.n, 3)
  t.same(tids(past.log()), [1, 2, 3], 'which has no later commits')
  past.close()
})

t.test('after, until, reverse and limit say which, in any combination', async t => {
  const db = bank(t, 5)
  await db.pack()
  db.transact(root => (root.n = 6))
  db.transact(root => (root.n = 7))
  db.transact(root => (root.n = 8))
  const numbers = [undefined, 0, 4, 5, 6, 7, 8, 9]
  for (const after of numbers)
    for (const until of numbers)
      for (const limit of [undefined, 0, 1, 2, 3, 4, Infinity])
        for (const reverse of [false, true]) {
          const all = reverse ? [8, 7, 6] : [6, 7, 8]
          const expected = all.filter(tid => tid > (after ?? 0) && tid <= (until ?? 8)).slice(0, limit)
          const options: LogOptions = { after, until, limit, reverse }
          t.same(tids(db.log(options)), expected, JSON.stringify(options))
        }
})

t.test('both directions give the same', async t => {
  const db = bank(t, 40)
  t.same([...db.log({ reverse: true })].reverse(), [...db.log()])
})

t.test('no more is read than is asked for', async t => {
  let bytes = 0
  const disk = wrapDisk(systemDisk, (name, _n, go) => {
    const result = go()
    if (name === 'read') bytes += result as number
    return result
  })
  const db = openWith(disk, join(tempDir(t), 'large.db'), { durability: 'os' }) as Connection<Record<string, string>>
  t.teardown(() => db.close())
  for (let n = 0; n < 20; n++) db.transact(root => (root.text = `${n}`.repeat(1 << 20)))
  const read = (options: LogOptions): number => {
    bytes = 0
    const [commit] = db.log(options)
    return bytes - (commit?.bytes ?? 0)
  }
  t.ok(read({ reverse: true }) < 10_000, 'the last one')
  t.ok(read({ reverse: true, until: 7 }) < 3 << 20, 'one before: it and its neighbours')
  t.ok(read({ after: 7, limit: 1 }) < 3 << 20)
})

t.test('it shows what the connection sees, and pending changes are none', async t => {
  const db = bank(t, 2)
  const other = openBank(db.path)
  t.teardown(() => other[Symbol.dispose]())
  const own = db.connect()
  t.equal(own.root.n, 2)
  other.transact(root => (root.n = 3))
  t.same(tids(own.log()), [1, 2], 'a transaction that has begun goes on')
  own.root.n = 4
  t.same(tids(own.log()), [1, 2])
  own.abort()
  t.same(tids(own.log()), [1, 2, 3], 'and otherwise one begins')
  own.close()
  const pause = db.pause()
  other.transact(root => (root.n = 5))
  t.same(tids(db.log()), [1, 2, 3])
  pause.continue()
  t.same(
    db.transact(() => tids(db.log())),
    [1, 2, 3, 4],
  )
})

t.test('commits that are made while it is gone through are not met', async t => {
  const db = bank(t, 3)
  const met: number[] = []
  for (const { tid } of db.log()) {
    met.push(tid)
    db.transact(root => root.n++)
  }
  t.same(met, [1, 2, 3])
})

t.test('what a pack has put together meanwhile is not there any more', async t => {
  for (const reverse of [false, true]) {
    const db = bank(t, 4)
    const log = db.log({ reverse })
    t.equal(log.next().value?.tid, reverse ? 4 : 1)
    db.transact(root => root.n++)
    await db.pack()
    db.transact(root => root.n++)
    t.same(tids(log as Iterable<Commit>), [])
    t.same(tids(db.log()), [6])
  }
  const db = bank(t, 4)
  await db.pack()
  for (let n = 0; n < 4; n++) db.transact(root => root.n++)
  const log = db.log({ limit: 3 })
  t.equal(log.next().value?.tid, 5)
  const path = `${db.path}`
  const other = openBank(path)
  other.transact(root => root.n++)
  other.close()
  t.same(tids(log as Iterable<Commit>), [6, 7], 'the limit holds over transactions')
})

t.test('a closed connection has none, and a mistake in its options is refused at once', async t => {
  const db = bank(t, 3)
  for (const options of [{ after: -1 }, { until: 1.5 }, { limit: -1 }, { after: 'x' as never }])
    t.throws(() => db.log(options), RangeError)
  t.throws(() => db.log({ last: 3 } as object), { name: 'TypeError', message: /log: there is no option last/ })
  t.throws(() => db.log(3 as never), TypeError)
  t.throws(() => db.log({ reverse: 'no' as never }), {
    name: 'TypeError',
    message: "reverse must be true or false, not 'no'",
  })
  const log = db.log()
  t.equal(log.next().value?.tid, 1)
  db.close()
  t.throws(() => log.next(), { code: 'CLOSED' })
  t.throws(() => db.log(), { code: 'CLOSED' })
})

t.test('its options count as they were when it was called', async t => {
  const db = bank(t, 4)
  const options = { after: 1, until: 3, reverse: true, limit: 2 }
  const log = db.log(options)
  Object.assign(options, { after: 'x', until: 'x', reverse: 'x', limit: 'x' })
  t.same(tids(log as Iterable<Commit>), [3, 2])
})

t.test('no commit can be asked for inside static upgrade, of whatever store', async t => {
  const path = join(tempDir(t), 'old.db')
  class Old extends Persistent {
    static type = 'Item'
  }
  const old = open(path, { root: { item: new Old() }, classes: [Old], durability: 'os' })
  old.close()
  const db = bank(t, 3)
  let log = db.log()
  class Item extends Persistent {
    static type = 'Item'
    static version = 2
    n = 0
    static upgrade(): void {
      log.next()
    }
  }
  const upgraded = open(path, { classes: [Item], readonly: true }) as unknown as Connection<{ item: Item }>
  t.teardown(() => upgraded.close())
  for (const begun of [0, 1]) {
    log = db.log()
    for (let n = 0; n < begun; n++) log.next()
    t.throws(() => upgraded.root.item.n, {
      code: 'SCHEMA',
      cause: { code: 'STATE', message: /^next\(\) of a log cannot be called inside static upgrade of Item \d+,/ },
    })
  }
})

t.test('what is sound before damage is given, from either end', async t => {
  const frame = (db: Db, tid: number): Commit => [...db.log()].find(each => each.tid === tid)!
  const places: ((commit: Commit) => number)[] = [
    ({ offset }) => offset + 20,
    ({ offset }) => offset + 80,
    ({ offset, bytes }) => offset + bytes - 2,
    ({ offset, bytes }) => offset + bytes - 6,
  ]
  for (const place of places) {
    const db = bank(t, 6)
    damage(db.path, place(frame(db, 3)))
    const met: number[] = []
    const goThrough = (reverse: boolean): void => {
      for (const { tid } of db.log({ reverse })) met.push(tid)
    }
    t.throws(() => goThrough(false), { code: 'CORRUPT_LOG', lastGoodTid: 2 })
    t.same(met.splice(0), [1, 2])
    t.throws(() => goThrough(true), { code: 'CORRUPT_LOG' })
    t.same(met, [6, 5, 4])
  }
})

t.test('a commit whose note and meta cannot be read is in the way of no other', t => {
  const path = join(tempDir(t), 'app.db')
  const deep = Buffer.concat([Buffer.from('\x81\xa4meta', 'latin1'), Buffer.alloc(1000, 0x91), Buffer.of(1)])
  const forms = [deep, Buffer.of(0xc1), Buffer.of(0x91, 0x01), Buffer.from('\x81\xa4note\x05', 'latin1')]
  const note = Buffer.from('\x81\xa4note\xa2ok', 'latin1')
  const state = Buffer.from('\x91\xa1x', 'latin1')
  writeFileSync(
    path,
    craft(
      [{ oid: 1, state }],
      [...forms, note].map(annotation => ({ annotation })),
    ),
  )
  const db = open(path, { readonly: true })
  t.teardown(() => db.close())
  const commits = [...db.log({ after: 1 })]
  t.same(tids(commits), [2, 3, 4, 5, 6])
  for (const commit of commits.slice(0, 4))
    t.match(commit, { note: undefined, meta: undefined, count: 1, unreadable: true })
  t.match(commits[4], { note: 'ok' })
  t.notOk('unreadable' in commits[4]!)
  t.same(tids(db.log({ reverse: true })), [6, 5, 4, 3, 2, 1])
  t.end()
})
