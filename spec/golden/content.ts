// What the golden files hold: values of every type, references and cycles, collections with every kind of key, long and short
// states, keys in the record, an unknown class, an older version of a class, annotations, ids of transactions.
// It says what was written into files that exist: nothing here may ever be changed. What is to be added goes into new files.
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import { PersistentList } from '../../lib/collection/persistent-list.js'
import { PersistentMap } from '../../lib/collection/persistent-map.js'
import { PersistentSet } from '../../lib/collection/persistent-set.js'
import type { Key } from '../../lib/collection/key.js'
import type { Connection } from '../../lib/object/connection.js'
import { isUnknown } from '../../lib/object/single-objects.js'
import { openWith } from '../../lib/object/open.js'
import { Persistent } from '../../lib/object/persistent.js'
import { plain } from '../../lib/object/plain.js'
import type { Disk } from '../../lib/file/disk.js'

export class Thing extends Persistent {
  static readonly type = 'Thing'
  static readonly version: number = 1
  name = ''
  value: unknown = null
  other: Persistent | undefined = undefined
}

/** As the class was later. */
class LaterThing extends Persistent {
  static readonly type = 'Thing'
  static readonly version = 2
  declare title: string
  declare value: unknown
  declare other: Persistent | undefined
  static upgrade(state: Record<string, unknown>): void {
    state.title = state.name
    delete state.name
  }
}

/** Is not registered where the files are read. */
class Forgotten extends Persistent {
  static readonly type = 'Forgotten'
  memory = 'of the past'
  things: Thing[] = []
}

export class Root extends Persistent {
  static readonly type = 'Root';
  [key: string]: unknown
  things: Thing[] = []
  forgotten: Persistent = new Forgotten()
  byKey = new PersistentMap<Key, unknown>()
  list = new PersistentList<unknown>()
  set = new PersistentSet<Key>()
}

/** One of each kind of value that can be stored. */
export function values(): readonly unknown[] {
  return [
    null,
    undefined,
    true,
    false,
    0,
    -0,
    NaN,
    -Infinity,
    -33,
    255,
    65_536,
    2 ** 40,
    -(2 ** 40),
    0.1,
    Number.MAX_VALUE,
    '',
    'text',
    'Ω ☃ 😀',
    '\ud800 alone',
    '\ufeffmark',
    'long '.repeat(60),
    0n,
    -123n,
    2n ** 200n,
    new Date(0),
    new Date(1_234_567_890_123),
    new Date(NaN),
    Uint8Array.of(1, 2, 3),
    Buffer.from('buffer'),
    Int8Array.of(-1, 1),
    Uint8ClampedArray.of(0, 255),
    Int16Array.of(-2, 2),
    Uint16Array.of(0, 65_535),
    Int32Array.of(-3, 3),
    Uint32Array.of(0, 2 ** 32 - 1),
    Float32Array.of(0.5, -0),
    Float64Array.of(1.5, NaN),
    BigInt64Array.of(-1n),
    BigUint64Array.of(2n ** 64n - 1n),
    new Uint8Array(300).fill(7),
    [],
    [1, [2, [3]]],
    Array.from({ length: 20 }, (_, n) => n),
    {},
    { a: 1, nested: { b: [null, undefined, -0] } },
    { z: 1, a: 2, 10: 3, 2: 4 },
    JSON.parse('{"__proto__": 1, "constructor": 2}') as unknown,
    { '': 1 },
    { '': 1, more: 2 },
    { '\ud800': 'a key' },
    Object.assign(Object.create(null) as object, { bare: true }),
  ]
}

export function keys(): readonly Key[] {
  return [3, -1.5, Infinity, 12n, new Date(5), 'key', '', Uint8Array.of(9), [], [1, 'two', [3n]]]
}

const MANY = 70

export function idOf(n: number): string {
  return `thing ${n}`
}

export function connect(disk: Disk, path: string): Connection<Root> {
  return openWith(disk, path, { root: Root, classes: [Thing, Forgotten] }) as Connection<Root>
}

/** Writes everything, in a number of commits. */
export function fill(db: Connection<Root>): void {
  values().forEach((value, n) => {
    db.transact(
      root => {
        const thing = new Thing()
        thing.name = idOf(n)
        thing.value = value
        thing.other = root.things.at(-1) ?? root
        root.things.push(thing)
      },
      { note: `made ${n}`, meta: { n, of: ['a', { b: null }] }, id: idOf(n) },
    )
  })
  db.transact(function collections(root) {
    keys().forEach((key, n) => {
      root.byKey.set(key, n % 2 === 0 ? root.things[n] : [n, { n }])
      root.set.add(key)
      root.list.push(n % 3 === 0 ? root.things[n] : n)
    })
    root.byKey.set(root.things[0]!, 'by object')
    ;(root.forgotten as Forgotten).things.push(root.things[1]!)
  })
  db.transact(function manyKeys(root) {
    for (let n = 0; n < MANY; n++) root[`field ${n}`] = n
  })
}

/** Changes a little, so that there are several versions and something to be left behind. */
export function changeSome(db: Connection<Root>, round: number): void {
  db.transact(function changeSome(root) {
    root.round = round
    root.dropped = new Thing()
  })
  db.transact(function drop(root) {
    delete root.dropped
  })
}

export function isSame(found: unknown, value: unknown): boolean {
  // Of two invalid dates, some versions of Node say that they differ.
  if (found instanceof Date && value instanceof Date) return Object.is(found.getTime(), value.getTime())
  return isDeepStrictEqual(found, value)
}

/** Everything is there as it was written; `round`: of the last `changeSome`. */
export function check(t: Test, disk: Disk, path: string, round: number): void {
  const db = openWith(disk, path, { root: Root, classes: [Thing], readonly: true }) as Connection<Root>
  const { things, forgotten, byKey, list, set } = db.root
  t.equal(db.root.round, round)
  t.notOk('dropped' in db.root)
  t.equal(things.length, values().length)
  values().forEach((value, n) => {
    const { name, value: found, other } = things[n]!
    t.equal(name, idOf(n))
    t.equal(other, n === 0 ? db.root : things[n - 1])
    if (!isSame(plain(found), value)) t.fail(`value ${n} is ${String(found)}`)
  })
  t.strictSame(
    Object.keys(db.root).filter(key => key.startsWith('field')),
    Array.from({ length: MANY }, (_, n) => `field ${n}`),
  )
  for (let n = 0; n < MANY; n++) if (db.root[`field ${n}`] !== n) t.fail(`field ${n} is wrong`)
  t.equal(byKey.size, keys().length + 1)
  keys().forEach((key, n) => {
    if (n % 2 === 0) t.equal(byKey.get(key), things[n])
    else t.strictSame(plain(byKey.get(key)), [n, { n }])
    if (!set.has(key)) t.fail(`key ${n} is not in the set`)
    t.equal(list.at(n), n % 3 === 0 ? things[n] : n)
  })
  t.equal(byKey.get(things[0]!), 'by object')
  t.strictSame([...set].map(String), IN_ORDER)
  t.ok(isUnknown(forgotten))
  const { memory, things: remembered } = forgotten as Forgotten
  t.equal(memory, 'of the past')
  t.equal(remembered[0], things[1])
  t.equal(db.resolve(idOf(3)), 'committed')
  db.close()
  checkUpgrade(t, disk, path)
}

const IN_ORDER = ['-1.5', '3', '12', 'Infinity', String(new Date(5)), '', 'key', '9', '', '1,two,3']

function checkUpgrade(t: Test, disk: Disk, path: string): void {
  const db = openWith(disk, path, { root: Root, classes: [LaterThing], readonly: true }) as Connection<Root>
  const [, , third] = db.root.things as unknown as LaterThing[]
  t.equal(third!.title, idOf(2))
  t.equal(third!.value, true)
  db.close()
}
