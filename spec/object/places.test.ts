import t from 'tap'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import {
  open,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  plain,
  StaleDataError,
  type Connection,
  Persistent,
} from '../../lib/index.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

// The model: a native mirror of the owner's state. At every commit each mirrored container's place is written down. What
// is undone is replaced by a copy of the stored state, and each handle must then show what stands at its stored place.
type Mirror = Mirror[] | { [key: string]: Mirror | number }
type Place = readonly string[]
interface Handle {
  readonly tracked: Mirror
  mirror: Mirror
  state: 'held' | 'stale'
}
type Root = Persistent & { tree: { [key: string]: Mirror | number } }

const isContainer = (value: unknown): value is Mirror => typeof value === 'object' && value !== null
const entriesOf = (value: Mirror): [string, Mirror | number][] =>
  Object.entries(value as Record<string, Mirror | number>)
const copyOf = <T>(value: T): T => structuredClone(value)

function contains(outer: Mirror, inner: Mirror): boolean {
  return outer === inner || entriesOf(outer).some(([, part]) => isContainer(part) && contains(part, inner))
}

class World {
  stored: Mirror = {}
  mirror: Mirror = {}
  places = new Map<Mirror, Place>()
  handles: Handle[] = []

  note(): void {
    this.stored = copyOf(this.mirror)
    this.places = new Map()
    const walk = (at: Mirror, place: Place): void => {
      this.places.set(at, place)
      for (const [key, part] of entriesOf(at)) {
        if (isContainer(part)) walk(part, [...place, key])
      }
    }
    walk(this.mirror, [])
  }

  /** The owner is read anew: its state is `now`; undefined: what was stored, in the same version. */
  reload(now?: Mirror): void {
    const undone = this.mirror
    const before = this.places
    this.mirror = copyOf(now ?? this.stored)
    const lost = new Set<Mirror>()
    const loseBelow = (at: Mirror): void => {
      if (lost.has(at)) return
      lost.add(at)
      for (const [, part] of entriesOf(at)) if (isContainer(part)) loseBelow(part)
    }
    for (const placed of before.keys()) loseBelow(placed)
    loseBelow(undone)
    for (const handle of this.handles) {
      if (handle.state === 'stale') continue
      const place = before.get(handle.mirror)
      const found = place && this.at(place, now === undefined)
      if (found && Array.isArray(found) === Array.isArray(handle.mirror)) handle.mirror = found
      else if (place !== undefined || lost.has(handle.mirror)) handle.state = 'stale'
    }
    // Local data that took in a part with a place holds what stands there now; the mirror of that is not kept.
    const holdsPlaced = (at: Mirror): boolean =>
      entriesOf(at).some(([, part]) => isContainer(part) && (lost.has(part) || holdsPlaced(part)))
    this.handles = this.handles.filter(
      h => h.state === 'stale' || contains(this.mirror, h.mirror) || !holdsPlaced(h.mirror),
    )
    this.note()
  }

  /** Positions in arrays lead on in the same version only. */
  at(place: Place, same: boolean): Mirror | undefined {
    let at: Mirror = this.mirror
    for (const key of place) {
      if ((Array.isArray(at) && !same) || !Object.hasOwn(at, key)) return undefined
      const part = (at as Record<string, Mirror | number>)[key]
      if (!isContainer(part)) return undefined
      at = part
    }
    return at
  }
}

let names = 0
function fresh(random: Random, depth = 0): Mirror {
  const parts = Array.from({ length: random.int(3) }, () =>
    depth < 2 && random.chance(0.7) ? fresh(random, depth + 1) : ++names,
  )
  if (random.chance(0.3)) return parts.filter(isContainer)
  return Object.fromEntries([
    ['id', ++names],
    ...parts.map((part): [string, Mirror | number] => [random.pick(['a', 'b', 'c']), part]),
  ])
}

/** One random change of both; undefined when the draw does not fit. */
function change(random: Random, world: World, root: Root): string | undefined {
  const usable = world.handles.filter(h => h.state === 'held')
  const [tracked, mirror] =
    random.chance(0.2) || usable.length === 0 ? [root.tree as Mirror, world.mirror] : pairOf(random.pick(usable))
  const both = (act: (container: never) => void): void => {
    act(tracked as never)
    act(mirror as never)
  }
  const inner = entriesOf(mirror).filter(([, part]) => isContainer(part))
  const draw = random.int(8)
  if (draw < 3) {
    // Hand out a container below.
    if (inner.length === 0) return undefined
    const [key] = random.pick(inner)
    const handle = (tracked as Record<string, Mirror>)[key] as Mirror
    if (!world.handles.some(h => h.tracked === handle)) {
      world.handles.push({ tracked: handle, mirror: (mirror as Record<string, Mirror>)[key] as Mirror, state: 'held' })
    }
    return `hand out .${key}`
  }
  if (draw === 3 || draw === 4) {
    const value = fresh(random)
    if (Array.isArray(mirror)) both((a: Mirror[]) => a.push(copyOf(value)))
    else {
      const key = random.pick(['a', 'b', 'c'])
      both((o: Record<string, Mirror>) => (o[key] = copyOf(value)))
      return `assign .${key}`
    }
    return 'push'
  }
  if (draw === 5) {
    if (inner.length === 0) return undefined
    const [key] = random.pick(inner)
    if (Array.isArray(mirror)) both((a: Mirror[]) => a.splice(Number(key), 1))
    else both((o: Record<string, Mirror>) => delete o[key])
    return `remove .${key}`
  }
  if (draw === 6) {
    const [first, second] = random.shuffle(inner)
    if (!first || !second) return undefined
    both((o: Record<string, Mirror>) => ([o[first[0]], o[second[0]]] = [o[second[0]] as Mirror, o[first[0]] as Mirror]))
    return `swap .${first[0]} .${second[0]}`
  }
  // Move a part into another held container, not into itself.
  if (inner.length === 0 || usable.length === 0) return undefined
  const [key, moved] = random.pick(inner) as [string, Mirror]
  const target = random.pick(usable)
  if (contains(moved, target.mirror) || Object.values(target.mirror).includes(moved)) return undefined
  if (world.handles.some(h => h.state === 'stale' && contains(moved, h.mirror))) return undefined
  const to = random.pick(['a', 'b', 'c'])
  const take = (from: Mirror): Mirror => {
    const part = (from as Record<string, Mirror>)[key] as Mirror
    if (Array.isArray(from)) from.splice(Number(key), 1)
    else delete from[key]
    return part
  }
  const put = (into: Mirror, part: Mirror): void => {
    if (Array.isArray(into)) into.push(part)
    else into[to] = part
  }
  put(target.tracked, take(tracked))
  put(target.mirror, take(mirror))
  return `move .${key} to .${to}`
}

function pairOf(handle: Handle): [Mirror, Mirror] {
  return [handle.tracked, handle.mirror]
}

/** Uses each, so that it is settled now, and hands nothing out. */
function touchHandles(world: World, root: Root): void {
  assert.deepStrictEqual(Object.keys(root.tree), Object.keys(world.mirror))
  for (const { tracked, mirror, state } of world.handles) {
    if (state === 'stale') assert.throws(() => Object.hasOwn(tracked, 'x'), StaleDataError)
    else if (Array.isArray(tracked)) assert.equal(tracked.length, (mirror as Mirror[]).length)
    else assert.deepStrictEqual(Reflect.ownKeys(tracked), Object.keys(mirror))
  }
}

function checkHandles(world: World): void {
  for (const { tracked, mirror, state } of world.handles) {
    if (state === 'stale') {
      assert.throws(() => Object.keys(tracked), StaleDataError)
      continue
    }
    const own = entriesOf(tracked).map(([key, part]) => [key, isContainer(part) ? 'container' : part])
    assert.deepStrictEqual(
      own,
      entriesOf(mirror).map(([key, part]) => [key, isContainer(part) ? 'container' : part]),
    )
    if (contains(world.mirror, mirror)) assert.deepStrictEqual(JSON.parse(JSON.stringify(tracked)), mirror)
  }
}

t.test(
  'containers held across moves, swaps and replacement follow their stored place after abort, conflict and reload',
  async t => {
    const random = seeded(t)
    for (let program = 0; program < 60; program++) {
      names = 0
      // Looking into everything asks for every container: in some programs most are never asked for.
      const looks = program % 3 === 0 ? 1 : program % 3 === 1 ? 0.1 : 0
      const path = join(tempDir(t), 'places.db')
      const options = { root: { tree: {} }, durability: 'os' } as const
      const db = open(path, options) as unknown as Connection<Root>
      const other = elsewhere<Root>(path, options)
      const world = new World()
      world.note()
      const history: string[] = []
      let dirty = false
      try {
        for (let i = 0; i < 60; i++) {
          const draw = random.int(10)
          if (draw === 0) {
            history.push('commit')
            db.commit()
            world.note()
            dirty = false
          } else if (draw === 1) {
            history.push('abort')
            db.abort()
            if (dirty) world.reload()
            dirty = false
          } else if (draw === 2) {
            history.push('another commits')
            const tree = copyOf(world.stored) as { [key: string]: Mirror | number }
            tree[random.pick(['a', 'b', 'c'])] = fresh(random)
            other.refresh()
            other.root.tree = tree
            other.commit()
            const pending = dirty || db.changed
            if (pending) {
              assert.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
              history.push('conflict')
            }
            db.abort()
            world.reload(tree)
            dirty = false
          } else if (draw === 3 && !db.changed) {
            history.push('transact with a retry')
            let runs = 0
            db.transact(root => {
              runs++
              if (runs === 2) world.reload(world.stored)
              for (let n = 0; n < 4; n++) history.push(String(change(random, world, root)))
              if (runs === 1 && db.changed) {
                other.refresh()
                other.root.tree = copyOf(world.stored) as Root['tree']
                other.commit()
              }
            })
            world.note()
          } else {
            history.push(String(change(random, world, db.root)))
            dirty = db.changed
          }
          touchHandles(world, db.root)
          if (i < 59 && !random.chance(looks)) continue
          checkHandles(world)
          assert.deepStrictEqual(JSON.parse(JSON.stringify(db.root.tree)), world.mirror)
        }
      } catch (error) {
        t.fail(`program ${program}, after ${history.slice(-25).join(' · ')}: ${String((error as Error).stack)}`)
        return
      } finally {
        db.abort()
        db.close()
        other.abort()
        other.close()
      }
    }
    t.pass('60 programs')
  },
)

interface Task {
  name: string
  steps: { done: boolean }[][]
}
type Board = Persistent & {
  tasks: Task[]
  title: string
  map: PersistentMap<string, Task>
  list: PersistentList<Task>
  queue: PersistentQueue<Task>
}

const task = (name: string): Task => ({ name, steps: [[{ done: false }, { done: false }], [{ done: false }]] })

const places: Record<string, (board: Board) => Task> = {
  'an array': board => board.tasks[1] as Task,
  'a map': board => board.map.get('b') as Task,
  'a list': board => board.list.at(1) as Task,
  'a queue': board => [...board.queue][1] as Task,
}

for (const [name, at] of Object.entries(places)) {
  t.test(`what is below arrays, in ${name}, stays what it is when what was done to it is undone`, t => {
    const path = join(tempDir(t), 'board.db')
    const tasks = (): Task[] => [task('a'), task('b'), task('c')]
    const map = new PersistentMap(tasks().map(each => [each.name, each]))
    const options = {
      root: { tasks: tasks(), title: '', map, list: new PersistentList(tasks()), queue: new PersistentQueue(tasks()) },
      durability: 'os',
    } as const
    const db = open(path, options) as unknown as Connection<Board>
    const rival = elsewhere<Board>(path, options)
    t.teardown(() => {
      db.close()
      rival.close()
    })
    const held = at(db.root)
    const { steps } = held
    const [first, second] = steps as [Task['steps'][0], Task['steps'][0]]
    const step = first[1] as { done: boolean }
    const isAsBefore = (): void => {
      t.equal(at(db.root), held)
      t.equal(held.steps[0]?.[1], step)
      t.strictSame(plain(held), task('b'))
      t.strictSame([step.done, first.length, second.length], [false, 2, 1])
    }

    step.done = true
    steps.reverse()
    first.shift()
    second.push({ done: true }, first.pop() as { done: boolean })
    db.root.tasks.shift()
    db.abort()
    isAsBefore()

    t.throws(() => {
      db.transact(({ tasks }) => {
        step.done = true
        steps.pop()
        tasks.length = 0
        throw new Error('no')
      })
    }, /no/)
    isAsBefore()

    for (const before of [() => undefined, () => steps.reverse()])
      for (const behind of [
        () => undefined,
        () => {
          db.root.map.set('b', task('another'))
          db.root.list.push(task('another'))
          db.root.queue.push(task('another'))
          db.root.map.clear()
        },
      ]) {
        before()
        db.root.tasks = []
        db.root.map.clear()
        db.root.list.clear()
        db.root.queue.clear()
        behind()
        db.abort()
        isAsBefore()
      }

    // ... and what is changed then is what stands there.
    db.transact(() => {
      step.done = true
    })
    t.equal(at(db.root).steps[0]?.[1], step)
    rival.refresh()
    t.equal(at(rival.root).steps[0]?.[1]?.done, true)

    // Not so once others have committed another version.
    at(rival.root).steps.unshift([])
    rival.commit()
    db.refresh()
    t.throws(() => step.done, StaleDataError)
    t.throws(() => first.length, StaleDataError)
    t.equal(at(db.root).steps.length, 3)
    t.end()
  })
}

t.test('what code of the program gives besides what is stored has no certain positions', t => {
  const path = join(tempDir(t), 'given.db')
  interface Things {
    n: number
    items: { id: string }[]
  }
  class Before extends Persistent {
    static type = 'Things'
    n = 0
    items = [{ id: 'a' }, { id: 'b' }]
  }
  class Upgraded extends Persistent {
    static type = 'Things'
    static version = 2
    declare n: number
    declare items: { id: string }[]
    static upgrade(state: Partial<Things>): void {
      state.items?.sort((a, b) => order * a.id.localeCompare(b.id))
    }
  }
  class Filled extends Persistent {
    static type = 'Things'
    static defaults = { more: [{ id: 'a' }, { id: 'b' }] }
    declare n: number
    declare more: { id: string }[]
  }
  let order = 1
  open(path, { root: Before, durability: 'os' }).close()

  const upgraded = open(path, { root: Upgraded, durability: 'os' })
  const held = upgraded.root.items[0] as { id: string }
  upgraded.root.n = 1
  order = -1
  upgraded.abort()
  t.equal(upgraded.root.items[0]?.id, 'b')
  t.throws(() => held.id, StaleDataError)
  upgraded.close()

  const filled = open(path, { root: Filled, durability: 'os' })
  const first = filled.root.more[0] as { id: string }
  filled.root.n = 1
  Filled.defaults.more.reverse()
  filled.abort()
  t.equal(filled.root.more[0]?.id, 'b')
  t.throws(() => first.id, StaleDataError)
  filled.close()
  t.end()
})

t.test('what was out of the store for a commit has its places again, and all below it', t => {
  const path = join(tempDir(t), 'out.db')
  const db = open(path, { root: { a: { b: { c: { n: 1 } } }, x: {} }, durability: 'os' })
  const { a } = db.root
  const { b } = a
  const { c } = b
  Reflect.deleteProperty(a, 'b')
  db.commit()
  ;(db.root.x as { b?: object }).b = b
  db.commit()
  Reflect.deleteProperty(b, 'c')
  db.abort()
  c.n++
  db.commit()
  t.same(plain(db.root), { a: {}, x: { b: { c: { n: 2 } } } })
  db.close()
  t.end()
})
