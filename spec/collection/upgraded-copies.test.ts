// `{ plain: true }` of objects that `static upgrade` has to edit: the same copies, and the same errors, as of what is loaded.
import { join } from 'node:path'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import {
  connectionOf,
  isUnknown,
  oidOf,
  open,
  Persistent,
  PersistentList,
  PersistentMap,
  plain,
  typeOf,
  type Connection,
  type PersistentClass,
} from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import type { Oid } from '../../lib/store/types.js'
import { tempDir } from '../helpers/temp-dir.js'

type State = Record<string, unknown>

class Thing extends Persistent {
  static type = 'Thing'
  number = 1
  friend: object | null = null
}

class Other extends Persistent {
  static type = 'Other'
  name = 'other'
}

class Shelf extends Persistent {
  static type = 'Shelf'
  things = new PersistentMap<number, Thing>()
  others = new PersistentMap<string, object>()
}

const MANY = 40

const openShelf = (path: string, classes: readonly unknown[]): Connection<Shelf> =>
  open(path, { root: Shelf, classes: classes as PersistentClass[], durability: 'os' })

function shelf(t: Test): string {
  const path = join(tempDir(t), 'shelf.db')
  const db = openShelf(path, [Thing, Other])
  db.transact(({ things }) => {
    let last: Thing | null = null
    for (let n = 0; n < MANY; n++) {
      const thing = new Thing()
      const other = new Other()
      thing.number = n
      thing.friend = last
      Object.assign(thing, {
        ...{
          other,
          list: new PersistentList([n]),
          self: n % 3 === 0 ? thing : null,
          zero: -0,
          big: 10n ** 20n,
          none: undefined,
        },
        ...{
          at: new Date(n),
          never: new Date(NaN),
          bytes: new Uint8Array([n]),
          floats: new Float64Array([n, -0]),
          nan: NaN,
        },
        buffer: Buffer.from('x'),
        nested: {
          tags: ['a', { at: new Date(n), other, last, thing }],
          bare: Object.assign(Object.create(null), { x: -0 }) as object,
        },
        ['\ud800']: '\ufeff',
      })
      things.set(n, thing)
      last = thing
    }
  })
  db.close()
  return path
}

interface Outcome {
  readonly given?: unknown
  readonly thrown?: unknown
}

function outcomeOf(work: () => unknown): Outcome {
  try {
    return { given: work() }
  } catch (error) {
    const { name, message, code, oid, path, cause } = error as Error & Record<string, unknown>
    return { thrown: { name, message, code, oid, path, cause: cause instanceof Error ? cause.message : cause } }
  }
}

const copiesOf = ({ root: { things } }: Connection<Shelf>): Outcome[] =>
  [...things.keys()].map(gte => outcomeOf(() => things.values({ gte, limit: 1, plain: true }).next().value))

const loadedOf = ({ root: { things } }: Connection<Shelf>): Outcome[] =>
  [...things.keys()].map(key => outcomeOf(() => plain(things.get(key))))

/** The first that do not look the same, with all that they are made of. */
function differenceOf(some: readonly unknown[], others: readonly unknown[]): string | undefined {
  if (some.length !== others.length) return `${some.length} and ${others.length}`
  const at = some.findIndex((each, n) => inspected(each) !== inspected(others[n]))
  return at < 0 ? undefined : `${at}: ${inspected(some[at])} and ${inspected(others[at])}`
}

const inspected = (value: unknown): string => inspect(value, { depth: 9, showHidden: true })

function knownOf(db: Connection<Shelf>): number {
  const { cache } = headerOf(db.root)?.scope as Session
  let known = 0
  for (let oid = 10; oid < 10 * MANY; oid++) known += Number(cache.get(oid as Oid) !== undefined)
  return known
}

/** A later version of the class. */
function later(upgrade: (state: State, from: number) => unknown, more: object = {}): typeof Persistent {
  class Later extends Persistent {
    static type = 'Thing'
    static version = 3
    static upgrade(state: State, from: number): void {
      return upgrade(state, from) as undefined
    }
    get member(): number {
      return 1
    }
  }
  return Object.assign(Later, more)
}

const held = new Other()
const classes: Record<string, object> = {
  'that does nothing': later(() => undefined),
  'that edits fields of all kinds': later((state, from) => {
    state.number = `${String(state.number)} of version ${from}`
    state.zero = [state.zero, 0, -0, 2n, NaN]
    ;(state.at as Date).setTime(7)
    ;(state.bytes as Uint8Array)[0] = 9
    state.nested = [state.nested, new Date(8), undefined, new Int8Array(2)]
    delete state.buffer
    Object.defineProperty(state, '__own', { value: 1, enumerable: true })
  }),
  'that moves and compares references': later(state => {
    const { friend, nested, other } = state as { friend: object; other: object; nested: { tags: [string, State] } }
    const inner = nested.tags[1]
    state.same = [inner.other === other, inner.last === friend, inner.thing === state.self, Object.is(friend, other)]
    state.classes = [other, friend, state.list].map(each => [
      each instanceof Persistent,
      each instanceof PersistentList,
      each !== null && [typeOf(each as object), oidOf(each as object), isUnknown(each as object)],
    ])
    state.connected = connectionOf(other) !== undefined
    state.friends = [friend, friend, { other, self: state.self }]
    delete state.friend
  }),
  'with defaults and transient fields': later(state => void (state.number = 'transient'), {
    defaults: { number: 0, added: { at: new Date(3), list: [1, -0] }, gone: 1 },
    transient: ['number', 'zero', 'gone'],
  }),
  'that gives a new object of before': later(state => void (state.held = held)),
  'that throws': later(state => {
    if ((state.number as number) % 2 === 0) throw new RangeError('even')
  }),
  'that throws what is no error': later(() => {
    throw 'text' // eslint-disable-line @typescript-eslint/only-throw-error
  }),
  'that returns a promise': later(() => Promise.resolve()),
  'that returns something': later(state => state),
  'that touches a reference': later(state => (state.friend as Thing | null)?.number),
  'that touches a collection': later(state => (state.list as PersistentList<number>).length),
  'that makes an object': later(state => void (state.made = new Other())),
  'that makes a collection': later(state => void (state.made = new PersistentList())),
  'that gives what cannot be stored': later(state => void (state.nested = { deep: [() => 1] })),
  'that gives a field with the name of a member': later(state => void (state.member = 1)),
  'that leaves a field that the class hides': class extends Persistent {
    static type = 'Thing'
    static version = 2
    static upgrade(): void {}
    number(): void {}
  },
  'of a version from before': later(() => undefined, { version: 0 }),
}

for (const [what, Class] of Object.entries(classes))
  t.test(`an upgrade ${what}: copies are as of what is loaded, and nothing is kept`, async t => {
    const path = shelf(t)
    for (const all of [[Class], [Class, Other]]) {
      const [db, loading] = [openShelf(path, all), openShelf(path, all)]
      const size = db.root.things.size
      t.equal(size, MANY)
      const before = knownOf(db)
      const copies = copiesOf(db)
      t.equal(
        copies.some(copy => 'thrown' in copy),
        /throws|returns|touches|makes|cannot be stored|name of a member|hides/.test(what),
      )
      t.equal(knownOf(db), before)
      t.equal(differenceOf(copies, loadedOf(loading)), undefined)
      t.equal(differenceOf(copiesOf(db), copies), undefined)
      db.close()
      loading.close()
    }
  })

t.test('the copy of an object that the program has, and that refers to itself, is as of what is loaded', async t => {
  const path = shelf(t)
  const held: unknown[] = []
  let met = 0
  const Later = later(state => void (met += Number(held.includes(state.self))))
  const db = openShelf(path, [Later])
  const self = db.root.things.get(0)
  held.push(self)
  const copy = db.root.things.values({ plain: true }).next().value as State
  t.equal(copy.self, copy)
  t.equal(met, 1)
  t.equal(differenceOf([copy], [plain(self)]), undefined)
  db.close()
})

t.test('reading such a copy is an access', async t => {
  const path = shelf(t)
  const Later = later(() => undefined)
  const [db, other] = [openShelf(path, [Later]), openShelf(path, [Thing])]
  t.equal([...db.root.things.values({ plain: true })].length, MANY)
  db.root.others.set('any', { data: 1 })
  other.transact(root => void (root.things.get(7)!.number = 100))
  t.throws(() => db.commit(), { code: 'WRITE_CONFLICT', conflicts: [{ type: 'Thing', kind: 'read' }] })
  db.abort()
  db.close()
  other.close()
})

t.test('a reference that upgrade has kept is refused: there would be two objects of one number', async t => {
  const kept: Thing[] = []
  const Later = later(state => void kept.push(state.friend as Thing))
  const db = openShelf(shelf(t), [Later])
  t.equal([...db.root.things.values({ plain: true })].length, MANY)
  const friend = kept[5]!
  t.throws(() => friend.number, { code: 'SCHEMA', message: /was kept by static upgrade/ })
  t.throws(() => (friend.number = 1), { code: 'SCHEMA', message: /was kept by static upgrade/ })
  t.throws(() => db.root.others.set('x', friend), { code: 'VALUE' })
  db.abort()
  db.close()
})
