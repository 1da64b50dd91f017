import t from 'tap'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { open, plain, StateError, type Connection } from '../../lib/index.js'
import { nodeOf } from '../../lib/object/plain-node.js'
import { elsewhere } from './helpers/elsewhere.js'
import { tempDir } from '../helpers/temp-dir.js'

type Method = (...args: readonly unknown[]) => unknown
type Item = number | { n: number; tags?: string[] }

const NUMBERS: readonly Item[] = [3, 1, 2, 5, 4]
const OBJECTS: readonly Item[] = [{ n: 3, tags: ['a'] }, { n: 1 }, { n: 2 }, { n: 5 }, { n: 4 }]
const byNumber = (a: Item, b: Item): number => Number(typeof a === 'object' ? a.n : a) - Number(typeof b === 'object' ? b.n : b) // prettier-ignore
const put = (): Item => ({ n: 9, tags: ['new'] })

/** Calls of Array's methods that change it, with what is put in made anew for each. */
const CALLS: readonly (readonly [name: string, args: () => readonly unknown[]])[] = [
  ['pop', () => []],
  ['shift', () => []],
  ['push', () => [7]],
  ['push', () => [put(), 7, put()]],
  ['unshift', () => [7]],
  ['unshift', () => [put(), 7, put()]],
  ['splice', () => [1]],
  ['splice', () => [0, 2]],
  ['splice', () => [1, 3]],
  ['splice', () => [0, 5]],
  ['splice', () => [2, 1, put()]],
  ['splice', () => [1, 3, put(), 7]],
  ['splice', () => [1, 1, put(), 7, put(), 8]],
  ['splice', () => [0, 0, put(), 7, put(), 8, 9, 10, 11]],
  ['splice', () => [-1, 0, 1, 2, 3]],
  ['splice', () => [5, 0, put(), put()]],
  ['reverse', () => []],
  ['sort', () => [byNumber]],
  ['fill', () => [7]],
  ['fill', () => [put()]],
  ['fill', () => [put(), 1, -1]],
  ['copyWithin', () => [0, 3]],
]

interface Logged {
  readonly keys: string[]
}

/** As libraries do that watch data: what is read gets a Proxy, what is written is taken out of it. */
function watched<T extends object>(target: T, log: Logged): T {
  const behind = new WeakMap<object, object>()
  const wrap = (value: object): object => {
    const proxy = new Proxy(value, {
      get(target, key, receiver): unknown {
        const part: unknown = Reflect.get(target, key, receiver)
        return typeof part === 'object' && part !== null ? wrap(part) : part
      },
      set(target, key, part: unknown, receiver): boolean {
        log.keys.push(String(key))
        const raw: unknown = typeof part === 'object' && part !== null ? (behind.get(part) ?? part) : part
        return Reflect.set(target, key, raw, receiver)
      },
    })
    behind.set(proxy, value)
    return proxy
  }
  return wrap(target) as T
}

const RECEIVERS: Record<string, (array: Item[]) => Item[]> = {
  'the array': array => array,
  'a Proxy': array => new Proxy(array, {}),
  'a Proxy that watches': array => watched(array, { keys: [] }),
}

type Way = (db: Connection<{ list: Item[] }>, act: (list: Item[]) => unknown) => unknown

const WAYS: Record<string, Way> = {
  'by hand': (db, act) => {
    const result = act(db.root.list)
    db.commit()
    return result
  },
  'in transact': (db, act) => db.transact(root => act(root.list)),
}

for (const [receiver, reach] of Object.entries(RECEIVERS)) {
  t.test(`called on ${receiver}, Array's own methods do what they do to an ordinary array`, t => {
    const path = join(tempDir(t), 'list.db')
    const db = open(path, { root: { list: [] as Item[] }, durability: 'os' })
    for (const [how, way] of Object.entries(WAYS)) {
      for (const items of [NUMBERS, OBJECTS]) {
        for (const [name, args] of CALLS) {
          if (name === 'copyWithin' && items === OBJECTS) continue // would put one container in two places
          const method = (Array.prototype as unknown as Record<string, Method>)[name] as Method
          for (const isDetached of [true, false]) {
            db.transact(root => (root.list = [...items]))
            const native = structuredClone([...items])
            const wanted = method.apply(native, [...args()])
            const found = way(db, list => {
              const array = reach(list)
              const result = isDetached
                ? method.apply(array, [...args()])
                : (array as unknown as Record<string, Method>)[name]?.(...args())
              return result === array ? 'itself' : plain(result)
            })
            const what = `${how}: ${name}(${JSON.stringify(args())}) of ${JSON.stringify(items)}`
            assert.deepStrictEqual(found, wanted === native ? 'itself' : wanted, what)
            assert.deepStrictEqual(plain(db.root.list), native, what)
            const again = elsewhere<{ list: Item[] }>(path)
            assert.deepStrictEqual(plain(again.root.list), native, `${what}, read by another`)
            again.close()
          }
        }
      }
    }
    db.close()
    t.pass(`${CALLS.length} calls`)
    t.end()
  })
}

t.test('what is moved by a method that is called on a Proxy stays the object that it is', t => {
  const db = open(join(tempDir(t), 'moved.db'), { root: { list: [{ n: 1 }, { n: 2 }, { n: 3 }] }, durability: 'os' })
  const { list } = db.root
  const [first, second, third] = list
  const put = { n: 9 }
  db.transact(() => new Proxy(list, {}).splice(0, 1, put, put, put))
  t.same([list[3] === second, list[4] === third, list.length], [true, true, 5])
  t.same([first?.n, list[0] === list[1]], [1, false])
  db.transact(() => (third!.n = 30))
  t.equal(list[4]?.n, 30)
  db.close()
  t.end()
})

t.test('a hole may stand while a method is at work, and is refused by the commit', t => {
  const db = open(join(tempDir(t), 'holes.db'), { root: { list: [1, 2, 3], at: { list: [1] } }, durability: 'os' })
  const { list } = db.root
  t.throws(() => (list[5] = 1), { code: 'VALUE', path: 'root.list.5' }, 'nobody moves anything up')
  t.throws(() => Reflect.deleteProperty(list, 1), { code: 'VALUE', path: 'root.list.1' }, 'something stands behind it')
  t.throws(() => (list.length = 4), { code: 'VALUE' })
  db.commit()
  t.same(list, [1, 2, 3], 'nothing has changed')

  Reflect.deleteProperty(list, 2)
  t.equal(2 in list, false)
  t.throws(() => db.commit(), { code: 'VALUE', path: 'root.list.2', message: /a hole/ })
  list.sort((a, b) => b - a)
  t.throws(() => db.commit(), { code: 'VALUE', path: 'root.list.2', message: /a hole/ }, 'it is no undefined, either')
  list.length = 2
  db.commit()
  t.same(list, [2, 1])

  list[5] = 1
  t.throws(() => db.commit(), { code: 'VALUE', path: 'root.list.2', message: /a hole/ })
  list.splice(2, 3, 7, 8, 9)
  db.commit()
  t.same(list, [2, 1, 7, 8, 9, 1])

  t.throws(() => db.transact(root => Reflect.deleteProperty(root.at.list, 0)), { code: 'VALUE', path: 'root.at.list.0' }) // prettier-ignore
  t.same(db.root.at.list, [1])
  db.close()
  t.end()
})

t.test('an element that no method moves up so far is refused at once, be it like the last one', t => {
  const db = open(join(tempDir(t), 'far.db'), { root: { list: [1, 1] }, durability: 'os' })
  const { list } = db.root
  for (const index of [2 ** 21, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 1.7e12])
    t.throws(() => (list[index] = 1), { code: 'VALUE', path: `root.list.${index}` }, String(index))
  t.same([Object.keys(list), db.changed], [['0', '1'], false], 'nothing has changed')
  const many = new Array<number>(50_000).fill(7)
  new Proxy(list, {}).unshift(...many)
  db.commit()
  t.equal(list.length, 50_002)
  db.close()
  t.end()
})

for (const of of [1, { n: 1 }])
  t.test(`the commit refuses a hole in an array of any length whose last element is ${inspect(of)}`, t => {
    const db = open(join(tempDir(t), 'long.db'), { root: { list: [of] }, durability: 'os' })
    const { list } = db.root
    const { target } = nodeOf(list) as { target: unknown[] }
    target[2 ** 32 - 2] = target[0] // as one who moves the last one up again and again gets there
    list[0] = of
    t.throws(() => db.commit(), { code: 'VALUE', path: 'root.list.1', message: /a hole/ })
    db.abort()
    db.close()
    t.end()
  })

t.test('fill puts a copy of its own at each place', t => {
  const db = open(join(tempDir(t), 'filled.db'), { root: { list: [{ n: 1 }, { n: 2 }, { n: 3 }] }, durability: 'os' })
  const { list } = db.root
  db.transact(() => list.fill({ n: 9 }, 1))
  list[1]!.n = 10
  db.commit()
  t.same(plain(list), [{ n: 1 }, { n: 10 }, { n: 9 }])
  t.throws(() => list.fill((() => 1) as never), { code: 'VALUE', path: 'root.list.0' })
  t.same(plain(list), [{ n: 1 }, { n: 10 }, { n: 9 }])
  const [first] = list
  Object.assign(first!, { of: [{ bytes: new Uint8Array([1, 2]) }] })
  list.fill(first!, 1)
  first!.n = 2
  list[1]!.n = 3
  db.commit()
  const of = [{ bytes: new Uint8Array([1, 2]) }]
  t.same(
    plain(list),
    [
      { n: 2, of },
      { n: 3, of },
      { n: 1, of },
    ],
    'also of what stands in the array',
  )
  t.equal(list[0], first)
  db.close()
  t.end()
})

t.test('positions may be objects, and asking them for their numbers may change the array', t => {
  const path = join(tempDir(t), 'positions.db')
  for (const name of ['copyWithin', 'splice', 'fill'] as const) {
    const db = open(path, { root: { list: [] as Item[] }, durability: 'os' })
    for (const then of ['shorten it', 'undo', 'nothing'] as const) {
      db.transact(root => (root.list = [{ n: 0 }, { n: 1 }, { n: 2 }]))
      const { list } = db.root
      const last = list[2] as { n: number }
      const first = {
        valueOf(): number {
          if (then === 'shorten it') list.length = 1
          if (then === 'undo') db.abort()
          return 0
        },
      } as unknown as number
      if (name === 'copyWithin') list.copyWithin(first, 3, 3)
      else if (name === 'splice') list.splice(first, 1)
      else list.fill({ n: 5 }, first, 1)
      const length = then === 'shorten it' ? 1 : 3
      t.equal(list.length, name === 'splice' ? length - 1 : length)
      if (then !== 'undo') {
        list.length = 0
        list.push(last)
      }
      db.commit()
      last.n = 50
      t.ok(db.changed, `${name}, ${then}: what is put back is part of it`)
      db.commit()
      const again = elsewhere<{ list: Item[] }>(path)
      t.same(plain(again.root.list), plain(list))
      again.close()
    }
    db.close()
  }
  t.end()
})

t.test('a sort that is refused because something else has changed the array changes nothing itself', t => {
  const path = join(tempDir(t), 'sort.db')
  const db = open(path, { root: { list: [3, 1, 2] as Item[] }, durability: 'os' })
  const other = elsewhere<{ list: Item[] }>(path)
  const compare = (a: Item, b: Item): number => {
    if (other.root.list.length === 3) {
      other.transact(({ list }) => list.push(0))
      db.refresh()
    }
    return Number(a) - Number(b)
  }
  t.throws(() => db.root.list.sort(compare), StateError)
  t.equal(db.changed, false)
  t.same(plain(db.root.list), [3, 1, 2, 0])
  other.close()
  db.close()
  t.end()
})
