import t from 'tap'
import { IdIndex, IDS_IN_PAGE, type IdRun } from '../../lib/store/id-index.js'
import { atOnce } from '../../lib/store/long-work.js'
import { DamagedIndexError, Directory, encodeDirectory, type Section } from '../../lib/store/table-directory.js'
import { encodeIds, TableIds } from '../../lib/store/table-ids.js'
import { hashOfId } from '../../lib/store/transaction-id.js'
import type { Oid } from '../../lib/store/types.js'
import { seeded } from '../helpers/seeded.js'

/** The same, as it is stored; `read` is told of each page that is looked into. */
function stored(index: IdIndex, read: () => void = () => undefined): TableIds {
  const pages: Buffer[] = []
  const entries = [...index.pages()].map((run, n) => {
    pages.push(encodeIds(run))
    return { number: run[0] ?? 0, section: [n, run.length * 8, 0] as const }
  })
  return new TableIds(new Directory(encodeDirectory(entries)), ([n]: Section) => {
    read()
    return pages[n] ?? Buffer.alloc(0)
  })
}

function isDamaged(act: () => unknown): boolean {
  try {
    act()
  } catch (error) {
    return error instanceof DamagedIndexError
  }
  return false
}

/** Hash and oid of each, in order. */
function pairsOf(runs: Iterable<IdRun>): [number, number][] {
  const all = [...runs].flatMap(run => [...run])
  return Array.from({ length: all.length / 2 }, (_, n) => [all[2 * n] ?? 0, all[2 * n + 1] ?? 0])
}

t.test('the hash of an id is the beginning of its SHA-256', t => {
  t.equal(hashOfId('abc'), 0xba7816bf8f01) // FIPS 180-2, B.1
  t.equal(hashOfId(Buffer.from('é')), hashOfId('é'))
  t.end()
})

t.test('records are found by the hash, whether stored before or not, also where several have the same', t => {
  const random = seeded(t)
  let index = new IdIndex()
  const model = new Map<number, Set<number>>()
  let size = 0
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 3000; n++) {
      const hash = random.pick([random.int(2 ** 48), random.int(2 ** 48), 2 ** 48 - 1 - random.int(3), random.int(3)])
      const oids = model.get(hash) ?? new Set()
      model.set(hash, oids)
      const oid = 16 + size++
      oids.add(oid)
      index.add(hash, oid as Oid)
    }
    t.equal(index.size, size)
    const bad = [...model].filter(
      ([hash, oids]) =>
        index
          .oids(hash)
          .sort((a, b) => a - b)
          .join() !== [...oids].join(),
    )
    t.strictSame(bad, [])
    t.strictSame(index.oids(1e14), model.has(1e14) ? [...(model.get(1e14) ?? [])] : [])
    const pairs = pairsOf(index.pages())
    t.equal(pairs.length, size)
    t.ok(
      pairs.every(([hash], n) => n === 0 || hash >= (pairs[n - 1]?.[0] ?? 0)),
      'ascending',
    )
    t.ok(pairs.every(([hash, oid]) => model.get(hash)?.has(oid)))
    t.strictSame(
      [...atOnce(index.gather())],
      Array.from({ length: size }, (_, n) => n + 16),
    )
    const before = stored(index)
    index = new IdIndex(() => before)
  }
  t.end()
})

t.test('a record that is taken note of twice is there once', t => {
  const index = new IdIndex()
  for (const oid of [20, 21, 20, 21]) index.add(5, oid as Oid)
  t.strictSame([index.size, index.oids(5)], [2, [20, 21]])
  const many = new IdIndex()
  for (let round = 0; round < 3; round++) for (let n = 1; n <= 5 * IDS_IN_PAGE; n++) many.add(n, (16 + n) as Oid)
  t.equal(many.size, 5 * IDS_IN_PAGE, 'wherever it stands')
  t.equal(pairsOf(many.pages()).length, 5 * IDS_IN_PAGE)
  const one = new IdIndex()
  for (let round = 0; round < 3; round++) for (let n = 1; n <= 5 * IDS_IN_PAGE; n++) one.add(7, (16 + n) as Oid)
  t.strictSame(
    one.oids(7),
    Array.from({ length: 5 * IDS_IN_PAGE }, (_, n) => 17 + n),
    'also among those of one hash',
  )
  t.end()
})

t.test('a look-up reads one page of what is stored, once, and taking note of another id none', t => {
  const first = new IdIndex()
  for (let n = 0; n < 100 * IDS_IN_PAGE; n++) first.add(hashOfId(`id ${n}`), (16 + n) as Oid)
  let read = 0
  const before = stored(first, () => read++)
  t.equal(before.size, 100 * IDS_IN_PAGE)
  const index = new IdIndex(() => before)
  index.add(hashOfId('another'), 10 as Oid)
  t.equal(read, 0)
  t.strictSame(index.oids(hashOfId('id 777')), [793])
  t.equal(read, 1)
  index.oids(hashOfId('id 777'))
  t.equal(read, 1)
  t.strictSame(index.oids(hashOfId('none of them')), [])
  t.ok(read <= 2)
  t.end()
})

t.test('no run of ids is long, whatever hashes come in whatever order, and none is passed over while more come', t => {
  const random = seeded(t)
  const count = 20_000
  const orders: Readonly<Record<string, (n: number) => number>> = {
    'the same': () => 5,
    'ascending, near each other': n => n,
    'descending, near each other': n => count - n,
    'near each other': () => random.int(2 ** 20),
    'far from each other': () => random.int(2 ** 48),
  }
  for (const [name, hashOf] of Object.entries(orders)) {
    const index = new IdIndex()
    const hashes = Array.from({ length: count }, (_, n) => hashOf(n))
    for (const [n, hash] of hashes.entries()) index.add(hash, (16 + n) as Oid)
    const runs = [...index.runs()]
    t.ok(Math.max(...runs.map(run => run.length)) <= 2 * IDS_IN_PAGE, name)
    t.equal(pairsOf(runs).length, count)
    t.ok(hashes.every((hash, n) => n % 97 > 0 || index.oids(hash).includes((16 + n) as Oid)))
    const met = new Set<number>()
    let more = 16 + count
    for (const run of index.runs()) {
      for (const [, oid] of pairsOf([run])) met.add(oid)
      for (let n = 0; n < 100; n++) index.add(random.pick(hashes), more++ as Oid)
    }
    t.ok(
      hashes.every((_, n) => met.has(16 + n)),
      name,
    )
  }
  t.end()
})

t.test('of one hash there may be more records than a call takes arguments', t => {
  const oids = Array.from({ length: 200_000 }, (_, n) => n + 16)
  const page = encodeIds(Float64Array.from(oids.flatMap(oid => [5, oid])))
  const directory = encodeDirectory([{ number: 5, section: [0, page.length, 0] }])
  const ids = new TableIds(new Directory(directory), () => page)
  t.equal(ids.oids(5).length, oids.length)
  t.end()
})

t.test('what is no page of ids is found out', t => {
  const run = Float64Array.of(5, 20, 5, 21, 9, 22)
  const idsIn = (bytes: Buffer, number = 5): TableIds =>
    new TableIds(new Directory(encodeDirectory([{ number, section: [0, bytes.length, 0] }])), () => bytes)
  t.strictSame(idsIn(encodeIds(run)).oids(9), [22])
  const bad = [[], [5], [5, 20, 4, 21], [5, NaN], [5, 0], [5, 1.5], [5, 20, NaN, 21], [5, 20, Infinity, 21], [6, 20]]
  for (const numbers of bad)
    t.ok(
      isDamaged(() => idsIn(encodeIds(Float64Array.from(numbers))).oids(5)),
      numbers.join(),
    )
  const directory = encodeDirectory([9, 5].map(number => ({ number, section: [0, 16, 0] })))
  t.ok(
    isDamaged(() => new TableIds(new Directory(directory), () => encodeIds(run))),
    'a directory out of order',
  )
  t.end()
})
