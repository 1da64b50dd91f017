// What it takes to ask: for a key that is a date, a byte array or a tuple, nothing of what only a key that is handed out or kept needs;
// for a position of a list, nothing of what keys in an order need.
import { types } from 'node:util'
import t from 'tap'
import type { StoredKey } from '../../lib/collection/key.js'
import { KeyNotes } from '../../lib/collection/key-notes.js'
import { KeyTable } from '../../lib/collection/key-table.js'
import type { Key } from '../../lib/index.js'
import { meet } from './meet.js'
import { shelf } from './store.js'

const MANY = 500
const keys: Readonly<Record<string, (n: number) => Key>> = {
  dates: n => new Date(n),
  'byte arrays': n => Uint8Array.of(0, 0, n >> 8, n, 5, 6, 7, 8),
  tuples: n => [new Date(n >> 3), n, Uint8Array.of(n)],
}

type Method = (this: unknown, ...given: never[]) => unknown

/** How often `act` calls these. */
function callsOf(methods: readonly (readonly [object, string])[], act: () => void): number {
  let calls = 0
  const originals = methods.map(([object, name]) => {
    const original = (object as Record<string, Method>)[name]!
    ;(object as Record<string, Method>)[name] = function (...given) {
      calls++
      return original.apply(this, given)
    }
    return () => ((object as Record<string, Method>)[name] = original)
  })
  try {
    act()
  } finally {
    for (const restore of originals) restore()
  }
  return calls
}

for (const [name, keyOf] of Object.entries(keys))
  t.test(
    `${name} that are asked for are neither sealed nor put in order, nor compared by a call of the system`,
    async t => {
      const { db, other } = shelf(t)
      db.transact(({ map }) => {
        for (let n = 0; n < MANY; n++) map.set(keyOf(n), n)
      })
      const { map } = other.root
      const costly = [
        [Object, 'defineProperty'],
        [Buffer, 'compare'],
        [KeyTable.prototype, 'put'],
      ] as const
      let wrong = 0
      const calls = callsOf(costly, () => {
        for (let n = 0; n < MANY; n++) wrong += Number(map.get(keyOf(n)) !== n) + Number(!map.has(keyOf(n)))
      })
      t.equal(wrong, 0)
      t.equal(calls, 0)
    },
  )

for (const [name, keyOf] of Object.entries(keys))
  t.test(`${name} that were asked for, once or often, are in the way of who changes them, and no others`, async t => {
    const three = shelf(t)
    const set = (n: number) => (root: typeof three.db.root) => void root.map.set(keyOf(n), `theirs ${n}`)
    three.db.transact(root => {
      for (let n = 0; n < MANY; n += 2) set(n)(root)
    })
    const ask = (ask: 'get' | 'has', many: number) => (root: typeof three.db.root) => {
      for (let n = 0; n < many; n++) root.map[ask](keyOf(200 - (n % 101)))
    }
    let serial = MANY
    const change = (n: number) => (root: typeof three.db.root) => void root.map.set(keyOf(n), serial++)
    for (const many of [101, 25_000]) {
      t.equal(meet(three, ask('get', many), change(150))?.length, 1, 'a value that was got')
      t.equal(meet(three, ask('has', many), change(150)), undefined, 'a value of a key that was only looked for')
      t.equal(meet(three, ask('get', many), change(98)), undefined, 'another one')
      const absent = many === 101 ? 101 : 103
      t.equal(meet(three, ask('has', many), change(absent))?.length, 1, 'a key that was looked for')
      t.equal(meet(three, ask('has', many), change(absent)), undefined, 'that is there by now')
    }
  })

t.test('a date that was handed out is handed out again without a call to see that it refuses to change', async t => {
  const { db } = shelf(t)
  const { map } = db.root
  for (let n = 0; n < MANY; n++) map.set(new Date(n), n)
  db.commit()
  t.throws(() => [...map.keys()].map(key => (key as Date).setTime(0)), { name: 'TypeError' })
  const looks = [
    [Object, 'hasOwn'],
    [types, 'isDate'],
  ] as const
  let sum = 0
  const calls = callsOf(looks, () => {
    for (const key of map.keys()) sum += (key as Date).getTime()
  })
  t.equal(sum, (MANY * (MANY - 1)) / 2)
  t.equal(calls, 0)
})

t.test('positions of a list that are asked for are noted as numbers', async t => {
  const { db, other } = shelf(t)
  for (let n = 0; n < MANY; n++) db.root.list.push(n)
  db.commit()
  const { list } = other.root
  let wrong = 0
  const calls = callsOf(
    [...(['put', 'from', 'upTo'] as const)].map(name => [KeyTable.prototype, name] as const),
    () => {
      for (let n = 0; n < MANY; n++) wrong += Number(list.at((n * 7) % MANY) !== (n * 7) % MANY)
    },
  )
  t.equal(wrong, 0)
  t.equal(calls, 0)
})

t.test('of a key that is asked for again and again, few notes are kept', async t => {
  const notes = new KeyNotes()
  let most = 0
  for (let n = 0; n < 100_000; n++) {
    notes.add([n % 3])
    most = Math.max(most, notes.size)
  }
  t.ok(most <= 10_000, `${most} notes`)
  t.same(notes.inOrder(), [[0], [1], [2]])
})

t.test('so it is of long ones, by their length', async t => {
  const long = 'x'.repeat(20_000)
  const kinds: ((n: number) => StoredKey)[] = [n => long + n, n => [n, [long]], n => new Uint8Array(20_000).fill(n)]
  for (const make of kinds) {
    const notes = new KeyNotes()
    let most = 0
    for (let n = 0; n < 1000; n++) {
      notes.add(make(n % 3))
      most = Math.max(most, notes.size)
    }
    t.ok(most <= 60, `${most} notes`)
    t.same(notes.inOrder(), [make(0), make(1), make(2)])
  }
  const different = new KeyNotes()
  for (let n = 0; n < 200; n++) different.add(long + String(n).padStart(3, '0'))
  t.equal(different.inOrder().length, 200)
})
