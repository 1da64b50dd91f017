import t from 'tap'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { open, plain, type Connection, type Persistent } from '../../lib/index.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { elsewhere } from './helpers/elsewhere.js'
import { tempDir } from '../helpers/temp-dir.js'

type Data = null | number | string | Data[] | { [key: string]: Data }
type Root = Persistent & { list: Data[]; map: Record<string, Data>; count: number }

function fresh(random: Random, depth = 0): Data {
  const kind = random.int(depth > 2 ? 2 : 5)
  if (kind === 0) return random.int(100)
  if (kind === 1) return `s${random.int(100)}`
  if (kind === 2) return null
  if (kind === 3) return Array.from({ length: random.int(4) }, () => fresh(random, depth + 1))
  return Object.fromEntries(
    Array.from({ length: random.int(4) }, () => [
      random.pick(['a', 'b', 'c', 'd', '7', 'constructor']),
      fresh(random, depth + 1),
    ]),
  )
}

const isArray = (value: Data | undefined): value is Data[] => Array.isArray(value)
const isObject = (value: Data | undefined): value is { [key: string]: Data } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Two things at the same place, one tracked, one native: the same step is done to both. */
type Pair = [tracked: Data, native: Data]

/** A container anywhere below, chosen by the same draws in both. */
function descend(random: Random, [tracked, native]: Pair): Pair {
  const keys = Object.keys(native as object).filter(
    key => typeof (native as Record<string, Data>)[key] === 'object' && (native as Record<string, Data>)[key] !== null,
  )
  if (keys.length === 0 || random.chance(0.4)) return [tracked, native]
  const key = random.pick(keys)
  return descend(random, [
    (tracked as Record<string, Data>)[key] as Data,
    (native as Record<string, Data>)[key] as Data,
  ])
}

function byText(a: Data, b: Data): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

/** One random change; the value returned by a method must be equal too. */
function step(random: Random, root: Root, model: { list: Data[]; map: Record<string, Data> }): string {
  const top = random.chance(0.5) ? ('list' as const) : ('map' as const)
  const [tracked, native] = descend(random, [root[top], model[top]])
  const both = (name: string, act: (data: never) => unknown): string => {
    const found = act(tracked as never)
    const wanted = act(native as never)
    assert.deepStrictEqual(plain(found), plain(wanted), `result of ${name}`)
    return `${top}: ${name}`
  }
  const value = (): Data => fresh(random, 1)
  if (isArray(native)) {
    const length = native.length
    const at = random.int(length + 1)
    const count = random.int(3)
    const [x, y] = [value(), value()]
    const copies = (n: Data): Data => structuredClone(n)
    switch (random.int(19)) {
      case 0:
        return both('push', (a: Data[]) => a.push(copies(x), copies(y)))
      case 1:
        return both('pop', (a: Data[]) => a.pop())
      case 2:
        return both('shift', (a: Data[]) => a.shift())
      case 3:
        return both('unshift', (a: Data[]) => a.unshift(copies(x)))
      case 4:
        return both('splice', (a: Data[]) => a.splice(at, count, copies(x)))
      case 5:
        return both('splice out', (a: Data[]) => a.splice(at, count))
      case 6:
        return both('sort', (a: Data[]) => a.sort(byText))
      case 7:
        return both('reverse', (a: Data[]) => a.reverse())
      case 8:
        return both('fill', (a: Data[]) => a.fill(random.seed % 5, at))
      case 9:
        // Copies would put one container in two places.
        return both('copyWithin', (a: Data[]) =>
          a.every(e => typeof e !== 'object' || e === null) ? a.copyWithin(0, at) : 0,
        )
      case 10:
        return both('length', (a: Data[]) => (a.length = Math.min(at, a.length)))
      case 11:
        return both('index', (a: Data[]) => (a[at] = copies(x)))
      case 12:
        return both('swap', (a: Data[]) => {
          if (length < 2) return
          const j = length - 1
          ;[a[0], a[j]] = [a[j] as Data, a[0] as Data]
        })
      case 13:
        return both('move within', (a: Data[]) => {
          const [moved] = a.splice(0, 1)
          if (moved !== undefined) a.push(moved)
        })
      case 14:
        return both('readers', (a: Data[]) => [
          ...[
            a.length,
            a.at(-1),
            a.indexOf(x),
            a.includes(3),
            JSON.stringify(a),
            a.slice(1),
            a.concat([1]),
            a.flat(),
            [...a.keys()],
            [...a.entries()],
          ],
          ...[
            a.map((e, i, self) => [e, i, self.length]),
            a.filter(e => e !== 3),
            a.find(e => e === 3),
            a.findLast(() => true),
          ],
          ...[
            a.reduce<number>((n, _, i, self) => n + i + self.length, 0),
            a.some(e => e === 3),
            a.every(e => e !== 3),
            a.flatMap(e => [e, e]),
          ],
          ...[
            a.toSorted(byText),
            a.toReversed(),
            a.toSpliced(0, 1),
            a.lastIndexOf(3),
            a.findIndex(e => e === 3),
            [...a],
          ],
        ])
      case 15:
        return both('filter over itself', (a: Data[]) => {
          const kept = a.filter((_, i) => i % 2 === 0)
          a.splice(0, a.length, ...kept)
        })
      case 16:
        return both('drop and use as local data', (a: Data[]) => {
          const out = a.pop()
          if (isArray(out)) out.push(1)
          if (isObject(out)) out.local = 2
          return out
        })
      case 17:
        return both('call by prototype', (a: Data[]) => Array.prototype.push.call(a, copies(x)))
      default:
        return both('assign', (a: Data[]) => Object.assign(a, [copies(x)]))
    }
  }
  const key = random.pick(['a', 'b', 'c', 'd', '7', 'constructor'])
  const x = value()
  switch (random.int(6)) {
    case 0:
    case 1:
      return both(`set ${key}`, (o: Record<string, Data>) => (o[key] = structuredClone(x)))
    case 2:
      return both(`delete ${key}`, (o: Record<string, Data>) => delete o[key])
    case 3:
      return both('rename', (o: Record<string, Data>) => {
        const [first] = Object.keys(o)
        if (first === undefined || first === key) return
        const moved = o[first] as Data
        delete o[first]
        o[key] = moved
      })
    case 4:
      return both('assign', (o: Record<string, Data>) => Object.assign(o, { [key]: structuredClone(x) }))
    default:
      return both('readers', (o: Record<string, Data>) => [
        Object.keys(o),
        Object.values(o),
        Object.entries(o),
        key in o,
        Object.hasOwn(o, key),
        JSON.stringify(o),
        { ...o },
      ])
  }
}

t.test('tracked plain data behaves as native data does, over commits, aborts, retries and reloads', async t => {
  const random = seeded(t)
  const path = join(tempDir(t), 'plain.db')
  const initial = { list: [] as Data[], map: {} as Record<string, Data>, count: 0 }
  let db = open(path, { root: initial, durability: 'os' }) as Connection<Root>
  let other = elsewhere<Root>(path, { durability: 'os' })
  let stored = structuredClone({ list: initial.list, map: initial.map })
  let model = structuredClone(stored)
  const history: string[] = []
  try {
    for (let round = 0; round < 1500; round++) {
      const end = random.int(12)
      if (end === 0) {
        history.push('conflict and retry')
        let runs = 0
        db.abort()
        const seed = random.int(1e9)
        db.transact(root => {
          if (++runs === 1) {
            other.refresh()
            other.root.count++
            other.commit()
          }
          root.count++
          model = structuredClone(stored)
          const again = { ...random, int: (below: number) => Math.floor(((seed + history.length) * 7919) % below) }
          history.push(step(again, root, model))
        })
        assert.equal(runs, 2)
        stored = structuredClone(model)
      } else if (end === 1) {
        history.push('abort')
        db.abort()
        model = structuredClone(stored)
      } else if (end < 4) {
        history.push('commit')
        db.commit()
        stored = structuredClone(model)
      } else if (end === 4) {
        history.push('change elsewhere')
        db.abort()
        model = structuredClone(stored)
        other.refresh()
        step(random, other.root, model)
        other.commit()
        stored = structuredClone(model)
      } else if (end === 5 && random.chance(0.2)) {
        history.push('reopen')
        db.abort()
        other.close()
        db.close()
        db = open(path, { root: initial, durability: 'os' })
        other = elsewhere<Root>(path, { durability: 'os' })
        model = structuredClone(stored)
      } else {
        history.push(step(random, db.root, model))
      }
      assert.deepStrictEqual(plain({ list: db.root.list, map: db.root.map }), model)
      assert.deepStrictEqual(Object.keys(db.root.map), Object.keys(model.map))
    }
    t.pass('1500 steps')
  } catch (error) {
    t.fail(`after ${history.slice(-12).join(' · ')}: ${String((error as Error).stack)}`)
  }
  db.abort()
  other.abort()
  other.close()
  db.close()
})

t.test('a field is copied that the prototype of all objects has and nobody may assign', t => {
  // as in a program that has frozen it
  Object.defineProperty(Object.prototype, 'frozen', { value: 0, configurable: true })
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'frozen'))
  const db = open(join(tempDir(t), 'frozen.db'), { root: { frozen: 1 } })
  t.same(plain(db.root), { frozen: 1 })
  db.close()
  t.end()
})
