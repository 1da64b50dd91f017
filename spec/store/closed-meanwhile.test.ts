// A store or connection is closed while work that was begun with it goes on: that is given up, soon, and nothing of it is left.
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import type { Connection } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { openStore, stranger } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

const OPENING: ReadonlySet<string> = new Set(['open', 'openLock', 'create'])
/** More than any of these tests takes. */
const MOST_LOCKS = 1000

/**
 * Knows which files are open. Its clock makes slices as short as can be; `turn` is called at each turn of the event loop that work
 * gives up, with its number.
 */
function watchedDisk(turn: (n: number) => void = () => undefined): { disk: Disk; open: () => string[] } {
  const open = new Map<unknown, string>()
  let now = 0
  let turns = 0
  let locks = 0
  const disk: Disk = {
    ...systemDisk,
    ticks: () => (now += 20),
    wait: ms => {
      turn(++turns)
      return systemDisk.wait(ms)
    },
    syncAsync: fd => {
      turn(++turns)
      return systemDisk.syncAsync(fd)
    },
  }
  const watched = wrapDisk(disk, (name, _n, go, [one]) => {
    if (name === 'tryLock' && ++locks > MOST_LOCKS) throw new Error('the lock is taken again and again')
    const result = go()
    if (OPENING.has(name)) open.set(result, String(one))
    if (name === 'close') open.delete(one)
    return result
  })
  return { disk: watched, open: () => [...open.values()] }
}

function namesBeside(path: string): string[] {
  return readdirSync(dirname(path)).filter(name => /\.(pack|new|cache)$/.test(name))
}

function newPath(t: Test): string {
  const path = join(tempDir(t), 'app.db')
  const store = Store.open(systemDisk, path, {}, initialDraft)
  const first = put(store, ...Array.from({ length: 3000 }, (_, n) => record(-1 - n, `${n}`)))
  const refs = Array.from({ length: 3000 }, (_, n) => first + n)
  put(store, record(1, 'root', refs))
  store.close()
  return path
}

/** What others do once the store is closed. */
const OTHERS: Readonly<Record<string, (other: Store) => Promise<void>>> = {
  'and nobody does anything': () => Promise.resolve(),
  'and another process packs': async other => void (await pack(other)),
  'and another process commits more than is read under the lock': other =>
    Promise.resolve(void put(other, record(-1, 'x'.repeat(2 << 20)))),
}

for (const [what, act] of Object.entries(OTHERS)) {
  t.test(`a store is closed while it is packed, ${what}`, async t => {
    const path = newPath(t)
    const other = openStore(t, path)
    for (let k = 1, given = 0; ; k++) {
      let closedAt = 0
      let acted: Promise<void> | undefined
      const { disk, open } = watchedDisk(n => {
        if (n !== k) return
        closedAt = n
        store.close()
        acted = act(other)
      })
      const store = Store.open(disk, path)
      const outcome = await pack(store).then(
        () => 'packed',
        (error: unknown) => (error as { code: string }).code,
      )
      await acted
      if (closedAt === 0) {
        t.equal(outcome, 'packed', 'when it is left alone')
        store.close()
        t.ok(given > 5, `${given} turns at which it was closed`)
        break
      }
      given++
      if (outcome !== 'CLOSED') t.fail(`closed at turn ${k}: ${outcome}`)
      t.strictSame([open(), namesBeside(path)], [[], []], `turn ${k}`)
    }
    t.equal(textOf(other, 1), 'root')
  })
}

t.test('a connection is closed while it packs, and another one to the same store is not', async t => {
  const path = join(tempDir(t), 'app.db')
  let closes = (): void => undefined
  const { disk, open } = watchedDisk(n => n === 2 && closes())
  const db = openWith(disk, path, { root: { n: 0 }, durability: 'os' }) as Connection<{ n: number }>
  const other = db.connect()
  other.root.n = 1
  other.commit()
  closes = () => void db.close()
  await t.rejects(db.pack(), {
    code: 'CLOSED',
    message: /the connection to .* was closed before pack\(\) .* await pack\(\) before close\(\)/,
  })
  t.strictSame(namesBeside(path), [])
  t.equal(other.root.n, 1)
  t.match(await other.pack(), { objects: 1 })
  other.close()
  t.strictSame(open(), [])
})

t.test('a store is closed while somebody waits for its lock', async t => {
  const { disk, open } = watchedDisk()
  const store = Store.open(disk, newPath(t))
  const other = stranger(t, store)
  const waiting = other.underLock(() => [store.underLockAsync(() => void t.fail()), store.untilFree()])
  store.close()
  for (const each of waiting) await t.rejects(each, { code: 'CLOSED' })
  await t.rejects(store.catchUpAsync(), { code: 'CLOSED' })
  t.strictSame(open(), [])
})

t.test('a connection is closed while a transaction of it waits: for the lock, or only for the disk', async t => {
  const { disk, open } = watchedDisk()
  const path = join(tempDir(t), 'app.db')
  const db = openWith(disk, path, { root: { n: 0 } }) as Connection<{ n: number }>
  const add = (root: { n: number }): void => void root.n++
  const other = openStore(t, path)
  const waiting = other.underLock(() => {
    const connection = db.connect()
    const promise = connection.transactAsync(add)
    connection.close()
    return promise
  })
  await t.rejects(waiting, { code: 'CLOSED' })
  t.equal(other.latest().tid, 1)
  const committed = db.transactAsync(add)
  db.close()
  await t.resolves(committed)
  t.equal(other.latest().tid, 2)
  t.strictSame(open(), [])
})

t.test('a connection is closed while it waits for a lock that nobody gives up; others to the store go on', async t => {
  let waits = (): void => undefined
  const disk: Disk = {
    ...systemDisk,
    wait: ms => {
      if (ms > 0) waits()
      return systemDisk.wait(ms)
    },
  }
  const path = join(tempDir(t), 'app.db')
  const db = openWith(disk, path, { root: { n: 0 }, lockTimeout: 2000 }) as Connection<{ n: number }>
  const holder = openStore(t, path)
  const add = (root: { n: number }): void => void root.n++
  const [transactAsync, pack] = ['transactAsync\\(\\)', 'pack\\(\\)']
  const asked: Record<string, readonly [call: string, ask: (db: Connection<{ n: number }>) => Promise<unknown>]> = {
    'a transaction': [transactAsync, db => db.transactAsync(add)],
    'a transaction that is to hold the lock': [transactAsync, db => db.transactAsync(add, { attempts: 1 })],
    'a pack': [pack, db => db.pack()],
  }
  for (const [what, [call, ask]] of Object.entries(asked)) {
    const connection = db.connect()
    holder.lock.take(holder.current.file.fd, 1000)
    waits = () => void connection.close()
    const message = new RegExp(`the connection to .* was closed before ${call} .* await ${call} before close\\(\\)`)
    await t.rejects(ask(connection), { code: 'CLOSED', message }, what)
    waits = () => undefined
    const others = db.transactAsync(add)
    await systemDisk.wait(1)
    holder.lock.release()
    await others
  }
  t.equal(db.root.n, 3)
  t.strictSame(namesBeside(path), [])
  db.close()
})

t.test('a store is closed before an fsync of it fails: the file says so all the same', async t => {
  const { disk, open } = watchedDisk()
  const syncAsync = () => {
    store.close()
    return Promise.reject(Object.assign(new Error('EIO: the disk is broken'), { code: 'EIO' }))
  }
  const store = Store.open({ ...disk, syncAsync }, newPath(t))
  const unknown = { code: 'DURABILITY_UNKNOWN' }
  put(store, record(1, 'x'))
  await t.rejects(store.makeDurableAsync(store.latest()), unknown)
  t.strictSame(open(), [])
  const other = openStore(t, store.path)
  t.throws(() => put(other, record(1, 'y')), { code: 'COMMIT_FAILED', cause: unknown })
})
