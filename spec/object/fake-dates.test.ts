// Tests put a class of their own in the place of Date, as fake timers do, with a clock that stands still.
import { deepStrictEqual } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { open, PersistentMap, PersistentList, plain, type Connection, type Key } from '../../lib/index.js'
import { plainNode } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'

const BuiltIn = Date
const NOW = Date.UTC(2026, 1, 3)

/** As `@sinonjs/fake-timers` has it from version 13 on. */
class ClockDate extends BuiltIn {
  constructor(...args: [number?]) {
    if (args[0] === undefined) super(NOW)
    else super(args[0])
    Object.defineProperty(this, 'constructor', { value: BuiltIn, enumerable: false })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof BuiltIn
  }
}

/** Until the test ends, at the latest. */
function fakeDates(t: Test): () => void {
  const restore = (): void => void (globalThis.Date = BuiltIn)
  t.teardown(restore)
  globalThis.Date = ClockDate as DateConstructor
  return restore
}

interface Root {
  at: unknown
  data: unknown
  map: PersistentMap<string, unknown>
  list: PersistentList<unknown>
  byDate: PersistentMap<Key, string>
}

function opened(t: Test): { db: Connection<Root>; again: () => Connection<Root> } {
  const path = join(tempDir(t), 'app.db')
  const make = (): Root => ({
    ...{ at: undefined, data: undefined, map: new PersistentMap(), list: new PersistentList() },
    byDate: new PersistentMap(),
  })
  let db = open(path, { root: make() })
  t.teardown(() => db[Symbol.dispose]())
  return {
    db,
    again() {
      db.close()
      return (db = open(path, { root: make() }))
    },
  }
}

function put(root: Root, date: unknown): void {
  root.at = date
  root.data = { deep: [date] }
  root.map.set('one', date)
  root.map.set('deep', { at: date })
  root.list.push(date, [date])
  root.byDate.set(date as Key, 'alone')
  root.byDate.set([date as Key, 1], 'first')
}

/** That they are dates like any other, wherever they stand. */
function check({ at, data, map, list, byDate }: Root, time: number): void {
  const date = new BuiltIn(time)
  deepStrictEqual(plain({ at, data }), { at: date, data: { deep: [date] } })
  deepStrictEqual([...map.values({ plain: true })].concat([...list.values({ plain: true })]), [
    { at: date },
    date,
    date,
    [date],
  ])
  deepStrictEqual(plain([...byDate]), [
    [date, 'alone'],
    [[date, 1], 'first'],
  ])
  for (const each of [date, new Date(time)]) {
    deepStrictEqual(byDate.get(each), 'alone')
    deepStrictEqual(byDate.get([each, 1]), 'first')
  }
}

t.test('dates of fake timers are stored as dates, and are keys', async t => {
  const { db, again } = opened(t)
  const restore = fakeDates(t)
  db.transact(root => put(root, new Date()))
  check(db.root, NOW)
  check(again().root, NOW)
  restore()
  check(again().root, NOW)
})

t.test('so are those that are stored only when the time is real again, and real ones under a fake time', async t => {
  const { db, again } = opened(t)
  const restore = fakeDates(t)
  const fake = new Date()
  restore()
  db.transact(root => put(root, fake))
  check(db.root, NOW)
  const real = new Date(5)
  fakeDates(t)
  db.transact(root => {
    root.byDate.clear()
    root.list.clear()
    put(root, real)
  })
  check(db.root, 5)
  check(again().root, 5)
})

t.test('classes that a program derives from either are refused as they are', async t => {
  const { db } = opened(t)
  class Before extends Date {}
  const restore = fakeDates(t)
  class Meanwhile extends Date {}
  for (const Mine of [Before, Meanwhile]) {
    const mine = new Mine(7)
    for (let round = 0; round < 2; round++) {
      const name = new RegExp(`an instance of ${Mine.name} cannot be`)
      t.throws(() => void (db.root.at = mine), { code: 'VALUE', message: name })
      t.throws(() => db.root.map.set('mine', { mine }), { code: 'VALUE' })
      t.throws(() => db.root.byDate.set(mine, ''), { code: 'VALUE', message: name })
      if (round === 0) restore()
    }
    globalThis.Date = ClockDate as DateConstructor
  }
})

t.test('the time may have been faked before the library was loaded', async t => {
  const library = new URL('../../lib/index.js', import.meta.url).href
  const program = `
    const { Date } = globalThis
    globalThis.Date = class extends Date {}
    const { open } = await import('${library}')
    const db = open('app.db', { root: { at: new globalThis.Date(5) } })
    console.log(Object.getPrototypeOf(db.root.at) === Date.prototype, +db.root.at)
    db.close()`
  const { stdout, stderr } = spawnSync(...plainNode('--input-type=module', '--eval', program), {
    cwd: tempDir(t),
    encoding: 'utf8',
  })
  t.equal(stdout, 'true 5\n', stderr)
})

t.test('what a program has made of the prototype of dates before is in nobody’s way', async t => {
  const library = new URL('../../lib/index.js', import.meta.url).href
  const program = (change: string): string => `
    ${change}
    const { open, PersistentMap } = await import('${library}')
    const db = open('app.db', { root: { at: new Date(5), map: new PersistentMap([[new Date(6), 1]]) } })
    const [key] = db.root.map.keys()
    console.log(Object.getPrototypeOf(db.root.at) === Date.prototype, +db.root.at, +key)
    db.close()`
  for (const change of [
    'Date.prototype.constructor = function Other() {}',
    'Date.prototype.constructor = undefined',
    'delete Date.prototype.constructor',
  ]) {
    const { stdout, stderr } = spawnSync(...plainNode('--input-type=module', '--eval', program(change)), {
      cwd: tempDir(t),
      encoding: 'utf8',
    })
    t.equal(stdout, 'true 5 6\n', `${change} ${stderr}`)
  }
})
