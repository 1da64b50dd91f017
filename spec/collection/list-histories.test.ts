// Random transactions of several connections on one list, and on what they hold of its items: whatever commits could have run
// one after another, on a native array.
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { plain, StaleDataError, WriteConflictError, type Connection, type PersistentList } from '../../lib/index.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { faultsOf, handedOutKeys, shapeOf } from './check.js'
import { shelf, type Shelf } from './store.js'

/** By its number it is the same one in every copy of the list. */
interface Numbered {
  id: number
  n: number
}
type Item = number | Numbered
type Both = Item[] | PersistentList<Item>
type Step = (list: Both) => unknown

const isNative = (list: Both): list is Item[] => Array.isArray(list)

/** What a connection has got of an item, with the number that it had. */
interface Held {
  readonly item: Numbered
  readonly id: number
}

/** The cases of what is done near one end: who does nothing else merges with who stays at the other one. */
const NEAR = { front: [3, 6, 6, 9, 11, 11, 12, 15], end: [0, 5, 7, 9, 11, 12, 12, 15] } as const
type Side = keyof typeof NEAR

const MOST_HELD = 12
let made = 0

function numbered(n: number): Numbered {
  return { id: made++, n }
}

function hold(held: Held[], got: readonly (Item | undefined)[]): void {
  for (const item of got) if (typeof item === 'object') held.push({ item, id: item.id })
  if (held.length > MOST_HELD) held.splice(0, held.length - MOST_HELD)
}

/** One operation that can be done to a native array as well, and answers the same there; `held`: items that the connection has got. */
function operation(random: Random, most: number, side: Side | undefined, held: Held[]): Step {
  const near = random.chance(0.6)
  const index =
    side === 'front'
      ? random.int(4)
      : side === 'end'
        ? -1 - random.int(4)
        : near
          ? random.int(8) - 4
          : random.int(most) - (most >> 1)
  const count = random.int((side ?? random.chance(0.9)) ? 3 : most)
  const items: Item[] = Array.from({ length: random.pick([1, 1, 2, 30]) }, () => random.chance(0.6) ? numbered(random.int(3)) : random.int(3)) // prettier-ignore
  const put = side ? items.slice(0, random.int(2)) : items
  const end = random.pick([undefined, index + 3, -1])
  const inside = (list: Both): boolean => list.at(index) !== undefined
  const taken = (list: Both, got: readonly (Item | undefined)[]): unknown => {
    if (!isNative(list)) hold(held, got)
    return plain(got)
  }
  switch (side ? random.pick(NEAR[side]) : random.int(18)) {
    case 0:
    case 1:
    case 2:
      return list => void list.push(...structuredClone(items))
    case 3:
    case 4:
      return list => void list.unshift(...structuredClone(items))
    case 5:
      return list => taken(list, [list.pop()])
    case 6:
      return list => taken(list, [list.shift()])
    case 7:
    case 8:
      return list => taken(list, [list.at(index)])
    case 9:
      return list => {
        if (!inside(list)) return 'outside'
        const [item] = structuredClone(items)
        if (!isNative(list)) list.set(index, item as Item)
        else list[index < 0 ? index + list.length : index] = item as Item
        return undefined
      }
    case 10:
      return list => {
        if (!inside(list)) return 'outside'
        if (isNative(list)) list.splice(index, 0, ...structuredClone(items))
        else list.insert(index, ...structuredClone(items))
        return undefined
      }
    case 11:
      return list => taken(list, list.splice(index, count, ...structuredClone(put)))
    case 12:
      return list => {
        const found = list.at(index)
        const before = plain(found)
        if (typeof found === 'object') found.n++
        return before
      }
    case 13:
      return list => taken(list, list.slice(index, end))
    case 14:
      return list => [list.indexOf(items[0] as Item), list.includes(2, -3), list.lastIndexOf(1)]
    case 15:
    case 16:
      return held.length > 0 ? inHand(random.pick(held)) : list => list.length
    default:
      return random.pick<Step>([
        list => list.length,
        list => plain((list as Item[]).find(one => one === 1)),
        list => plain([...list.values()].slice(0, 3)),
        list => (list.reverse(), undefined),
        list => taken(list, list.splice(index)),
      ])
  }
}

/** A change of what is held of an item, which may be stale, or have been taken out: then it is no item's any more. */
function inHand({ item, id }: Held): Step {
  let isStale = false
  return list => {
    if (isNative(list)) {
      const same = list.find(one => typeof one === 'object' && one.id === id) as Numbered | undefined
      if (same && !isStale) same.n++
      return undefined
    }
    try {
      item.n++
    } catch (error) {
      if (!(error instanceof StaleDataError)) throw error
      isStale = true
    }
    return undefined
  }
}

for (const [most, steps] of [
  [12, 3],
  [12, 8],
  [700, 6],
] as const) {
  t.test(`whatever commits could have run one after another, ${steps} steps on about ${most} items`, async t => {
    const random = seeded(t)
    // In a small cache what was read is forgotten, and what is held is not.
    const { db, other, rival } = shelf(t, { cacheBytes: random.pick([1 << 12, 1 << 24]) })
    const connections = [db, other, rival].map(connection => connection.connect())
    t.teardown(() => {
      for (const one of connections) {
        if (one.changed) one.abort()
        one.close()
      }
    })
    const listOf = (connection: Connection<Shelf>): PersistentList<Item> => connection.root.list as PersistentList<Item>
    const filling = (): Item[] => Array.from({ length: most }, (_, n) => (n % 3 > 0 ? numbered(n) : n % 4))
    let committed = filling()
    listOf(db).bulkLoad(committed)
    db.commit()
    const running = connections.map(connection => ({
      connection,
      began: structuredClone(committed),
      side: undefined as Side | undefined,
      steps: [] as Step[],
      answers: [] as unknown[],
      held: [] as Held[],
    }))
    let [commits, merges, conflicts, highest] = [0, 0, 0, 0]
    // Until it has seen enough of both, which most seeds do in a third of this.
    const isEnough = (): boolean => merges > 20 && conflicts > 20
    for (let round = 0; round < 1500 || (round < 15_000 && !isEnough()); round++) {
      const run = random.pick(running)
      const { connection } = run
      if (run.steps.length < steps && !random.chance(0.3)) {
        if (run.steps.length === 0) {
          connection.refresh()
          // What somebody has of the others is not in the way of what is done at one end.
          if (random.chance(0.5)) hold(run.held, [...listOf(connection)])
          connection.refresh()
          run.began = structuredClone(committed)
          run.side = random.pick(['front', 'end', undefined])
        }
        const step = operation(random, most, run.side, run.held)
        run.steps.push(step)
        run.answers.push(plain(step(listOf(connection))))
        continue
      }
      const after = structuredClone(committed)
      const answers = run.steps.map(step => plain(step(after)))
      try {
        const wrote = connection.changed
        connection.commit()
        commits++
        if (wrote) {
          if (!isDeepStrictEqual(run.began, committed)) merges++
          if (!isDeepStrictEqual(answers, run.answers)) t.same(run.answers, answers, 'what it read is what is there')
          committed = after
        }
      } catch (error) {
        if (!(error instanceof WriteConflictError)) throw error
        conflicts++
        if (isDeepStrictEqual(run.began, committed)) t.fail(`a conflict without a reason: ${error.message}`)
        connection.abort()
      }
      const keys = handedOutKeys(listOf(connection) as never) as number[]
      if (keys.some((key, i) => i > 0 && key <= (keys[i - 1] as number))) {
        t.fail(`two values at one key: ${keys.join()}`)
        return
      }
      run.steps = []
      run.answers = []
      db.refresh()
      const faults = faultsOf(db.root.list as never)
      if (faults.length > 0) t.same(faults, [])
      highest = Math.max(highest, shapeOf(db.root.list as never).height)
      const found = plain([...listOf(db)])
      if (!isDeepStrictEqual(found, committed)) {
        t.same(found, committed)
        return
      }
      if (random.chance(0.02)) await db.pack()
      if (committed.length > 4 && committed.length < 3 * most + 50) continue
      committed = filling()
      listOf(db).clear()
      listOf(db).bulkLoad(committed)
      db.commit()
    }
    t.ok(isEnough(), `${commits} commits, ${merges} merges, ${conflicts} conflicts`)
    t.ok(most < 100 || highest > 0, 'the long one is a tree')
  })
}
