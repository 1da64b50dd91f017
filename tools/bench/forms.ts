// Values of other forms than the person of the workloads, in a map beside lmdb, and the other collections: for finding what
// falls out of line. Microseconds of one operation; every line in a process of its own, and once, so that only what differs by
// half says anything.
//   node dist/tools/bench/forms.js [--only sparse,lists --scale 1 | --short]
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { open, Persistent, PersistentMap, type Connection } from '../../lib/index.js'
import { COLLECTIONS } from './forms/collections.js'
import { VALUES, type Form } from './forms/values.js'
import { isInstalled, peer } from './peer.js'
import { shuffled } from './person.js'
import { workPlace } from './places.js'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    /** Entries, as a part of the full number. */
    scale: { type: 'string' },
    /** Few of everything: does it still work? */
    short: { type: 'boolean', default: false },
    /** Of a process that measures: what. */
    value: { type: 'string' },
    collection: { type: 'string' },
    contender: { type: 'string', default: 'perdure' },
    step: { type: 'string', default: '' },
    dir: { type: 'string', default: '' },
  },
})
const scale = Number(options.scale ?? (options.short ? 0.01 : 1))
if (!(scale > 0)) throw new RangeError('scale is a number above 0')

/** A map from strings to values. */
interface Store {
  transact(work: () => void): void
  get(key: string): unknown
  set(key: string, value: unknown): void
  delete(key: string): void
  values(): Iterable<unknown>
  close(): unknown
}

class Root extends Persistent {
  static type = 'Root'
  map = new PersistentMap<string, unknown>()
}

function openPerdure(dir: string): Store {
  const db: Connection<Root> = open(join(dir, 'forms.db'), { root: Root, durability: 'os' })
  const { map } = db.root
  return {
    transact: work => db.transact(work),
    get: key => map.get(key),
    set: (key, value) => void map.set(key, value),
    delete: key => void map.delete(key),
    values: () => map.values(),
    close: () => db.close(),
  }
}

interface Lmdb {
  transactionSync(work: () => void): void
  get(key: string): unknown
  putSync(key: string, value: unknown): void
  removeSync(key: string): void
  getRange(): Iterable<{ readonly value: unknown }>
  close(): Promise<void>
}

function openLmdb(dir: string): Store {
  const db = peer<{ readonly open: (options: object) => Lmdb }>('lmdb').open({ path: join(dir, 'lmdb'), noSync: true })
  return {
    transact: work => db.transactionSync(work),
    get: key => db.get(key),
    set: (key, value) => db.putSync(key, value),
    delete: key => db.removeSync(key),
    *values() {
      for (const { value } of db.getRange()) yield value
    },
    close: () => db.close(),
  }
}

const keyOf = (n: number): string => `k${String(n).padStart(8, '0')}`
/** So that what nobody holds can go. */
const turn = (): Promise<void> => new Promise(done => void setImmediate(done))

/** Operations on a map with values of one form. */
const STEPS: Readonly<Record<string, (store: Store, form: Form, order: Uint32Array) => Promise<void> | void>> = {
  build: (store, form, order) => inTransactions(store, order.length, 1000, n => store.set(keyOf(n), form.make(n))),
  read: async (store, _, order) => {
    for (const n of order) {
      if (store.get(keyOf(n)) === undefined) throw new Error(`no ${n}`)
      if (n % 1000 === 0) await turn()
    }
  },
  scan(store, _, { length }) {
    let count = 0
    for (const value of store.values()) count += Number(value !== undefined)
    if (count !== length) throw new Error(`${count} of ${length}`)
  },
  replace: (store, form, order) =>
    inTransactions(store, order.length, 100, i => store.set(keyOf(order[i] ?? 0), form.make(i))),
  change: (store, form, order) =>
    inTransactions(store, order.length, 100, i => {
      const key = keyOf(order[i] ?? 0)
      const value = store.get(key)
      const changed = form.change(value)
      // Perdure stores what was changed in place.
      if (changed !== value || options.contender === 'lmdb') store.set(key, changed)
    }),
  delete: (store, _, order) => inTransactions(store, order.length, 1000, i => store.delete(keyOf(order[i] ?? 0))),
  'random build': (store, form, order) =>
    inTransactions(store, order.length, 1000, i => store.set(keyOf(order[i] ?? 0), form.make(i))),
}

async function inTransactions(store: Store, count: number, each: number, act: (n: number) => void): Promise<void> {
  for (let from = 0; from < count; from += each) {
    store.transact(() => {
      for (let n = from; n < Math.min(count, from + each); n++) act(n)
    })
    if (from % 10_000 === 0) await turn()
  }
}

async function measureValue(name: string, step: string): Promise<void> {
  const form = VALUES[name]
  const run = STEPS[step]
  if (!form || !run) throw new RangeError(`${name}, ${step}`)
  const order = shuffled(Math.max(1, Math.round(form.count * scale)))
  const store = options.contender === 'lmdb' ? openLmdb(options.dir) : openPerdure(options.dir)
  const started = performance.now()
  await run(store, form, order)
  console.log((((performance.now() - started) * 1000) / order.length).toFixed(2))
  await store.close()
}

/** What a process of its own prints. */
function measured(...args: readonly string[]): string {
  const child = [fileURLToPath(import.meta.url), '--scale', String(scale), ...args]
  const { status, stdout } = spawnSync(process.execPath, child, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`)
  return stdout.trimEnd()
}

function measureAll(work: string): void {
  const only = options.only?.split(',') ?? (options.short ? ['sparse', ...Object.keys(COLLECTIONS)] : undefined)
  const isWanted = (name: string): boolean => only?.includes(name) ?? true
  const contenders = isInstalled('lmdb') ? ['perdure', 'lmdb'] : ['perdure']
  const steps = Object.keys(STEPS)
  console.log('us'.padEnd(24), ...steps.map(step => step.padStart(12)))
  for (const name of Object.keys(VALUES).filter(isWanted)) {
    for (const contender of contenders) {
      const dir = join(work, `${name}-${contender}`)
      const apart = join(work, `${name}-${contender}-random`)
      for (const each of [dir, apart]) mkdirSync(each)
      const figures = steps.map(step =>
        measured(
          '--value',
          name,
          '--contender',
          contender,
          '--step',
          step,
          '--dir',
          step === 'random build' ? apart : dir,
        ),
      )
      console.log(`${name} ${contender}`.padEnd(24), ...figures.map(figure => figure.padStart(12)))
      for (const each of [dir, apart]) rmSync(each, { recursive: true })
    }
  }
  for (const name of Object.keys(COLLECTIONS).filter(isWanted)) {
    const dir = join(work, 'collection')
    mkdirSync(dir)
    console.log(`\n${name}\n${measured('--collection', name, '--dir', dir)}`)
    rmSync(dir, { recursive: true })
  }
}

if (options.value !== undefined) await measureValue(options.value, options.step)
else if (options.collection !== undefined) await COLLECTIONS[options.collection]?.(join(options.dir, 'forms.db'), scale)
else {
  const work = workPlace()
  try {
    measureAll(work)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
