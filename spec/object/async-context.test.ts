// Whose AsyncLocalStorage a function of the program sees: that of who has given it, whoever makes it run.
import { AsyncLocalStorage } from 'node:async_hooks'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { open, type Connection } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

const request = new AsyncLocalStorage<string>()

interface Root {
  n: number
}

function opened(t: Test): { db: Connection<Root>; other: Connection<Root> } {
  const path = join(tempDir(t), 'app.db')
  const options = { root: { n: 0 }, durability: 'os' } as const
  const db = open(path, options)
  const other = elsewhere<Root>(path, options)
  t.teardown(() => {
    db.close()
    other.close()
  })
  return { db, other }
}

const USERS = ['ada', 'bob', 'eve']

t.test('each transaction of a group runs in the context of its own call, and what awaits it goes on there', async t => {
  const { db } = opened(t)
  const seen: unknown[] = []
  const ask = (user: string): Promise<void> =>
    request.run(user, async () => {
      await db.transactAsync(root => {
        root.n++
        seen.push([user, request.getStore()])
      })
      seen.push([user, request.getStore()])
    })
  await Promise.all(USERS.map(ask))
  t.same(
    seen,
    [...USERS, ...USERS].map(user => [user, user]),
  )
  t.equal(request.getStore(), undefined)
})

t.test('so it does where somebody else makes it run, by using the connection', async t => {
  const { db } = opened(t)
  const seen: unknown[] = []
  const asked = request.run('ada', () => db.transactAsync(() => seen.push(request.getStore())))
  request.run('bob', () => {
    db.transact(() => seen.push(request.getStore()))
    seen.push(request.getStore())
  })
  await asked
  t.same(seen, ['ada', 'bob', 'bob'])
})

t.test('so it does each time that it runs again', async t => {
  const { db, other } = opened(t)
  const seen: [user: string, store: string | undefined][] = []
  let others = 3
  const asked = USERS.map(user =>
    request.run(user, () =>
      db.transactAsync(root => {
        seen.push([user, request.getStore()])
        if (user === 'ada' && others-- > 0) other.transact(theirs => theirs.n++)
        if (user === 'bob') throw new Error('not this one')
        return ++root.n
      }),
    ),
  )
  const outcomes = await Promise.allSettled(asked)
  t.match(outcomes, [{ status: 'fulfilled' }, { reason: { message: 'not this one' } }, { status: 'fulfilled' }])
  t.ok(seen.length > USERS.length, `${seen.length} runs`)
  t.same(
    seen.filter(([user, store]) => user !== store),
    [],
  )
})

t.test('a function is still the note of its commit by its name', async t => {
  const { db } = opened(t)
  await db.transactAsync(function countUp(root) {
    root.n++
  })
  t.match([...db.log({ reverse: true, limit: 1 })], [{ note: 'countUp' }])
})

t.test('a pack tells how far it is in the context of who has asked for it', async t => {
  const { db } = opened(t)
  const seen = new Set<unknown>()
  const packed = request.run('ada', () => db.pack({ onProgress: () => void seen.add(request.getStore()) }))
  request.run('bob', () => db.root.n)
  await packed
  t.same([...seen], ['ada'])
})
