import t, { type Test } from 'tap'
import { join } from 'node:path'
import { open, type Connection, type Persistent } from '../../lib/index.js'
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
  ['flush', db => db.flush(), ['ok', 'ok', 'ok', 'ok', 'ClosedError']],
  ['pause', db => db.pause(), ['ok', 'StateError', 'ok', 'StateError', 'ClosedError']],
  ['continue', db => db.continue(), ['StateError', 'StateError', 'ok', 'StateError', 'ClosedError']],
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
