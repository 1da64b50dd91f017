// Records that stand near each other are read together, in whatever order they are asked for, and are held without each other.
import t from 'tap'
import type { Test } from 'tap'
import type { Store } from '../../lib/store/store.js'
import type { Oid, StoredRecord } from '../../lib/store/types.js'
import { countingDisk } from '../helpers/counting-disk.js'
import { fill, put, record } from '../helpers/drafts.js'
import { newStore, openStore, stranger } from '../helpers/new-store.js'

/** A file that is too large to be kept block by block, and the oids of objects of about a hundred bytes in it, in their order. */
function largeStore(
  t: Test,
  objects: number,
): { store: Store; oids: Oid[]; readsOf: (oids: readonly Oid[]) => number } {
  const made = newStore(t)
  put(made, record(-1, 'x'.repeat(33 * 2 ** 20)))
  const oids = fill(made, objects, 70)
  const counting = countingDisk()
  const store = openStore(t, made.path, counting.disk)
  textsOf(store, oids.slice(0, 1)) // what must be known of the file
  const readsOf = (asked: readonly Oid[]): number =>
    counting.during(() => textsOf(store, asked)).filter(name => name === 'read').length
  return { store, oids, readsOf }
}

function recordsOf(store: Store, oids: readonly Oid[]): StoredRecord[] {
  const { generation, offset } = store.latest()
  return oids.map(oid => generation.read(generation.find(oid, offset)))
}

const textsOf = (store: Store, oids: readonly Oid[]): string[] =>
  recordsOf(store, oids).map(({ state }) => Buffer.from(state).toString())

/** Neighbours stay within a few thousand bytes of each other, but on either side. */
const mixed = <T>(all: readonly T[]): T[] => Array.from(all, (_, n) => all[n - (n % 50) + ((n * 27) % 50)] as T)

/** Bytes that are held by whoever holds these records. */
function heldBy(records: readonly StoredRecord[]): number {
  let bytes = 0
  for (const buffer of new Set(records.map(({ bytes }) => bytes.buffer))) bytes += buffer.byteLength
  return bytes
}

const ORDERS: [string, <T>(all: readonly T[]) => T[]][] = [
  ['as they stand', all => [...all]],
  ['backwards', all => [...all].reverse()],
  ['to and fro', mixed],
]

for (const [name, ordered] of ORDERS) {
  t.test(`${name}: hundreds of records for one read`, async t => {
    const { store, oids, readsOf } = largeStore(t, 3000)
    const asked = ordered(oids)
    const reads = readsOf(asked)
    t.ok(reads > 5 && reads < 60, `${reads} reads`)
    const numbers = textsOf(store, asked).map(text => Number(text.split(' ')[0]))
    t.same(numbers, ordered(Array.from(oids, (_, n) => n)))
  })
}

t.test('who holds every tenth record holds little besides', async t => {
  for (const [name, ordered] of ORDERS) {
    const { store, oids } = largeStore(t, 5000)
    const records = recordsOf(
      store,
      ordered(oids).filter((_, n) => n % 10 === 0),
    )
    const own = records.reduce((sum, { length }) => sum + length, 0)
    const held = heldBy(records)
    t.ok(held < 3 * own + 2 ** 16, `${name}: ${held} bytes for ${own}`)
  }
})

t.test('the same of records out of what others have just committed', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  const records: StoredRecord[] = []
  for (let n = 0; n < 50; n++) {
    const [oid = 0 as Oid] = fill(store, 100, 200)
    records.push(...recordsOf(other, [oid]))
  }
  const held = heldBy(records)
  t.ok(held < 2 ** 16, `${held} bytes`)
  t.match(Buffer.from(records.at(-1)?.state ?? []).toString(), /^0 x{200}$/)
})

t.test('a record that is longer than most is given out whole, whichever way it is met', async t => {
  const made = newStore(t)
  put(made, record(-1, 'x'.repeat(33 * 2 ** 20)))
  const oids: Oid[] = []
  for (let n = 0; n < 200; n++) oids.push(put(made, record(-1, `${n} ${'x'.repeat(n % 3 === 0 ? 2000 : 10)}`)))
  const store = openStore(t, made.path)
  for (const [, ordered] of ORDERS) {
    const lengths = textsOf(store, ordered(oids)).map(text => text.length)
    t.same(lengths, ordered(oids.map((_, n) => String(n).length + 1 + (n % 3 === 0 ? 2000 : 10))))
  }
})
