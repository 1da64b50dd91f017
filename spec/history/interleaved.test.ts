// The random transactions again, in one process: a dozen of them are under way at any time, and take their steps in an
// order that the seed decides. So whatever is found here can be repeated; claims about processes are random.test.ts's.
import { join } from 'node:path'
import t from 'tap'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open, type Connection, type Isolation } from '../../lib/index.js'
import { verify } from '../../lib/store/verify.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from '../object/helpers/elsewhere.js'
import { bankOptions, type Bank } from './bank.js'
import { check, countMerged } from './check.js'
import type { Recorded } from './recorded.js'
import { tryToCommit } from './try-to-commit.js'
import { View, type Held } from './view.js'
import { audit, change, type Work } from './work.js'

const STORES = 4
const CONNECTIONS = 3
const EVENTS = 6000
t.setTimeout(120_000)

let clock = 0

/** One connection: a transaction is under way, or none is. */
class Worker {
  readonly history: Recorded[] = []
  readonly #db: Connection<Bank>
  readonly #r: Random
  readonly #isolation: Isolation
  readonly #who: string
  readonly #held: Held = new Map()
  #runs = 0
  #work: Work = { what: 'nothing yet', steps: [] }
  #view: View | undefined
  #done = 0
  #began = 0
  #snapshot = 0

  constructor(db: Connection<Bank>, r: Random, isolation: Isolation, who: string) {
    this.#db = db
    this.#r = r
    this.#isolation = isolation
    this.#who = who
  }

  /** The next thing: a transaction begins, takes a step, or ends. */
  go(): void {
    const view = this.#view
    if (!view) this.#begin()
    else if (this.#done < this.#work.steps.length) this.#work.steps[this.#done++]?.(view)
    else this.#end(view, false)
  }

  /** Whatever is under way is undone. */
  stop(): void {
    if (this.#view) this.#end(this.#view, true)
    this.#db.close()
  }

  #begin(): void {
    if (this.#r.chance(0.1)) this.#readWhilePaused()
    this.#view = this.#start(this.#r.chance(0.15) ? audit(this.#r) : change(this.#r))
  }

  #start(work: Work): View {
    this.#work = work
    this.#done = 0
    this.#began = ++clock
    this.#db.get(1)
    this.#snapshot = this.#db.tid
    return new View(this.#db.root, `${this.#who}:${++this.#runs}`, this.#held)
  }

  #readWhilePaused(): void {
    using _pause = this.#db.pause()
    const view = this.#start(audit(this.#r))
    for (const step of this.#work.steps) step(view)
    this.#record(view, 'read')
  }

  #end(view: View, stops: boolean): void {
    const ended = stops || this.#r.chance(0.05) ? 'undone' : tryToCommit(this.#db, this.#isolation)
    if (ended !== 'committed') this.#db.abort()
    this.#view = undefined
    this.#record(view, ended)
  }

  #record(view: View, ended: Recorded['outcome']): void {
    const committed = ended === 'committed'
    if (committed && view.wrote) view.committed()
    this.history.push({
      who: this.#who,
      what: this.#work.what,
      isolation: this.#isolation,
      began: this.#began,
      ended: ++clock,
      snapshot: this.#snapshot,
      outcome: committed && !view.wrote ? 'read' : ended,
      ...(committed && view.wrote ? { commit: this.#db.tid } : {}),
      steps: view.steps,
    })
  }
}

for (const [name, packs] of [
  ['often', 0.02],
  ['never', 0],
] as const) {
  // prettier-ignore
  t.test(`in whatever order a dozen transactions take their steps, while somebody ${name} packs`, async t => {
    const r = seeded(t)
    const path = join(tempDir(t), 'bank.db')
    const db = open(path, { ...bankOptions, durability: 'os' })
    db.transact(bank => bank.furnish())
    const since = db.tid
    const initial = new View(db.root, '').everything()
    const stores = Array.from({ length: STORES }, (_, n) => {
      const isolation = n === 0 ? 'snapshot' : 'serializable'
      return { isolation, store: elsewhere<Bank>(path, { ...bankOptions, isolation }) } as const
    })
    const workers = stores.flatMap(({ store, isolation }, n) =>
      Array.from({ length: CONNECTIONS }, (_, m) => new Worker(store.connect(), r, isolation, `${n}.${m}`)),
    )
    for (let event = 0; event < EVENTS; event++) {
      if (r.chance(packs)) await r.pick(stores).store.pack()
      else r.pick(workers).go()
    }
    for (const worker of workers) worker.stop()
    db.refresh()
    const transactions = workers.flatMap(({ history }) => history)
    const final = new View(db.root, '').everything()
    const history = { initial, since, transactions, final, until: db.tid }
    t.same(check(history).slice(0, 10), [])
    const findings: string[] = []
    verify(systemDisk, path, ({ message }) => findings.push(message))
    verifyCollections(systemDisk, path, ({ message }) => findings.push(message))
    t.same(findings, [])
    for (const { store } of stores) store.close()
    db.close()
    const conflicts = transactions.filter(({ outcome }) => outcome === 'conflict').length
    const merged = countMerged(history)
    t.comment(`${transactions.length} transactions, ${merged} merged, ${conflicts} conflicts`)
    t.ok(merged > 50 && conflicts > 50, 'and there was something to judge')
  })
}
