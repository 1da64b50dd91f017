// One of the processes in a published anomaly: a transaction by hand, one statement at a time, on numbers under names.
import { open, Persistent, PersistentMap, type Isolation } from '../../lib/index.js'
import { serve } from '../helpers/serve.js'

export class Cell extends Persistent {
  static type = 'Cell'
  value = 0
}

/** `rows` and `others` are two tables. */
export class Table extends Persistent {
  static type = 'Table'
  rows = new PersistentMap<string, Cell>()
  others = new PersistentMap<string, Cell>()
}

const [path = '', isolation = 'serializable'] = process.argv.slice(2)
const db = open(path, { root: Table, classes: [Cell], durability: 'os', isolation: isolation as Isolation })
const own = db.connect()

type Tables = 'rows' | 'others'
const cell = (name: string): Cell => {
  const found = own.root.rows.get(name) ?? own.root.others.get(name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}

const methods = {
  /** Before a script: these rows and no others. */
  reset: (rows: Record<string, number>) =>
    db.transact(table => {
      table.rows = new PersistentMap()
      table.others = new PersistentMap()
      for (const [name, value] of Object.entries(rows)) table.rows.set(name, new Cell()).get(name)!.value = value
    }),
  read: (name: string) => cell(name).value,
  write: (name: string, value: number) => void (cell(name).value = value),
  insert: (table: Tables, name: string, value: number) => {
    const made = new Cell()
    made.value = value
    own.root[table].set(name, made)
  },
  remove: (name: string) => void own.root.rows.delete(name),
  /** The names of all rows whose value can be divided by `n`, of one table. */
  divisible: (table: Tables, n: number) =>
    [...own.root[table]].filter(([, { value }]) => value % n === 0).map(([name]) => name),
  has: (name: string) => own.root.rows.has(name),
  count: () => own.root.rows.size,
  commit: () => void own.commit(),
  abort: () => own.abort(),
  pack: async () => void (await db.pack()),
}
export type SteppedMethods = typeof methods

serve(methods)
