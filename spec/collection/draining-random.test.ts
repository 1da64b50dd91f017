// Random transactions that take much out of a map and put little in, in lockstep with a native one: from both ends and from
// anywhere, with iterators that stay open over changes, aborts, commits and those of somebody else. What a transaction has asked
// and done is kept as it is documented, so that each commit must conflict exactly where it says so.
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { WriteConflictError, type Connection, type Key } from '../../lib/index.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { shelf, type Shelf } from './store.js'

/** Keys are those of whole numbers below this. */
const MANY = 400

/** What a transaction asked: from one number to another, both included. */
interface Asked {
  readonly from: number
  readonly to: number
  readonly values: boolean
}

interface Open {
  readonly iterator: Iterator<unknown>
  readonly reverse: boolean
  readonly from: number
  readonly to: number
  readonly values: boolean
  last: number | undefined
}

class Model {
  readonly #random: Random
  readonly #db: Connection<Shelf>
  readonly #keyOf: (n: number) => Key
  /** What is committed, and how the running transaction has it. */
  committed = new Map<number, unknown>()
  now = new Map<number, unknown>()
  asked: Asked[] = []
  written = new Set<number>()
  cleared = false
  /** What stands there is another one each time. */
  #serial = 0
  open: Open[] = []

  constructor(random: Random, db: Connection<Shelf>, keyOf: (n: number) => Key) {
    this.#random = random
    this.#db = db
    this.#keyOf = keyOf
  }

  fresh(): unknown {
    return `value ${this.#serial++}`
  }

  get map(): Shelf['map'] {
    return this.#db.root.map
  }

  begin(): void {
    this.now = new Map(this.committed)
    this.asked = []
    this.written.clear()
    this.cleared = false
  }

  /** A question about one key, if the transaction has not done anything there. */
  #ask(n: number, values: boolean): void {
    if (!this.written.has(n)) this.asked.push({ from: n, to: n, values })
  }

  set(n: number): void {
    const value = this.fresh()
    this.map.set(this.#keyOf(n), value)
    this.now.set(n, value)
    this.written.add(n)
  }

  get(t: Test, n: number): void {
    this.#ask(n, true)
    if (this.map.get(this.#keyOf(n)) !== this.now.get(n)) t.fail(`get ${n}`)
  }

  delete(t: Test, n: number): void {
    this.#ask(n, false)
    if (this.map.delete(this.#keyOf(n)) !== this.now.has(n)) t.fail(`delete ${n}`)
    if (this.now.delete(n)) this.written.add(n)
  }

  clear(): void {
    this.#next(-Infinity, Infinity, false, false)
    this.map.clear()
    if (this.now.size === 0) return
    this.now.clear()
    this.written.clear()
    this.cleared = true
  }

  /** The next number from `from` on, or back from `to`: is asked for. */
  #next(from: number, to: number, reverse: boolean, values: boolean): number | undefined {
    let next: number | undefined
    for (const n of this.now.keys())
      if (n >= from && n <= to && (next === undefined || (reverse ? n > next : n < next))) next = n
    if (!this.cleared)
      this.asked.push({ from: (reverse ? next : undefined) ?? from, to: (reverse ? to : next) ?? to, values })
    return next
  }

  /** An iterator over anything. */
  start(): Open {
    const random = this.#random
    const [one, other] = [random.int(MANY), random.int(MANY)]
    const from = random.chance(0.5) ? -Infinity : Math.min(one, other)
    const to = random.chance(0.5) ? Infinity : Math.max(one, other)
    const reverse = random.chance(0.5)
    const values = random.chance(0.5)
    const range = {
      ...(from === -Infinity ? {} : { gte: this.#keyOf(from) }),
      ...(to === Infinity ? {} : { lte: this.#keyOf(to) }),
      reverse,
    }
    const iterator = values ? this.map.entries(range) : this.map.keys(range)
    return { iterator, from, to, reverse, values, last: undefined }
  }

  /** Gives the number that it has come to; undefined: it has ended. */
  step(t: Test, open: Open): number | undefined {
    const { reverse, values, last } = open
    const from = reverse || last === undefined ? open.from : last + 1
    const to = !reverse || last === undefined ? open.to : last - 1
    const next = this.#next(from, to, reverse, values)
    const given = open.iterator.next()
    const key = next === undefined ? undefined : this.#keyOf(next)
    const should = next === undefined || !values ? key : [key, this.now.get(next)]
    if (!isDeepStrictEqual(given.value, should)) t.same(given.value, should)
    return (open.last = next)
  }

  /** Somebody else changes these: what of it is in the way? */
  inTheWay(changed: ReadonlyMap<number, unknown>): boolean {
    if (this.written.size === 0 && !this.cleared) return false
    return [...changed].some(([n, value]) => {
      if (value === this.committed.get(n)) return false
      if (this.cleared || this.written.has(n)) return true
      const isOtherKey = this.committed.has(n) !== (value !== undefined)
      return this.asked.some(({ from, to, values }) => n >= from && n <= to && (values || isOtherKey))
    })
  }
}

const keys: Readonly<Record<string, (n: number) => Key>> = {
  numbers: n => n,
  strings: n => `key ${n + 1000}`,
  tuples: n => [n >> 5, new Date(1e12 + n), 'x'],
  bytes: n => Uint8Array.of(n >> 8, n),
}

for (const [name, keyOf] of Object.entries(keys))
  t.test(`a map with ${name} as keys`, async t => {
    const random = seeded(t)
    const { db, rival } = shelf(t)
    const model = new Model(random, db, keyOf)
    const counts = { abort: 0, commit: 0, meet: 0, conflicts: 0 }

    const act = (): void => {
      switch (random.int(20)) {
        case 0:
          if (random.chance(0.1)) model.clear()
          break
        case 1:
        case 2:
          for (let count = random.int(4); count > 0; count--) model.set(random.int(MANY))
          break
        case 3:
          model.get(t, random.int(MANY))
          break
        case 4:
          model.delete(t, random.int(MANY))
          break
        case 5:
        case 6: {
          // A new iterator stays open for some time ...
          if (model.open.length > 5) model.open.splice(random.int(5), 1)
          model.open.push(model.start())
          break
        }
        case 7:
        case 8:
        case 9: {
          // ... and goes on.
          if (model.open.length === 0) break
          const open = random.pick(model.open)
          for (let count = 1 + random.int(20); count > 0; count--) {
            const n = model.step(t, open)
            if (n === undefined) {
              model.open.splice(model.open.indexOf(open), 1)
              break
            }
            if (random.chance(0.4)) model.delete(t, n)
          }
          break
        }
        default: {
          // The first of something, again and again.
          const again = model.start()
          for (let count = 1 + random.int(60); count > 0; count--) {
            const { from, to, reverse, values } = again
            const range = { gte: keyOf(Math.max(from, 0)), lte: keyOf(Math.min(to, MANY)), limit: 1, reverse }
            const iterator = values ? model.map.entries(range) : model.map.keys(range)
            const n = model.step(t, { ...again, iterator, from: Math.max(from, 0), to: Math.min(to, MANY) })
            if (n === undefined) break
            model.delete(t, n)
            if (random.chance(0.05)) model.set(random.int(MANY))
          }
        }
      }
    }

    const commit = (): boolean => {
      try {
        db.commit()
        return true
      } catch (error) {
        if (!(error instanceof WriteConflictError)) throw error
        db.abort()
        return false
      }
    }

    const somebodyElse = (): Map<number, unknown> => {
      const changed = new Map<number, unknown>()
      for (let count = 1 + random.int(3); count > 0; count--) {
        const n = random.int(MANY)
        const value = random.chance(0.5) ? model.fresh() : undefined
        if (value === undefined) rival.root.map.delete(keyOf(n))
        else rival.root.map.set(keyOf(n), value)
        changed.set(n, value)
      }
      rival.commit()
      return changed
    }

    for (let round = 0; round < 150; round++) {
      db.refresh()
      rival.refresh()
      model.begin()
      if (model.now.size < MANY / 4 && random.chance(0.5))
        for (let n = 0; n < MANY; n++) if (random.chance(0.9)) model.set(n)
      for (let count = 1 + random.int(8); count > 0; count--) act()
      const kind = random.pick(['abort', 'commit', 'commit', 'meet', 'meet', 'meet'] as const)
      if (kind === 'abort') db.abort()
      else if (kind === 'commit') {
        t.ok(commit(), 'nobody is in the way')
        model.committed = model.now
      } else {
        const changed = somebodyElse()
        const should = model.inTheWay(changed)
        const is = !commit()
        counts.conflicts += Number(is)
        t.equal(is, should, `${[...changed.keys()].join(', ')} of somebody else: in the way?`)
        const mine = is || model.cleared ? [] : [...model.written].map(n => [n, model.now.get(n)] as const)
        if (model.cleared && !is) model.committed = model.now
        else
          for (const [n, value] of [...changed, ...mine])
            if (value === undefined) model.committed.delete(n)
            else model.committed.set(n, value)
      }
      counts[kind]++
      const expected = [...model.committed].sort(([a], [b]) => a - b).map(([n, value]) => [keyOf(n), value])
      rival.refresh()
      for (const { root } of [rival, db]) t.same([...root.map], expected, `after round ${round}: ${kind}`)
    }
    t.comment(JSON.stringify(counts))
  })
