// A process at work on a graph of objects, step by step. What it reads it keeps in `held`, as an application would in variables.
import { open, Persistent, PersistentMap, type Connection, type Pause } from 'perdure'
import { serve } from '../helpers/serve.js'

class Item extends Persistent {
  static type = 'Item'
  text = ''
  next: Item | null = null
}

class Root extends Persistent {
  static type = 'Root'
  x: Item | null = null
  items = new PersistentMap<string, Item>()
  settings = { theme: 'light', sizes: [1, 2, 3] }
  counters: Record<string, number> = {}
}

const [path = '', durability = 'os'] = process.argv.slice(2)
const db = open(path, {
  root: Root,
  classes: [Item],
  durability: durability === 'fsync' ? 'fsync' : 'os',
  lockTimeout: 60_000,
})
let own: Connection<Root> | undefined
let pause: Pause | undefined
const held = new Map<string, Item>()

function item(name: string): Item {
  const found = held.get(name)
  if (!found) throw new Error(`${name} is not held`)
  return found
}

const methods = {
  /** Makes an item with a successor and puts it at `x`. */
  make: (text: string, next: string) =>
    db.transact(root => {
      root.x = new Item()
      root.x.text = text
      root.x.next = new Item()
      root.x.next.text = next
    }),
  /** Holds `x` as `name` and returns its text, which loads it. */
  load(name: string) {
    if (!db.root.x) throw new Error('there is no x')
    held.set(name, db.root.x)
    return db.root.x.text
  },
  /** Holds what follows `x`, without loading it. */
  loadNext(name: string) {
    if (!db.root.x?.next) throw new Error('nothing follows x')
    held.set(name, db.root.x.next)
  },
  change: (text: string) =>
    db.transact(root => {
      if (root.x) root.x.text = text
    }),
  detach: () =>
    db.transact(root => {
      root.x = null
    }),
  attach: (name: string) =>
    db.transact(root => {
      root.x = item(name)
    }),
  textOf: (name: string) => item(name).text,
  nextText: () => db.root.x?.next?.text,
  text: () => db.root.x?.text,
  pack: async () => void (await db.pack()),
  setTheme: (theme: string) => db.transact(root => void (root.settings.theme = theme)),
  theme: () => db.root.settings.theme,

  // ---- a connection of its own, for work across awaits ----
  ownBegins() {
    own = db.connect()
    return own.root.settings.theme
  },
  ownWrites(text: string) {
    if (!own?.root.x) throw new Error('there is no x')
    own.root.x.text = text
  },
  ownCommits: () => own?.commit(),
  ownAborts: () => own?.abort(),
  ownTheme: () => own?.root.settings.theme,

  // ---- pause ----
  pauses: () => void (pause = db.pause()),
  continues: () => pause?.continue(),

  // ---- counting ----
  /** Adds 1 to each of the counters `times` times; returns how often a run was repeated. */
  async increment(names: string[], times: number, async: boolean) {
    let runs = 0
    const work = (root: Root): void => {
      runs++
      for (const name of names) root.counters[name] = (root.counters[name] ?? 0) + 1
    }
    for (let n = 0; n < times; n++) {
      if (async) await db.transactAsync(work)
      else db.transact(work)
    }
    return runs - times
  },
  counters: () => ({ ...db.root.counters }),
  tid: () => db.tid,
}
export type MemberMethods = typeof methods

serve(methods)
