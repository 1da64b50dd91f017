import t from 'tap'
import { OffsetIndex } from '../../lib/store/offset-index.js'
import type { Offset, Oid } from '../../lib/store/types.js'
import { seeded } from '../helpers/seeded.js'

const set = (index: OffsetIndex, oid: number, offset: number): void => index.set(oid as Oid, offset as Offset)
const get = (index: OffsetIndex, oid: number): number => index.get(oid as Oid)

t.test('an object that was never stored stands nowhere', async t => {
  const index = new OffsetIndex()
  t.same([get(index, 1), get(index, 5000), get(index, Number.MAX_SAFE_INTEGER)], [0, 0, 0])
  t.equal(index.size, 0)
})

t.test('the newest place of an object is kept, and it is counted once', async t => {
  const index = new OffsetIndex()
  set(index, 4095, 100)
  set(index, 4096, 200)
  set(index, 4095, 300)
  t.same([get(index, 4095), get(index, 4096), get(index, 4094), index.size], [300, 200, 0, 2])
})

t.test('an object that was looked for in vain can be stored afterwards', async t => {
  const index = new OffsetIndex()
  t.equal(get(index, 9000), 0)
  set(index, 9000, 7)
  t.equal(get(index, 9000), 7)
})

t.test('offsets and oids go up to 2^53 - 1', async t => {
  const index = new OffsetIndex()
  set(index, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  t.equal(get(index, Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
})

t.test('it agrees with a plain map, and lists all objects in order', async t => {
  const random = seeded(t)
  const index = new OffsetIndex()
  const model = new Map<number, number>()
  for (let n = 0; n < 5000; n++) {
    const oid = 1 + random.int(random.chance(0.5) ? 100 : 100_000)
    const offset = 1 + random.int(2 ** 40)
    set(index, oid, offset)
    model.set(oid, offset)
    const probe = random.int(100_000)
    if (get(index, probe) !== (model.get(probe) ?? 0)) t.fail(`oid ${probe} is wrong`)
  }
  t.equal(index.size, model.size)
  t.same(
    [...index.entries()],
    [...model].sort(([a], [b]) => a - b),
  )
})

t.test('objects far from each other do not take a page each', async t => {
  const before = process.memoryUsage().arrayBuffers
  const index = new OffsetIndex()
  for (let n = 1; n <= 10_000; n++) set(index, n * 2 ** 30, n)
  t.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20)
  t.equal(get(index, 77 * 2 ** 30), 77)
  t.equal(index.size, 10_000)
})
