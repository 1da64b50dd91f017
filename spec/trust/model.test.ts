// Random operations on a graph of objects, in a store and on a model in memory, which must never differ. PERDURE_MODEL_RUNS says
// how many sequences; `npm run soak:model` makes many. What fails is made smaller, and printed.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import type { Connection } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { verify } from '../../lib/store/verify.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import {
  assertSame,
  cloneGraph,
  describe,
  itemsOf,
  ModelGraph,
  modelWorld,
  StoredGraph,
  StoredItem,
  storedWorld,
  structuredCloneOf,
  type Item,
  type World,
} from './graph.js'

const runs = Number(process.env.PERDURE_MODEL_RUNS || 120)
t.setTimeout((60 + runs) * 1000)

// ---- what can be done to a graph --------------------------------------------------------------------------------

type Change = <I extends Item>(world: World<I>) => void

const value = fc.anything({
  maxDepth: 2,
  maxKeys: 3,
  withBigInt: true,
  withDate: true,
  withNullPrototype: true,
  withTypedArray: true,
})
const index = fc.nat(40)
const key = fc.constantFrom('a', 'b', 'c', '')
let made = 0

function pick<I extends Item>({ root }: World<I>, n: number): I | null {
  const items = itemsOf(root)
  return items[n % items.length] ?? null
}

/** Of one item, if there is any. */
const ofItem =
  (n: number, act: (item: Item) => void): Change =>
  world => {
    const item = pick(world, n)
    if (item) act(item)
  }

const changes: Record<string, fc.Arbitrary<Change>> = {
  'set value': fc.tuple(index, value).map(([n, v]) => ofItem(n, item => (item.value = structuredCloneOf(v)))),
  'push tag': fc.tuple(index, value).map(([n, v]) => ofItem(n, item => void item.tags.push(structuredCloneOf(v)))),
  'splice tags': fc
    .tuple(index, fc.nat(3), fc.nat(2), value)
    .map(([n, at, count, v]) => ofItem(n, item => void item.tags.splice(at, count, structuredCloneOf(v)))),
  'swap tags': index.map(n => ofItem(n, ({ tags }) => tags.length > 1 && ([tags[0], tags[1]] = [tags[1], tags[0]]))),
  'filter tags': index.map(n => ofItem(n, item => (item.tags = item.tags.filter((_, at) => at % 3 !== 1)))),
  'set field': fc
    .tuple(index, key, value)
    .map(([n, k, v]) => ofItem(n, item => (item.fields[k] = structuredCloneOf(v)))),
  'delete field': fc.tuple(index, key).map(([n, k]) => ofItem(n, item => delete item.fields[k])),
  'copy between items': fc.tuple(index, index).map(([n, m]): Change => world => {
    const [from, to] = [pick(world, n), pick(world, m)]
    if (from && to && from !== to) to.value = from instanceof StoredItem ? from.tags : structuredCloneOf(from.tags)
  }),
  'new item in the map': fc.tuple(key, fc.boolean()).map(([k, first]): Change => {
    const name = `item ${++made}`
    return world => {
      const item = world.make(name)
      world.root.map.set(k, item)
      if (first) world.root.first = item
    }
  }),
  'new item behind another one': index.map((n): Change => {
    const name = `item ${++made}`
    return world => {
      const item = pick(world, n)
      const next = world.make(name)
      if (item) [next.next, item.next] = [item.next, next]
      else world.root.first = next
    }
  }),
  link: fc.tuple(index, index).map(([n, m]): Change => world => {
    const item = pick(world, n)
    if (item) item.next = pick(world, m)
  }),
  unlink: index.map(n => ofItem(n, item => (item.next = null))),
  'set first': index.map(
    (n): Change =>
      world =>
        (world.root.first = pick(world, n)),
  ),
  'no first': fc.constant<Change>(({ root }) => (root.first = null)),
  'delete from the map': key.map(
    (k): Change =>
      ({ root }) =>
        root.map.delete(k),
  ),
  'clear the map': fc.constant<Change>(({ root }) => root.map.clear()),
  'item into the list': index.map(
    (n): Change =>
      world =>
        world.root.list.push(pick(world, n)),
  ),
  'value into the list': value.map(
    (v): Change =>
      ({ root }) =>
        root.list.unshift(structuredCloneOf(v)),
  ),
  'splice the list': fc.tuple(fc.nat(4), fc.nat(3)).map(
    ([at, n]): Change =>
      ({ root }) =>
        root.list.splice(at, n),
  ),
  'reverse the list': fc.constant<Change>(({ root }) => root.list.reverse()),
  'add to the set': fc.integer({ min: -9, max: 9 }).map(
    (n): Change =>
      ({ root }) =>
        root.set.add(n),
  ),
  'delete from the set': fc.integer({ min: -9, max: 9 }).map(
    (n): Change =>
      ({ root }) =>
        root.set.delete(n),
  ),
}

interface Named {
  readonly name: string
  readonly change: Change
}
const someChange: fc.Arbitrary<Named> = fc.oneof(
  ...Object.entries(changes).map(([name, each]) => each.map(change => ({ name, change }))),
)
const someChanges = fc.array(someChange, { minLength: 1, maxLength: 4 })

// ---- the two sides ----------------------------------------------------------------------------------------------

interface Model {
  /** What everybody sees. */
  committed: ModelGraph
  /** What the connection sees while it has changes pending. */
  pending: ModelGraph | undefined
  /** Somebody else has committed since the pending changes began. */
  overtaken: boolean
}

/** A connection under test, and another one as another process would have it; both by a clock that goes as it is told. */
class Real {
  readonly path: string
  clock = 1e12
  db: Connection<StoredGraph>
  rival: Connection<StoredGraph>
  /** The items that were met, by name: as long as they are held, each is one object. */
  met = new Map<string, StoredItem>()

  constructor(path: string) {
    this.path = path
    this.db = this.#open()
    this.rival = this.#open()
  }

  reopen(): void {
    this.db.close()
    this.db = this.#open()
    this.met.clear()
  }

  close(): void {
    if (this.db.changed) this.db.abort()
    this.db.close()
    this.rival.close()
  }

  #open(): Connection<StoredGraph> {
    const disk = { ...systemDisk, now: () => this.clock }
    const options = { root: StoredGraph, classes: [StoredItem], durability: 'os' } as const
    return openWith(disk, this.path, options) as Connection<StoredGraph>
  }
}

type Command = fc.AsyncCommand<Model, Real>
const always = (): boolean => true
const isIdle = ({ pending }: Readonly<Model>): boolean => pending === undefined
const isPending = ({ pending }: Readonly<Model>): boolean => pending !== undefined

/** Makes a command; after it both sides must be the same. */
function command(
  name: string,
  check: (model: Readonly<Model>) => boolean,
  run: (m: Model, r: Real) => unknown,
): Command {
  return {
    toString: () => name,
    check,
    async run(model, real) {
      await run(model, real)
      assert.equal(real.db.changed, model.pending !== undefined, 'changes are pending, or not')
      assertSame(real.db.root, model.pending ?? model.committed, `the connection, after: ${name}`)
      for (const item of itemsOf(real.db.root)) {
        const before = real.met.get(item.name)
        assert.ok(before === undefined || before === item, `${item.name} is another object than before`)
        real.met.set(item.name, item)
      }
    },
  }
}

function apply(changes: readonly Named[], graph: ModelGraph): ModelGraph {
  const copy = cloneGraph(graph)
  for (const { change } of changes) change(modelWorld(copy))
  copy.stamp++
  return copy
}

function applyStored(changes: readonly Named[], graph: StoredGraph): void {
  // Everything is looked at, as the model cannot tell what a change looks at: then any commit of others is a conflict.
  describe(graph)
  for (const { change } of changes) change(storedWorld(graph))
  graph.stamp++
}

const named = (changes: readonly Named[]): string => changes.map(({ name }) => name).join(', ')

/** Somebody else commits. */
function elsewhere(changes: readonly Named[], model: Model, { rival }: Real): void {
  rival.transact(graph => applyStored(changes, graph))
  model.committed = apply(changes, model.committed)
  model.overtaken = true
}

const commands: readonly fc.Arbitrary<Command>[] = [
  someChanges.map(changes =>
    command(`change: ${named(changes)}`, always, (model, { db }) => {
      applyStored(changes, db.root)
      if (model.pending === undefined) model.overtaken = false
      model.pending = apply(changes, model.pending ?? model.committed)
    }),
  ),
  fc.constant(
    command('commit', isPending, (model, { db }) => {
      if (model.overtaken) {
        assert.throws(() => db.commit(), { code: 'WRITE_CONFLICT' })
        return
      }
      db.commit()
      model.committed = model.pending ?? model.committed
      model.pending = undefined
    }),
  ),
  fc.constant(
    command('abort', always, (model, { db }) => {
      db.abort()
      model.pending = undefined
    }),
  ),
  someChanges.map(changes =>
    command(`elsewhere: ${named(changes)}`, always, (model, real) => elsewhere(changes, model, real)),
  ),
  fc.tuple(someChanges, fc.boolean()).map(([changes, waits]) =>
    command(`transact: ${named(changes)}`, isIdle, async (model, { db }) => {
      if (waits) await db.transactAsync(graph => applyStored(changes, graph))
      else db.transact(graph => applyStored(changes, graph))
      model.committed = apply(changes, model.committed)
    }),
  ),
  fc.tuple(someChanges, someChanges).map(([changes, others]) =>
    command(`transact: ${named(changes)}, overtaken by: ${named(others)}`, isIdle, (model, real) => {
      let runs = 0
      real.db.transact(graph => {
        applyStored(changes, graph)
        if (++runs === 1) elsewhere(others, model, real)
      })
      assert.equal(runs, 2)
      model.committed = apply(changes, model.committed)
    }),
  ),
  someChanges.map(changes =>
    command(`transact that throws: ${named(changes)}`, isIdle, (_model, { db }) => {
      const thrown = new Error('as the test wants')
      const run = (): never =>
        db.transact(graph => {
          applyStored(changes, graph)
          throw thrown
        })
      assert.throws(run, thrown)
    }),
  ),
  someChanges.map(changes =>
    command(`pause, and elsewhere: ${named(changes)}`, isIdle, async (model, real) => {
      using _pause = real.db.pause()
      const before = model.committed
      assertSame(real.db.root, before, 'at the beginning of a pause')
      elsewhere(changes, model, real)
      await real.rival.pack()
      assertSame(real.db.root, before, 'during a pause')
    }),
  ),
  fc.constant(command('pack', always, async (_model, { db }) => void (await db.pack()))),
  fc.constant(command('pack elsewhere', always, async (_model, { rival }) => void (await rival.pack()))),
  fc.constant(command('reopen', isIdle, (_model, real) => real.reopen())),
  fc.constant(command('refresh', isIdle, (_model, { db }) => db.refresh())),
  fc
    .integer({ min: -1e9, max: 1e6 })
    .map(by => command(`time moves by ${by}`, always, (_model, real) => (real.clock += by))),
]

t.test('whatever is done to stored objects, they are as the same objects in memory would be', async t => {
  const { seed } = seeded(t)
  const dir = tempDir(t)
  let [stores, steps] = [0, 0]
  const property = fc.asyncProperty(fc.commands([...commands], { maxCommands: 60, size: 'max' }), async commands => {
    const path = join(dir, `${++stores}.db`)
    const real = new Real(path)
    const model: Model = { committed: new ModelGraph(), pending: undefined, overtaken: false }
    try {
      await fc.asyncModelRun(() => ({ model, real }), commands)
      steps += [...commands].length
      if (real.db.changed) real.db.abort()
      real.reopen()
      assertSame(real.db.root, model.committed, 'opened anew')
      assertSame(real.rival.root, model.committed, 'and elsewhere')
    } finally {
      real.close()
    }
    verify(systemDisk, path, ({ message }) => assert.fail(message))
  })
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: process.env.PERDURE_MODEL_SHRINK === 'no' })
  t.ok(steps > runs, `${stores} stores, ${steps} steps`)
})
