import t from 'tap'
import { PersistentMap } from '../../lib/collection/persistent-map.js'
import type { Connection } from '../../lib/object/connection.js'
import { openWith } from '../../lib/object/open.js'
import { Persistent } from '../../lib/object/persistent.js'
import { seeded, type Random } from '../helpers/seeded.js'
import type { Photograph } from './photograph.js'
import { SimulatedDisk, type SimulatedProcess } from './simulated-disk.js'

const PATH = '/data/bank.db'
const soak = process.env.PERDURE_SOAK !== undefined
t.setTimeout(soak ? 0 : 120_000)

class Account extends Persistent {
  static type = 'Account'
  balance = 100
  history: string[] = []
}

class Bank extends Persistent {
  static type = 'Bank'
  accounts = new PersistentMap<string, Account>()
  transfers = 0
}

const NAMES = ['ada', 'bob', 'cy', 'di']

function open({ disk }: SimulatedProcess, durability: 'fsync' | 'os', readonly = false): Connection<Bank> {
  return openWith(disk, PATH, { root: Bank, classes: [Account], durability, readonly }) as Connection<Bank>
}

function transfer(db: Connection<Bank>, random: Random): void {
  const [from = '', to = ''] = random.shuffle(NAMES)
  const amount = random.int(30)
  db.transact(bank => {
    bank.accounts.get(from)!.balance -= amount
    bank.accounts.get(to)!.balance += amount
    bank.accounts.get(to)!.history.push(`${amount} from ${from} `.padEnd(random.pick([10, 600])))
    bank.transfers++
  })
}

/** What is wrong with the bank; undefined: nothing. */
function problem(db: Connection<Bank>, atLeast: number, atMost: number): string | undefined {
  const { root } = db
  const total = [...root.accounts.values()].reduce((sum, { balance }) => sum + balance, 0)
  const entries = [...root.accounts.values()].reduce((sum, { history }) => sum + history.length, 0)
  if (root.transfers < atLeast) return `${atLeast} transfers were durable, and ${root.transfers} are left`
  if (root.transfers > atMost) return `${root.transfers} transfers of ${atMost}`
  if (entries !== root.transfers) return `${entries} entries of ${root.transfers} transfers`
  return total === 100 * root.accounts.size ? undefined : `money is made or lost: ${total}`
}

interface Moment {
  readonly photograph: Photograph
  readonly durable: number
  readonly begun: number
}

async function run(random: Random, moments: Moment[]): Promise<void> {
  const machine = new SimulatedDisk(random.int(2 ** 32))
  const connections = [open(machine.process(), 'fsync'), open(machine.process(), 'os')] as const
  connections[0].transact(bank => {
    for (const name of NAMES) bank.accounts.set(name, new Account())
  })
  let durable = 0
  let begun = 0
  let version = -1
  machine.watch = () => {
    if (version === machine.version) return
    version = machine.version
    moments.push({ photograph: machine.photograph(), durable, begun })
  }
  for (let n = 0; n < 30; n++) {
    const db = random.pick(connections)
    if (random.chance(0.1)) await db.pack()
    begun++
    transfer(db, random)
    if (db === connections[0]) durable = begun
  }
  for (const db of connections) db.close()
}

function problemAfter({ photograph, durable, begun }: Moment, random: Random, most: number): string | undefined {
  for (const remains of photograph.variants(most, random)) {
    const machine = SimulatedDisk.startedAgain(remains)
    const reader = open(machine.process(), 'fsync', true)
    const writer = open(machine.process(), 'fsync')
    const found = writer.root.transfers
    const before = problem(reader, durable, begun) ?? problem(writer, durable, begun)
    if (before !== undefined) return before
    transfer(writer, random)
    reader.refresh()
    const after = problem(reader, found + 1, found + 1)
    if (after !== undefined) return `and then: ${after}`
    reader.close()
    writer.close()
  }
  return undefined
}

t.test('whenever the power is cut, transactions are there as a whole or not at all', async t => {
  const random = seeded(t)
  let cuts = 0
  for (let n = 0; n < (soak ? 500 : 3); n++) {
    const moments: Moment[] = []
    await run(random, moments)
    for (const moment of moments) {
      cuts++
      const found = problemAfter(moment, random, 6)
      if (found === undefined) continue
      t.fail(`power cut ${cuts}: ${found}. PERDURE_SEED=${random.seed} node ${process.argv[1]} repeats it`)
      return
    }
  }
  t.pass(`${cuts} power cuts`)
})
