import t, { type Test } from 'tap'
import { join } from 'node:path'
import { open, Persistent, type Connection } from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'

// The table of spec/semantics.md, cell by cell.
type Root = Persistent & { n: number; list: number[] }
type State = 'idle' | 'changes' | 'paused' | 'inside' | 'closed'
type Outcome = 'ok' | 'StateError' | 'ClosedError'

const states: State[] = ['idle', 'changes', 'paused', 'inside', 'closed']
type Call = (db: Connection<Root>, root: Root, list: number[]) => unknown

const table: [string, Call, [idle: Outcome, changes: Outcome, paused: Outcome, inside: Outcome, closed: Outcome]][] = [
  ['reading a field', (_, root) => root.n, ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['reading plain data', (_, _root, list) => list.length, ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['changing a field', (_, root) => (root.n = 5), ['ok', 'ok', 'StateError', 'ok', 'ClosedError']],
  ['changing plain data', (_, _root, list) => list.push(1), ['ok', 'ok', 'StateError', 'ok', 'ClosedError']],
  ['root', db => db.root, ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['path', db => db.path, ['ok', 'ok', 'ok', 'ok', 'ok']],
  ['tid', db => db.tid, ['ok', 'ok', 'ok', 'ok', 'ok']],
  ['changed', db => db.changed, ['ok', 'ok', 'ok', 'ok', 'ok']],
  ['get', db => db.get(1), ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['transact', db => db.transact(r => r.n), ['ok', 'StateError', 'StateError', 'ok', 'ClosedError']],
  ['transactAsync', db => db.transactAsync(r => r.n), ['ok', 'StateError', 'StateError', 'StateError', 'ClosedError']],
  ['commit', db => db.commit(), ['ok', 'ok', 'StateError', 'StateError', 'ClosedError']],
  ['abort', db => db.abort(), ['ok', 'ok', 'ok', 'StateError', 'ClosedError']],
  ['refresh', db => db.refresh(), ['ok', 'StateError', 'StateError', 'StateError', 'ClosedError']],
  ['resolve', db => db.resolve('x'), ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['flush', db => db.flush(), ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['pause', db => db.pause(), ['ok', 'StateError', 'ok', 'StateError', 'ClosedError']],
  ['continue', db => db.continue(), ['StateError', 'StateError', 'ok', 'StateError', 'ClosedError']],
  ['log', db => [...db.log()], ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['usage', db => db.usage(), ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['connect', db => db.connect().close(), ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['pack', db => db.pack(), ['ok', 'ok', 'ok', 'StateError', 'ClosedError']],
  ['close', db => db.close(), ['ok', 'StateError', 'ok', 'StateError', 'ok']],
  ['the end of a using block', db => db[Symbol.dispose](), ['ok', 'ok', 'ok', 'StateError', 'ok']],
]

async function outcomeOf(act: () => unknown): Promise<string> {
  try {
    await act()
    return 'ok'
  } catch (error) {
    return (error as Error).name
  }
}

async function inState(t: Test, state: State, call: Call): Promise<string> {
  const db = open(join(tempDir(t), 'states.db'), {
    root: { n: 0, list: [] as number[] },
    durability: 'os',
  }) as Connection<Root>
  const { root } = db
  const { list } = root
  let outcome: Promise<string> | undefined
  if (state === 'changes') root.n = 1
  if (state === 'paused') db.pause()
  if (state === 'closed') db.close()
  if (state === 'inside') {
    db.transact(() => {
      outcome = outcomeOf(() => call(db, root, list))
    })
  }
  const found = await (outcome ?? outcomeOf(() => call(db, root, list)))
  if (state !== 'closed' && !['close', 'the end of a using block'].includes(String(call))) db[Symbol.dispose]()
  return found
}

for (const [name, call, outcomes] of table) {
  states.forEach((state, i) => {
    t.test(`${name}, ${state}: ${outcomes[i]}`, async t => {
      t.equal(await inState(t, state, call), outcomes[i])
    })
  })
}

// ---- inside of what edits the state of an object ---------------------------------------------------------------

let edits: (() => void) | undefined

class Before extends Persistent {
  static type = 'Part'
  n = 0
}
class Part extends Persistent {
  static type = 'Part'
  static version = 2
  n = 0
  static upgrade(): void {
    edits?.()
  }
  static merge(_base: object, theirs: object): object {
    edits?.()
    return theirs
  }
}

const harmless = ['root', 'path', 'tid', 'changed']
const uses = table.filter(([name]) => /^(reading|changing|get$)/.test(name)).map(([name]) => name)

type WithPart = Root & { part: Part }

/** Tries everything while something is edited by what `cause` does, and what that says. */
async function whileEdited(db: Connection<WithPart>, cause: () => unknown): Promise<Record<string, string>> {
  const { root } = db
  const { list } = root
  const found: [string, Promise<string>][] = []
  edits = () => {
    for (const [name, call] of table) found.push([name, outcomeOf(() => call(db, root, list))])
  }
  cause()
  edits = undefined
  return Object.fromEntries(await Promise.all(found.map(async ([name, outcome]) => [name, await outcome] as const)))
}

const expected = Object.fromEntries(
  table.map(([name]) => [
    name,
    harmless.includes(name) ? 'ok' : uses.includes(name) && name !== 'get' ? 'SchemaError' : 'StateError',
  ]),
)

t.test('inside static upgrade and static merge, a connection does nothing', async t => {
  const path = join(tempDir(t), 'editing.db')
  const root = { n: 0, list: [] as number[], part: new Before() }
  open(path, { root, classes: [Before], durability: 'os' }).close()
  const options = { classes: [Part], durability: 'os' } as const
  const db = open(path, options) as unknown as Connection<WithPart>
  const rival = open(path, options) as unknown as Connection<WithPart>
  t.teardown(() => {
    for (const connection of [db, rival]) connection[Symbol.dispose]()
  })
  t.strictSame(await whileEdited(db, () => db.root.part.n), expected)
  db.transact(root => (root.part.n = 1))
  rival.root.part.n = 2
  rival.root.n = 3
  db.transact(root => (root.part.n = 4))
  t.strictSame(await whileEdited(rival, () => rival.commit()), expected)
  t.notOk(rival.changed, 'what was under way goes on')
  db.refresh()
  t.strictSame([db.root.n, db.root.part.n], [3, 4])
})

t.test(
  'what a connection tells cannot be assigned, also not in silence, as scripts that are not strict would',
  async t => {
    const db = open(join(tempDir(t), 'told.db'), { root: { posts: [] as string[] } })
    const assigned = (name: string, message: RegExp): void => {
      t.throws(() => Reflect.set(db, name, { posts: ['lost'] }), { name: 'TypeError', message })
    }
    assigned('root', /^root cannot be assigned: assign fields of root$/)
    assigned('tid', /^tid cannot be assigned/)
    assigned('path', /^path cannot be assigned/)
    assigned('changed', /^changed cannot be assigned/)
    assigned(
      'data',
      /^data cannot be assigned: a connection has no such property of its own, and what is to be stored is assigned to/,
    )
    assigned('valueOf', /of its own/)
    for (const receiver of [Object.freeze({}), undefined, 7]) t.notOk(Reflect.set(db, 'data', 1, receiver))
    const derived = Object.create(db) as { tag?: string }
    derived.tag = 'x'
    t.same({ ...derived }, { tag: 'x' })
    db.close()
  },
)
