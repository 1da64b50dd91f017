// Random programs on collections in a store, in lockstep with native ones: operations, commits, aborts, conflicts,
// and after each of these a comparison, in a second connection too.
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { Test } from 'tap'
import {
  plain,
  type Connection,
  type Key,
  type PersistentList,
  type PersistentMap,
  type PersistentSet,
} from '../../lib/index.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { keysInOrder, keyText } from './keys.js'
import { shelf, type Shelf } from './store.js'

type Data = number | string | undefined | Data[] | { [key: string]: Data }

function data(random: Random, depth = 0): Data {
  switch (random.int(depth < 2 ? 5 : 3)) {
    case 0:
      return random.int(100)
    case 1:
      return random.pick(['a', 'b', '\udc00', '', 'stands apart '.repeat(random.int(12))])
    case 2:
      return undefined
    case 3:
      return Array.from({ length: random.int(3) }, () => data(random, depth + 1))
    default:
      return Object.fromEntries(Array.from({ length: random.int(3) }, (_, i) => [`k${i}`, data(random, depth + 1)]))
  }
}

/** Changes a container in place, the stored one and the native one alike. */
function change(random: Random, both: readonly unknown[]): void {
  const value = data(random, 1)
  for (const container of both) {
    if (Array.isArray(container)) container.push(structuredClone(value))
    else if (typeof container === 'object' && container !== null)
      (container as { [key: string]: Data }).k0 = structuredClone(value)
  }
}

interface Subject<Native> {
  /** What the root has of it, as native data. */
  read(root: Shelf): unknown
  native(): Native
  expected(native: Native): unknown
  /** One operation on both; their results must be the same. */
  step(random: Random, root: Shelf, native: Native): readonly [unknown, unknown]
}

async function lockstep<Native>(t: Test, subject: Subject<Native>): Promise<void> {
  const random = seeded(t)
  const { db, other, rival } = shelf(t)
  let native = subject.native()
  let committed = structuredClone(native)
  const check = (connection: Connection<Shelf>, expected: Native, when: string): void => {
    t.same(subject.read(connection.root), subject.expected(expected), when)
  }
  const step = (connection: Connection<Shelf>): void => {
    const [is, should] = subject.step(random, connection.root, native)
    t.same(plain(is), should)
  }
  for (let round = 0; round < 60; round++) {
    for (let i = random.int(12); i > 0; i--) step(db)
    check(db, native, 'after the operations')
    switch (random.int(5)) {
      case 0:
        db.abort()
        native = structuredClone(committed)
        break
      case 1: {
        // Somebody else is faster: what was done here is lost, and done again on what the other has made of it.
        const lost = native
        native = structuredClone(committed)
        other.refresh()
        while (!other.changed || isDeepStrictEqual(native, committed)) step(other)
        other.commit()
        committed = structuredClone(native)
        if (!db.changed) break
        native = lost
        check(db, native, 'the other commit is not seen yet')
        t.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
        check(db, native, 'a conflict changes nothing')
        db.abort()
        native = structuredClone(committed)
        break
      }
      case 2: {
        // The same, found and repeated by transact.
        if (db.changed) db.abort()
        const before = structuredClone(committed)
        let runs = 0
        db.transact(() => {
          native = structuredClone(committed)
          do step(db)
          while (!db.changed)
          if (++runs > 1) return
          subject.read(db.root)
          native = before
          while (!rival.changed || isDeepStrictEqual(native, committed)) step(rival)
          rival.commit()
          committed = structuredClone(native)
        })
        t.equal(runs, 2)
        committed = structuredClone(native)
        break
      }
      default:
        db.commit()
        committed = structuredClone(native)
    }
    db.refresh()
    check(db, native, 'after the end of the transaction')
    other.refresh()
    check(other, committed, 'in another connection')
  }
}

t.test('a PersistentMap does what a Map does, in the order of keys', t => {
  const keys = keysInOrder()
  const texts = keys.map(keyText)
  const map = (root: Shelf): PersistentMap<Key, unknown> => root.map
  return lockstep<Map<string, Data>>(t, {
    read: root => Array.from(map(root), ([key, value]) => [keyText(key), plain(value)]),
    native: () => new Map(),
    expected: native => texts.flatMap(text => (native.has(text) ? [[text, native.get(text)]] : [])),
    step(random, root, native) {
      const key = random.pick(keys)
      const text = keyText(key)
      const value = data(random)
      switch (random.int(9)) {
        case 0:
        case 1:
        case 2:
          map(root).set(key, value)
          native.set(text, structuredClone(value))
          return [map(root).size, native.size]
        case 3:
          return [map(root).delete(key), native.delete(text)]
        case 4:
          return [map(root).has(key), native.has(text)]
        case 5:
          if (random.chance(0.1)) return [map(root).clear(), native.clear()]
          return [map(root).get(key), native.get(text)]
        case 6:
          if (!native.has(text)) native.set(text, structuredClone(value))
          return [map(root).getOrInsert(key, value), native.get(text)]
        case 7: {
          const present = keys.filter(one => native.has(keyText(one)))
          if (present.length === 0) return [0, 0]
          const one = random.pick(present)
          const [is, should] = [map(root).get(one), native.get(keyText(one))]
          change(random, [is, should])
          return [is, should]
        }
        default: {
          // Within the map, a value is moved.
          const from = [...native.keys()].at(-1)
          if (from === undefined || from === text) return [0, 0]
          const fromKey = keys[texts.indexOf(from)]!
          const moved = map(root).get(fromKey)
          map(root).delete(fromKey)
          map(root).set(key, moved)
          native.set(text, native.get(from))
          native.delete(from)
          return [map(root).get(key) === moved, true]
        }
      }
    },
  })
})

t.test('a PersistentSet does what a Set does, in the order of keys', t => {
  const keys = keysInOrder()
  const texts = keys.map(keyText)
  const set = (root: Shelf): PersistentSet<Key> => root.set
  return lockstep<Set<string>>(t, {
    read: root => Array.from(set(root), keyText),
    native: () => new Set(),
    expected: native => texts.filter(text => native.has(text)),
    step(random, root, native) {
      const key = random.pick(keys)
      const text = keyText(key)
      switch (random.int(6)) {
        case 0:
        case 1:
          set(root).add(key)
          native.add(text)
          return [set(root).size, native.size]
        case 2:
          return [set(root).delete(key), native.delete(text)]
        case 3:
          if (random.chance(0.1)) return [set(root).clear(), native.clear()]
          return [set(root).has(key), native.has(text)]
        case 4: {
          const some = new Set(keys.filter(() => random.chance(0.3)))
          const common = [...some].map(keyText).filter(one => native.has(one))
          return [Array.from(set(root).intersection(some), keyText), common]
        }
        default:
          return [Array.from(set(root).entries(), ([one]) => keyText(one)), texts.filter(one => native.has(one))]
      }
    },
  })
})

interface Searched {
  find(test: (one: unknown) => boolean): unknown
  findIndex(test: (one: unknown) => boolean): number
  some(test: (one: unknown) => boolean): boolean
  every(test: (one: unknown) => boolean): boolean
}

t.test('a PersistentList does what an Array does', t => {
  const list = (root: Shelf): PersistentList<unknown> => root.list
  return lockstep<Data[]>(t, {
    read: root => plain(list(root)),
    native: () => [],
    expected: native => native,
    step(random, root, native) {
      const some = Array.from({ length: random.int(3) }, () => data(random))
      const same = structuredClone(some)
      const value = data(random)
      const index = random.int(9) - 4
      const count = random.pick([-1, 0, 1, 2, 9, 1.5, NaN])
      switch (random.int(18)) {
        case 0:
        case 1:
          return [list(root).push(...some), void native.push(...same)]
        case 2:
          return [list(root).unshift(...some), void native.unshift(...same)]
        case 3:
          return [list(root).pop(), native.pop()]
        case 4:
          return [list(root).shift(), native.shift()]
        case 5:
          return [list(root).splice(index, count, ...some), native.splice(index, count, ...same)]
        case 6:
          return [list(root).at(index), native.at(index)]
        case 7: {
          if (index >= native.length || index < -native.length) return [0, 0]
          list(root).set(index, value)
          native[index < 0 ? index + native.length : index] = structuredClone(value)
          return [list(root).length, native.length]
        }
        case 8: {
          if (index > native.length || index < -native.length) return [0, 0]
          native.splice(index, 0, ...same)
          list(root).insert(index, ...some)
          return [list(root).length, native.length]
        }
        case 9:
          return [[...list(root).reverse()], [...native.reverse()]]
        case 10: {
          const text = (one: unknown): string => JSON.stringify(plain(one)) ?? ''
          const compare = (a: unknown, b: unknown): number => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0)
          return [[...list(root).sort(compare)], native.sort(compare)]
        }
        case 11:
          return [list(root).slice(index, count), native.slice(index, count)]
        case 12: {
          const at = native.findIndex(one => typeof one === 'object')
          if (at < 0) return [0, 0]
          change(random, [list(root).at(at), native[at]])
          return [list(root).at(at), native[at]]
        }
        case 13: {
          const sought = random.pick([...native, 1])
          if (typeof sought === 'object') return [0, 0]
          return [
            [list(root).indexOf(sought, index), list(root).lastIndexOf(sought), list(root).includes(sought)],
            [native.indexOf(sought, index), native.lastIndexOf(sought), native.includes(sought)],
          ]
        }
        case 14: {
          const test = (one: unknown): boolean => typeof one === 'number' && one % 2 === 0
          const all = (of: Searched): unknown[] => [of.find(test), of.findIndex(test), of.some(test), of.every(test)]
          return [all(list(root)), all(native)]
        }
        case 15:
          return [list(root).concat(some, 1), native.concat(same, 1)]
        case 16: {
          const kept = list(root).filter((_, i) => i % 3 !== 0)
          list(root).splice(0, Infinity, ...kept)
          native.splice(0, Infinity, ...native.filter((_, i) => i % 3 !== 0))
          return [[...list(root).values()].every((one, i) => one === kept[i]), true]
        }
        default:
          return [list(root).join('|'), (native as unknown[]).join('|')]
      }
    },
  })
})
