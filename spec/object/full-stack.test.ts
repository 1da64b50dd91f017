// Where the stack is full any call may fail, and first of all that of a function that was never called before, which has to be compiled. So
// this file has one test of transact, and nothing before it may have failed.
import t from 'tap'
import { join } from 'node:path'
import { open } from '../../lib/index.js'
import { KeyTable } from '../../lib/collection/key-table.js'
import { Pieces, Stretch } from '../../lib/collection/pieces.js'
import { tempDir } from '../helpers/temp-dir.js'

t.test('a transact that failed because the stack was full has changed nothing, for good', t => {
  const path = join(tempDir(t), 'deep.db')
  const db = open(path, { root: { n: 0 }, durability: 'os' })
  let made = 0
  const walk = (): void => {
    db.transact(root => root.n++)
    made++
    walk()
  }
  t.throws(walk, RangeError)
  t.equal(db.changed, false)
  t.equal(db.root.n, made)
  t.equal(
    db.transact(root => root.n),
    made,
  )
  t.equal(db.commit(), db.tid)
  const other = open(path, { root: { n: 0 }, readonly: true })
  t.equal(other.root.n, made)
  other.close()
  db.close()
  t.end()
})

/** Gives what `value` gives, but fails when it is told to. */
function failing<T extends object>(object: T, name: keyof T, value: unknown): { fail: boolean } {
  const state = { fail: false }
  Object.defineProperty(object, name, {
    get: () => {
      if (state.fail) throw new RangeError('as where the stack is full')
      return value
    },
  })
  return state
}

t.test('entries that could not be sorted are there still', t => {
  const table = new KeyTable<{ readonly key: number | string }>()
  const entries = [3, 1, 2].map(key => ({ key }))
  for (const entry of entries) table.put(entry)
  const state = failing(entries[1] as { key: number }, 'key', 1)
  for (const ask of [() => table.from(undefined, false), () => table.inOrder(), () => table.sort()]) {
    state.fail = true
    t.throws(ask, RangeError)
    state.fail = false
    t.same([table.size, table.get(1), table.get(3)], [3, entries[1], entries[0]])
  }
  t.same(
    table.inOrder().map(({ key }) => key),
    [1, 2, 3],
  )
  state.fail = true
  t.throws(() => table.sort(), RangeError)
  state.fail = false
  t.equal(table.inOrder().length, 3)
  t.end()
})

t.test('a position that could not be looked for leads nowhere else the next time', t => {
  const pieces = new Pieces()
  const stretches = Array.from({ length: 20 }, (_, n) => new Stretch(100 * n, 100 * n + 3))
  pieces.splice(0, 0, stretches)
  const state = failing(stretches[7] as { to: number }, 'to', 703)
  for (const [from, to] of [
    [59, 0],
    [59, 22],
    [35, 10],
    [1, 59],
  ] as const) {
    pieces.at(from)
    state.fail = true
    try {
      pieces.at(to)
    } catch {
      // it may not have come past that one
    }
    state.fail = false
    for (let at = 0; at < 60; at++)
      t.equal(pieces.at((at * 7) % 60), 100 * Math.floor(((at * 7) % 60) / 3) + (((at * 7) % 60) % 3))
  }
  t.end()
})

/** `act` while the next call of this method fails as where the stack is full. */
function whileFailing<T extends object>(object: T, name: keyof T, act: () => void): void {
  const before = object[name]
  let left = 1
  const failing = function (this: unknown, ...rest: readonly unknown[]): unknown {
    if (left-- > 0) throw new RangeError('as where the stack is full')
    return Reflect.apply(before as (...rest: readonly unknown[]) => unknown, this, rest)
  }
  object[name] = failing as T[keyof T]
  try {
    act()
  } finally {
    object[name] = before
  }
}

t.test(
  'what was asked for asynchronously runs, and later ones do, though it could not begin when the connection was used',
  async t => {
    const db = open(join(tempDir(t), 'deep.db'), { root: { n: 0 }, durability: 'os' })
    const first = db.transactAsync(root => ++root.n)
    whileFailing(Promise.prototype, 'catch', () => t.throws(() => db.root.n, RangeError))
    const second = db.transactAsync(root => ++root.n)
    t.same(await Promise.all([first, second]), [1, 2])
    db.close()
  },
)

t.test('what could not be asked for asynchronously never runs, and later ones do', async t => {
  const db = open(join(tempDir(t), 'deep.db'), { root: { n: 0 }, durability: 'os' })
  let refused: Promise<void> | undefined
  whileFailing(Array.prototype, 'push', () => {
    refused = db.transactAsync(root => void root.n++)
  })
  await t.rejects(refused ?? Promise.resolve(), RangeError)
  t.equal(await db.transactAsync(root => ++root.n), 1)
  t.equal(db.root.n, 1)
  db.close()
})
